/*
 * Signing keys as rows. New ones are made before the transaction, for RSA takes its time, and put
 * in by a transaction that looks first: of two nodes that begin at once, the second drops its own.
 */
#include "jose/signing_keys.h"

#include <stdbool.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/arena.h"
#include "jose/master.h"
#include "jose/wrapped.h"
#include "store/sql.h"

enum { RSA_BITS = 2048 };

enum signing_key_state signing_key_state(const struct signing_key *key, int64_t now)
{
    if (key->retired != 0 && key->retired <= now)
        return SIGNING_KEY_RETIRED;
    return key->active_from <= now ? SIGNING_KEY_ACTIVE : SIGNING_KEY_PUBLISHED;
}

const char *signing_key_state_name(enum signing_key_state state)
{
    static const char *const names[] = {"published", "active", "retired"};
    return names[state];
}

/* --- making -------------------------------------------------------------------------------- */

static EVP_PKEY *generate(enum jose_alg alg)
{
    return alg == JOSE_ES256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(RSA_BITS);
}

/* The private key as PKCS#8 DER. */
static enum idp_err encode(EVP_PKEY *key, struct arena *arena, struct fresh_key *out)
{
    unsigned char *der = NULL;
    size_t len = 0;
    OSSL_ENCODER_CTX *encoder =
        OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_KEYPAIR, "DER", "PrivateKeyInfo", NULL);
    if (encoder != NULL && OSSL_ENCODER_to_data(encoder, &der, &len) == 1) {
        out->der = arena_copy(arena, der, len);
        out->der_len = len;
    }
    OPENSSL_clear_free(der, len);
    OSSL_ENCODER_CTX_free(encoder);
    return out->der != NULL ? IDP_OK : IDP_FAULT;
}

enum idp_err signing_key_make(struct arena *arena, enum jose_alg alg, struct fresh_key *out)
{
    char kid[JWK_THUMBPRINT_LEN + 1];
    EVP_PKEY *key = generate(alg);
    enum idp_err err = key != NULL ? jwk_thumbprint(key, kid) : IDP_FAULT;
    *out = (struct fresh_key){.row = {.alg = alg}};
    if (err == IDP_OK)
        out->row.kid = arena_strdup(arena, kid);
    if (out->row.kid == NULL)
        err = IDP_FAULT;
    if (err == IDP_OK)
        err = jwk_print(arena, key, kid, &out->row.public_jwk);
    if (err == IDP_OK)
        err = encode(key, arena, out);
    EVP_PKEY_free(key);
    return err;
}

static enum idp_err insert_wrapped(struct sql_tx *tx, struct arena *arena,
                                   const struct signing_key *row, const char *wrapped)
{
    const struct sql_value params[] = {sql_text(row->kid),        sql_text(jose_alg_name(row->alg)),
                                       sql_text(row->public_jwk), sql_text(wrapped),
                                       sql_int(row->published),   sql_int(row->active_from),
                                       sql_int(row->cache_s),     sql_int(row->longest_s)};
    const struct sql_call insert = {
        .text = "INSERT INTO signing_keys (kid, algorithm, public_jwk, wrapped, published, "
                "active_from, cache_s, longest_s) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        .params = params,
        .count = 8};
    return sql_run(tx, arena, &insert, NULL, NULL);
}

enum idp_err signing_key_insert(struct sql_tx *tx, const struct master_key *master,
                                struct arena *arena, const struct fresh_key *key)
{
    const char *wrapped = NULL;
    const struct master_label label = {.purpose = "signing", .id = key->row.kid};
    enum idp_err err = wrapped_with(tx, arena, master, &master);
    if (err == IDP_OK)
        err = master_wrap(master, &label, key->der, key->der_len, arena, &wrapped);
    return err == IDP_OK ? insert_wrapped(tx, arena, &key->row, wrapped) : err;
}

/* --- the first ones ------------------------------------------------------------------------ */

static const char count_text[] =
    "SELECT COUNT(*) FROM signing_keys WHERE algorithm = $1 AND retired IS NULL";

struct putting {
    struct arena *arena;
    const struct master_key *master;
    const struct fresh_key *key;
};

static enum idp_err put_if_missing(struct sql_tx *tx, void *with)
{
    const struct putting *putting = with;
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(jose_alg_name(putting->key->row.alg))};
    const struct sql_call count = {.text = count_text, .params = params, .count = 1};
    enum idp_err err = sql_run(tx, putting->arena, &count, &rows, NULL);
    if (err != IDP_OK || sql_cell_int(&rows, 0, 0) > 0)
        return err;
    return signing_key_insert(tx, putting->master, putting->arena, putting->key);
}

static enum idp_err is_missing(struct sql *db, struct arena *arena, enum jose_alg alg, bool *out)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(jose_alg_name(alg))};
    const struct sql_call count = {.text = count_text, .params = params, .count = 1};
    enum idp_err err = sql_read(db, arena, &count, &rows);
    if (err == IDP_OK)
        *out = sql_cell_int(&rows, 0, 0) == 0;
    return err;
}

enum idp_err signing_keys_ensure(struct sql *db, const struct master_key *master,
                                 const struct key_policy *policy, int64_t now)
{
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? IDP_OK : IDP_FAULT;
    for (int alg = 0; alg < JOSE_ALGS && err == IDP_OK; alg++) {
        bool missing = false;
        struct fresh_key key;
        err = is_missing(db, arena, (enum jose_alg)alg, &missing);
        if (err == IDP_OK && missing)
            err = signing_key_make(arena, (enum jose_alg)alg, &key);
        if (err != IDP_OK || !missing)
            continue;
        key.row.published = now;
        key.row.active_from = now - SIGNING_KEY_SLACK_S;
        key.row.cache_s = policy->cache_s;
        key.row.longest_s = policy->longest_s;
        struct putting putting = {.arena = arena, .master = master, .key = &key};
        err = sql_transact(db, put_if_missing, &putting);
    }
    arena_free(arena);
    return err;
}

/* --- reading ------------------------------------------------------------------------------- */

static const struct sql_call read_all = {
    .text = "SELECT kid, algorithm, public_jwk, wrapped, published, active_from, retired, cache_s, "
            "longest_s FROM signing_keys ORDER BY active_from DESC, published DESC, kid LIMIT 64"};

/* Returns false for a row this program cannot use: one of a later version. */
static bool read_row(const struct sql_rows *rows, size_t row, struct signing_key *out)
{
    const char *alg = sql_cell_text(rows, row, 1);
    *out = (struct signing_key){
        .kid = sql_cell_text(rows, row, 0),
        .public_jwk = sql_cell_text(rows, row, 2),
        .wrapped = sql_cell_text(rows, row, 3),
        .published = sql_cell_int(rows, row, 4),
        .active_from = sql_cell_int(rows, row, 5),
        .retired = sql_cell_int(rows, row, 6),
        .cache_s = sql_cell_int(rows, row, 7),
        .longest_s = sql_cell_int(rows, row, 8),
    };
    return out->kid != NULL && out->public_jwk != NULL && out->wrapped != NULL && alg != NULL &&
           jose_alg_find(alg, &out->alg);
}

static enum idp_err decode(const struct sql_rows *rows, struct arena *arena,
                           struct signing_keys *out)
{
    struct signing_key *keys = arena_alloc(arena, sizeof(*keys) * (rows->rows + 1));
    if (keys == NULL)
        return IDP_FAULT;
    size_t count = 0;
    for (size_t row = 0; row < rows->rows; row++)
        if (read_row(rows, row, &keys[count]))
            count++;
    *out = (struct signing_keys){.keys = keys, .count = count};
    return IDP_OK;
}

enum idp_err signing_keys_read(struct sql *db, struct arena *arena, struct signing_keys *out)
{
    struct sql_rows rows;
    enum idp_err err = sql_read(db, arena, &read_all, &rows);
    return err == IDP_OK ? decode(&rows, arena, out) : err;
}

enum idp_err signing_keys_read_in(struct sql_tx *tx, struct arena *arena, struct signing_keys *out)
{
    struct sql_rows rows;
    enum idp_err err = sql_run(tx, arena, &read_all, &rows, NULL);
    return err == IDP_OK ? decode(&rows, arena, out) : err;
}

/* --- promises ------------------------------------------------------------------------------ */

static enum idp_err raise(struct sql_tx *tx, void *with)
{
    const struct key_policy *policy = with;
    const struct sql_value cache[] = {sql_int(policy->cache_s)};
    const struct sql_value longest[] = {sql_int(policy->longest_s)};
    const struct sql_call calls[] = {
        {"UPDATE signing_keys SET cache_s = $1 WHERE cache_s < $1", cache, 1},
        {"UPDATE signing_keys SET longest_s = $1 WHERE longest_s < $1", longest, 1}};
    enum idp_err err = sql_run(tx, NULL, &calls[0], NULL, NULL);
    return err == IDP_OK ? sql_run(tx, NULL, &calls[1], NULL, NULL) : err;
}

enum idp_err signing_keys_promise(struct sql *db, const struct signing_keys *keys,
                                  const struct key_policy *policy)
{
    struct key_policy promised = *policy;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].cache_s < policy->cache_s || keys->keys[i].longest_s < policy->longest_s)
            return sql_transact(db, raise, &promised);
    return IDP_OK;
}

/* --- publishing ---------------------------------------------------------------------------- */

const char *signing_keys_jwks(const struct signing_keys *keys, struct arena *arena)
{
    const char *text = "{\"keys\":[";
    for (size_t i = 0; i < keys->count && text != NULL; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? "," : "", keys->keys[i].public_jwk);
    return text != NULL ? arena_printf(arena, "%s]}", text) : NULL;
}
