#include "access/code.h"

#include <string.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/pack.h"
#include "base/random.h"
#include "store/kv.h"

enum { RECORD_VERSION = 1, RECORD_MAX = 8192, CODE_BYTES = 32 };

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
    pack_text(&p, c->session);
    pack_text(&p, c->acr);
    pack_text(&p, c->amr);
    pack_number(&p, c->auth_time);
    pack_number(&p, c->expires);
    return p;
}

enum idp_err code_issue(const struct access *access, struct arena *arena, const struct code *code,
                        const char **out)
{
    unsigned char buffer[RECORD_MAX];
    struct pack p = write_record(code, buffer);
    const char *text = random_text(arena, CODE_BYTES);
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
    c->session = unpack_text(&u);
    c->acr = unpack_text(&u);
    c->amr = unpack_text(&u);
    c->auth_time = unpack_number(&u);
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
