/*
 * Signing. The keys are opened once into a snapshot: for each key in use a digest context that is
 * keyed already, which a signature only copies (12 % of an ES256 signature), and the encoded
 * header. A snapshot is counted, so that a reload swaps it while signatures with the old one still
 * run.
 */
#include "jose/sign.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "jose/ecdsa.h"
#include "jose/master.h"
#include "jose/signing_keys.h"

enum { SIGNATURE_MAX = 512 };

/* Headers of these types are encoded once for each key. */
static const char *const usual_types[] = {"JWT", "at+jwt", "logout+jwt"};
enum { USUAL_TYPES = sizeof(usual_types) / sizeof(*usual_types) };

struct ready_key {
    const struct signing_key *row;
    EVP_MD_CTX *keyed; /* only ever copied */
    size_t signature_len;
    const char *headers[USUAL_TYPES];
};

struct snapshot {
    atomic_size_t holders;
    struct arena *arena; /* all below */
    struct signing_keys rows;
    const char *jwks;
    struct jwk_set public_keys;
    struct ready_key *ready; /* those that sign now, will, or just did; the newest first */
    size_t ready_count;
};

struct signer {
    struct sql *db;
    const struct master_key *master;
    struct key_policy policy;
    bool (*stale)(const void *with); /* or NULL */
    const void *stale_with;
    pthread_rwlock_t lock; /* of current only */
    struct snapshot *current;
};

/* --- snapshots ----------------------------------------------------------------------------- */

static void drop_snapshot(void *with)
{
    struct snapshot *snapshot = with;
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->holders, 1) > 1)
        return;
    arena_free(snapshot->arena);
    free(snapshot);
}

static struct snapshot *hold_current(struct signer *signer)
{
    (void)pthread_rwlock_rdlock(&signer->lock);
    struct snapshot *snapshot = signer->current;
    (void)atomic_fetch_add(&snapshot->holders, 1);
    (void)pthread_rwlock_unlock(&signer->lock);
    return snapshot;
}

static void drop_pkey(void *key)
{
    EVP_PKEY_free(key);
}

static void drop_ctx(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

/* Opens the private half; it is wiped with the arena. */
static enum idp_err unwrap(const struct master_key *master, struct arena *arena,
                           const struct signing_key *key, EVP_PKEY **out)
{
    struct master_opened opened;
    const struct master_label label = {.purpose = "signing", .id = key->kid};
    enum idp_err err = master_unwrap(master, &label, key->wrapped, arena, &opened);
    if (err != IDP_OK) {
        log_event(LOG_ERROR, "signing_key_not_opened", "kid", key->kid);
        return err;
    }
    const unsigned char *der = opened.bytes;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &der, (long)opened.len);
    if (pkey == NULL || arena_own(arena, pkey, drop_pkey) == NULL)
        return IDP_FAULT;
    *out = pkey;
    return IDP_OK;
}

/* {"alg","kid","typ"} as base64url and the dot behind it, or NULL without memory. */
static char *encode_header(struct arena *arena, const struct ready_key *key, const char *typ)
{
    const char *json = arena_printf(arena, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"%s\"}",
                                    jose_alg_name(key->row->alg), key->row->kid, typ);
    size_t len = json != NULL ? strlen(json) : 0;
    char *text = json != NULL ? arena_alloc(arena, BASE64URL_LEN(len) + 2) : NULL;
    if (text == NULL)
        return NULL;
    base64url_encode(json, len, text);
    text[BASE64URL_LEN(len)] = '.';
    return text;
}

/* Keys a context, to be copied for each signature. */
static enum idp_err prepare(struct arena *arena, EVP_PKEY *pkey, struct ready_key *ready)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL || arena_own(arena, ctx, drop_ctx) == NULL)
        return IDP_FAULT;
    if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL) != 1)
        return IDP_FAULT;
    ready->keyed = ctx;
    ready->signature_len =
        ready->row->alg == JOSE_ES256 ? ECDSA_RAW_SIZE : (size_t)EVP_PKEY_get_size(pkey);
    for (size_t i = 0; i < USUAL_TYPES; i++) {
        ready->headers[i] = encode_header(arena, ready, usual_types[i]);
        if (ready->headers[i] == NULL)
            return IDP_FAULT;
    }
    return ready->signature_len <= SIGNATURE_MAX ? IDP_OK : IDP_FAULT;
}

/* Opens the private half of a key. */
static enum idp_err make_ready(const struct master_key *master, struct snapshot *snapshot,
                               const struct signing_key *row)
{
    EVP_PKEY *pkey = NULL;
    struct ready_key *ready = &snapshot->ready[snapshot->ready_count];
    ready->row = row;
    enum idp_err err = unwrap(master, snapshot->arena, row, &pkey);
    if (err == IDP_OK)
        err = prepare(snapshot->arena, pkey, ready);
    if (err == IDP_OK)
        snapshot->ready_count++;
    return err;
}

/* Those that will sign without anybody reading the rows again, and those that requests which began
 * a while ago still sign with. */
static enum idp_err make_all_ready(const struct master_key *master, struct snapshot *snapshot,
                                   int64_t now)
{
    const struct signing_keys *rows = &snapshot->rows;
    snapshot->ready = arena_alloc(snapshot->arena, sizeof(*snapshot->ready) * (rows->count + 1));
    if (snapshot->ready == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < rows->count; i++) {
        if (signing_key_state(&rows->keys[i], now - SIGNING_KEY_SLACK_S) == SIGNING_KEY_RETIRED)
            continue;
        enum idp_err err = make_ready(master, snapshot, &rows->keys[i]);
        if (err != IDP_OK)
            return err;
    }
    return IDP_OK;
}

static enum idp_err fill(const struct signer *signer, struct snapshot *snapshot, int64_t now)
{
    enum idp_err err = signing_keys_read(signer->db, snapshot->arena, &snapshot->rows);
    if (err == IDP_OK)
        err = signing_keys_promise(signer->db, &snapshot->rows, &signer->policy);
    if (err != IDP_OK)
        return err;
    snapshot->jwks = signing_keys_jwks(&snapshot->rows, snapshot->arena);
    if (snapshot->jwks == NULL)
        return IDP_FAULT;
    err = jwk_set_parse(snapshot->arena, snapshot->jwks, strlen(snapshot->jwks),
                        &snapshot->public_keys);
    if (err != IDP_OK)
        return IDP_FAULT;
    return make_all_ready(signer->master, snapshot, now);
}

static enum idp_err read_snapshot(const struct signer *signer, int64_t now, struct snapshot **out)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL)
        return IDP_FAULT;
    atomic_init(&snapshot->holders, 1);
    snapshot->arena = arena_new();
    enum idp_err err = snapshot->arena != NULL ? fill(signer, snapshot, now) : IDP_FAULT;
    if (err == IDP_OK)
        *out = snapshot;
    else
        drop_snapshot(snapshot);
    return err;
}

/* --- the signer ---------------------------------------------------------------------------- */

enum idp_err signer_open(struct sql *db, const struct master_key *master,
                         const struct key_policy *policy, int64_t now, struct signer **out)
{
    struct signer *signer = calloc(1, sizeof(*signer));
    if (signer == NULL || pthread_rwlock_init(&signer->lock, NULL) != 0) {
        free(signer);
        return IDP_FAULT;
    }
    signer->db = db;
    signer->master = master;
    signer->policy = *policy;
    enum idp_err err = signing_keys_ensure(db, master, policy, now);
    if (err == IDP_OK)
        err = read_snapshot(signer, now, &signer->current);
    if (err == IDP_OK)
        *out = signer;
    else
        signer_close(signer);
    return err;
}

void signer_close(struct signer *signer)
{
    if (signer == NULL)
        return;
    drop_snapshot(signer->current);
    (void)pthread_rwlock_destroy(&signer->lock);
    free(signer);
}

void signer_guard(struct signer *signer, bool (*stale)(const void *with), const void *with)
{
    signer->stale = stale;
    signer->stale_with = with;
}

enum idp_err signer_reload(struct signer *signer, int64_t now)
{
    struct snapshot *fresh = NULL;
    enum idp_err err = read_snapshot(signer, now, &fresh);
    if (err != IDP_OK)
        return err;
    (void)pthread_rwlock_wrlock(&signer->lock);
    struct snapshot *old = signer->current;
    signer->current = fresh;
    (void)pthread_rwlock_unlock(&signer->lock);
    drop_snapshot(old);
    return IDP_OK;
}

enum idp_err signer_jwks(struct signer *signer, struct arena *arena, const char **out)
{
    struct snapshot *snapshot = arena_own(arena, hold_current(signer), drop_snapshot);
    if (snapshot == NULL)
        return IDP_FAULT;
    *out = snapshot->jwks;
    return IDP_OK;
}

enum idp_err signer_public_keys(struct signer *signer, struct arena *arena, struct jwk_set *out)
{
    struct snapshot *snapshot = arena_own(arena, hold_current(signer), drop_snapshot);
    if (snapshot == NULL)
        return IDP_FAULT;
    *out = snapshot->public_keys;
    return IDP_OK;
}

/* --- signatures ---------------------------------------------------------------------------- */

/* The header with its dot: encoded already, or now. */
static const char *header_for(const struct ready_key *key, struct arena *arena, const char *typ)
{
    for (size_t i = 0; i < USUAL_TYPES; i++)
        if (strcmp(usual_types[i], typ) == 0)
            return key->headers[i];
    return encode_header(arena, key, typ);
}

/* Signs len bytes of text; writes key->signature_len bytes. */
static enum idp_err make_signature(const struct ready_key *key, const char *text, size_t len,
                                   unsigned char out[SIGNATURE_MAX])
{
    unsigned char made[SIGNATURE_MAX];
    size_t made_len = sizeof(made);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_MD_CTX_copy_ex(ctx, key->keyed) == 1;
    if (good) {
        /* The copy is used once, so it need not be copied again for the last step. */
        EVP_MD_CTX_set_flags(ctx, EVP_MD_CTX_FLAG_FINALISE);
        good = EVP_DigestSignUpdate(ctx, text, len) == 1 &&
               EVP_DigestSignFinal(ctx, made, &made_len) == 1;
    }
    EVP_MD_CTX_free(ctx);
    if (!good)
        return IDP_FAULT;
    if (key->row->alg == JOSE_ES256)
        return ecdsa_raw(made, made_len, out);
    memcpy(out, made, made_len);
    return made_len == key->signature_len ? IDP_OK : IDP_FAULT;
}

static enum idp_err sign_with(const struct ready_key *key, struct arena *arena,
                              const struct jose_payload *payload, const char **out)
{
    unsigned char signature[SIGNATURE_MAX];
    const char *header = header_for(key, arena, payload->typ);
    if (header == NULL)
        return IDP_FAULT;
    size_t signed_len = strlen(header) + BASE64URL_LEN(payload->len);
    char *text = arena_alloc(arena, signed_len + 1 + BASE64URL_LEN(key->signature_len) + 1);
    if (text == NULL)
        return IDP_FAULT;
    base64url_encode(payload->bytes, payload->len, stpcpy(text, header));
    enum idp_err err = make_signature(key, text, signed_len, signature);
    if (err != IDP_OK)
        return err;
    text[signed_len] = '.';
    base64url_encode(signature, key->signature_len, text + signed_len + 1);
    *out = text;
    return IDP_OK;
}

/* The newest that is active: it is not asked whether one before it has ended. */
static const struct ready_key *choose(const struct snapshot *snapshot, enum jose_alg alg,
                                      int64_t now)
{
    for (size_t i = 0; i < snapshot->ready_count; i++) {
        const struct signing_key *row = snapshot->ready[i].row;
        if (row->alg == alg && signing_key_state(row, now) == SIGNING_KEY_ACTIVE)
            return &snapshot->ready[i];
    }
    return NULL;
}

enum idp_err jose_sign(struct signer *signer, enum jose_alg alg, struct arena *arena,
                       const struct jose_payload *payload, const char **out)
{
    if (signer->stale != NULL && signer->stale(signer->stale_with))
        return IDP_UNAVAILABLE;
    struct snapshot *snapshot = hold_current(signer);
    const struct ready_key *key = choose(snapshot, alg, payload->now);
    enum idp_err err = key != NULL ? sign_with(key, arena, payload, out) : IDP_FAULT;
    drop_snapshot(snapshot);
    return err;
}

/* --- figures ------------------------------------------------------------------------------- */

static bool is_overdue(const struct signing_key *key, const struct key_policy *policy, int64_t now)
{
    return policy->rotate_s > 0 && key->retired == 0 &&
           now > key->active_from + policy->rotate_s + policy->margin_s;
}

size_t signer_figures(struct signer *signer, int64_t now, struct signing_figure *out, size_t max)
{
    size_t n = 0;
    struct snapshot *snapshot = hold_current(signer);
    for (; n < snapshot->rows.count && n < max; n++) {
        const struct signing_key *key = &snapshot->rows.keys[n];
        out[n] = (struct signing_figure){.alg = key->alg,
                                         .state = signing_key_state(key, now),
                                         .published = key->published,
                                         .active_from = key->active_from,
                                         .retired = key->retired,
                                         .overdue = is_overdue(key, &signer->policy, now)};
        (void)snprintf(out[n].kid, sizeof(out[n].kid), "%s", key->kid);
    }
    drop_snapshot(snapshot);
    return n;
}
