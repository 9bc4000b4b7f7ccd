/*
 * Client secrets. They are random and long, so one HMAC keeps them as well as a slow password hash
 * would, and checking one costs a microsecond.
 */
#include "client/secret.h"

#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/text.h"
#include "client/client.h"
#include "jose/purpose_keys.h"

enum { SECRET_SIZE = 32, SECRET_MAX = 512 };

/* The id ends with its NUL, so that no two pairs of id and secret make one text. */
static enum idp_err keyed_hash(const struct mac_key *key, const char *id, const char *secret,
                               unsigned char out[DIGEST_SIZE])
{
    const struct digest_piece pieces[] = {
        {.bytes = id, .len = strlen(id) + 1},
        {.bytes = secret, .len = strlen(secret)},
        {.bytes = NULL},
    };
    return mac(key, pieces, out);
}

/* Reads "key id.hash". */
static bool read_hash(const char *text, unsigned char *key_id, unsigned char out[DIGEST_SIZE])
{
    char number[4];
    int64_t id = 0;
    size_t n = 0;
    size_t len = strcspn(text, ".");
    if (len == 0 || len >= sizeof(number) || text[len] != '.')
        return false;
    memcpy(number, text, len);
    number[len] = '\0';
    const char *hash = text + len + 1;
    if (!text_to_number(number, 1, 255, &id) ||
        base64url_decode(hash, strlen(hash), out, DIGEST_SIZE, &n) != IDP_OK || n != DIGEST_SIZE)
        return false;
    *key_id = (unsigned char)id;
    return true;
}

bool client_secret_check(const struct purpose_keys *keys, const struct client *client,
                         const char *secret)
{
    unsigned char key_id = 0, kept[DIGEST_SIZE], made[DIGEST_SIZE];
    if (secret == NULL || *secret == '\0' || strlen(secret) > SECRET_MAX)
        return false;
    if (client->auth_method == CLIENT_AUTH_NONE || client->secret_hash == NULL ||
        !read_hash(client->secret_hash, &key_id, kept))
        return false;
    const struct mac_key *key = purpose_key_by_id(keys, PURPOSE_SECRET, key_id);
    if (key == NULL || keyed_hash(key, client->id, secret, made) != IDP_OK)
        return false;
    bool same = text_same_secret(kept, made, sizeof(made));
    OPENSSL_cleanse(made, sizeof(made));
    return same;
}

enum idp_err client_secret_make(const struct purpose_keys *keys, struct arena *arena,
                                const char *id, struct client_secret *out)
{
    unsigned char bytes[SECRET_SIZE], hash[DIGEST_SIZE], key_id = 0;
    char hash_text[BASE64URL_LEN(DIGEST_SIZE) + 1];
    const struct mac_key *key = purpose_key_active(keys, PURPOSE_SECRET, &key_id);
    char *secret = arena_alloc(arena, BASE64URL_LEN(SECRET_SIZE) + 1);
    enum idp_err err = secret != NULL ? random_bytes(bytes, sizeof(bytes)) : IDP_FAULT;
    if (err != IDP_OK)
        return err;
    base64url_encode(bytes, sizeof(bytes), secret);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    err = keyed_hash(key, id, secret, hash);
    if (err != IDP_OK)
        return err;
    base64url_encode(hash, sizeof(hash), hash_text);
    const char *kept = arena_printf(arena, "%u.%s", (unsigned)key_id, hash_text);
    if (kept == NULL)
        return IDP_FAULT;
    *out = (struct client_secret){.secret = secret, .hash = kept};
    return IDP_OK;
}
