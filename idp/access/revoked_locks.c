#include "access/revoked_locks.h"

#include "access/access.h"
#include "access/certificate_ending.h"
#include "base/arena.h"
#include "base/log.h"
#include "notify/news.h"
#include "pki/revocation/revoked_rows.h"

enum { SUPERSEDED = 4 /* CRLReason */ };

/* An order, and when it is carried out. */
struct order {
    const struct revoked_row *row;
    int64_t now;
};

static enum idp_err close_row(struct sql_tx *tx, const void *with)
{
    const struct order *order = with;
    return revoked_row_close(tx, order->row->number, order->now);
}

static void log_ended(const struct revoked_row *row, size_t locks)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "revoked_lock_ended");
    log_text(&line, "authority", row->authority);
    log_text(&line, "certificate", row->certificate);
    log_number(&line, "locks", (int64_t)locks);
    log_end(&line);
}

static enum idp_err carry_out(const struct access *access, const struct order *order)
{
    size_t locks = 0;
    const struct certificate_ending ending = {.certificate = order->row->certificate,
                                              .superseded = order->row->reason == SUPERSEDED,
                                              .event = "lock_revoked",
                                              .why = "certificate_revoked",
                                              .news = &news_lock_revoked,
                                              .now = order->now,
                                              .close = close_row,
                                              .with = order};
    enum idp_err err = certificate_end(access, &ending, &locks);
    if (err == IDP_OK)
        log_ended(order->row, locks);
    return err == IDP_NOT_FOUND ? IDP_OK : err; /* another node was first */
}

static enum idp_err carry_out_some(const struct access *access, int64_t now, size_t *count)
{
    const struct revoked_row *rows = NULL;
    struct arena *arena = arena_new();
    enum idp_err err =
        arena != NULL ? revoked_rows_open(access->db, arena, &rows, count) : IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < *count; i++) {
        const struct order order = {.row = &rows[i], .now = now};
        err = carry_out(access, &order);
    }
    arena_free(arena);
    return err;
}

enum idp_err revoked_locks_end(const struct access *access, int64_t now)
{
    size_t count = REVOKED_ROWS_MAX;
    enum idp_err err = IDP_OK;
    while (err == IDP_OK && count == REVOKED_ROWS_MAX)
        err = carry_out_some(access, now, &count);
    return err;
}
