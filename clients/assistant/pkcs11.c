/*
 * Locks behind a PKCS#11 library (OASIS PKCS #11 v2.40): one lock for each token that holds a
 * signing certificate.
 *
 * The library is loaded once, but initialised for each command and finalised after it: tokens that
 * came or went are seen, and no log-in outlives its command.
 */
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "assistant/lock.h"
#include "assistant/os/os.h"

enum { SLOTS_MAX = 64, CERTIFICATES_MAX = 16 };

struct pkcs11 {
    CK_FUNCTION_LIST *f;
    bool ours; /* to finalise: nobody else in this process had initialised the library */
};

/* --- a command's frame ------------------------------------------------------------------------ */

static void *pkcs11_open(void *library)
{
    CK_FUNCTION_LIST *f = NULL;
    os_function get = os_library_function(library, "C_GetFunctionList");
    if (get == NULL || ((CK_C_GetFunctionList)get)(&f) != CKR_OK || f == NULL)
        return NULL;
    struct pkcs11 *p11 = calloc(1, sizeof(*p11));
    if (p11 != NULL)
        p11->f = f;
    return p11;
}

static bool begin(struct pkcs11 *p11)
{
    CK_C_INITIALIZE_ARGS locking = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv = p11->f->C_Initialize(&locking);
    if (rv == CKR_CANT_LOCK || rv == CKR_ARGUMENTS_BAD)
        rv = p11->f->C_Initialize(NULL); /* a library for one thread; we call from one at a time */
    p11->ours = rv == CKR_OK;
    return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED;
}

static void end(struct pkcs11 *p11)
{
    if (p11->ours)
        (void)p11->f->C_Finalize(NULL);
}

static enum trouble trouble_of(CK_RV rv)
{
    switch (rv) {
    case CKR_OK:
        return TROUBLE_NONE;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        return TROUBLE_PIN_WRONG;
    case CKR_PIN_LOCKED:
        return TROUBLE_PIN_BLOCKED;
    case CKR_SLOT_ID_INVALID:
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
        return TROUBLE_REMOVED;
    case CKR_FUNCTION_CANCELED:
        return TROUBLE_CANCELLED;
    default:
        return TROUBLE_DRIVER;
    }
}

/* --- objects ---------------------------------------------------------------------------------- */

/* Finds at most max objects. Returns how many there are, 0 when the token fails. */
static CK_ULONG find(const struct pkcs11 *p11, CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted,
                     CK_ULONG count, CK_OBJECT_HANDLE *out, CK_ULONG max)
{
    CK_ULONG found = 0;
    if (p11->f->C_FindObjectsInit(session, wanted, count) != CKR_OK)
        return 0;
    if (p11->f->C_FindObjects(session, out, max, &found) != CKR_OK)
        found = 0;
    (void)p11->f->C_FindObjectsFinal(session);
    return found <= max ? found : 0;
}

/* Reads one attribute. Returns its length, 0 when it is empty, too long or not told. */
static size_t attribute(const struct pkcs11 *p11, CK_SESSION_HANDLE session,
                        CK_OBJECT_HANDLE object, CK_ATTRIBUTE wanted)
{
    CK_ULONG room = wanted.ulValueLen;
    if (p11->f->C_GetAttributeValue(session, object, &wanted, 1) != CKR_OK)
        return 0;
    return wanted.ulValueLen <= room ? wanted.ulValueLen : 0;
}

static bool can_sign_with(const struct certificate *certificate)
{
    /* There is no SM2 mechanism; CKM_ECDSA on the SM2 curve would not be SM2. */
    return certificate->may_sign && (certificate->kind == KEY_RSA || certificate->kind == KEY_P256);
}

/* Keeps the certificate when it is one to sign with and lasts longer than the one kept so far. */
static void consider(const struct pkcs11 *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                     struct lock *lock)
{
    struct certificate found;
    unsigned char der[CERTIFICATE_MAX];
    unsigned char id[LOCK_KEY_ID_MAX];
    size_t len = attribute(p11, session, object, (CK_ATTRIBUTE){CKA_VALUE, der, sizeof(der)});
    if (!certificate_read(der, len, &found) || !can_sign_with(&found))
        return;
    if (lock->usable && lock->certificate.not_after >= found.not_after)
        return;
    lock->usable = true;
    lock->certificate = found;
    lock->place.pkcs11.key_id_len =
        attribute(p11, session, object, (CK_ATTRIBUTE){CKA_ID, id, sizeof(id)});
    memcpy(lock->place.pkcs11.key_id, id, lock->place.pkcs11.key_id_len);
}

/* --- listing ---------------------------------------------------------------------------------- */

static void read_certificates(const struct pkcs11 *p11, struct lock *lock)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof(class)},
                             {CKA_CERTIFICATE_TYPE, &type, sizeof(type)}};
    CK_OBJECT_HANDLE objects[CERTIFICATES_MAX];
    CK_SESSION_HANDLE session = 0;
    CK_ULONG slot = lock->place.pkcs11.slot;
    if (p11->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return;
    CK_ULONG count = find(p11, session, wanted, 2, objects, CERTIFICATES_MAX);
    for (CK_ULONG i = 0; i < count; i++)
        consider(p11, session, objects[i], lock);
    (void)p11->f->C_CloseSession(session);
}

static void name_lock(struct lock *lock, const CK_TOKEN_INFO *info, CK_SLOT_ID slot)
{
    static const char prefix[] = "pkcs11:";
    char *serial = lock->place.pkcs11.serial;
    lock_text_copy(info->label, sizeof(info->label), lock->label, sizeof(lock->label));
    lock_text_copy(info->serialNumber, sizeof(info->serialNumber), serial, LOCK_TEXT_MAX);
    memcpy(lock->medium, serial, LOCK_TEXT_MAX);
    const char *name = *serial != '\0' ? serial : lock->label;
    memcpy(lock->id, prefix, sizeof(prefix));
    memcpy(lock->id + sizeof(prefix) - 1, name, strlen(name) + 1);
    lock->place.pkcs11.slot = slot;
}

static void add_slot(const struct pkcs11 *p11, CK_SLOT_ID slot, struct lock_list *out)
{
    CK_TOKEN_INFO info;
    CK_RV rv = p11->f->C_GetTokenInfo(slot, &info);
    if (trouble_of(rv) == TROUBLE_REMOVED)
        out->removed = true;
    if (rv != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0)
        return;
    struct lock *lock = lock_list_add(out);
    if (lock == NULL)
        return;
    name_lock(lock, &info, slot);
    read_certificates(p11, lock);
}

static enum trouble pkcs11_list(void *driver, struct lock_list *out)
{
    struct pkcs11 *p11 = driver;
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    if (!begin(p11))
        return TROUBLE_DRIVER;
    CK_RV rv = p11->f->C_GetSlotList(CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; rv == CKR_OK && i < count && i < SLOTS_MAX; i++)
        add_slot(p11, slots[i], out);
    end(p11);
    return rv == CKR_OK ? TROUBLE_NONE : TROUBLE_DRIVER;
}

/* --- the PIN ---------------------------------------------------------------------------------- */

static struct pin_state state_of(const struct pkcs11 *p11, const struct lock *lock)
{
    CK_TOKEN_INFO info;
    struct pin_state state = {.tries_left = TRIES_UNKNOWN};
    if (p11->f->C_GetTokenInfo(lock->place.pkcs11.slot, &info) != CKR_OK)
        return state;
    state.blocked = (info.flags & CKF_USER_PIN_LOCKED) != 0;
    if (state.blocked)
        state.tries_left = 0;
    else if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0)
        state.tries_left = 1;
    return state;
}

static struct pin_state pkcs11_pin_state(void *driver, const struct lock *lock)
{
    struct pin_state state = {.tries_left = TRIES_UNKNOWN};
    if (begin(driver)) {
        state = state_of(driver, lock);
        end(driver);
    }
    return state;
}

/* --- signing ---------------------------------------------------------------------------------- */

struct input {
    const unsigned char *bytes;
    CK_ULONG len;
};

static CK_RV sign_by(const struct pkcs11 *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                     CK_MECHANISM *mechanism, struct input input, struct signature *out)
{
    unsigned char copy[MESSAGE_SIZE]; /* C_Sign takes no const bytes */
    CK_ULONG len = SIGNATURE_MAX;
    memcpy(copy, input.bytes, input.len);
    CK_RV rv = p11->f->C_SignInit(session, mechanism, key);
    if (rv == CKR_OK)
        rv = p11->f->C_Sign(session, copy, input.len, out->bytes, &len);
    if (rv == CKR_OK && (len == 0 || len > SIGNATURE_MAX))
        rv = CKR_DEVICE_ERROR;
    out->len = rv == CKR_OK ? len : 0;
    return rv;
}

struct signing {
    const struct pkcs11 *p11;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    const unsigned char *message;
    unsigned char digest[MESSAGE_DIGEST_SIZE];
    struct signature *out;
};

/* What the token does not hash itself is hashed here: whole names the first way, bare the second.
 */
static CK_RV sign_whole_or_bare(const struct signing *s, CK_MECHANISM *whole, CK_MECHANISM *bare,
                                struct input bare_input)
{
    const struct input message = {s->message, MESSAGE_SIZE};
    CK_RV rv = sign_by(s->p11, s->session, s->key, whole, message, s->out);
    if (rv != CKR_MECHANISM_INVALID)
        return rv;
    return sign_by(s->p11, s->session, s->key, bare, bare_input, s->out);
}

static CK_RV sign_rs256(const struct signing *s)
{
    unsigned char info[DIGEST_INFO_SIZE];
    CK_MECHANISM whole = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_MECHANISM bare = {CKM_RSA_PKCS, NULL, 0};
    signature_digest_info(s->digest, info);
    s->out->algorithm = "RS256";
    return sign_whole_or_bare(s, &whole, &bare, (struct input){info, sizeof(info)});
}

static CK_RV sign_ps256(const struct signing *s)
{
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, MESSAGE_DIGEST_SIZE};
    CK_MECHANISM whole = {CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof(pss)};
    CK_MECHANISM bare = {CKM_RSA_PKCS_PSS, &pss, sizeof(pss)};
    s->out->algorithm = "PS256";
    return sign_whole_or_bare(s, &whole, &bare, (struct input){s->digest, sizeof(s->digest)});
}

static CK_RV sign_es256(const struct signing *s)
{
    struct signature raw;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    const struct input digest = {s->digest, sizeof(s->digest)};
    CK_RV rv = sign_by(s->p11, s->session, s->key, &mechanism, digest, &raw);
    if (rv != CKR_OK)
        return rv;
    s->out->algorithm = "ES256";
    bool fine = raw.len == (size_t)2 * SIGNATURE_HALF &&
                signature_from_halves(raw.bytes, raw.bytes + SIGNATURE_HALF, s->out);
    return fine ? CKR_OK : CKR_DEVICE_ERROR;
}

/* The private key belongs to the certificate when both have the same CKA_ID. */
static bool find_key(const struct pkcs11 *p11, CK_SESSION_HANDLE session, const struct lock *lock,
                     CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    unsigned char id[LOCK_KEY_ID_MAX];
    memcpy(id, lock->place.pkcs11.key_id, sizeof(id));
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof(class)},
                             {CKA_ID, id, lock->place.pkcs11.key_id_len}};
    return find(p11, session, wanted, lock->place.pkcs11.key_id_len > 0 ? 2 : 1, out, 1) == 1;
}

static enum trouble sign_in_session(const struct pkcs11 *p11, CK_SESSION_HANDLE session,
                                    const struct lock_order *order, struct signature *out)
{
    const struct certificate *certificate = &order->lock->certificate;
    struct signing s = {.p11 = p11, .session = session, .message = order->message, .out = out};
    if (!message_digest(certificate, order->message, MESSAGE_SIZE, s.digest))
        return TROUBLE_FAULT;
    if (!find_key(p11, session, order->lock, &s.key))
        return TROUBLE_UNSUITABLE;
    if (certificate->kind == KEY_P256)
        return trouble_of(sign_es256(&s));
    return trouble_of(order->pss ? sign_ps256(&s) : sign_rs256(&s));
}

static enum trouble log_in_and_sign(const struct pkcs11 *p11, const struct lock_order *order,
                                    struct signature *out)
{
    CK_SESSION_HANDLE session = 0;
    CK_ULONG slot = order->lock->place.pkcs11.slot;
    CK_RV rv = p11->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
    if (rv != CKR_OK)
        return trouble_of(rv);
    struct pin pin = *order->pin; /* C_Login takes no const bytes */
    rv = p11->f->C_Login(session, CKU_USER, (unsigned char *)pin.text, pin.len);
    pin_wipe(&pin);
    enum trouble trouble = trouble_of(rv);
    if (trouble == TROUBLE_NONE) {
        trouble = sign_in_session(p11, session, order, out);
        (void)p11->f->C_Logout(session);
    }
    (void)p11->f->C_CloseSession(session);
    return trouble;
}

/* Another lock may have come into the slot: a PIN must not be tried on it. */
static bool is_still_there(const struct pkcs11 *p11, const struct lock *lock)
{
    CK_TOKEN_INFO info;
    char serial[LOCK_TEXT_MAX];
    if (p11->f->C_GetTokenInfo(lock->place.pkcs11.slot, &info) != CKR_OK)
        return false;
    lock_text_copy(info.serialNumber, sizeof(info.serialNumber), serial, sizeof(serial));
    return strcmp(serial, lock->place.pkcs11.serial) == 0;
}

static enum trouble pkcs11_sign(void *driver, const struct lock_order *order, struct signature *out,
                                struct pin_state *state)
{
    struct pkcs11 *p11 = driver;
    enum trouble trouble = TROUBLE_REMOVED;
    if (!begin(p11))
        return TROUBLE_DRIVER;
    if (is_still_there(p11, order->lock)) {
        trouble = log_in_and_sign(p11, order, out);
        *state = state_of(p11, order->lock);
    }
    end(p11);
    return trouble == TROUBLE_PIN_WRONG && state->blocked ? TROUBLE_PIN_BLOCKED : trouble;
}

const struct lock_backend pkcs11_backend = {
    .kind = "pkcs11",
    .open = pkcs11_open,
    .list = pkcs11_list,
    .pin_state = pkcs11_pin_state,
    .sign = pkcs11_sign,
};
