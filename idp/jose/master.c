/*
 * AES-256-GCM with the master key (NIST SP 800-38D). Every wrapping takes a fresh random nonce of
 * 96 bits; a few hundred keys are ever wrapped, so none repeats. Where keys come from:
 * master_file.c.
 */
#include "jose/master.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/text.h"

enum { NONCE_SIZE = 12, TAG_SIZE = 16, WRAPPED_MAX = 8192, LABEL_MAX = 160 };

struct master_key {
    unsigned char bytes[MASTER_KEY_SIZE];
    char id[MASTER_ID_LEN + 1];
    struct master_key *other; /* or NULL */
};

/* What names the key and tells nothing of it: the beginning of an HMAC with it. */
static bool name(struct master_key *key)
{
    static const char label[] = "tamga master key";
    unsigned char tag[DIGEST_SIZE];
    const struct digest_piece pieces[] = {{label, sizeof(label)}, {.bytes = NULL}};
    struct mac_key *prepared = mac_key_new(key->bytes, sizeof(key->bytes));
    bool good = prepared != NULL && mac(prepared, pieces, tag) == IDP_OK;
    mac_key_free(prepared);
    if (good)
        text_to_hex(tag, MASTER_ID_LEN / 2, key->id);
    return good;
}

struct master_key *master_key_new(const unsigned char bytes[MASTER_KEY_SIZE])
{
    struct master_key *key = calloc(1, sizeof(*key));
    if (key == NULL)
        return NULL;
    memcpy(key->bytes, bytes, MASTER_KEY_SIZE);
    if (name(key))
        return key;
    master_key_free(key);
    return NULL;
}

const char *master_key_id(const struct master_key *key)
{
    return key->id;
}

const struct master_key *master_key_next(const struct master_key *key)
{
    return key->other;
}

void master_key_join(struct master_key *key, struct master_key *other)
{
    while (key->other != NULL)
        key = key->other;
    key->other = other;
}

void master_key_free(struct master_key *key)
{
    while (key != NULL) {
        struct master_key *other = key->other;
        OPENSSL_cleanse(key, sizeof(*key));
        free(key);
        key = other;
    }
}

/* Purpose and id with their NULs, so that no two labels have one text. Returns its length, or 0. */
static size_t write_label(const struct master_label *label, char out[LABEL_MAX])
{
    int n = snprintf(out, LABEL_MAX, "tamga-wrap/1%c%s%c%s", 0, label->purpose, 0, label->id);
    return n > 0 && n < LABEL_MAX ? (size_t)n : 0;
}

static bool seal(const struct master_key *key, const struct master_label *label, const void *bytes,
                 int n, unsigned char *out)
{
    char aad[LABEL_MAX];
    size_t aad_len = write_label(label, aad);
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good =
        ctx != NULL && aad_len > 0 && random_bytes(out, NONCE_SIZE) == IDP_OK &&
        EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key->bytes, out, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &len, (const unsigned char *)aad, (int)aad_len) == 1 &&
        EVP_EncryptUpdate(ctx, out + NONCE_SIZE, &len, bytes, n) == 1 &&
        EVP_EncryptFinal_ex(ctx, out + NONCE_SIZE + n, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + NONCE_SIZE + n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

enum idp_err master_wrap(const struct master_key *key, const struct master_label *label,
                         const void *bytes, size_t n, struct arena *arena, const char **out)
{
    if (n > WRAPPED_MAX)
        return IDP_FAULT;
    size_t size = NONCE_SIZE + n + TAG_SIZE;
    unsigned char *sealed = arena_alloc(arena, size);
    char *text = arena_alloc(arena, BASE64URL_LEN(size) + 1);
    if (sealed == NULL || text == NULL || !seal(key, label, bytes, (int)n, sealed))
        return IDP_FAULT;
    base64url_encode(sealed, size, text);
    *out = text;
    return IDP_OK;
}

static bool unseal(const struct master_key *key, const struct master_label *label,
                   unsigned char *sealed, int n, unsigned char *out)
{
    char aad[LABEL_MAX];
    size_t aad_len = write_label(label, aad);
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good =
        ctx != NULL && aad_len > 0 &&
        EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key->bytes, sealed, NULL) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &len, (const unsigned char *)aad, (int)aad_len) == 1 &&
        EVP_DecryptUpdate(ctx, out, &len, sealed + NONCE_SIZE, n) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, sealed + NONCE_SIZE + n) == 1 &&
        EVP_DecryptFinal_ex(ctx, out + n, &len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

/* The bytes inside the text, sealed. They are the arena's, as is room for as many opened ones. */
static enum idp_err decode_sealed(const char *text, struct arena *arena, unsigned char **sealed,
                                  size_t *n)
{
    enum { SEALED_MAX = NONCE_SIZE + WRAPPED_MAX + TAG_SIZE };
    size_t len = strlen(text);
    size_t size = 0;
    if (len > BASE64URL_LEN(SEALED_MAX))
        return IDP_DENIED;
    *sealed = arena_alloc(arena, SEALED_MAX);
    if (*sealed == NULL)
        return IDP_FAULT;
    if (base64url_decode(text, len, *sealed, SEALED_MAX, &size) != IDP_OK ||
        size < NONCE_SIZE + TAG_SIZE)
        return IDP_DENIED;
    *n = size - NONCE_SIZE - TAG_SIZE;
    return IDP_OK;
}

/* Opens text with the first key that can. */
static enum idp_err open_with_any(const struct master_key **key, const struct master_label *label,
                                  const char *text, struct arena *arena, struct master_opened *out)
{
    unsigned char *sealed = NULL;
    size_t n = 0;
    enum idp_err err = decode_sealed(text, arena, &sealed, &n);
    if (err != IDP_OK)
        return err;
    unsigned char *bytes = arena_alloc(arena, n + TAG_SIZE);
    if (bytes == NULL)
        return IDP_FAULT;
    for (; *key != NULL; *key = (*key)->other) {
        if (!unseal(*key, label, sealed, (int)n, bytes))
            continue;
        *out = (struct master_opened){.bytes = bytes, .len = n};
        return IDP_OK;
    }
    return IDP_DENIED;
}

enum idp_err master_unwrap(const struct master_key *key, const struct master_label *label,
                           const char *text, struct arena *arena, struct master_opened *out)
{
    return open_with_any(&key, label, text, arena, out);
}

enum idp_err master_pick(const struct master_key *key, const struct master_label *label,
                         const char *text, struct arena *arena, const struct master_key **out)
{
    struct master_opened opened;
    enum idp_err err = open_with_any(&key, label, text, arena, &opened);
    if (err == IDP_OK)
        *out = key;
    return err;
}
