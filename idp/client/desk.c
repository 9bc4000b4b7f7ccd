/*
 * Changes to the clients' rows. What is random is made before the transaction, for a driver may
 * run a body more than once.
 */
#include "client/desk.h"

#include <stdbool.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/random.h"
#include "base/text.h"
#include "client/client.h"
#include "client/secret.h"
#include "store/generation.h"
#include "store/sql.h"

enum { ID_BYTES = 16, AUDIT_ID_BYTES = 16 };

/* One change, as its transaction needs it. */
struct change {
    struct arena *arena;
    const struct client_desk *desk;
    const char *id;
    const char *event, *audit_id; /* for the audit */
    const char *standing, *environment, *hash, *metadata;
    int64_t generation;
};

/* --- the pieces ---------------------------------------------------------------------------- */

/* A new client id: hex, so that it never begins with a hyphen. NULL when none can be made. */
static const char *new_id(struct arena *arena)
{
    unsigned char bytes[ID_BYTES];
    char *text = arena_alloc(arena, 2 * sizeof(bytes) + 1);
    if (text == NULL || random_bytes(bytes, sizeof(bytes)) != IDP_OK)
        return NULL;
    text_to_hex(bytes, sizeof(bytes), text);
    return text;
}

static enum idp_err prepare(struct change *change)
{
    change->audit_id = random_text(change->arena, AUDIT_ID_BYTES);
    return change->audit_id != NULL ? IDP_OK : IDP_FAULT;
}

/* What every change ends with: its audit row, and the counter by which nodes forget. */
static enum idp_err conclude(struct sql_tx *tx, struct change *change)
{
    const struct sql_value params[] = {sql_text(change->audit_id),
                                       sql_int(change->desk->now * 1000), sql_text(change->event),
                                       sql_text(change->id), sql_text(change->desk->detail)};
    const struct sql_call insert = {
        .text = "INSERT INTO audit (id, at_ms, event, client, detail) VALUES ($1, $2, $3, $4, $5)",
        .params = params,
        .count = 5};
    enum idp_err err = sql_run(tx, change->arena, &insert, NULL, NULL);
    return err == IDP_OK ? generation_bump(tx, &change->generation) : err;
}

/* Runs an UPDATE of one row and concludes; IDP_NOT_FOUND when there is no such row. */
static enum idp_err update(struct sql_tx *tx, struct change *change, const struct sql_call *call)
{
    int64_t changed = 0;
    enum idp_err err = sql_run(tx, change->arena, call, NULL, &changed);
    if (err == IDP_OK && changed == 0)
        err = IDP_NOT_FOUND;
    return err == IDP_OK ? conclude(tx, change) : err;
}

static enum idp_err run(struct change *change, enum idp_err (*body)(struct sql_tx *, void *),
                        int64_t *generation)
{
    enum idp_err err = prepare(change);
    if (err == IDP_OK)
        err = sql_transact(change->desk->db, body, change);
    if (err == IDP_OK && generation != NULL)
        *generation = change->generation;
    return err;
}

/* --- add ----------------------------------------------------------------------------------- */

/* The metadata with the id in it, in the order they came. */
static enum idp_err with_id(struct arena *arena, const char *metadata, const char *id,
                            const char **out)
{
    char *text = NULL;
    json_t *json = json_loads(metadata, JSON_REJECT_DUPLICATES, NULL);
    if (json != NULL && json_object_set_new(json, "client_id", json_string(id)) == 0)
        text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(json);
    const char *copy = arena_strdup(arena, text);
    free(text);
    if (copy == NULL)
        return IDP_FAULT;
    *out = copy;
    return IDP_OK;
}

static enum idp_err insert_client(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    const struct sql_value params[] = {
        sql_text(change->id),   sql_text(change->standing), sql_text(change->environment),
        sql_text(change->hash), sql_text(change->metadata), sql_int(change->desk->now),
    };
    const struct sql_call insert = {
        .text = "INSERT INTO clients (id, standing, environment, secret_hash, metadata, created, "
                "changed) VALUES ($1, $2, $3, $4, $5, $6, $6)",
        .params = params,
        .count = 6};
    enum idp_err err = sql_run(tx, change->arena, &insert, NULL, NULL);
    return err == IDP_OK ? conclude(tx, change) : err;
}

enum idp_err client_add(const struct client_desk *desk, struct arena *arena, const char *metadata,
                        const struct client *client, struct client_credentials *out)
{
    struct client_secret secret = {.secret = NULL};
    struct client_credentials credentials = {.id = client->id};
    struct change change = {.arena = arena,
                            .desk = desk,
                            .event = "client_added",
                            .standing = client_standing_name(client->standing),
                            .environment = client_environment_name(client->environment)};
    if (*client->id == '\0')
        credentials.id = new_id(arena);
    if (credentials.id == NULL)
        return IDP_FAULT;
    change.id = credentials.id;
    enum idp_err err = with_id(arena, metadata, change.id, &change.metadata);
    if (err == IDP_OK && client->auth_method != CLIENT_AUTH_NONE)
        err = client_secret_make(desk->keys, arena, change.id, &secret);
    change.hash = secret.hash;
    credentials.secret = secret.secret;
    if (err == IDP_OK)
        err = run(&change, insert_client, &credentials.generation);
    if (err == IDP_OK)
        *out = credentials;
    return err;
}

/* --- standing ------------------------------------------------------------------------------ */

static enum idp_err set_standing(struct sql_tx *tx, struct change *change, int64_t *generation)
{
    const struct sql_value params[] = {sql_text(change->standing), sql_int(change->desk->now),
                                       sql_text(change->id)};
    const struct sql_call call = {
        .text = "UPDATE clients SET standing = $1, changed = $2 WHERE id = $3",
        .params = params,
        .count = 3};
    enum idp_err err = prepare(change);
    if (err == IDP_OK)
        err = update(tx, change, &call);
    if (err == IDP_OK)
        *generation = change->generation;
    return err;
}

/* A code from before a suspension is no good afterwards either: grant_make() looks. */
static enum idp_err end_codes(struct sql_tx *tx, const struct change *change)
{
    const struct sql_value params[] = {sql_text(change->id), sql_int(change->desk->now)};
    return sql_run(
        tx, NULL,
        &(struct sql_call){"UPDATE clients SET rights_ended = $2 WHERE id = $1", params, 2}, NULL,
        NULL);
}

enum idp_err client_suspend(struct sql_tx *tx, const struct client_desk *desk, struct arena *arena,
                            const char *id, int64_t *generation)
{
    struct change change = {.arena = arena,
                            .desk = desk,
                            .id = id,
                            .event = "client_suspended",
                            .standing = client_standing_name(CLIENT_SUSPENDED)};
    enum idp_err err = set_standing(tx, &change, generation);
    return err == IDP_OK ? end_codes(tx, &change) : err;
}

/* Whether a platform has joined stands in its metadata, and outlives a suspension there. */
static enum idp_err standing_before(struct sql_tx *tx, struct arena *arena, const char *id,
                                    enum client_standing *out)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(id)};
    const struct sql_call call = {
        .text = "SELECT metadata FROM clients WHERE id = $1", .params = params, .count = 1};
    enum idp_err err = sql_run(tx, arena, &call, &rows, NULL);
    if (err != IDP_OK)
        return err;
    const char *metadata = rows.rows > 0 ? sql_cell_text(&rows, 0, 0) : NULL;
    if (metadata == NULL)
        return IDP_NOT_FOUND;
    json_t *json = json_loads(metadata, 0, NULL);
    if (json == NULL)
        return IDP_FAULT;
    bool announced = json_is_false(json_object_get(json, "tamga_joined"));
    json_decref(json);
    *out = announced ? CLIENT_ANNOUNCED : CLIENT_ACTIVE;
    return IDP_OK;
}

enum idp_err client_resume(struct sql_tx *tx, const struct client_desk *desk, struct arena *arena,
                           const char *id, int64_t *generation)
{
    enum client_standing standing = CLIENT_ACTIVE;
    struct change change = {.arena = arena, .desk = desk, .id = id, .event = "client_resumed"};
    enum idp_err err = standing_before(tx, arena, id, &standing);
    if (err != IDP_OK)
        return err;
    change.standing = client_standing_name(standing);
    return set_standing(tx, &change, generation);
}

/* --- secret -------------------------------------------------------------------------------- */

/* A client that has no secret never gets one in passing. */
static enum idp_err why_no_row(struct sql_tx *tx, struct change *change)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(change->id)};
    const struct sql_call call = {
        .text = "SELECT 1 FROM clients WHERE id = $1", .params = params, .count = 1};
    enum idp_err err = sql_run(tx, change->arena, &call, &rows, NULL);
    if (err != IDP_OK)
        return err;
    return rows.rows > 0 ? IDP_DENIED : IDP_NOT_FOUND;
}

static enum idp_err replace_secret(struct sql_tx *tx, void *with)
{
    struct change *change = with;
    const struct sql_value params[] = {sql_text(change->hash), sql_int(change->desk->now),
                                       sql_text(change->id)};
    const struct sql_call call = {.text = "UPDATE clients SET secret_hash = $1, changed = $2 "
                                          "WHERE id = $3 AND secret_hash IS NOT NULL",
                                  .params = params,
                                  .count = 3};
    enum idp_err err = update(tx, change, &call);
    return err == IDP_NOT_FOUND ? why_no_row(tx, change) : err;
}

enum idp_err client_rotate_secret(const struct client_desk *desk, struct arena *arena,
                                  const char *id, struct client_credentials *out)
{
    struct client_secret secret;
    struct client_credentials credentials = {.id = id};
    struct change change = {
        .arena = arena, .desk = desk, .id = id, .event = "client_secret_rotated"};
    enum idp_err err = client_secret_make(desk->keys, arena, id, &secret);
    if (err != IDP_OK)
        return err;
    change.hash = secret.hash;
    credentials.secret = secret.secret;
    err = run(&change, replace_secret, &credentials.generation);
    if (err == IDP_OK)
        *out = credentials;
    return err;
}
