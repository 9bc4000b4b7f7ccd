/*
 * A pending record is base64url(nonce || AES-256-GCM(record) || tag); the client id and the issuer
 * are authenticated with it, so that a record made for one provider is no good at another (the
 * mix-up attack, RFC 9700 section 4.4).
 */
#include "rp/pending.h"

#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/random.h"

enum { IV = 12, TAG = 16, BODY = sizeof(struct rp_pending), WHOLE = IV + BODY + TAG };

_Static_assert(BASE64URL_LEN(WHOLE) <= RP_PENDING_MAX, "a pending record outgrew its limit");

static bool make_secret(char out[RP_SECRET_LEN + 1])
{
    unsigned char bytes[RP_SECRET_SIZE];
    if (random_bytes(bytes, sizeof(bytes)) != IDP_OK)
        return false;
    base64url_encode(bytes, sizeof(bytes), out);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return true;
}

enum rp_err rp_pending_new(int64_t now, int64_t max_age, struct rp_pending *out)
{
    struct rp_pending pending = {0};
    memset(&pending, 0, sizeof(pending)); /* with its padding: it is sealed as it lies there */
    pending.begun = now;
    pending.max_age = max_age;
    if (!make_secret(pending.state) || !make_secret(pending.nonce) ||
        !make_secret(pending.verifier))
        return RP_FAULT;
    *out = pending;
    return RP_OK;
}

/* Feeds what is authenticated but not sealed: who asks whom. */
static bool bind_parties(const struct rp *rp, EVP_CIPHER_CTX *ctx)
{
    int n = 0;
    const struct rp_settings *s = &rp->settings;
    return EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)s->client_id,
                            (int)strlen(s->client_id) + 1) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)s->issuer,
                            (int)strlen(s->issuer) + 1) == 1;
}

static bool seal(const struct rp *rp, EVP_CIPHER_CTX *ctx, const struct rp_pending *pending,
                 unsigned char whole[WHOLE])
{
    int n = 0;
    return EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), rp->seal_key, whole, 1, NULL) == 1 &&
           bind_parties(rp, ctx) &&
           EVP_CipherUpdate(ctx, whole + IV, &n, (const unsigned char *)pending, BODY) == 1 &&
           EVP_CipherFinal_ex(ctx, whole + IV + BODY, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, whole + IV + BODY) == 1;
}

static bool unseal(const struct rp *rp, EVP_CIPHER_CTX *ctx, unsigned char whole[WHOLE],
                   struct rp_pending *pending)
{
    int n = 0;
    unsigned char rest[TAG];
    return EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), rp->seal_key, whole, 0, NULL) == 1 &&
           bind_parties(rp, ctx) &&
           EVP_CipherUpdate(ctx, (unsigned char *)pending, &n, whole + IV, BODY) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, whole + IV + BODY) == 1 &&
           EVP_CipherFinal_ex(ctx, rest, &n) == 1;
}

enum rp_err rp_pending_seal(const struct rp *rp, struct arena *arena,
                            const struct rp_pending *pending, const char **out)
{
    unsigned char whole[WHOLE];
    char *text = arena_alloc(arena, BASE64URL_LEN(WHOLE) + 1);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool sealed = text != NULL && ctx != NULL && random_bytes(whole, IV) == IDP_OK &&
                  seal(rp, ctx, pending, whole);
    EVP_CIPHER_CTX_free(ctx);
    if (!sealed)
        return RP_FAULT;
    base64url_encode(whole, WHOLE, text);
    *out = text;
    return RP_OK;
}

enum rp_err rp_pending_open(const struct rp *rp, const char *text, int64_t now,
                            struct rp_pending *out)
{
    size_t n = 0;
    unsigned char whole[WHOLE];
    struct rp_pending pending = {0};
    size_t len = strlen(text);
    if (len != BASE64URL_LEN(WHOLE) ||
        base64url_decode(text, len, whole, sizeof(whole), &n) != IDP_OK || n != WHOLE)
        return RP_BAD_PENDING;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool opened = ctx != NULL && unseal(rp, ctx, whole, &pending);
    EVP_CIPHER_CTX_free(ctx);
    int64_t age = opened ? now - pending.begun : 0;
    bool good = opened && age <= rp->settings.pending_s && age >= -(int64_t)rp->settings.skew_s;
    if (good)
        *out = pending;
    OPENSSL_cleanse(&pending, sizeof(pending));
    return good ? RP_OK : RP_BAD_PENDING;
}
