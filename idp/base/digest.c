#include "base/digest.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

struct mac_key {
    EVP_MAC_CTX *ready; /* keyed; only ever copied */
};

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static const EVP_MD *algorithms[2];
static EVP_MAC *hmac;

/* Kept until the process ends. */
static void fetch(void)
{
    algorithms[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    algorithms[DIGEST_SM3] = EVP_MD_fetch(NULL, "SM3", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
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

struct mac_key *mac_key_new(const void *key, size_t n)
{
    (void)pthread_once(&fetched, fetch);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    struct mac_key *k = calloc(1, sizeof(*k));
    if (k == NULL)
        return NULL;
    k->ready = EVP_MAC_CTX_new(hmac);
    if (k->ready == NULL || EVP_MAC_init(k->ready, key, n, params) != 1) {
        mac_key_free(k);
        return NULL;
    }
    return k;
}

void mac_key_free(struct mac_key *key)
{
    if (key == NULL)
        return;
    EVP_MAC_CTX_free(key->ready);
    free(key);
}

enum idp_err mac(const struct mac_key *key, const struct digest_piece *pieces, unsigned char *out)
{
    size_t len = 0;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(key->ready);
    int good = ctx != NULL;
    for (; good && pieces->bytes != NULL; pieces++)
        good = EVP_MAC_update(ctx, pieces->bytes, pieces->len) == 1;
    good = good && EVP_MAC_final(ctx, out, &len, DIGEST_SIZE) == 1 && len == DIGEST_SIZE;
    EVP_MAC_CTX_free(ctx);
    return good ? IDP_OK : IDP_FAULT;
}
