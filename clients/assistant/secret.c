#include "assistant/secret.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/crypto.h>

/* Each block begins with its size, in the room that keeps the rest aligned. */
enum { HEAD = 16 };

static void *wiping_malloc(size_t n)
{
    if (n > SIZE_MAX - HEAD)
        return NULL;
    unsigned char *block = malloc(n + HEAD);
    if (block == NULL)
        return NULL;
    memcpy(block, &n, sizeof(n));
    return block + HEAD;
}

static void wiping_free(void *bytes)
{
    if (bytes == NULL)
        return;
    unsigned char *block = (unsigned char *)bytes - HEAD;
    size_t n = 0;
    memcpy(&n, block, sizeof(n));
    OPENSSL_cleanse(block, n + HEAD);
    free(block);
}

void secret_wipe_json(void)
{
    json_set_alloc_funcs(wiping_malloc, wiping_free);
}

static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return false;
    return true;
}

bool pin_set(struct pin *pin, const char *text, size_t len)
{
    pin_wipe(pin);
    if (len == 0 || len > PIN_MAX || !is_printable(text, len))
        return false;
    memcpy(pin->text, text, len);
    pin->len = len;
    return true;
}

void pin_wipe(struct pin *pin)
{
    OPENSSL_cleanse(pin, sizeof(*pin));
}
