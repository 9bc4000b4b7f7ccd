/*
 * Changes of the trust list of all nodes. The list has been checked completely before
 * (pki/trust/trust.h), and so have the signatures that it keeps (pki/trust/trust_signatures.h), so
 * a wrong, empty or unsigned one never gets here. A list is a new row; the rights that rest on
 * authorities which it does not name any more, or names in another environment, end with it.
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
    bool restore; /* an earlier list is to count again: its number need not be a higher one */
};

/* What came of it. Texts live as long as the arena. */
struct trust_loaded {
    bool changed;                /* false: it is the list that counted already */
    bool signed_anew;            /* other signatures than were kept with the list before */
    int64_t loading;             /* the how manieth it is */
    int64_t generation;          /* that all nodes have to have seen; 0: none */
    const char *added, *removed; /* ids of authorities, space-separated */
    const char *const *endings;  /* outbox rows: nodes end what rested on a removed authority */
    size_t endings_count;
};

/*
 * Makes the list the one that counts, in one transaction with an audit row, the order to end what
 * rested on authorities that left, and a new generation. A grant is either made before and ends, or
 * not made. Of a list that was loaded before, the signatures are exchanged in any case.
 * Returns IDP_DENIED when its number is not above those of all lists that were loaded before
 * (trust_rows_highest()): an old list must not come back by mistake or malice. IDP_FAULT for a list
 * without signatures; else as sql_transact().
 */
enum idp_err trust_desk_load(const struct trust_desk *desk, struct arena *arena,
                             const struct trust *trust, struct trust_loaded *out);

/*
 * Exchanges the signatures that are kept with a list of earlier, whether or not it counts, with an
 * audit row; nothing where no such list or nothing new is there. Returns as trust_desk_load().
 */
enum idp_err trust_desk_sign(const struct trust_desk *desk, struct arena *arena,
                             const struct trust *trust);
