/*
 * Checking compact JWS. The header is a stranger's claim: it may name a key among those at hand,
 * and its "alg" may agree with that key, nothing more (RFC 8725 sections 3.1 and 3.2).
 */
#include "jose/jws.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/text.h"
#include "jose/ecdsa.h"

enum { SIGNATURE_MAX = 512 };

struct segment {
    const char *text;
    size_t len;
};

/* Exactly three segments, the payload's may be empty. */
static bool split(const char *text, size_t len, struct segment out[3])
{
    const char *end = text + len;
    for (int i = 0; i < 2; i++) {
        const char *dot = memchr(text, '.', (size_t)(end - text));
        if (dot == NULL)
            return false;
        out[i] = (struct segment){.text = text, .len = (size_t)(dot - text)};
        text = dot + 1;
    }
    out[2] = (struct segment){.text = text, .len = (size_t)(end - text)};
    return memchr(text, '.', out[2].len) == NULL;
}

/* Members that would bring a key along, or change what is signed or how; "crit" is a list and so
 * is refused with everything that is no plain value. */
static bool may_stand(const char *name, const json_t *value)
{
    static const char *const never[] = {"crit", "jwk", "jku", "x5c", "x5u", "b64", "zip", "enc"};
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        if (strcmp(never[i], name) == 0)
            return false;
    return !json_is_object(value) && !json_is_array(value);
}

/* A text member without control characters; absent is fine where it is not required. */
static bool read_text(const json_t *header, const char *name, bool required, const char **out)
{
    const json_t *value = json_object_get(header, name);
    if (value == NULL)
        return !required;
    *out = json_string_value(value);
    return *out != NULL && text_is_clean_utf8(*out, json_string_length(value));
}

/* The key the header's kid names, or the only one there is. */
static const struct jwk *choose(const struct jwk_set *keys, const char *kid)
{
    if (kid == NULL)
        return keys->count == 1 ? &keys->keys[0] : NULL;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].kid != NULL && strcmp(keys->keys[i].kid, kid) == 0)
            return &keys->keys[i];
    return NULL;
}

/* Reads the header's members and picks the key. */
static enum idp_err read_members(const struct jwk_set *keys, struct arena *arena, json_t *header,
                                 struct jose_jws *out)
{
    const char *name = NULL;
    json_t *value = NULL;
    const char *alg = NULL, *kid = NULL, *typ = NULL;
    json_object_foreach(header, name, value)
    {
        if (!may_stand(name, value))
            return IDP_BAD_TOKEN;
    }
    if (!read_text(header, "alg", true, &alg) || !read_text(header, "kid", false, &kid) ||
        !read_text(header, "typ", false, &typ))
        return IDP_BAD_TOKEN;
    out->key = choose(keys, kid);
    if (out->key == NULL || strcmp(alg, jose_alg_name(out->key->alg)) != 0)
        return IDP_BAD_TOKEN;
    out->typ = arena_strdup(arena, typ);
    return typ == NULL || out->typ != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err read_header(const struct jwk_set *keys, struct arena *arena,
                                const struct segment *segment, struct jose_jws *out)
{
    char bytes[JOSE_HEADER_MAX];
    size_t n = 0;
    if (base64url_decode(segment->text, segment->len, bytes, sizeof(bytes), &n) != IDP_OK)
        return IDP_BAD_TOKEN;
    json_t *header = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
    enum idp_err err =
        json_is_object(header) ? read_members(keys, arena, header, out) : IDP_BAD_TOKEN;
    json_decref(header);
    return err;
}

static enum idp_err read_payload(struct arena *arena, const struct segment *segment,
                                 struct jose_jws *out)
{
    char *payload = arena_alloc(arena, segment->len + 1);
    if (payload == NULL)
        return IDP_FAULT;
    if (base64url_decode(segment->text, segment->len, payload, segment->len, &out->len) != IDP_OK)
        return IDP_BAD_TOKEN;
    payload[out->len] = '\0';
    out->payload = payload;
    return IDP_OK;
}

/* The signature in OpenSSL's form. ES256 has one length only (RFC 7518 section 3.4). */
static bool read_signature(const struct segment *segment, enum jose_alg alg,
                           unsigned char out[SIGNATURE_MAX], size_t *len)
{
    if (alg != JOSE_ES256)
        return base64url_decode(segment->text, segment->len, out, SIGNATURE_MAX, len) == IDP_OK;
    unsigned char raw[ECDSA_RAW_SIZE];
    if (base64url_decode(segment->text, segment->len, raw, sizeof(raw), len) != IDP_OK ||
        *len != sizeof(raw))
        return false;
    *len = ecdsa_der(raw, out);
    return true;
}

static bool is_good(const struct jwk *key, const unsigned char *hash,
                    const unsigned char *signature, size_t len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;
    if (good && key->alg == JOSE_RS256)
        good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    good = good && EVP_PKEY_verify(ctx, signature, len, hash, DIGEST_SIZE) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

enum idp_err jose_jws_verify(const struct jwk_set *keys, struct arena *arena, const char *text,
                             size_t len, struct jose_jws *out)
{
    struct segment segments[3];
    struct jose_jws jws = {.typ = NULL};
    unsigned char signature[SIGNATURE_MAX], hash[DIGEST_SIZE];
    size_t signature_len = 0;
    if (len > JOSE_JWS_MAX || !split(text, len, segments))
        return IDP_BAD_TOKEN;
    enum idp_err err = read_header(keys, arena, &segments[0], &jws);
    if (err == IDP_OK)
        err = read_payload(arena, &segments[1], &jws);
    if (err != IDP_OK)
        return err;
    if (!read_signature(&segments[2], jws.key->alg, signature, &signature_len))
        return IDP_BAD_TOKEN;
    err = digest(DIGEST_SHA256, text, segments[0].len + 1 + segments[1].len, hash);
    if (err != IDP_OK)
        return err;
    if (!is_good(jws.key, hash, signature, signature_len))
        return IDP_BAD_TOKEN;
    *out = jws;
    return IDP_OK;
}
