#include "access/challenge.h"

#include <string.h>

#include "access/access.h"
#include "access/session.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/pack.h"
#include "base/random.h"
#include "store/kv.h"

enum { RECORD_VERSION = 2, RECORD_MAX = 256, RANDOM_BYTES = 32 };

static const char *const names[] = {[CHALLENGE_LOGIN] = "login", [CHALLENGE_BIND] = "bind"};

enum idp_err challenge_purpose_of(const char *name, enum challenge_purpose *out)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum challenge_purpose)i;
            return IDP_OK;
        }
    }
    return IDP_BAD_REQUEST;
}

static enum idp_err key_of(const struct challenge_place *place, unsigned char key[DIGEST_SIZE])
{
    const char *purpose = names[place->purpose];
    const char *interaction = place->interaction != NULL ? place->interaction : "";
    const struct digest_piece pieces[] = {
        {place->session->hash, strlen(place->session->hash) + 1},
        {purpose, strlen(purpose) + 1},
        {interaction, strlen(interaction) + 1},
        {.bytes = NULL},
    };
    return digest_pieces(DIGEST_SHA256, pieces, key);
}

enum idp_err challenge_issue(const struct access *access, struct arena *arena,
                             const struct challenge_place *place, int64_t now, const char **out)
{
    unsigned char key[DIGEST_SIZE];
    unsigned char buffer[RECORD_MAX];
    const char *random = random_text(arena, RANDOM_BYTES);
    const char *text =
        random == NULL ? NULL : arena_printf(arena, "%s.%s", names[place->purpose], random);
    if (text == NULL || key_of(place, key) != IDP_OK)
        return IDP_FAULT;
    struct pack p = pack_new(buffer, sizeof(buffer), RECORD_VERSION);
    pack_text(&p, text);
    pack_number(&p, now);
    pack_number(&p, now + access->challenge_s);
    enum idp_err err = kv_put(access->kv, KV_CHALLENGE, (struct kv_bytes){key, sizeof(key)},
                              (struct kv_bytes){buffer, p.len}, access->challenge_s * 1000);
    if (err == IDP_OK)
        *out = text;
    return err;
}

enum idp_err challenge_take(const struct access *access, struct arena *arena,
                            const struct challenge_place *place, int64_t now, struct challenge *out)
{
    unsigned char key[DIGEST_SIZE];
    struct kv_bytes record;
    enum idp_err err = key_of(place, key);
    if (err == IDP_OK)
        err =
            kv_take(access->kv, KV_CHALLENGE, (struct kv_bytes){key, sizeof(key)}, arena, &record);
    if (err != IDP_OK)
        return err;
    struct unpack u = unpack_new(record.bytes, record.len, RECORD_VERSION, arena);
    struct challenge taken = {.text = unpack_text(&u)};
    taken.issued = unpack_number(&u);
    int64_t expires = unpack_number(&u);
    if (!unpack_done(&u) || now >= expires)
        return IDP_NOT_FOUND;
    *out = taken;
    return IDP_OK;
}
