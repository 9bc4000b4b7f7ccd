#include "base/digest.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { BLOCK = 64 }; /* of SHA-256 */

/*
 * HMAC from two digests that have taken in the key already and are only ever copied: a third of
 * what a copy of OpenSSL's own HMAC context costs.
 */
struct mac_key {
    EVP_MD_CTX *inner, *outer;
};

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static const EVP_MD *algorithms[2];

/* Kept until the process ends. */
static void fetch(void)
{
    algorithms[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    algorithms[DIGEST_SM3] = EVP_MD_fetch(NULL, "SM3", NULL);
}

enum idp_err digest_pieces(enum digest_kind kind, const struct digest_piece *pieces,
                           unsigned char *out)
{
    (void)pthread_once(&fetched, fetch);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good = ctx != NULL && algorithms[kind] != NULL &&
               EVP_DigestInit_ex2(ctx, algorithms[kind], NULL) == 1;
    for (; good && pieces->bytes != NULL; pieces++)
        good = EVP_DigestUpdate(ctx, pieces->bytes, pieces->len) == 1;
    good = good && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return good ? IDP_OK : IDP_FAULT;
}

enum idp_err digest(enum digest_kind kind, const void *bytes, size_t n, unsigned char *out)
{
    const struct digest_piece pieces[] = {{.bytes = n > 0 ? bytes : "", .len = n}, {.bytes = NULL}};
    return digest_pieces(kind, pieces, out);
}

/* A digest that has begun with the key and one of the pads of RFC 2104 section 2. */
static EVP_MD_CTX *begin_with(const unsigned char key[BLOCK], unsigned char pad)
{
    unsigned char block[BLOCK];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = key[i] ^ pad;
    bool good = ctx != NULL && algorithms[DIGEST_SHA256] != NULL &&
                EVP_DigestInit_ex2(ctx, algorithms[DIGEST_SHA256], NULL) == 1 &&
                EVP_DigestUpdate(ctx, block, BLOCK) == 1;
    OPENSSL_cleanse(block, sizeof(block));
    if (good)
        return ctx;
    EVP_MD_CTX_free(ctx);
    return NULL;
}

struct mac_key *mac_key_new(const void *key, size_t n)
{
    unsigned char block[BLOCK] = {0};
    struct mac_key *k = calloc(1, sizeof(*k));
    (void)pthread_once(&fetched, fetch);
    bool good = k != NULL;
    if (n <= BLOCK && n > 0)
        memcpy(block, key, n);
    else
        good = good && digest(DIGEST_SHA256, key, n, block) == IDP_OK;
    if (good) {
        k->inner = begin_with(block, 0x36);
        k->outer = begin_with(block, 0x5C);
    }
    OPENSSL_cleanse(block, sizeof(block));
    if (good && k->inner != NULL && k->outer != NULL)
        return k;
    mac_key_free(k);
    return NULL;
}

void mac_key_free(struct mac_key *key)
{
    if (key == NULL)
        return;
    EVP_MD_CTX_free(key->inner);
    EVP_MD_CTX_free(key->outer);
    free(key);
}

enum idp_err mac(const struct mac_key *key, const struct digest_piece *pieces, unsigned char *out)
{
    unsigned char inner[DIGEST_SIZE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good = ctx != NULL && EVP_MD_CTX_copy_ex(ctx, key->inner) == 1;
    for (; good && pieces->bytes != NULL; pieces++)
        good = EVP_DigestUpdate(ctx, pieces->bytes, pieces->len) == 1;
    good = good && EVP_DigestFinal_ex(ctx, inner, NULL) == 1 &&
           EVP_MD_CTX_copy_ex(ctx, key->outer) == 1 &&
           EVP_DigestUpdate(ctx, inner, sizeof(inner)) == 1 &&
           EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_cleanse(inner, sizeof(inner));
    return good ? IDP_OK : IDP_FAULT;
}
