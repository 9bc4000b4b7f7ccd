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
#include "store/sql.h"

enum { RSA_BITS = 2048 };

enum signing_key_state signing_key_state(const struct signing_key *key, int64_t now)
{
    if (key->retired != 0 && key->retired <= now)
        return SIGNING_KEY_RETIRED;
    return key->active_from <= now ? SIGNING_KEY_ACTIVE : SIGNING_KEY_PUBLISHED;
}

/* --- making -------------------------------------------------------------------------------- */

static EVP_PKEY *generate(enum jose_alg alg)
{
    return alg == JOSE_ES256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(RSA_BITS);
}

/* The private key as PKCS#8 DER, wrapped. */
static enum idp_err wrap(const struct master_key *master, struct arena *arena, EVP_PKEY *key,
                         struct signing_key *out)
{
    unsigned char *der = NULL;
    size_t len = 0;
    enum idp_err err = IDP_FAULT;
    const struct master_label label = {.purpose = "signing", .id = out->kid};
    OSSL_ENCODER_CTX *encoder =
        OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_KEYPAIR, "DER", "PrivateKeyInfo", NULL);
    if (encoder != NULL && OSSL_ENCODER_to_data(encoder, &der, &len) == 1)
        err = master_wrap(master, &label, der, len, arena, &out->wrapped);
    OPENSSL_clear_free(der, len);
    OSSL_ENCODER_CTX_free(encoder);
    return err;
}

static enum idp_err make(const struct master_key *master, struct arena *arena, enum jose_alg alg,
                         struct signing_key *out)
{
    char kid[JWK_THUMBPRINT_LEN + 1];
    EVP_PKEY *key = generate(alg);
    enum idp_err err = key != NULL ? jwk_thumbprint(key, kid) : IDP_FAULT;
    *out = (struct signing_key){.alg = alg};
    if (err == IDP_OK)
        out->kid = arena_strdup(arena, kid);
    if (out->kid == NULL)
        err = IDP_FAULT;
    if (err == IDP_OK)
        err = jwk_print(arena, key, kid, &out->public_jwk);
    if (err == IDP_OK)
        err = wrap(master, arena, key, out);
    EVP_PKEY_free(key);
    return err;
}

static const char count_text[] =
    "SELECT COUNT(*) FROM signing_keys WHERE algorithm = $1 AND retired IS NULL";

struct putting {
    struct arena *arena;
    const struct signing_key *key;
    int64_t now;
};

static enum idp_err put_if_missing(struct sql_tx *tx, void *with)
{
    const struct putting *putting = with;
    const struct signing_key *key = putting->key;
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(key->kid), sql_text(jose_alg_name(key->alg)),
                                       sql_text(key->public_jwk), sql_text(key->wrapped),
                                       sql_int(putting->now)};
    const struct sql_call count = {.text = count_text, .params = params + 1, .count = 1};
    const struct sql_call insert = {
        .text = "INSERT INTO signing_keys (kid, algorithm, public_jwk, wrapped, published, "
                "active_from) VALUES ($1, $2, $3, $4, $5, $5)",
        .params = params,
        .count = 5};
    enum idp_err err = sql_run(tx, putting->arena, &count, &rows, NULL);
    if (err != IDP_OK || sql_cell_int(&rows, 0, 0) > 0)
        return err;
    return sql_run(tx, putting->arena, &insert, NULL, NULL);
}

static enum idp_err ensure_one(struct sql *db, const struct master_key *master, struct arena *arena,
                               enum jose_alg alg, int64_t now)
{
    struct sql_rows rows;
    struct signing_key key;
    const struct sql_value params[] = {sql_text(jose_alg_name(alg))};
    const struct sql_call count = {.text = count_text, .params = params, .count = 1};
    enum idp_err err = sql_read(db, arena, &count, &rows);
    if (err != IDP_OK || sql_cell_int(&rows, 0, 0) > 0)
        return err;
    err = make(master, arena, alg, &key);
    if (err != IDP_OK)
        return err;
    struct putting putting = {.arena = arena, .key = &key, .now = now};
    return sql_transact(db, put_if_missing, &putting);
}

enum idp_err signing_keys_ensure(struct sql *db, const struct master_key *master, int64_t now)
{
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? IDP_OK : IDP_FAULT;
    for (int alg = 0; alg < JOSE_ALGS && err == IDP_OK; alg++)
        err = ensure_one(db, master, arena, (enum jose_alg)alg, now);
    arena_free(arena);
    return err;
}

/* --- reading ------------------------------------------------------------------------------- */

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
    };
    return out->kid != NULL && out->public_jwk != NULL && out->wrapped != NULL && alg != NULL &&
           jose_alg_find(alg, &out->alg);
}

enum idp_err signing_keys_read(struct sql *db, struct arena *arena, struct signing_keys *out)
{
    struct sql_rows rows;
    const struct sql_call call = {
        .text = "SELECT kid, algorithm, public_jwk, wrapped, published, active_from, retired "
                "FROM signing_keys ORDER BY active_from DESC, kid LIMIT 64"};
    enum idp_err err = sql_read(db, arena, &call, &rows);
    if (err != IDP_OK)
        return err;
    struct signing_key *keys = arena_alloc(arena, sizeof(*keys) * (rows.rows + 1));
    if (keys == NULL)
        return IDP_FAULT;
    size_t count = 0;
    for (size_t row = 0; row < rows.rows; row++)
        if (read_row(&rows, row, &keys[count]))
            count++;
    *out = (struct signing_keys){.keys = keys, .count = count};
    return IDP_OK;
}

const char *signing_keys_jwks(const struct signing_keys *keys, struct arena *arena)
{
    const char *text = "{\"keys\":[";
    for (size_t i = 0; i < keys->count && text != NULL; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? "," : "", keys->keys[i].public_jwk);
    return text != NULL ? arena_printf(arena, "%s]}", text) : NULL;
}
