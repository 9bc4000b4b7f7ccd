/*
 * Changes to the clients' rows. Each is one SQL transaction that writes the row, an audit row and
 * moves the generation counter, so that all nodes forget what they remembered.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "client/metadata.h"

struct arena;
struct purpose_keys;
struct sql;
struct sql_tx;

/* Who changes what, with what. */
struct client_desk {
    struct sql *db;
    const struct purpose_keys *keys;
    int64_t now;        /* seconds */
    const char *detail; /* of audit rows: a JSON object that says who did it */
};

/* What the client's owner is told, once. */
struct client_credentials {
    const char *id;
    const char *secret; /* NULL for a client without secret */
    int64_t generation; /* the one that nodes have to have seen */
};

/*
 * Registers what metadata_parse() accepted, under its client_id or a new one. metadata is the text
 * that was parsed. Returns IDP_CONFLICT when the id is taken.
 */
enum idp_err client_add(const struct client_desk *desk, struct arena *arena, const char *metadata,
                        const struct client *client, struct client_credentials *out);

/*
 * In the transaction that ends its rights (access/revoke.h): suspends a client; one that is
 * suspended stays so. Returns IDP_NOT_FOUND.
 */
enum idp_err client_suspend(struct sql_tx *tx, const struct client_desk *desk, struct arena *arena,
                            const char *id, int64_t *generation);

/* Lifts a suspension: active again, or announced when it has not joined. IDP_NOT_FOUND. */
enum idp_err client_resume(struct sql_tx *tx, const struct client_desk *desk, struct arena *arena,
                           const char *id, int64_t *generation);

/* Gives it a new secret; the old one ends. Returns IDP_NOT_FOUND, or IDP_DENIED for a client
 * without secret. */
enum idp_err client_rotate_secret(const struct client_desk *desk, struct arena *arena,
                                  const char *id, struct client_credentials *out);
