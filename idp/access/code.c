#include "access/code.h"

#include <string.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/pack.h"
#include "base/random.h"
#include "base/text.h"
#include "jose/purpose_keys.h"
#include "store/kv.h"

enum { RECORD_VERSION = 3, RECORD_MAX = 8192, RANDOM_BYTES = 16 };

/* key id || random || HMAC, cut to 16 bytes (RFC 2104 section 5) */
enum {
    RANDOM_AT = 1,
    TAG_AT = RANDOM_AT + RANDOM_BYTES,
    TAG_BYTES = 16,
    CODE_BYTES = TAG_AT + TAG_BYTES,
    CODE_TEXT = BASE64URL_LEN(CODE_BYTES),
};

const char *code_hash(struct arena *arena, const char *text)
{
    unsigned char hash[DIGEST_SIZE];
    char *out = arena_alloc(arena, BASE64URL_LEN(DIGEST_SIZE) + 1);
    if (out == NULL || digest(DIGEST_SHA256, text, strlen(text), hash) != IDP_OK)
        return NULL;
    base64url_encode(hash, sizeof(hash), out);
    return out;
}

static struct pack write_record(const struct code *c, unsigned char buffer[RECORD_MAX])
{
    struct pack p = pack_new(buffer, RECORD_MAX, RECORD_VERSION);
    pack_text(&p, c->client);
    pack_text(&p, c->redirect_uri);
    pack_text(&p, c->code_challenge);
    pack_text(&p, c->nonce);
    pack_text(&p, c->scope);
    pack_number(&p, c->claims.userinfo);
    pack_number(&p, c->claims.id_token);
    pack_text(&p, c->enterprise);
    pack_text(&p, c->lock);
    pack_text(&p, c->authority);
    pack_text(&p, c->session);
    pack_text(&p, c->acr);
    pack_text(&p, c->amr);
    pack_number(&p, c->auth_time);
    pack_number(&p, c->issued);
    pack_number(&p, c->expires);
    return p;
}

static enum idp_err tag_of(const struct mac_key *key, const unsigned char *bytes,
                           unsigned char tag[DIGEST_SIZE])
{
    static const char label[] = "authorization code";
    const struct digest_piece pieces[] = {{label, sizeof(label)}, {bytes, TAG_AT}, {.bytes = NULL}};
    return mac(key, pieces, tag);
}

static const char *new_code(const struct access *access, struct arena *arena)
{
    unsigned char bytes[CODE_BYTES + DIGEST_SIZE]; /* room for the whole HMAC */
    const struct mac_key *key = purpose_key_active(access->keys, PURPOSE_TOKEN, &bytes[0]);
    char *text = arena_alloc(arena, CODE_TEXT + 1);
    if (text == NULL || random_bytes(bytes + RANDOM_AT, RANDOM_BYTES) != IDP_OK ||
        tag_of(key, bytes, bytes + TAG_AT) != IDP_OK)
        return NULL;
    base64url_encode(bytes, CODE_BYTES, text);
    return text;
}

enum idp_err code_check(const struct access *access, const char *text)
{
    unsigned char bytes[CODE_BYTES];
    unsigned char tag[DIGEST_SIZE];
    size_t n = 0;
    if (strlen(text) != CODE_TEXT ||
        base64url_decode(text, CODE_TEXT, bytes, sizeof(bytes), &n) != IDP_OK)
        return IDP_BAD_GRANT;
    const struct mac_key *key = purpose_key_by_id(access->keys, PURPOSE_TOKEN, bytes[0]);
    if (key == NULL)
        return purpose_keys_stale(access->keys) ? IDP_UNAVAILABLE : IDP_BAD_GRANT;
    if (tag_of(key, bytes, tag) != IDP_OK)
        return IDP_FAULT;
    return text_same_secret(tag, bytes + TAG_AT, TAG_BYTES) ? IDP_OK : IDP_BAD_GRANT;
}

enum idp_err code_issue(const struct access *access, struct arena *arena, const struct code *code,
                        const char **out)
{
    unsigned char buffer[RECORD_MAX];
    struct pack p = write_record(code, buffer);
    const char *text = new_code(access, arena);
    const char *hash = text != NULL ? code_hash(arena, text) : NULL;
    if (hash == NULL || p.failed)
        return IDP_FAULT;
    enum idp_err err = kv_put(access->kv, KV_CODE, kv_text(hash), (struct kv_bytes){buffer, p.len},
                              access->code_s * 1000);
    if (err == IDP_OK)
        *out = text;
    return err;
}

static bool read_record(struct kv_bytes record, struct arena *arena, struct code *c)
{
    struct unpack u = unpack_new(record.bytes, record.len, RECORD_VERSION, arena);
    c->client = unpack_text(&u);
    c->redirect_uri = unpack_text(&u);
    c->code_challenge = unpack_text(&u);
    c->nonce = unpack_text(&u);
    c->scope = unpack_text(&u);
    c->claims.userinfo = (uint32_t)unpack_number(&u);
    c->claims.id_token = (uint32_t)unpack_number(&u);
    c->enterprise = unpack_text(&u);
    c->lock = unpack_text(&u);
    c->authority = unpack_text(&u);
    c->session = unpack_text(&u);
    c->acr = unpack_text(&u);
    c->amr = unpack_text(&u);
    c->auth_time = unpack_number(&u);
    c->issued = unpack_number(&u);
    c->expires = unpack_number(&u);
    return unpack_done(&u);
}

enum idp_err code_take(const struct access *access, struct arena *arena, const char *hash,
                       int64_t now, const struct code **out)
{
    struct kv_bytes record;
    struct code *c = arena_alloc(arena, sizeof(*c));
    if (c == NULL)
        return IDP_FAULT;
    enum idp_err err = kv_take(access->kv, KV_CODE, kv_text(hash), arena, &record);
    if (err != IDP_OK)
        return err;
    if (!read_record(record, arena, c) || now >= c->expires)
        return IDP_NOT_FOUND;
    *out = c;
    return IDP_OK;
}
