#include "access/interaction.h"

#include <string.h>

#include "access/access.h"
#include "access/session.h"
#include "base/arena.h"
#include "base/pack.h"
#include "base/random.h"
#include "store/kv.h"

enum { RECORD_VERSION = 1, RECORD_MAX = 16 * 1024, ID_BYTES = 32 };

static enum idp_err store(const struct access *access, const struct interaction *in,
                          const char *session, int64_t now)
{
    unsigned char buffer[RECORD_MAX];
    struct pack p = pack_new(buffer, sizeof(buffer), RECORD_VERSION);
    pack_text(&p, session);
    pack_text(&p, in->client);
    pack_text(&p, in->redirect_uri);
    pack_text(&p, in->scope);
    pack_text(&p, in->state);
    pack_text(&p, in->nonce);
    pack_text(&p, in->code_challenge);
    pack_number(&p, in->claims.userinfo);
    pack_number(&p, in->claims.id_token);
    pack_number(&p, in->began);
    pack_number(&p, in->signed_in_since);
    pack_number(&p, in->ask_sign_in);
    pack_number(&p, in->ask_consent);
    if (p.failed)
        return IDP_BAD_REQUEST;
    return kv_put(access->kv, KV_INTERACTION, kv_text(in->id), (struct kv_bytes){buffer, p.len},
                  (in->began + access->interaction_s - now) * 1000);
}

enum idp_err interaction_begin(const struct access *access, struct arena *arena,
                               struct interaction *interaction)
{
    interaction->id = random_text(arena, ID_BYTES);
    if (interaction->id == NULL)
        return IDP_FAULT;
    return store(access, interaction, interaction->session, interaction->began);
}

static bool read(struct kv_bytes record, struct arena *arena, struct interaction *in)
{
    struct unpack u = unpack_new(record.bytes, record.len, RECORD_VERSION, arena);
    in->session = unpack_text(&u);
    in->client = unpack_text(&u);
    in->redirect_uri = unpack_text(&u);
    in->scope = unpack_text(&u);
    in->state = unpack_text(&u);
    in->nonce = unpack_text(&u);
    in->code_challenge = unpack_text(&u);
    in->claims.userinfo = (uint32_t)unpack_number(&u);
    in->claims.id_token = (uint32_t)unpack_number(&u);
    in->began = unpack_number(&u);
    in->signed_in_since = unpack_number(&u);
    in->ask_sign_in = unpack_number(&u) != 0;
    in->ask_consent = unpack_number(&u) != 0;
    return unpack_done(&u);
}

enum idp_err interaction_find(const struct access *access, struct arena *arena, const char *id,
                              const struct session *session, int64_t now,
                              const struct interaction **out)
{
    struct kv_bytes record;
    struct interaction *in = arena_alloc(arena, sizeof(*in));
    if (in == NULL)
        return IDP_FAULT;
    if (*id == '\0' || strlen(id) > KV_KEY_MAX)
        return IDP_NOT_FOUND;
    enum idp_err err = kv_get(access->kv, KV_INTERACTION, kv_text(id), arena, &record);
    if (err != IDP_OK)
        return err;
    in->id = id;
    bool ours = read(record, arena, in) && strcmp(in->session, session->hash) == 0;
    if (!ours || now >= in->began + access->interaction_s)
        return IDP_NOT_FOUND;
    *out = in;
    return IDP_OK;
}

enum idp_err interaction_move(const struct access *access, const struct interaction *interaction,
                              const struct session *to, int64_t now)
{
    struct interaction moved = *interaction;
    moved.ask_sign_in = false;
    return store(access, &moved, to->hash, now);
}

enum idp_err interaction_end(const struct access *access, const char *id)
{
    return kv_take(access->kv, KV_INTERACTION, kv_text(id), NULL, NULL);
}
