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

/* Who changes what, with what. */
struct client_desk {
    struct sql *db;
    const struct purpose_keys *keys;
    int64_t now;       /* seconds */
    const char *actor; /* for the audit, e.g. "tamgactl" */
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

/* Suspends an active client; one that is suspended stays so. *generation may be NULL. Returns
 * IDP_NOT_FOUND. */
enum idp_err client_suspend(const struct client_desk *desk, const char *id, int64_t *generation);

/* Lifts a suspension: active again, or announced when it has not joined. IDP_NOT_FOUND. */
enum idp_err client_resume(const struct client_desk *desk, const char *id, int64_t *generation);

/* Gives it a new secret; the old one ends. Returns IDP_NOT_FOUND, or IDP_DENIED for a client
 * without secret. */
enum idp_err client_rotate_secret(const struct client_desk *desk, struct arena *arena,
                                  const char *id, struct client_credentials *out);
