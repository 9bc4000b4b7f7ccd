/*
 * Certificates seen lately: a row of `certificates` for each whose key proved itself and whose path
 * is good, accepted or refused. Operators try a new trust list on them, and answers about their
 * revocation are renewed ahead of time. The DER is an evidence object.
 *
 * A row is written at most once an hour for each outcome: a memory says which were, so that the
 * sign-in of every day costs no statement. It belongs to this node, and what it does not know is
 * written again.
 */
#pragma once

#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct lock_identity;
struct seen;
struct sql_tx;

enum { SEEN_EVERY_S = 3600 };

/* Makes an empty memory of a few thousand certificates, the last ones seen. NULL without memory. */
struct seen *seen_new(void);
void seen_free(struct seen *seen);

/* What a row says. Texts of hashes are base64url(SHA-256(DER)). */
struct seen_row {
    const char *hash, *authority;
    const char *issuer; /* hash of the anchor */
    const char *serial; /* upper-case hex */
    const char *uscc;   /* "" where none could be read */
    int64_t not_after;
    const char *reason; /* why it was refused; NULL: it was accepted */
    int64_t at;
};

/* Writes a row, unless a later one is there. Returns what sql_run() does. */
enum idp_err seen_row_write(struct sql_tx *tx, const struct seen_row *row);

/*
 * Writes the row of a lock that was accepted, unless the memory knows it to be written within the
 * hour. seen may be NULL: nothing is known. Returns what sql_run() does.
 */
enum idp_err seen_accepted(struct sql_tx *tx, struct seen *seen, const struct lock_identity *who,
                           int64_t now);

/* Called once the transaction of seen_accepted() is committed. */
void seen_committed(struct seen *seen, const struct lock_identity *who, int64_t now);

/* It was refused: the next time that it is accepted is written. */
void seen_refused(struct seen *seen, const unsigned char hash[DIGEST_SIZE]);
