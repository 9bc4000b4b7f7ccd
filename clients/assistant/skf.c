/*
 * Locks behind an SKF library (GM/T 0016): one lock for each container with a signing certificate.
 * Only SM2 keys are used.
 *
 * ULONG is 4 bytes wide in some vendors' libraries and 8 in others, and nothing tells which. So
 * this file declares what it calls itself: numbers that a library writes are zeroed cells of 8
 * bytes, of which the lower half counts; numbers passed go as 8 bytes, of which a narrow library
 * sees the lower half; of results only the lower half is read; no struct with a ULONG in it is
 * used. All that rests on little-endian order.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assistant/lock.h"
#include "assistant/os/os.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the work-around for ULONG's width");

typedef uint64_t skf_cell;
typedef uint32_t skf_result;

enum {
    SAR_OK = 0,
    SAR_DEVICE_REMOVED = 0x0A000023,
    SAR_PIN_INCORRECT = 0x0A000024,
    SAR_PIN_LOCKED = 0x0A000025,
    SAR_PIN_INVALID = 0x0A000026,
    SAR_PIN_LEN_RANGE = 0x0A000027,
};

enum { PRESENT = 1, USER_PIN = 1, SIGNING = 1, CONTAINER_ECC = 2 };

enum { NAMES_MAX = 8192, BLOB_SIZE = 128 };

/* DEVINFO begins with bytes only, so their places are the same in both widths. */
enum { INFO_LABEL = 130, INFO_SERIAL = 162, INFO_TEXT = 32, INFO_MAX = 1024 };

struct device_names {
    char label[LOCK_TEXT_MAX], serial[LOCK_TEXT_MAX];
};

struct skf {
    skf_result (*enum_dev)(int present, char *names, skf_cell *size);
    skf_result (*connect_dev)(const char *name, void **device);
    skf_result (*disconnect_dev)(void *device);
    skf_result (*get_dev_info)(void *device, void *info); /* NULL where it is missing */
    skf_result (*enum_application)(void *device, char *names, skf_cell *size);
    skf_result (*open_application)(void *device, const char *name, void **application);
    skf_result (*close_application)(void *application);
    skf_result (*get_pin_info)(void *application, skf_cell type, skf_cell *most, skf_cell *left,
                               int *is_first);
    skf_result (*verify_pin)(void *application, skf_cell type, const char *pin, skf_cell *left);
    skf_result (*clear_secure_state)(void *application);
    skf_result (*enum_container)(void *application, char *names, skf_cell *size);
    skf_result (*open_container)(void *application, const char *name, void **container);
    skf_result (*close_container)(void *container);
    skf_result (*get_container_type)(void *container, skf_cell *type);
    skf_result (*export_certificate)(void *container, int signing, unsigned char *out,
                                     skf_cell *size);
    skf_result (*ecc_sign_data)(void *container, const unsigned char *digest, skf_cell len,
                                unsigned char *blob);
};

/* --- the library ------------------------------------------------------------------------------ */

static bool bind_functions(void *library, struct skf *skf)
{
    const struct {
        const char *name;
        void *place;
        bool optional;
    } functions[] = {
        {"SKF_EnumDev", &skf->enum_dev, false},
        {"SKF_ConnectDev", &skf->connect_dev, false},
        {"SKF_DisConnectDev", &skf->disconnect_dev, false},
        {"SKF_GetDevInfo", &skf->get_dev_info, true},
        {"SKF_EnumApplication", &skf->enum_application, false},
        {"SKF_OpenApplication", &skf->open_application, false},
        {"SKF_CloseApplication", &skf->close_application, false},
        {"SKF_GetPINInfo", &skf->get_pin_info, false},
        {"SKF_VerifyPIN", &skf->verify_pin, false},
        {"SKF_ClearSecureState", &skf->clear_secure_state, false},
        {"SKF_EnumContainer", &skf->enum_container, false},
        {"SKF_OpenContainer", &skf->open_container, false},
        {"SKF_CloseContainer", &skf->close_container, false},
        {"SKF_GetContainerType", &skf->get_container_type, true},
        {"SKF_ExportCertificate", &skf->export_certificate, false},
        {"SKF_ECCSignData", &skf->ecc_sign_data, false},
    };
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        os_function function = os_library_function(library, functions[i].name);
        if (function == NULL && !functions[i].optional)
            return false;
        memcpy(functions[i].place, &function, sizeof(function));
    }
    return true;
}

static void *skf_open(void *library)
{
    struct skf *skf = calloc(1, sizeof(*skf));
    if (skf != NULL && bind_functions(library, skf))
        return skf;
    free(skf);
    return NULL;
}

static uint32_t low(skf_cell cell)
{
    return (uint32_t)cell;
}

static enum trouble trouble_of(skf_result result)
{
    switch (result) {
    case SAR_OK:
        return TROUBLE_NONE;
    case SAR_PIN_INCORRECT:
    case SAR_PIN_INVALID:
    case SAR_PIN_LEN_RANGE:
        return TROUBLE_PIN_WRONG;
    case SAR_PIN_LOCKED:
        return TROUBLE_PIN_BLOCKED;
    case SAR_DEVICE_REMOVED:
        return TROUBLE_REMOVED;
    default:
        return TROUBLE_DRIVER;
    }
}

/* --- lists of names --------------------------------------------------------------------------- */

/* Names behind each other, each with its NUL, an empty one at the end. */
struct names {
    char text[NAMES_MAX];
    size_t len, at;
};

/* Takes over what a library wrote. The rest of the buffer is zero, so the last name always ends. */
static void names_taken(struct names *names, skf_result result, skf_cell size)
{
    names->at = 0;
    names->len = result == SAR_OK && low(size) < NAMES_MAX ? low(size) : 0;
    memset(names->text + names->len, 0, NAMES_MAX - names->len);
}

/* The next name that is short enough to be used, or NULL. */
static const char *names_next(struct names *names)
{
    while (names->at < names->len && names->text[names->at] != '\0') {
        const char *name = names->text + names->at;
        size_t len = strlen(name);
        names->at += len + 1;
        if (len < LOCK_TEXT_MAX)
            return name;
    }
    return NULL;
}

/* --- listing ---------------------------------------------------------------------------------- */

/* Where the enumeration stands: a lock in the making, and what is open. */
struct walk {
    const struct skf *skf;
    struct lock_list *out;
    struct lock lock;
    void *device, *application;
};

static void note(struct walk *walk, skf_result result)
{
    if (result == SAR_DEVICE_REMOVED)
        walk->out->removed = true;
}

static bool is_ecc(const struct skf *skf, void *container)
{
    skf_cell type = 0;
    if (skf->get_container_type == NULL || skf->get_container_type(container, &type) != SAR_OK)
        return true; /* the certificate will tell */
    return low(type) == CONTAINER_ECC;
}

/* Two certificates may be in a container; this one is that for signing. */
static void read_certificate(struct walk *walk, void *container)
{
    unsigned char der[CERTIFICATE_MAX];
    skf_cell size = sizeof(der);
    struct lock *lock = &walk->lock;
    lock->usable = false;
    skf_result result = walk->skf->export_certificate(container, SIGNING, der, &size);
    note(walk, result);
    if (result != SAR_OK || low(size) > sizeof(der))
        return;
    lock->usable = certificate_read(der, low(size), &lock->certificate) &&
                   lock->certificate.kind == KEY_SM2 && lock->certificate.may_sign;
}

static void add_container(struct walk *walk, const char *name)
{
    void *container = NULL;
    skf_result result = walk->skf->open_container(walk->application, name, &container);
    note(walk, result);
    if (result != SAR_OK)
        return;
    if (is_ecc(walk->skf, container)) {
        struct lock *lock = &walk->lock;
        read_certificate(walk, container);
        lock_text_copy(name, strlen(name), lock->place.skf.container, LOCK_TEXT_MAX);
        (void)snprintf(lock->id, sizeof(lock->id), "skf:%.100s/%.100s/%.100s",
                       lock->place.skf.device, lock->place.skf.application,
                       lock->place.skf.container);
        struct lock *added = lock_list_add(walk->out);
        if (added != NULL)
            *added = *lock;
    }
    (void)walk->skf->close_container(container);
}

static void walk_application(struct walk *walk, const char *name)
{
    struct names names = {.len = 0};
    skf_cell size = NAMES_MAX;
    skf_result result = walk->skf->open_application(walk->device, name, &walk->application);
    note(walk, result);
    if (result != SAR_OK)
        return;
    lock_text_copy(name, strlen(name), walk->lock.place.skf.application, LOCK_TEXT_MAX);
    result = walk->skf->enum_container(walk->application, names.text, &size);
    names_taken(&names, result, size);
    for (const char *next = names_next(&names); next != NULL; next = names_next(&names))
        add_container(walk, next);
    (void)walk->skf->close_application(walk->application);
}

/* The maker's label and serial number; without them the device's name has to do for both. */
static void name_device(const struct skf *skf, void *device, const char *name,
                        struct device_names *out)
{
    unsigned char info[INFO_MAX] = {0};
    lock_text_copy(name, strlen(name), out->label, LOCK_TEXT_MAX);
    memcpy(out->serial, out->label, LOCK_TEXT_MAX);
    if (skf->get_dev_info == NULL || skf->get_dev_info(device, info) != SAR_OK)
        return;
    if (info[INFO_LABEL] != '\0')
        lock_text_copy(info + INFO_LABEL, INFO_TEXT, out->label, LOCK_TEXT_MAX);
    if (info[INFO_SERIAL] != '\0')
        lock_text_copy(info + INFO_SERIAL, INFO_TEXT, out->serial, LOCK_TEXT_MAX);
}

static void begin_lock(struct walk *walk, const char *name)
{
    struct device_names names;
    struct lock *lock = &walk->lock;
    *lock = (struct lock){.usable = false};
    name_device(walk->skf, walk->device, name, &names);
    lock_text_copy(name, strlen(name), lock->place.skf.device, LOCK_TEXT_MAX);
    memcpy(lock->label, names.label, LOCK_TEXT_MAX);
    memcpy(lock->medium, names.serial, LOCK_TEXT_MAX);
}

static void walk_device(struct walk *walk, const char *name)
{
    struct names names = {.len = 0};
    skf_cell size = NAMES_MAX;
    skf_result result = walk->skf->connect_dev(name, &walk->device);
    note(walk, result);
    if (result != SAR_OK)
        return;
    begin_lock(walk, name);
    result = walk->skf->enum_application(walk->device, names.text, &size);
    note(walk, result);
    names_taken(&names, result, size);
    for (const char *next = names_next(&names); next != NULL; next = names_next(&names))
        walk_application(walk, next);
    (void)walk->skf->disconnect_dev(walk->device);
}

static enum trouble skf_list(void *driver, struct lock_list *out)
{
    struct walk walk = {.skf = driver, .out = out};
    struct names names = {.len = 0};
    skf_cell size = NAMES_MAX;
    skf_result result = walk.skf->enum_dev(PRESENT, names.text, &size);
    names_taken(&names, result, size);
    for (const char *next = names_next(&names); next != NULL; next = names_next(&names))
        walk_device(&walk, next);
    return result == SAR_OK ? TROUBLE_NONE : TROUBLE_DRIVER;
}

/* --- one lock --------------------------------------------------------------------------------- */

struct opened {
    void *device, *application, *container;
};

static void shut(const struct skf *skf, struct opened *opened)
{
    if (opened->container != NULL)
        (void)skf->close_container(opened->container);
    if (opened->application != NULL)
        (void)skf->close_application(opened->application);
    if (opened->device != NULL)
        (void)skf->disconnect_dev(opened->device);
}

/* Another medium may have come under the same name: a PIN must not be tried on it. */
static bool is_still_there(const struct skf *skf, void *device, const struct lock *lock)
{
    struct device_names names;
    name_device(skf, device, lock->place.skf.device, &names);
    return strcmp(names.serial, lock->medium) == 0;
}

/* Opens down to the container. What could be opened is in *out also when something could not. */
static skf_result open_lock(const struct skf *skf, const struct lock *lock, struct opened *out)
{
    skf_result result = skf->connect_dev(lock->place.skf.device, &out->device);
    if (result == SAR_OK && !is_still_there(skf, out->device, lock))
        result = SAR_DEVICE_REMOVED;
    if (result == SAR_OK)
        result = skf->open_application(out->device, lock->place.skf.application, &out->application);
    if (result == SAR_OK)
        result = skf->open_container(out->application, lock->place.skf.container, &out->container);
    return result;
}

static struct pin_state skf_pin_state(void *driver, const struct lock *lock)
{
    const struct skf *skf = driver;
    struct opened opened = {NULL, NULL, NULL};
    struct pin_state state = {.tries_left = TRIES_UNKNOWN};
    skf_cell most = 0;
    skf_cell left = 0;
    int is_first = 0;
    if (open_lock(skf, lock, &opened) == SAR_OK &&
        skf->get_pin_info(opened.application, USER_PIN, &most, &left, &is_first) == SAR_OK) {
        state.tries_left = (int)(low(left) & INT16_MAX);
        state.blocked = low(left) == 0;
    }
    shut(skf, &opened);
    return state;
}

static enum trouble sign_digest(const struct skf *skf, const struct opened *opened,
                                const struct lock_order *order, struct signature *out)
{
    unsigned char digest[MESSAGE_DIGEST_SIZE];
    unsigned char blob[BLOB_SIZE] = {0};
    if (!message_digest(&order->lock->certificate, order->message, MESSAGE_SIZE, digest))
        return TROUBLE_FAULT;
    skf_result result = skf->ecc_sign_data(opened->container, digest, sizeof(digest), blob);
    if (result != SAR_OK)
        return trouble_of(result);
    out->algorithm = "SM2";
    return signature_from_blob(blob, out) ? TROUBLE_NONE : TROUBLE_DRIVER;
}

static enum trouble verify_and_sign(const struct skf *skf, const struct opened *opened,
                                    const struct lock_order *order, struct signature *out,
                                    struct pin_state *state)
{
    skf_cell left = 0;
    skf_result result = skf->verify_pin(opened->application, USER_PIN, order->pin->text, &left);
    enum trouble trouble = trouble_of(result);
    if (trouble == TROUBLE_NONE) {
        trouble = sign_digest(skf, opened, order, out);
        (void)skf->clear_secure_state(opened->application);
    } else if (result == SAR_PIN_INCORRECT) {
        state->tries_left = (int)(low(left) & INT16_MAX);
        state->blocked = low(left) == 0;
    }
    return trouble == TROUBLE_PIN_WRONG && state->blocked ? TROUBLE_PIN_BLOCKED : trouble;
}

static enum trouble skf_sign(void *driver, const struct lock_order *order, struct signature *out,
                             struct pin_state *state)
{
    const struct skf *skf = driver;
    struct opened opened = {NULL, NULL, NULL};
    enum trouble trouble = trouble_of(open_lock(skf, order->lock, &opened));
    if (trouble == TROUBLE_NONE)
        trouble = verify_and_sign(skf, &opened, order, out, state);
    shut(skf, &opened);
    return trouble;
}

const struct lock_backend skf_backend = {
    .kind = "skf",
    .open = skf_open,
    .list = skf_list,
    .pin_state = skf_pin_state,
    .sign = skf_sign,
};
