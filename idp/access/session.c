#include "access/session.h"

#include <stdio.h>
#include <string.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/pack.h"
#include "base/random.h"
#include "base/text.h"
#include "enterprise/holder.h"
#include "jose/purpose_keys.h"
#include "pki/pki.h"
#include "store/kv.h"

const char session_cookie[] = "__Host-tamga";

enum {
    RECORD_VERSION = 2,
    RECORD_MAX = 1024,
    VISITOR_BYTES = 16,
    SESSION_BYTES = 32,
    HASH_TEXT = BASE64URL_LEN(DIGEST_SIZE) + 1,
    MARK_TEXT = HASH_TEXT + sizeof("closed:"), /* as long as "ended:" at least */
    VISITOR_LEN = 1 + BASE64URL_LEN(VISITOR_BYTES) + BASE64URL_LEN(DIGEST_SIZE),
    SEEN_EVERY_S = 60, /* how often a session that is used is written anew */
    REDEEMING_S = 60,  /* more than a code's grant takes to be made, once the code was taken */
};

/* What is sealed: a label and a text. */
struct sealed {
    const char *label, *text;
    size_t len;
};

static enum idp_err seal_with(const struct mac_key *key, const struct sealed *sealed,
                              char out[HASH_TEXT])
{
    unsigned char tag[DIGEST_SIZE];
    const struct digest_piece pieces[] = {
        {sealed->label, strlen(sealed->label) + 1}, {sealed->text, sealed->len}, {.bytes = NULL}};
    enum idp_err err = mac(key, pieces, tag);
    if (err == IDP_OK)
        base64url_encode(tag, sizeof(tag), out);
    return err;
}

/* Its HMAC under the active cookie key, as text. */
static enum idp_err seal(const struct access *access, const struct sealed *sealed,
                         char out[HASH_TEXT])
{
    unsigned char key_id = 0;
    return seal_with(purpose_key_active(access->keys, PURPOSE_COOKIE, &key_id), sealed, out);
}

/* Whether tag is what some cookie key of ours made of it: it carries no key id, and the keys are
 * few. IDP_DENIED when it is not, IDP_UNAVAILABLE when that cannot be known. */
static enum idp_err check_seal(const struct access *access, const struct sealed *sealed,
                               const char *tag)
{
    const struct mac_key *keys[PURPOSE_KEYS_MAX];
    size_t n = purpose_key_list(access->keys, PURPOSE_COOKIE, keys);
    if (strlen(tag) != BASE64URL_LEN(DIGEST_SIZE))
        return IDP_DENIED;
    for (size_t i = 0; i < n; i++) {
        char made[HASH_TEXT];
        enum idp_err err = seal_with(keys[i], sealed, made);
        if (err != IDP_OK)
            return err;
        if (text_same_secret_string(made, tag))
            return IDP_OK;
    }
    return purpose_keys_stale(access->keys) ? IDP_UNAVAILABLE : IDP_DENIED;
}

static struct sealed token_of(const struct session *s)
{
    return (struct sealed){.label = "session token", .text = s->id, .len = strlen(s->id)};
}

enum idp_err session_token_check(const struct access *access, const struct session *session,
                                 const char *token)
{
    const struct sealed sealed = token_of(session);
    return check_seal(access, &sealed, token);
}

/* Fills in what follows from the id. */
static enum idp_err derive(const struct access *access, struct arena *arena, struct session *s)
{
    unsigned char hash[DIGEST_SIZE];
    char text[HASH_TEXT];
    enum idp_err err = digest(DIGEST_SHA256, s->id, strlen(s->id), hash);
    if (err != IDP_OK)
        return err;
    base64url_encode(hash, sizeof(hash), text);
    s->hash = arena_strdup(arena, text);
    const struct sealed token = token_of(s);
    err = seal(access, &token, text);
    s->token = err == IDP_OK ? arena_strdup(arena, text) : NULL;
    return s->hash != NULL && s->token != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err make(const struct access *access, struct arena *arena, const char *id,
                         struct session **out)
{
    struct session *s = arena_alloc(arena, sizeof(*s));
    if (s == NULL || id == NULL)
        return IDP_FAULT;
    s->id = id;
    enum idp_err err = derive(access, arena, s);
    if (err == IDP_OK)
        *out = s;
    return err;
}

enum idp_err session_visit(const struct access *access, struct arena *arena, struct session **out)
{
    char tag[HASH_TEXT];
    const char *random = random_text(arena, VISITOR_BYTES);
    if (random == NULL)
        return IDP_FAULT;
    const struct sealed visitor = {.label = "visitor", .text = random, .len = strlen(random)};
    enum idp_err err = seal(access, &visitor, tag);
    if (err != IDP_OK)
        return err;
    return make(access, arena, arena_printf(arena, "v%s%s", random, tag), out);
}

/* A visitor's cookie that is not ours is IDP_NOT_FOUND. */
static enum idp_err check_visitor(const struct access *access, const char *cookie)
{
    const struct sealed visitor = {
        .label = "visitor", .text = cookie + 1, .len = BASE64URL_LEN(VISITOR_BYTES)};
    if (strlen(cookie) != VISITOR_LEN)
        return IDP_NOT_FOUND;
    enum idp_err err = check_seal(access, &visitor, visitor.text + visitor.len);
    return err == IDP_DENIED ? IDP_NOT_FOUND : err;
}

static struct pack write_record(const struct session *s, unsigned char buffer[RECORD_MAX])
{
    struct pack p = pack_new(buffer, RECORD_MAX, RECORD_VERSION);
    pack_text(&p, s->family);
    pack_text(&p, s->enterprise);
    pack_text(&p, s->lock);
    pack_text(&p, s->authority);
    pack_text(&p, s->environment);
    pack_text(&p, s->acr);
    pack_text(&p, s->amr);
    pack_number(&p, s->auth_time);
    pack_number(&p, s->began);
    pack_number(&p, s->seen);
    return p;
}

static bool read_record(struct kv_bytes record, struct arena *arena, struct session *s)
{
    struct unpack u = unpack_new(record.bytes, record.len, RECORD_VERSION, arena);
    s->family = unpack_text(&u);
    s->enterprise = unpack_text(&u);
    s->lock = unpack_text(&u);
    s->authority = unpack_text(&u);
    s->environment = unpack_text(&u);
    s->acr = unpack_text(&u);
    s->amr = unpack_text(&u);
    s->auth_time = unpack_number(&u);
    s->began = unpack_number(&u);
    s->seen = unpack_number(&u);
    s->signed_in = unpack_done(&u);
    return s->signed_in;
}

/* When the session is over unless it is used again. */
static int64_t end_of(const struct access *access, const struct session *s)
{
    int64_t idle = s->seen + access->session_idle_s;
    int64_t absolute = s->began + access->session_absolute_s;
    return idle < absolute ? idle : absolute;
}

/* Writes that the session was seen. A session that ended meanwhile stays ended. */
static enum idp_err touch(const struct access *access, struct session *s, struct kv_bytes old,
                          int64_t now)
{
    unsigned char buffer[RECORD_MAX];
    if (now - s->seen < SEEN_EVERY_S)
        return IDP_OK;
    s->seen = now;
    struct pack p = write_record(s, buffer);
    enum idp_err err =
        p.failed ? IDP_FAULT
                 : kv_swap(access->kv, KV_SESSION, kv_text(s->hash), old,
                           (struct kv_bytes){buffer, p.len}, (end_of(access, s) - now) * 1000);
    return err == IDP_CONFLICT ? IDP_OK : err; /* another request of the same browser was first */
}

/* What marks of a family say: its codes are closed; its sessions are over, too. No session's hash
 * holds a ':'. */
static const char closed[] = "closed:";
static const char ended[] = "ended:";

static enum idp_err put_mark(const struct access *access, const char *mark, const char *family,
                             int64_t for_s)
{
    char key[MARK_TEXT];
    (void)snprintf(key, sizeof(key), "%s%s", mark, family);
    return kv_put(access->kv, KV_SESSION, kv_text(key), kv_text("1"), for_s * 1000);
}

/* IDP_DENIED where the mark stands, otherwise IDP_OK. */
static enum idp_err check_mark(const struct access *access, struct arena *arena, const char *mark,
                               const char *family)
{
    char key[MARK_TEXT];
    struct kv_bytes found;
    (void)snprintf(key, sizeof(key), "%s%s", mark, family);
    enum idp_err err = kv_get(access->kv, KV_SESSION, kv_text(key), arena, &found);
    if (err == IDP_NOT_FOUND)
        return IDP_OK;
    return err == IDP_OK ? IDP_DENIED : err;
}

static enum idp_err find_signed_in(const struct access *access, struct arena *arena,
                                   struct session *s, int64_t now)
{
    struct kv_bytes record;
    enum idp_err err = kv_get(access->kv, KV_SESSION, kv_text(s->hash), arena, &record);
    if (err != IDP_OK)
        return err;
    if (!read_record(record, arena, s) || now >= end_of(access, s))
        return IDP_NOT_FOUND;
    err = check_mark(access, arena, ended, s->family);
    if (err == IDP_DENIED)
        return IDP_NOT_FOUND;
    return err == IDP_OK ? touch(access, s, record, now) : err;
}

enum idp_err session_find(const struct access *access, struct arena *arena, const char *cookie,
                          int64_t now, struct session **out)
{
    struct session *s = NULL;
    bool visitor = cookie != NULL && cookie[0] == 'v';
    bool member =
        cookie != NULL && cookie[0] == 's' && strlen(cookie) == 1 + BASE64URL_LEN(SESSION_BYTES);
    if (!visitor && !member)
        return IDP_NOT_FOUND;
    enum idp_err err = visitor ? check_visitor(access, cookie) : IDP_OK;
    if (err == IDP_OK)
        err = make(access, arena, cookie, &s);
    if (err == IDP_OK && member)
        err = find_signed_in(access, arena, s, now);
    if (err == IDP_OK)
        *out = s;
    return err;
}

enum idp_err session_prepare(const struct access *access, struct arena *arena, struct session **out)
{
    const char *random = random_text(arena, SESSION_BYTES);
    return random != NULL ? make(access, arena, arena_printf(arena, "s%s", random), out)
                          : IDP_FAULT;
}

const char *session_family(const struct session *from, const struct session *prepared,
                           const char *enterprise)
{
    bool again = from->signed_in && strcmp(from->enterprise, enterprise) == 0;
    return again ? from->family : prepared->hash;
}

enum idp_err session_sign_in(const struct access *access, struct arena *arena,
                             const struct session *from, const struct session_proof *proof,
                             int64_t now, struct session **out)
{
    unsigned char buffer[RECORD_MAX];
    struct session *s = proof->prepared;
    enum idp_err err = s == NULL ? session_prepare(access, arena, &s) : IDP_OK;
    if (err != IDP_OK)
        return err;
    s->signed_in = true;
    s->family = session_family(from, s, proof->holder->enterprise.id);
    s->enterprise = proof->holder->enterprise.id;
    s->lock = proof->holder->lock.id;
    s->authority = proof->holder->lock.authority;
    s->environment = proof->environment;
    s->acr = proof->acr;
    s->amr = proof->amr;
    s->auth_time = s->began = s->seen = now;
    struct pack p = write_record(s, buffer);
    if (p.failed)
        return IDP_FAULT;
    err = kv_put(access->kv, KV_SESSION, kv_text(s->hash), (struct kv_bytes){buffer, p.len},
                 (end_of(access, s) - now) * 1000);
    if (err == IDP_OK)
        *out = s;
    return err;
}

enum idp_err session_close_codes(const struct access *access, const char *family)
{
    return put_mark(access, closed, family, access->code_s + REDEEMING_S);
}

/* A session of the family that is begun beside this lives no longer than the mark. */
enum idp_err session_end_family(const struct access *access, const char *family)
{
    enum idp_err err = put_mark(access, ended, family, access->session_absolute_s);
    return err == IDP_OK ? session_close_codes(access, family) : err;
}

enum idp_err session_end(const struct access *access, const struct session *session)
{
    if (!session->signed_in)
        return IDP_OK;
    enum idp_err err = kv_take(access->kv, KV_SESSION, kv_text(session->hash), NULL, NULL);
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

/* A session that idled out, or was lost with the store, left no mark: that ends no right. */
enum idp_err session_check_codes(const struct access *access, struct arena *arena,
                                 const char *family)
{
    return check_mark(access, arena, closed, family);
}

enum idp_err session_holder(const struct access *access, struct arena *arena,
                            const struct session *session, const struct holder **out)
{
    const struct holder *holder = NULL;
    enum idp_err err = holder_find(access->db, access->kv, arena, session->lock, &holder);
    if (err != IDP_OK)
        return err;
    if (!holder_in_good_standing(holder) || holder->lock.rights_ended >= session->auth_time ||
        pki_is_revoked(access->pki, holder->lock.certificate_hash))
        return IDP_NOT_FOUND;
    *out = holder;
    return IDP_OK;
}
