/*
 * What happened, provably: rows that are only ever added, written in the transaction of what they
 * tell. (The hash chain over them comes later; the rows hold what it will need.) Logs of access,
 * which prove nothing, are deleted when the settings say so: over.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct sql_tx;

struct audit_entry {
    const char *event; /* bound, signed_in, consent_given, grant_ended … */
    int64_t at_ms;
    const char *enterprise, *lock, *client; /* ids; each may be NULL */
    const char *detail;                     /* a JSON object */
};

/* Adds a row. */
enum idp_err audit_add(struct sql_tx *tx, struct arena *arena, const struct audit_entry *entry);

/* Who did it. */
struct audit_actor {
    const char *kind; /* bidder, client, operator, node */
    const char *name; /* of an operator, as the system knows them; may be NULL */
};

/* A detail that says who did it, and one thing more: {"actor":…,"by":…,name:value}, in the arena.
 * What is NULL is left out. Returns NULL when there is no memory, or the texts are too long. */
const char *audit_detail(struct arena *arena, const struct audit_actor *by, const char *name,
                         const char *value);
