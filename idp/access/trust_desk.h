/*
 * Changes of the trust list of all nodes. The list has been checked completely before
 * (pki/trust.h), so a wrong or empty one never gets here. A list is a new row; the rights that rest
 * on authorities which it does not name any more, or names in another environment, end with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "evidence/audit.h"

struct arena;
struct sql;
struct trust;

struct trust_desk {
    struct sql *db;
    struct audit_actor by;
    int64_t now;
    bool in_file; /* the list stands in the settings' file */
};

/* What came of it. Texts live as long as the arena. */
struct trust_loaded {
    bool changed; /* false: it is the list that counted already */
    int64_t number;
    int64_t generation;          /* that all nodes have to have seen; 0: none */
    const char *added, *removed; /* ids of authorities, space-separated */
    const char *const *endings;  /* outbox rows: nodes end what rested on a removed authority */
    size_t endings_count;
};

/*
 * Makes the list the one that counts, in one transaction with an audit row, the order to end what
 * rested on authorities that left, and a new generation. A grant is either made before and ends, or
 * not made. Returns what sql_transact() does.
 */
enum idp_err trust_desk_load(const struct trust_desk *desk, struct arena *arena,
                             const struct trust *trust, struct trust_loaded *out);
