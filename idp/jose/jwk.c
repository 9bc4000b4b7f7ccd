/*
 * Public keys between JSON and OpenSSL. Numbers have one form only, the shortest for RSA and the
 * field's full width for EC (RFC 7518 sections 6.2.1 and 6.3.1), so that a key has one thumbprint.
 */
#include "jose/jwk.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/text.h"

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 4096,
    EXPONENT_MAX = 8,
    P256_SIZE = 32,
    NUMBER_MAX = RSA_BITS_MAX / 8,
    KID_MAX = 256,
    SET_TEXT_MAX = 64 * 1024,
};

static const char *const alg_names[JOSE_ALGS] = {[JOSE_ES256] = "ES256", [JOSE_RS256] = "RS256"};

const char *jose_alg_name(enum jose_alg alg)
{
    return alg_names[alg];
}

bool jose_alg_find(const char *name, enum jose_alg *out)
{
    for (int i = 0; i < JOSE_ALGS; i++) {
        if (strcmp(alg_names[i], name) == 0) {
            *out = (enum jose_alg)i;
            return true;
        }
    }
    return false;
}

enum idp_err jwk_alg(const EVP_PKEY *key, enum jose_alg *out)
{
    char group[32] = "";
    if (EVP_PKEY_is_a(key, "RSA")) {
        *out = JOSE_RS256;
        return IDP_OK;
    }
    if (!EVP_PKEY_is_a(key, "EC") ||
        EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
        strcmp(group, "prime256v1") != 0)
        return IDP_BAD_REQUEST;
    *out = JOSE_ES256;
    return IDP_OK;
}

/* --- reading ------------------------------------------------------------------------------- */

/* The text of a member, whole and without NUL, or NULL. */
static const char *text_of(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    const char *text = json_string_value(value);
    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

struct number {
    unsigned char bytes[NUMBER_MAX];
    size_t len;
};

static bool read_number(const json_t *json, const char *name, size_t max, struct number *out)
{
    const char *text = text_of(json, name);
    return text != NULL && max <= sizeof(out->bytes) &&
           base64url_decode(text, strlen(text), out->bytes, max, &out->len) == IDP_OK &&
           out->len > 0;
}

/* Makes a public key of the parameters, and has OpenSSL check it. */
static EVP_PKEY *make_key(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *checking = NULL;
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    bool good = making != NULL && params != NULL && EVP_PKEY_fromdata_init(making) == 1 &&
                EVP_PKEY_fromdata(making, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    if (good)
        checking = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    good = checking != NULL && EVP_PKEY_public_check(checking) == 1;
    EVP_PKEY_CTX_free(checking);
    EVP_PKEY_CTX_free(making);
    if (good)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* A point that is not on the curve is refused here: invalid-curve attacks end at the door. */
static EVP_PKEY *read_ec(const json_t *json)
{
    struct number x, y;
    unsigned char point[1 + 2 * P256_SIZE];
    char group[] = "P-256";
    const char *curve = text_of(json, "crv");
    if (curve == NULL || strcmp(curve, "P-256") != 0 || !read_number(json, "x", P256_SIZE, &x) ||
        !read_number(json, "y", P256_SIZE, &y) || x.len != P256_SIZE || y.len != P256_SIZE)
        return NULL;
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x.bytes, P256_SIZE);
    memcpy(point + 1 + P256_SIZE, y.bytes, P256_SIZE);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    return make_key("EC", params);
}

static bool fit_for_rsa(const struct number *n, const struct number *e)
{
    bool shortest = n->bytes[0] != 0 && e->bytes[0] != 0;
    bool odd = (n->bytes[n->len - 1] & 1) != 0 && (e->bytes[e->len - 1] & 1) != 0;
    bool one = e->len == 1 && e->bytes[0] == 1;
    return shortest && odd && !one;
}

static EVP_PKEY *read_rsa(const json_t *json)
{
    EVP_PKEY *key = NULL;
    struct number n, e;
    if (!read_number(json, "n", NUMBER_MAX, &n) || !read_number(json, "e", EXPONENT_MAX, &e) ||
        !fit_for_rsa(&n, &e))
        return NULL;
    BIGNUM *modulus = BN_bin2bn(n.bytes, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn(e.bytes, (int)e.len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (modulus != NULL && exponent != NULL && build != NULL &&
        BN_num_bits(modulus) >= RSA_BITS_MIN &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    if (params != NULL)
        key = make_key("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(exponent);
    BN_free(modulus);
    return key;
}

/* A private key that was sent as a public one is burnt: it is refused, not used. */
static bool holds_secret(const json_t *json)
{
    static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++)
        if (json_object_get(json, secret[i]) != NULL)
            return true;
    return false;
}

/* RFC 7517 sections 4.2 and 4.3: the key must not be meant for something else. */
static bool meant_for_signatures(const json_t *json)
{
    const json_t *use = json_object_get(json, "use");
    const json_t *operations = json_object_get(json, "key_ops");
    if (use != NULL && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
        return false;
    if (operations == NULL)
        return true;
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const char *operation = json_string_value(json_array_get(operations, i));
        if (operation != NULL && strcmp(operation, "verify") == 0)
            return true;
    }
    return false;
}

/* "alg" may be missing or agree (section 4.4). */
static bool alg_agrees(const json_t *json, enum jose_alg alg)
{
    if (json_object_get(json, "alg") == NULL)
        return true;
    const char *name = text_of(json, "alg");
    return name != NULL && strcmp(name, alg_names[alg]) == 0;
}

static bool kid_is_fine(const json_t *json)
{
    if (json_object_get(json, "kid") == NULL)
        return true;
    const char *kid = text_of(json, "kid");
    return kid != NULL && *kid != '\0' && strlen(kid) <= KID_MAX &&
           text_is_clean_utf8(kid, strlen(kid));
}

static void drop_key(void *key)
{
    EVP_PKEY_free(key);
}

enum idp_err jwk_parse(struct arena *arena, const json_t *json, struct jwk *out)
{
    struct jwk jwk = {.kid = NULL};
    const char *type = text_of(json, "kty");
    if (type == NULL || holds_secret(json) || !meant_for_signatures(json) || !kid_is_fine(json))
        return IDP_BAD_REQUEST;
    if (strcmp(type, "RSA") == 0)
        jwk.key = read_rsa(json);
    else if (strcmp(type, "EC") == 0)
        jwk.key = read_ec(json);
    if (jwk.key == NULL)
        return IDP_BAD_REQUEST;
    if (arena_own(arena, jwk.key, drop_key) == NULL)
        return IDP_FAULT;
    if (jwk_alg(jwk.key, &jwk.alg) != IDP_OK || !alg_agrees(json, jwk.alg))
        return IDP_BAD_REQUEST;
    if (text_of(json, "kid") != NULL) {
        jwk.kid = arena_strdup(arena, text_of(json, "kid"));
        if (jwk.kid == NULL)
            return IDP_FAULT;
    }
    *out = jwk;
    return IDP_OK;
}

static bool kid_is_taken(const struct jwk *keys, size_t count, const char *kid)
{
    for (size_t i = 0; i < count && kid != NULL; i++)
        if (keys[i].kid != NULL && strcmp(keys[i].kid, kid) == 0)
            return true;
    return false;
}

static enum idp_err read_set(struct arena *arena, const json_t *list, struct jwk_set *out)
{
    size_t count = 0;
    struct jwk *keys = arena_alloc(arena, sizeof(*keys) * JWK_SET_MAX);
    if (keys == NULL)
        return IDP_FAULT;
    if (!json_is_array(list) || json_array_size(list) > JWK_SET_MAX)
        return IDP_BAD_REQUEST;
    for (size_t i = 0; i < json_array_size(list); i++) {
        enum idp_err err = jwk_parse(arena, json_array_get(list, i), &keys[count]);
        if (err == IDP_FAULT)
            return err;
        if (err != IDP_OK)
            continue;
        if (kid_is_taken(keys, count, keys[count].kid))
            return IDP_BAD_REQUEST;
        count++;
    }
    *out = (struct jwk_set){.keys = keys, .count = count};
    return IDP_OK;
}

enum idp_err jwk_set_parse(struct arena *arena, const char *text, size_t len, struct jwk_set *out)
{
    if (len > SET_TEXT_MAX)
        return IDP_BAD_REQUEST;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    enum idp_err err =
        json != NULL ? read_set(arena, json_object_get(json, "keys"), out) : IDP_BAD_REQUEST;
    json_decref(json);
    return err;
}

/* --- writing ------------------------------------------------------------------------------- */

enum { NUMBER_TEXT = BASE64URL_LEN(NUMBER_MAX) + 1 };

/* Writes a number of the key: width bytes wide, or as short as it goes when width is 0. */
static bool print_number(EVP_PKEY *key, const char *name, int width, char out[NUMBER_TEXT])
{
    unsigned char bytes[NUMBER_MAX];
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
        return false;
    int size = width > 0 ? width : BN_num_bytes(number);
    bool good = size <= NUMBER_MAX && BN_bn2binpad(number, bytes, size) == size;
    if (good)
        base64url_encode(bytes, (size_t)size, out);
    BN_free(number);
    return good;
}

/* The members that make the key, in the order of their names, without spaces: what is hashed for
 * the thumbprint (RFC 7638 section 3.2). From the arena; NULL when the key is of no use here. */
static char *required_members(struct arena *arena, EVP_PKEY *key)
{
    char first[NUMBER_TEXT], second[NUMBER_TEXT];
    enum jose_alg alg;
    if (jwk_alg(key, &alg) != IDP_OK)
        return NULL;
    if (alg == JOSE_ES256) {
        if (!print_number(key, OSSL_PKEY_PARAM_EC_PUB_X, P256_SIZE, first) ||
            !print_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, P256_SIZE, second))
            return NULL;
        return arena_printf(arena, "\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"",
                            first, second);
    }
    if (!print_number(key, OSSL_PKEY_PARAM_RSA_E, 0, first) ||
        !print_number(key, OSSL_PKEY_PARAM_RSA_N, 0, second))
        return NULL;
    return arena_printf(arena, "\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"", first, second);
}

enum idp_err jwk_thumbprint(EVP_PKEY *key, char out[JWK_THUMBPRINT_LEN + 1])
{
    unsigned char hash[DIGEST_SIZE];
    struct arena *arena = arena_new();
    const char *members = arena != NULL ? required_members(arena, key) : NULL;
    enum idp_err err = IDP_FAULT;
    if (members != NULL) {
        const struct digest_piece pieces[] = {
            {.bytes = "{", .len = 1},
            {.bytes = members, .len = strlen(members)},
            {.bytes = "}", .len = 1},
            {.bytes = NULL},
        };
        err = digest_pieces(DIGEST_SHA256, pieces, hash);
    }
    if (err == IDP_OK)
        base64url_encode(hash, sizeof(hash), out);
    arena_free(arena);
    return err;
}

enum idp_err jwk_print(struct arena *arena, EVP_PKEY *key, const char *kid, const char **out)
{
    enum jose_alg alg;
    const char *members = required_members(arena, key);
    if (members == NULL || jwk_alg(key, &alg) != IDP_OK)
        return IDP_FAULT;
    const char *named = kid != NULL ? arena_printf(arena, "\"kid\":\"%s\",", kid) : "";
    const char *text = named != NULL ? arena_printf(arena, "{%s\"alg\":\"%s\",\"use\":\"sig\",%s}",
                                                    named, alg_names[alg], members)
                                     : NULL;
    if (text == NULL)
        return IDP_FAULT;
    *out = text;
    return IDP_OK;
}
