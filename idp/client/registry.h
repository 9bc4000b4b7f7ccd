/*
 * Look-ups of clients: SQL rows, decoded once and remembered in this process.
 *
 * A hit costs a hash and a shared lock; it never waits. A miss reads SQL, so on a thread that may
 * not wait it is IDP_WAIT. Records that are handed out stay whole until the arena is freed, even
 * when the registry has long forgotten them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "client/client.h"

struct arena;
struct client_registry;
struct sql;

/* db must outlive the registry. Returns NULL when there is no memory. */
struct client_registry *client_registry_new(struct sql *db);

/* NULL is allowed. Records that arenas still hold stay alive. */
void client_registry_free(struct client_registry *registry);

/* Forgets everything, and trusts its memory again. For when the generation counter moved, or was
 * read again after a while. */
void client_registry_refresh(struct client_registry *registry);

/* Forgets everything and remembers nothing until client_registry_refresh(): every look-up reads
 * SQL. For when the generation counter could not be read for two seconds. */
void client_registry_distrust(struct client_registry *registry);

/*
 * Has each look-up ask stale(with) first: while that is true nothing remembered is used and
 * nothing new is remembered. What was remembered before serves again afterwards, so stale must not
 * turn false before client_registry_refresh() was called for each generation that was missed, as
 * generation_stale() promises. To be called before other threads look up.
 */
void client_registry_guard(struct client_registry *registry, bool (*stale)(const void *with),
                           const void *with);

/*
 * Finds a client by id, whatever its standing. Returns IDP_NOT_FOUND when there is none (also for
 * an id that is too long), IDP_WAIT when SQL has to be asked on a thread that may not wait,
 * IDP_UNAVAILABLE when the database does not answer, IDP_FAULT for a row that cannot be decoded.
 */
enum idp_err client_find(struct client_registry *registry, struct arena *arena, const char *id,
                         const struct client **out);

/* Clients in the order of the chooser: group, order, id. */
struct client_list {
    const struct client *const *clients;
    size_t count;
};

/* All clients, of every standing and environment. Remembered as single ones are. */
enum idp_err client_list(struct client_registry *registry, struct arena *arena,
                         struct client_list *out);
