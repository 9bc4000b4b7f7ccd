/*
 * ID tokens (OpenID Connect Core sections 2 and 3.1.3.7, RFC 7519, RFC 8725).
 *
 * libjwt 1.10 verifies the signature. It takes the algorithm from the header, verifies HS256 with
 * whatever key it is given, and reads base64 and JSON leniently, so all of that is settled before
 * it sees the token: three segments of strict base64url, JSON without duplicates, and a header
 * that agrees with the type of the key that its kid names.
 */
#include "rp/id_token.h"

#include <errno.h>
#include <string.h>

#include <jwt.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/text.h"
#include "rp/note.h"

enum { TOKEN_MAX = 32 * 1024, SUBJECT_MAX = 255, KID_MAX = 256 };

/* A token taken apart: the segments' bytes read as JSON. */
struct parts {
    const json_t *header, *claims;
};

static void drop_json(void *json)
{
    json_decref(json);
}

/* Reads one segment as a JSON object; NULL when it is not one. */
static const json_t *read_object(struct arena *arena, const char *s, size_t len)
{
    size_t n = 0;
    char *bytes = arena_alloc(arena, len + 1);
    if (bytes == NULL || base64url_decode(s, len, bytes, len, &n) != IDP_OK)
        return NULL;
    json_t *json = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
    if (json == NULL || arena_own(arena, json, drop_json) == NULL)
        return NULL;
    return json_is_object(json) ? json : NULL;
}

/* RFC 7515 section 5.2: exactly three segments, each strict base64url. */
static bool take_apart(struct arena *arena, const char *token, struct parts *out)
{
    size_t n = 0;
    if (strlen(token) > TOKEN_MAX)
        return false;
    const char *payload = strchr(token, '.');
    const char *signature = payload != NULL ? strchr(payload + 1, '.') : NULL;
    if (signature == NULL || signature[1] == '\0')
        return false;
    size_t len = strlen(signature + 1);
    unsigned char *bytes = arena_alloc(arena, len);
    if (bytes == NULL || base64url_decode(signature + 1, len, bytes, len, &n) != IDP_OK)
        return false;
    out->header = read_object(arena, token, (size_t)(payload - token));
    out->claims = read_object(arena, payload + 1, (size_t)(signature - payload - 1));
    return out->header != NULL && out->claims != NULL;
}

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static enum rp_err refuse(struct rp_note *note, const char *why)
{
    (void)rp_note_set(note, RP_BAD_TOKEN, "ID token: %s", why);
    return RP_BAD_TOKEN;
}

/* Finds the key; its type decides the algorithm and the header may only agree (RFC 8725 3.1). */
static enum rp_err find_key(struct rp *rp, struct arena *arena, const json_t *header, int64_t now,
                            struct rp_note *note, struct rp_key *out)
{
    const char *alg = text(header, "alg");
    const char *kid = text(header, "kid");
    if (alg == NULL || (strcmp(alg, "RS256") != 0 && strcmp(alg, "ES256") != 0))
        return refuse(note, "the header's algorithm is neither RS256 nor ES256");
    if (kid == NULL ? json_object_get(header, "kid") != NULL : strlen(kid) > KID_MAX)
        return refuse(note, "the header's kid is malformed");
    if (json_object_get(header, "crit") != NULL) /* RFC 7515 section 4.1.11: we know none */
        return refuse(note, "the header has critical extensions");
    enum rp_err err = rp_keys_find(rp->keys, kid, now, arena, note, out);
    if (err != RP_OK)
        return err;
    return strcmp(out->alg, alg) == 0
               ? RP_OK
               : refuse(note, "the header's algorithm is not that of the key");
}

/* libjwt's reading of the signature. */
static enum rp_err verify_signature(const char *token, const struct rp_key *key,
                                    struct rp_note *note)
{
    jwt_t *jwt = NULL;
    int err = jwt_decode(&jwt, token, (const unsigned char *)key->pem, (int)strlen(key->pem));
    bool good = err == 0 && jwt != NULL && jwt_get_alg(jwt) == jwt_str_alg(key->alg);
    jwt_free(jwt);
    if (err == ENOMEM)
        return rp_note_set(note, RP_FAULT, "out of memory");
    return good ? RP_OK : refuse(note, "the signature does not verify");
}

/* Section 3.1.3.7, steps 3 to 5. */
static bool is_for_us(const json_t *claims, const char *client_id)
{
    size_t i;
    const json_t *entry;
    const json_t *aud = json_object_get(claims, "aud");
    const json_t *azp = json_object_get(claims, "azp");
    if (azp != NULL && (!json_is_string(azp) || strcmp(json_string_value(azp), client_id) != 0))
        return false;
    if (json_is_string(aud))
        return strcmp(json_string_value(aud), client_id) == 0;
    bool found = false;
    json_array_foreach(aud, i, entry)
    {
        if (!json_is_string(entry))
            return false;
        found = found || strcmp(json_string_value(entry), client_id) == 0;
    }
    return found && (json_array_size(aud) == 1 || azp != NULL);
}

/* A whole number of seconds; false when the claim is something else. An absent one is absent. */
static bool read_time(const json_t *claims, const char *name, int64_t absent, int64_t *out)
{
    const json_t *value = json_object_get(claims, name);
    *out = value == NULL ? absent : json_integer_value(value);
    return value == NULL || (json_is_integer(value) && *out >= 0 && *out <= INT64_MAX / 4);
}

/* Steps 9, 10 and 13: why the times do not fit, or NULL. */
static const char *bad_times(const struct rp *rp, const json_t *claims,
                             const struct rp_id_token_check *check)
{
    int64_t exp = 0;
    int64_t iat = 0;
    int64_t nbf = 0;
    int64_t auth_time = 0;
    int64_t skew = rp->settings.skew_s;
    if (!read_time(claims, "exp", -1, &exp) || !read_time(claims, "iat", -1, &iat) ||
        !read_time(claims, "nbf", 0, &nbf) || !read_time(claims, "auth_time", -1, &auth_time))
        return "a time is not a whole number";
    if (exp < 0 || iat < 0)
        return "exp or iat is missing";
    if (check->now >= exp + skew)
        return "it has expired";
    if (iat > check->now + skew || nbf > check->now + skew || auth_time > check->now + skew)
        return "it is from the future";
    if (check->pending->max_age < 0)
        return NULL;
    if (auth_time < 0)
        return "auth_time is missing although max_age was asked";
    return check->now - auth_time > check->pending->max_age + skew
               ? "the authentication is older than max_age"
               : NULL;
}

/* Section 3.1.3.6: the left half of the access token's SHA-256. It may be absent in the code flow.
 */
static bool at_hash_fits(const json_t *claims, const char *access_token)
{
    unsigned char hash[DIGEST_SIZE];
    char half[BASE64URL_LEN(DIGEST_SIZE / 2) + 1];
    const json_t *at_hash = json_object_get(claims, "at_hash");
    if (at_hash == NULL)
        return true;
    if (!json_is_string(at_hash) ||
        digest(DIGEST_SHA256, access_token, strlen(access_token), hash) != IDP_OK)
        return false;
    base64url_encode(hash, DIGEST_SIZE / 2, half);
    return text_same_secret_string(json_string_value(at_hash), half);
}

static bool subject_is_good(const json_t *claims)
{
    const char *subject = text(claims, "sub");
    return subject != NULL && subject[0] != '\0' && strlen(subject) <= SUBJECT_MAX;
}

/* Why the claims do not fit, or NULL. */
static const char *bad_claims(const struct rp *rp, const json_t *claims,
                              const struct rp_id_token_check *check)
{
    const char *issuer = text(claims, "iss");
    const char *nonce = text(claims, "nonce");
    if (issuer == NULL || strcmp(issuer, rp->settings.issuer) != 0)
        return "it is another issuer's";
    if (!is_for_us(claims, rp->settings.client_id))
        return "it is for another client";
    if (!subject_is_good(claims))
        return "sub is missing or too long";
    if (nonce == NULL || !text_same_secret_string(nonce, check->pending->nonce))
        return "the nonce is not ours";
    if (!at_hash_fits(claims, check->access_token))
        return "at_hash does not fit the access token";
    return bad_times(rp, claims, check);
}

enum rp_err rp_id_token_verify(struct rp *rp, struct arena *arena, const char *token,
                               const struct rp_id_token_check *check, struct rp_note *note,
                               const json_t **out)
{
    struct rp_key key = {0};
    struct parts parts = {0};
    if (!take_apart(arena, token, &parts))
        return refuse(note, "it is not three segments of base64url and JSON");
    enum rp_err err = find_key(rp, arena, parts.header, check->now, note, &key);
    if (err != RP_OK)
        return err;
    err = verify_signature(token, &key, note);
    if (err != RP_OK)
        return err;
    const char *bad = bad_claims(rp, parts.claims, check);
    if (bad != NULL)
        return refuse(note, bad);
    *out = parts.claims;
    return RP_OK;
}
