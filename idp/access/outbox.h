/*
 * What has to be done outside the transaction that causes it: a row is written in the transaction
 * and delivered afterwards, at least once, again and again until it is done or parked.
 *
 * What can be done is a kind, and each kind is a const struct beside the thing it speaks of;
 * outbox.c lists them all, outbox_deliver.c works them off. Rows wait in queues, each with a job of
 * its own, so that what is slow (a mail server) never delays what is urgent (tombstones).
 * docs/decisions/outbox.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct access;
struct arena;
struct sql_tx;

enum outbox_queue {
    OUTBOX_TOMBSTONES, /* what makes the key-value store forget: quick, may be done twice, and is
                          never given up */
    OUTBOX_MESSAGES,   /* what leaves the house: slow, not to be done twice, given up in the end */
    OUTBOX_QUEUES,     /* how many there are */
};

/* A row as it is delivered. */
struct outbox_row {
    const char *id; /* the same at each attempt */
    const char *kind, *target, *body;
    int64_t created, now; /* when it was added, when it is delivered: seconds since 1970 */
};

struct outbox_kind {
    const char *name; /* in the row */
    enum outbox_queue queue;
    /* Whoever adds the row does it itself, too: the row is due this much later, for when it died.
     */
    int64_t head_start_ms;
    /*
     * Delivers a row. IDP_OK: it is done. IDP_UNAVAILABLE: nobody answered, and would not answer
     * for other rows either; it is tried again. IDP_DENIED: it will never be taken. Anything else:
     * it is tried again.
     */
    enum idp_err (*deliver)(const struct access *access, const struct outbox_row *row);
};

/* The kind of that name, or NULL; and the name of a queue in its rows. */
const struct outbox_kind *outbox_kind_find(const char *name);
const char *outbox_queue_name(enum outbox_queue queue);

/* What is added. */
struct outbox_entry {
    const struct outbox_kind *kind;
    const char *target; /* what or whom it is about */
    const char *body;   /* NULL: none is needed */
    int64_t now;        /* seconds since 1970 */
    bool at_once;       /* nobody does it beside the row: it needs no head start */
};

/* Adds a row. *out is its id, in the arena. Returns what sql_run() does. */
enum idp_err outbox_add(struct sql_tx *tx, struct arena *arena, const struct outbox_entry *entry,
                        const char **out);

/* Marks a row as done, in a transaction. Returns what sql_run() does. */
enum idp_err outbox_mark_done(struct sql_tx *tx, const char *id, int64_t now);

/* Marks rows as done, all in one transaction. Returns what sql_transact() does. */
enum idp_err outbox_done(const struct access *access, const char *const *ids, size_t count,
                         int64_t now);

/*
 * Delivers what of the queue is due at now_ms, in that order, until nothing is or a second is over.
 * Rows that fail are tried again later and later; they keep no other row waiting, save that after
 * a few in succession that found nobody who answers the rest is left for the next call. A message
 * that is refused for good, or was tried access->message_attempts times, is parked: logged, and
 * left in the table with the reason. Returns IDP_UNAVAILABLE when the database does not answer.
 *
 * Several nodes may deliver one queue at once: of a message each claims a row, for longer than a
 * delivery takes, before it tries. Whoever dies meanwhile leaves it to be tried again.
 */
enum idp_err outbox_deliver(const struct access *access, enum outbox_queue queue, int64_t now_ms);

/* What waits in a queue, and what was given up. */
struct outbox_figures {
    int64_t waiting, parked;
    int64_t oldest; /* when the longest waiting row was added, seconds since 1970; 0: none waits */
};

/* Looks at what is in a queue. Returns what sql_read() does. */
enum idp_err outbox_count(const struct access *access, enum outbox_queue queue,
                          struct outbox_figures *out);

/* The figures of all queues as they were seen last: for whoever may ask no store. */
struct outbox_board {
    struct {
        _Atomic int64_t waiting, parked, oldest;
    } queues[OUTBOX_QUEUES];
};

/* Looks at all queues; what cannot be read stays as it was. Returns what sql_read() does. */
enum idp_err outbox_watch(const struct access *access, struct outbox_board *board);
