/*
 * Mail to the contacts of an enterprise: what happened to its locks, its account, its consents. A
 * row of the outbox is written in the transaction of the cause; the text is made when it is sent.
 */
#pragma once

#include <stdint.h>

#include "access/outbox.h"
#include "base/error.h"

struct access;
struct arena;
struct news;
struct sql_tx;

/* What happened, to whom. Ids; those that have no part in it are NULL. */
struct mail_cause {
    const struct news *news;
    const char *enterprise; /* may be NULL where lock is given: it is the lock's */
    const char *lock;
    const char *client;             /* the platform through which, or whose */
    const char *authority, *serial; /* of a lock that is not the enterprise's; or NULL */
    const char *former; /* address that the enterprise had before, and is told, too; or NULL */
    int64_t now;        /* seconds since 1970 */
};

/*
 * Adds what is to be sent: a row for the enterprise's address, and one for the former one when that
 * is another. Of a suspension, a resumption and an unbinding it has to be called before the change,
 * and adds nothing when there will be none. Adds nothing without mail in the settings. Returns what
 * sql_run() does; IDP_NOT_FOUND is left to the change itself.
 */
enum idp_err mail_add(const struct access *access, struct sql_tx *tx, struct arena *arena,
                      const struct mail_cause *cause);

/* The address of the enterprise with this USCC, in the arena; NULL when it has none. */
enum idp_err mail_address(struct sql_tx *tx, struct arena *arena, const char *uscc,
                          const char **out);

extern const struct outbox_kind mail_kind;
