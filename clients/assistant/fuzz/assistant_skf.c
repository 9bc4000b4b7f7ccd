/* An SKF library that answers whatever the bytes say: codes, names, lengths, certificates. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "assistant/fuzz/fuzz.h"
#include "assistant/lock.h"

static struct feed feed;

/* Mostly success, so that what lies behind is reached. */
static uint32_t code(void)
{
    static const uint32_t codes[] = {0x0A000001, 0x0A000023, 0x0A000024, 0x0A000025, 0x0A000027};
    uint8_t byte = feed_byte(&feed);
    return byte < 200 ? 0 : codes[byte % (sizeof(codes) / sizeof(*codes))];
}

/* A length that may be a lie, and at most as many bytes as there is room for. */
static uint32_t tell(void *out, uint64_t *size)
{
    size_t said = feed_number(&feed);
    uint32_t answer = code();
    if (out != NULL)
        feed_bytes(&feed, out, said < *size ? said : (size_t)*size);
    *size = said;
    return answer;
}

static uint32_t handle(void **out)
{
    *out = &feed;
    return code();
}

#define PLAYED(...) __attribute__((visibility("default"))) uint32_t __VA_ARGS__

PLAYED(SKF_EnumDev(int present, char *names, uint64_t *size));
PLAYED(SKF_ConnectDev(const char *name, void **out));
PLAYED(SKF_DisConnectDev(void *device));
PLAYED(SKF_GetDevInfo(void *device, void *info));
PLAYED(SKF_EnumApplication(void *device, char *names, uint64_t *size));
PLAYED(SKF_OpenApplication(void *device, const char *name, void **out));
PLAYED(SKF_CloseApplication(void *application));
PLAYED(SKF_GetPINInfo(void *application, uint64_t type, uint64_t *most, uint64_t *left,
                      int *first));
PLAYED(SKF_VerifyPIN(void *application, uint64_t type, const char *pin, uint64_t *left));
PLAYED(SKF_ClearSecureState(void *application));
PLAYED(SKF_EnumContainer(void *application, char *names, uint64_t *size));
PLAYED(SKF_OpenContainer(void *application, const char *name, void **out));
PLAYED(SKF_CloseContainer(void *container));
PLAYED(SKF_GetContainerType(void *container, uint64_t *type));
PLAYED(SKF_ExportCertificate(void *container, int signing, unsigned char *out, uint64_t *size));
PLAYED(SKF_ECCSignData(void *container, const unsigned char *digest, uint64_t len,
                       unsigned char *out));

uint32_t SKF_EnumDev(int present, char *names, uint64_t *size)
{
    (void)present;
    return tell(names, size);
}

uint32_t SKF_ConnectDev(const char *name, void **out)
{
    (void)name;
    return handle(out);
}

uint32_t SKF_DisConnectDev(void *device)
{
    (void)device;
    return 0;
}

uint32_t SKF_GetDevInfo(void *device, void *info)
{
    (void)device;
    uint32_t answer = code();
    feed_bytes(&feed, (char *)info + 130, 64);
    return answer;
}

uint32_t SKF_EnumApplication(void *device, char *names, uint64_t *size)
{
    (void)device;
    return tell(names, size);
}

uint32_t SKF_OpenApplication(void *device, const char *name, void **out)
{
    (void)device, (void)name;
    return handle(out);
}

uint32_t SKF_CloseApplication(void *application)
{
    (void)application;
    return 0;
}

uint32_t SKF_GetPINInfo(void *application, uint64_t type, uint64_t *most, uint64_t *left,
                        int *first)
{
    (void)application, (void)type;
    *most = *left = feed_byte(&feed);
    *first = 0;
    return code();
}

uint32_t SKF_VerifyPIN(void *application, uint64_t type, const char *pin, uint64_t *left)
{
    (void)application, (void)type, (void)pin;
    *left = feed_number(&feed) << 24;
    return code();
}

uint32_t SKF_ClearSecureState(void *application)
{
    (void)application;
    return 0;
}

uint32_t SKF_EnumContainer(void *application, char *names, uint64_t *size)
{
    (void)application;
    return tell(names, size);
}

uint32_t SKF_OpenContainer(void *application, const char *name, void **out)
{
    (void)application, (void)name;
    return handle(out);
}

uint32_t SKF_CloseContainer(void *container)
{
    (void)container;
    return 0;
}

uint32_t SKF_GetContainerType(void *container, uint64_t *type)
{
    (void)container;
    *type = feed_byte(&feed) % 4;
    return 0;
}

uint32_t SKF_ExportCertificate(void *container, int signing, unsigned char *out, uint64_t *size)
{
    (void)container, (void)signing;
    return tell(out, size);
}

uint32_t SKF_ECCSignData(void *container, const unsigned char *digest, uint64_t len,
                         unsigned char *out)
{
    (void)container, (void)digest, (void)len;
    feed_bytes(&feed, out, 128);
    return code();
}

void assistant_skf(const uint8_t *bytes, size_t len)
{
    static struct lock_list list;
    static const unsigned char message[MESSAGE_SIZE];
    struct pin pin = {.text = "1", .len = 1};
    struct signature signature;
    struct pin_state state = {.tries_left = TRIES_UNKNOWN};
    feed = (struct feed){bytes, len};
    void *driver = skf_backend.open(dlopen(NULL, RTLD_NOW));
    if (driver == NULL)
        abort();
    list.count = 0;
    (void)skf_backend.list(driver, &list);
    for (size_t i = 0; i < list.count && i < 2; i++) {
        const struct lock_order order = {.lock = &list.locks[i], .pin = &pin, .message = message};
        (void)skf_backend.pin_state(driver, order.lock);
        (void)skf_backend.sign(driver, &order, &signature, &state);
    }
    free(driver);
}
