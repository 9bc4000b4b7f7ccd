/* A PKCS#11 library that answers whatever the bytes say. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "assistant/fuzz/fuzz.h"
#include "assistant/lock.h"

static struct feed feed;

/* Mostly success, so that what lies behind is reached. */
static CK_RV code(void)
{
    static const CK_RV codes[] = {CKR_PIN_INCORRECT,     CKR_PIN_LOCKED,       CKR_DEVICE_REMOVED,
                                  CKR_MECHANISM_INVALID, CKR_GENERAL_ERROR,    CKR_CANT_LOCK,
                                  CKR_BUFFER_TOO_SMALL,  CKR_FUNCTION_CANCELED};
    uint8_t byte = feed_byte(&feed);
    return byte < 200 ? CKR_OK : codes[byte % (sizeof(codes) / sizeof(*codes))];
}

static CK_RV begin(void *arguments)
{
    (void)arguments;
    return code();
}

static CK_RV end(void *reserved)
{
    (void)reserved;
    return CKR_OK;
}

static CK_RV slot_list(unsigned char present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    CK_ULONG room = *count;
    (void)present;
    *count = feed_byte(&feed); /* perhaps more than there is room for */
    for (CK_ULONG i = 0; i < room && i < *count; i++)
        slots[i] = i;
    return code();
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    (void)slot;
    feed_bytes(&feed, info->label, sizeof(info->label));
    feed_bytes(&feed, info->serialNumber, sizeof(info->serialNumber));
    info->flags = feed_number(&feed) << 8 | feed_byte(&feed);
    return code();
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *out)
{
    (void)slot, (void)flags, (void)application, (void)notify;
    *out = 1;
    return code();
}

static CK_RV on_session(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): PKCS #11 wants it so */
static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
    (void)session, (void)user, (void)pin, (void)len;
    return code();
}

static CK_RV find_begin(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    (void)session, (void)wanted, (void)count;
    return code();
}

static CK_RV find_next(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out, CK_ULONG max,
                       CK_ULONG *count)
{
    (void)session;
    *count = feed_byte(&feed) % 32; /* perhaps more than there is room for */
    memset(out, 0, max * sizeof(*out));
    return code();
}

static CK_RV attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *wanted,
                       CK_ULONG count)
{
    (void)session, (void)object, (void)count;
    size_t said = feed_number(&feed);
    feed_bytes(&feed, wanted->pValue, said < wanted->ulValueLen ? said : wanted->ulValueLen);
    wanted->ulValueLen = said;
    return code();
}

static CK_RV sign_begin(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session, (void)mechanism, (void)key;
    return code();
}

/* NOLINTNEXTLINE(readability-non-const-parameter): PKCS #11 wants it so */
static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len, unsigned char *out,
                  CK_ULONG *out_len)
{
    (void)session, (void)data, (void)len;
    size_t said = feed_number(&feed);
    feed_bytes(&feed, out, said < *out_len ? said : *out_len);
    *out_len = said;
    return code();
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    static CK_FUNCTION_LIST played;
    played.C_Initialize = begin;
    played.C_Finalize = end;
    played.C_GetSlotList = slot_list;
    played.C_GetTokenInfo = token_info;
    played.C_OpenSession = open_session;
    played.C_CloseSession = on_session;
    played.C_Login = log_in;
    played.C_Logout = on_session;
    played.C_FindObjectsInit = find_begin;
    played.C_FindObjects = find_next;
    played.C_FindObjectsFinal = on_session;
    played.C_GetAttributeValue = attribute;
    played.C_SignInit = sign_begin;
    played.C_Sign = sign;
    *list = &played;
    return CKR_OK;
}

void assistant_pkcs11(const uint8_t *bytes, size_t len)
{
    static struct lock_list list;
    static const unsigned char message[MESSAGE_SIZE];
    struct pin pin = {.text = "1", .len = 1};
    struct signature signature;
    struct pin_state state = {.tries_left = TRIES_UNKNOWN};
    feed = (struct feed){bytes, len};
    void *driver = pkcs11_backend.open(dlopen(NULL, RTLD_NOW));
    if (driver == NULL)
        abort();
    list.count = 0;
    (void)pkcs11_backend.list(driver, &list);
    for (size_t i = 0; i < list.count && i < 2; i++) {
        const struct lock_order order = {
            .lock = &list.locks[i], .pin = &pin, .message = message, .pss = i == 1};
        (void)pkcs11_backend.pin_state(driver, order.lock);
        (void)pkcs11_backend.sign(driver, &order, &signature, &state);
    }
    free(driver);
}
