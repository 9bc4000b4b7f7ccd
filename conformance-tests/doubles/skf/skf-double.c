// A TEST DOUBLE, not a driver: it stands in for the SKF library (GM/T 0016) that the vendor of an
// SM2 lock ships, where no such lock is at hand. Its "locks" are folders with the private keys in
// plain files, so nothing it holds is protected; it belongs to the tests and the demo only.
//
// The folder: $TAMGA_SKF_DOUBLE, else skf-locks/ beside this library. In it one sub-folder a lock:
//   sign.key sign.crt    the signature pair (PEM)       pin      the PIN, one line
//   enc.key  enc.crt     the encryption pair (optional) tries    tries left, kept up to date
//   serial               the medium's number
// and faults/, where a file of one of these names switches a fault on, looked up at every call:
//   no_lock        no device is there                   removed     every call: device removed
//   several_locks  each lock appears a second time      slow        PIN and signature take 3 s, or
//   pin_wrong      every PIN is wrong, and counts                   the milliseconds in the file
//   pin_blocked    the PIN is blocked                   wrong_key   signs with another key
//   short_cert     certificates are cut short           zero_r      r starts with a zero byte
//
// ULONG is `unsigned long` in some vendors' headers and 32 bits in others: built with
// -DTAMGA_SKF_ULONG32 the double has the second width.
#include "lock_folder.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef TAMGA_SKF_ULONG32
typedef uint32_t ULONG;
#else
typedef unsigned long ULONG;
#endif
typedef int BOOL;
typedef unsigned char BYTE;

enum {
    SAR_OK = 0,
    SAR_FAIL = 0x0A000001,
    SAR_NOTSUPPORTYETERR = 0x0A000003,
    SAR_INVALIDHANDLEERR = 0x0A000005,
    SAR_INVALIDPARAMERR = 0x0A000006,
    SAR_INDATALENERR = 0x0A000010,
    SAR_KEYNOTFOUNTERR = 0x0A00001B,
    SAR_CERTNOTFOUNTERR = 0x0A00001C,
    SAR_BUFFER_TOO_SMALL = 0x0A000020,
    SAR_DEVICE_REMOVED = 0x0A000023,
    SAR_PIN_INCORRECT = 0x0A000024,
    SAR_PIN_LOCKED = 0x0A000025,
    SAR_PIN_LEN_RANGE = 0x0A000027,
    SAR_USER_NOT_LOGGED_IN = 0x0A00002D,
    SAR_APPLICATION_NOT_EXISTS = 0x0A00002E
};

enum { USER_PIN = 1, PIN_MIN = 4, PIN_MAX = 16, CONTAINER_ECC = 2, HANDLES_MAX = 128 };

static const char APPLICATION[] = "TAMGA";
static const char CONTAINER[] = "SIGN";

struct signature_blob {
    BYTE r[FOLDER_HALF];
    BYTE s[FOLDER_HALF];
};

struct version {
    BYTE major, minor;
};

// DEVINFO of GM/T 0016; what stands before the first ULONG has the same place in both widths.
struct device_info {
    struct version version;
    char manufacturer[64];
    char issuer[64];
    char label[32];
    char serial[32];
    struct version hardware, firmware;
    ULONG symmetric, asymmetric, hash, authentication, space, free_space, ecc_buffer, buffer;
    BYTE reserved[64];
};

#define EXPORTED __attribute__((visibility("default")))
EXPORTED ULONG SKF_EnumDev(BOOL present, char *names, ULONG *size);
EXPORTED ULONG SKF_ConnectDev(const char *name, void **device);
EXPORTED ULONG SKF_DisConnectDev(void *device);
EXPORTED ULONG SKF_GetDevInfo(void *device, struct device_info *info);
EXPORTED ULONG SKF_EnumApplication(void *device, char *names, ULONG *size);
EXPORTED ULONG SKF_OpenApplication(void *device, const char *name, void **application);
EXPORTED ULONG SKF_CloseApplication(void *application);
EXPORTED ULONG SKF_GetPINInfo(void *application, ULONG type, ULONG *most, ULONG *left, BOOL *first);
EXPORTED ULONG SKF_VerifyPIN(void *application, ULONG type, const char *pin, ULONG *left);
EXPORTED ULONG SKF_ClearSecureState(void *application);
EXPORTED ULONG SKF_EnumContainer(void *application, char *names, ULONG *size);
EXPORTED ULONG SKF_OpenContainer(void *application, const char *name, void **container);
EXPORTED ULONG SKF_CloseContainer(void *container);
EXPORTED ULONG SKF_GetContainerType(void *container, ULONG *type);
EXPORTED ULONG SKF_ExportCertificate(void *container, BOOL signature, BYTE *out, ULONG *size);
EXPORTED ULONG SKF_ECCSignData(void *container, const BYTE *digest, ULONG size,
                               struct signature_blob *out);
EXPORTED ULONG SKF_RSASignData(void *container, const BYTE *data, ULONG size, const BYTE *out,
                               const ULONG *out_size);
EXPORTED ULONG SKF_WaitForDevEvent(const char *name, const ULONG *size, const ULONG *event);
EXPORTED ULONG SKF_CancelWaitForDevEvent(void);

// --- handles ------------------------------------------------------------------------------------

enum kind { FREE, DEVICE, APPLICATION_HANDLE, CONTAINER_HANDLE };

// An application or container handle knows its device, which knows whether the PIN was given.
struct handle {
    struct handle *device;
    enum kind kind;
    int user_is_logged_in;
    char lock[FOLDER_NAME];
};

static struct handle handles[HANDLES_MAX];
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void enter(void)
{
    (void)pthread_mutex_lock(&one_at_a_time);
}

static ULONG leave(ULONG answer)
{
    (void)pthread_mutex_unlock(&one_at_a_time);
    return answer;
}

// Takes a free handle; NULL when all are in use.
static struct handle *handle_new(enum kind kind, struct handle *device, const char *lock)
{
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        struct handle *h = &handles[i];
        if (h->kind != FREE)
            continue;
        *h = (struct handle){.kind = kind, .device = device == NULL ? h : device};
        (void)snprintf(h->lock, sizeof h->lock, "%s", lock);
        return h;
    }
    return NULL;
}

// The handle behind a pointer from outside, when it is one of ours, open, and of that kind.
static ULONG handle_of(void *pointer, enum kind kind, struct handle **out)
{
    if (folder_fault("removed"))
        return SAR_DEVICE_REMOVED;
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        if (pointer == &handles[i] && handles[i].kind == kind) {
            *out = &handles[i];
            return SAR_OK;
        }
    }
    return SAR_INVALIDHANDLEERR;
}

static ULONG handle_close(void *pointer, enum kind kind)
{
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(pointer, kind, &h);
    if (answer == SAR_OK)
        h->kind = FREE;
    return leave(answer);
}

// The length protocol of GM/T 0016: without a buffer only the size is told.
static ULONG give(const void *data, size_t length, void *out, ULONG *size)
{
    if (size == NULL)
        return SAR_INVALIDPARAMERR;
    const ULONG room = *size;
    *size = (ULONG)length;
    if (out == NULL)
        return SAR_OK;
    if (room < length)
        return SAR_BUFFER_TOO_SMALL;
    memcpy(out, data, length);
    return SAR_OK;
}

// --- devices ------------------------------------------------------------------------------------

ULONG SKF_EnumDev(BOOL present, char *names, ULONG *size)
{
    (void)present;
    char list[FOLDER_NAMES];
    const size_t length = folder_list(list);
    return give(list, length, names, size);
}

ULONG SKF_ConnectDev(const char *name, void **device)
{
    if (name == NULL || device == NULL || strlen(name) >= FOLDER_NAME)
        return SAR_INVALIDPARAMERR;
    if (folder_fault("removed") || folder_fault("no_lock"))
        return SAR_DEVICE_REMOVED;
    char lock[FOLDER_NAME];
    (void)snprintf(lock, sizeof lock, "%s", name);
    const size_t ending = strlen(folder_twin);
    const size_t length = strlen(lock);
    if (length > ending && strcmp(lock + length - ending, folder_twin) == 0)
        lock[length - ending] = '\0';
    if (!folder_has_lock(lock))
        return SAR_DEVICE_REMOVED;
    enter();
    *device = handle_new(DEVICE, NULL, lock);
    return leave(*device == NULL ? SAR_FAIL : SAR_OK);
}

// Closes what was opened through the device as well.
ULONG SKF_DisConnectDev(void *device)
{
    enter();
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        if (handles[i].device == device && &handles[i] != device)
            handles[i].kind = FREE;
    }
    (void)leave(SAR_OK);
    return handle_close(device, DEVICE);
}

ULONG SKF_GetDevInfo(void *device, struct device_info *info)
{
    if (info == NULL)
        return SAR_INVALIDPARAMERR;
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(device, DEVICE, &h);
    if (answer != SAR_OK)
        return leave(answer);
    *info = (struct device_info){.version = {1, 0}, .hardware = {1, 0}, .firmware = {1, 0}};
    (void)snprintf(info->manufacturer, sizeof info->manufacturer, "Tamga test double");
    (void)snprintf(info->issuer, sizeof info->issuer, "Tamga test double");
    (void)snprintf(info->label, sizeof info->label, "%.31s", h->lock);
    folder_line(h->lock, "serial", info->serial, sizeof info->serial);
    return leave(SAR_OK);
}

// --- applications and the PIN -------------------------------------------------------------------

ULONG SKF_EnumApplication(void *device, char *names, ULONG *size)
{
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(device, DEVICE, &h);
    char list[sizeof APPLICATION + 1] = {0};
    memcpy(list, APPLICATION, sizeof APPLICATION);
    return leave(answer == SAR_OK ? give(list, sizeof list, names, size) : answer);
}

ULONG SKF_OpenApplication(void *device, const char *name, void **application)
{
    if (name == NULL || application == NULL)
        return SAR_INVALIDPARAMERR;
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(device, DEVICE, &h);
    if (answer != SAR_OK)
        return leave(answer);
    if (strcmp(name, APPLICATION) != 0)
        return leave(SAR_APPLICATION_NOT_EXISTS);
    *application = handle_new(APPLICATION_HANDLE, h, h->lock);
    return leave(*application == NULL ? SAR_FAIL : SAR_OK);
}

ULONG SKF_CloseApplication(void *application)
{
    return handle_close(application, APPLICATION_HANDLE);
}

ULONG SKF_GetPINInfo(void *application, ULONG type, ULONG *most, ULONG *left, BOOL *first)
{
    if (type != USER_PIN || most == NULL || left == NULL || first == NULL)
        return SAR_INVALIDPARAMERR;
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(application, APPLICATION_HANDLE, &h);
    if (answer != SAR_OK)
        return leave(answer);
    *most = FOLDER_TRIES;
    *left = (ULONG)folder_tries(h->lock);
    *first = 0;
    return leave(SAR_OK);
}

// Checks the PIN and counts: a wrong one costs a try, the right one gives all back.
static ULONG verify_pin(struct handle *h, const char *pin, ULONG *left)
{
    int tries = folder_tries(h->lock);
    *left = (ULONG)tries;
    if (tries == 0)
        return SAR_PIN_LOCKED;
    char right[PIN_MAX + 2];
    folder_line(h->lock, "pin", right, sizeof right);
    const int matches = right[0] != '\0' && strcmp(pin, right) == 0 && !folder_fault("pin_wrong");
    tries = matches ? FOLDER_TRIES : tries - 1;
    folder_set_tries(h->lock, tries);
    *left = (ULONG)tries;
    h->device->user_is_logged_in = matches;
    if (matches)
        return SAR_OK;
    return tries == 0 ? SAR_PIN_LOCKED : SAR_PIN_INCORRECT;
}

ULONG SKF_VerifyPIN(void *application, ULONG type, const char *pin, ULONG *left)
{
    if (type != USER_PIN || pin == NULL || left == NULL)
        return SAR_INVALIDPARAMERR;
    if (strlen(pin) < PIN_MIN || strlen(pin) > PIN_MAX)
        return SAR_PIN_LEN_RANGE;
    folder_be_slow();
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(application, APPLICATION_HANDLE, &h);
    return leave(answer == SAR_OK ? verify_pin(h, pin, left) : answer);
}

ULONG SKF_ClearSecureState(void *application)
{
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(application, APPLICATION_HANDLE, &h);
    if (answer == SAR_OK)
        h->device->user_is_logged_in = 0;
    return leave(answer);
}

// --- containers ---------------------------------------------------------------------------------

ULONG SKF_EnumContainer(void *application, char *names, ULONG *size)
{
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(application, APPLICATION_HANDLE, &h);
    char list[sizeof CONTAINER + 1] = {0};
    memcpy(list, CONTAINER, sizeof CONTAINER);
    return leave(answer == SAR_OK ? give(list, sizeof list, names, size) : answer);
}

ULONG SKF_OpenContainer(void *application, const char *name, void **container)
{
    if (name == NULL || container == NULL || strcmp(name, CONTAINER) != 0)
        return SAR_INVALIDPARAMERR;
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(application, APPLICATION_HANDLE, &h);
    if (answer != SAR_OK)
        return leave(answer);
    *container = handle_new(CONTAINER_HANDLE, h->device, h->lock);
    return leave(*container == NULL ? SAR_FAIL : SAR_OK);
}

ULONG SKF_CloseContainer(void *container)
{
    return handle_close(container, CONTAINER_HANDLE);
}

ULONG SKF_GetContainerType(void *container, ULONG *type)
{
    if (type == NULL)
        return SAR_INVALIDPARAMERR;
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(container, CONTAINER_HANDLE, &h);
    if (answer == SAR_OK)
        *type = CONTAINER_ECC;
    return leave(answer);
}

ULONG SKF_ExportCertificate(void *container, BOOL signature, BYTE *out, ULONG *size)
{
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(container, CONTAINER_HANDLE, &h);
    if (answer != SAR_OK)
        return leave(answer);
    BYTE der[FOLDER_CERTIFICATE];
    size_t length = folder_certificate(h->lock, signature ? "sign.crt" : "enc.crt", der);
    if (length == 0)
        return leave(SAR_CERTNOTFOUNTERR);
    if (folder_fault("short_cert"))
        length /= 2;
    return leave(give(der, length, out, size));
}

// --- signing ------------------------------------------------------------------------------------

ULONG SKF_ECCSignData(void *container, const BYTE *digest, ULONG size, struct signature_blob *out)
{
    if (digest == NULL || out == NULL)
        return SAR_INVALIDPARAMERR;
    if (size != FOLDER_DIGEST)
        return SAR_INDATALENERR;
    folder_be_slow();
    enter();
    struct handle *h = NULL;
    const ULONG answer = handle_of(container, CONTAINER_HANDLE, &h);
    if (answer != SAR_OK)
        return leave(answer);
    if (!h->device->user_is_logged_in)
        return leave(SAR_USER_NOT_LOGGED_IN);
    const int is_signed = folder_sign(h->lock, digest, out->r, out->s);
    return leave(is_signed ? SAR_OK : SAR_KEYNOTFOUNTERR);
}

// The double's locks hold SM2 keys only.
ULONG SKF_RSASignData(void *container, const BYTE *data, ULONG size, const BYTE *out,
                      const ULONG *out_size)
{
    (void)container, (void)data, (void)size, (void)out, (void)out_size;
    return SAR_KEYNOTFOUNTERR;
}

ULONG SKF_WaitForDevEvent(const char *name, const ULONG *size, const ULONG *event)
{
    (void)name, (void)size, (void)event;
    return SAR_NOTSUPPORTYETERR;
}

ULONG SKF_CancelWaitForDevEvent(void)
{
    return SAR_NOTSUPPORTYETERR;
}
