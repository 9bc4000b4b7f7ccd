/* Signatures by OpenSSL's EVP, with prepared contexts. */
#include "bare.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

enum { TEXT_MAX = 4096, SIGNATURE_MAX = 512 };

static const char sm2_id[] = "1234567812345678";

struct operation {
    EVP_PKEY *key;
    EVP_MD_CTX *ready; /* keyed; only ever copied */
    unsigned char text[TEXT_MAX];
    size_t len;
    unsigned char signature[SIGNATURE_MAX];
    size_t signature_len;
};

static EVP_PKEY *make_key(const char *kind)
{
    if (strcmp(kind, "RS256") == 0 || strcmp(kind, "rsa") == 0)
        return EVP_RSA_gen(2048);
    if (strcmp(kind, "ES256") == 0 || strcmp(kind, "p256") == 0)
        return EVP_EC_gen("P-256");
    return strcmp(kind, "sm2") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "SM2") : NULL;
}

static EVP_MD_CTX *prepare(EVP_PKEY *key, bool signing)
{
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool sm2 = EVP_PKEY_is_a(key, "SM2") == 1;
    const char *digest = sm2 ? "SM3" : "SHA256";
    int good = signing ? EVP_DigestSignInit_ex(ctx, &key_ctx, digest, NULL, NULL, key, NULL)
                       : EVP_DigestVerifyInit_ex(ctx, &key_ctx, digest, NULL, NULL, key, NULL);
    if (good == 1 && sm2)
        good = EVP_PKEY_CTX_set1_id(key_ctx, sm2_id, sizeof(sm2_id) - 1);
    if (good == 1)
        return ctx;
    EVP_MD_CTX_free(ctx);
    return NULL;
}

static bool sign_once(struct operation *op)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    op->signature_len = sizeof(op->signature);
    bool good = ctx != NULL && EVP_MD_CTX_copy_ex(ctx, op->ready) == 1;
    if (good) {
        EVP_MD_CTX_set_flags(ctx, EVP_MD_CTX_FLAG_FINALISE);
        good = EVP_DigestSignUpdate(ctx, op->text, op->len) == 1 &&
               EVP_DigestSignFinal(ctx, op->signature, &op->signature_len) == 1;
    }
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool verify_once(struct operation *op)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_MD_CTX_copy_ex(ctx, op->ready) == 1;
    if (good) {
        EVP_MD_CTX_set_flags(ctx, EVP_MD_CTX_FLAG_FINALISE);
        good = EVP_DigestVerifyUpdate(ctx, op->text, op->len) == 1 &&
               EVP_DigestVerifyFinal(ctx, op->signature, op->signature_len) == 1;
    }
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool repeat(struct operation *op, bool (*once)(struct operation *op), long ms, double *us)
{
    int64_t begun = bare_cpu_ns();
    int64_t now = begun;
    long count = 0;
    for (; now - begun < ms * 1000000; now = bare_cpu_ns(), count++)
        if (!once(op))
            return false;
    *us = (double)(now - begun) / 1000.0 / (double)count;
    return count > 0;
}

static bool open_operation(struct operation *op, const char *kind, long bytes)
{
    if (bytes <= 0 || bytes > TEXT_MAX)
        return false;
    memset(op->text, 'm', (size_t)bytes);
    op->len = (size_t)bytes;
    op->key = make_key(kind);
    op->ready = op->key != NULL ? prepare(op->key, true) : NULL;
    return op->ready != NULL;
}

static void close_operation(struct operation *op)
{
    EVP_MD_CTX_free(op->ready);
    EVP_PKEY_free(op->key);
}

bool bare_sign(const char *kind, long bytes, long ms, double *us)
{
    struct operation op = {.key = NULL};
    bool good = open_operation(&op, kind, bytes) && repeat(&op, sign_once, ms, us);
    close_operation(&op);
    return good;
}

bool bare_verify(const char *kind, long bytes, long ms, double *us)
{
    struct operation op = {.key = NULL};
    bool good = open_operation(&op, kind, bytes) && sign_once(&op);
    if (good) {
        EVP_MD_CTX_free(op.ready);
        op.ready = prepare(op.key, false);
        good = op.ready != NULL && repeat(&op, verify_once, ms, us);
    }
    close_operation(&op);
    return good;
}
