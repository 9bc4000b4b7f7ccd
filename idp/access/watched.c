#include "access/watched.h"

#include <stdio.h>

#include "access/access.h"
#include "access/certificate_ending.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "evidence/seen.h"
#include "pki/revocation/watch.h"
#include "store/sql.h"

enum {
    PAGE = 2000,      /* as in the statements below */
    CALENDARS_S = 90, /* by which nodes' clocks may differ, and a transaction may last */
};

/* What is read, page by page. */
struct walk {
    const struct access *access;
    struct watch *watch;
    struct arena *arena;
    const char *authority;
    int64_t now, seen;                         /* of the last row */
    char hash[BASE64URL_LEN(DIGEST_SIZE) + 1]; /* the same; "" before the first */
    size_t found;
};

/* Rows of hash, issuer, serial, authority, seen. */
static enum idp_err add_rows(struct walk *walk, const struct sql_rows *rows, bool offline)
{
    enum idp_err err = IDP_OK;
    int64_t session_s = walk->access->session_absolute_s + SEEN_EVERY_S;
    for (size_t i = 0; err == IDP_OK && i < rows->rows; i++) {
        struct seen_certificate certificate;
        const char *hash = sql_cell_text(rows, i, 0);
        (void)snprintf(walk->hash, sizeof(walk->hash), "%s", hash != NULL ? hash : "");
        walk->seen = sql_cell_int(rows, i, 4);
        bool signed_in = offline || walk->seen >= walk->now - session_s;
        if (seen_certificate_read(hash, sql_cell_text(rows, i, 1), sql_cell_text(rows, i, 3),
                                  sql_cell_text(rows, i, 2), &certificate))
            err = watch_add(walk->watch, &certificate, signed_in, walk->now);
    }
    walk->found = rows->rows;
    return err;
}

/*
 * Whatever they were refused for since they were accepted: somebody may be signed in with them
 * still, and with a lock in hand it is easy to be refused. Those that were never accepted, for what
 * may be over.
 */
static enum idp_err read_seen(struct walk *walk)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(walk->authority), sql_int(walk->seen),
                                       sql_text(walk->hash), sql_int(walk->now)};
    const struct sql_call call = {
        .text = "SELECT hash, issuer, serial, authority, seen FROM certificates "
                "WHERE authority = $1 AND (seen > $2 OR (seen = $2 AND hash > $3)) "
                "AND not_after >= $4 AND (accepted IS NOT NULL OR reason = 'lock.on_hold' "
                "OR reason LIKE 'lock.status%') ORDER BY seen, hash LIMIT 2000",
        .params = params,
        .count = 4};
    enum idp_err err = sql_read(walk->access->db, walk->arena, &call, &rows);
    return err == IDP_OK ? add_rows(walk, &rows, false) : err;
}

static enum idp_err read_offline(struct walk *walk)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_int(walk->now), sql_text(walk->hash)};
    const struct sql_call call = {
        .text = "SELECT DISTINCT c.hash, c.issuer, c.serial, c.authority, c.seen "
                "FROM refresh_families f JOIN grants g ON g.id = f.grant_id "
                "JOIN locks l ON l.id = g.lock JOIN certificates c ON c.hash = l.certificate_hash "
                "WHERE f.expires > $1 AND g.ended IS NULL AND l.unbound IS NULL AND c.hash > $2 "
                "ORDER BY c.hash LIMIT 2000",
        .params = params,
        .count = 2};
    enum idp_err err = sql_read(walk->access->db, walk->arena, &call, &rows);
    return err == IDP_OK ? add_rows(walk, &rows, true) : err;
}

/* The same of certificates that a lock has no more: what they gave may still be in use. */
static enum idp_err read_former(struct walk *walk)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_int(walk->now), sql_text(walk->hash)};
    const struct sql_call call = {
        .text = "SELECT DISTINCT c.hash, c.issuer, c.serial, c.authority, c.seen "
                "FROM former_certificates o JOIN certificates c ON c.hash = o.certificate "
                "JOIN locks l ON l.id = o.lock JOIN grants g ON g.lock = l.id "
                "JOIN refresh_families f ON f.grant_id = g.id "
                "WHERE f.expires > $1 AND g.ended IS NULL AND l.unbound IS NULL AND c.hash > $2 "
                "AND c.not_after >= $1 ORDER BY c.hash LIMIT 2000",
        .params = params,
        .count = 2};
    enum idp_err err = sql_read(walk->access->db, walk->arena, &call, &rows);
    return err == IDP_OK ? add_rows(walk, &rows, true) : err;
}

/* Page after page, each with memory of its own. */
static enum idp_err walk_through(struct walk *walk, enum idp_err (*read)(struct walk *walk))
{
    enum idp_err err = IDP_OK;
    walk->hash[0] = '\0';
    for (walk->found = PAGE; err == IDP_OK && walk->found == PAGE;) {
        walk->arena = arena_new();
        err = walk->arena != NULL ? read(walk) : IDP_FAULT;
        arena_free(walk->arena);
    }
    return err;
}

static enum idp_err name_all(const struct access *access, struct watch *watch, bool whole,
                             int64_t since, int64_t now)
{
    const struct watch_want *wants = NULL;
    size_t count = 0;
    struct walk walk = {.access = access, .watch = watch, .now = now};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? watch_wants(access->pki, arena, &wants, &count) : IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < count; i++) {
        int64_t ahead = wants[i].ahead_s > access->session_absolute_s ? wants[i].ahead_s
                                                                      : access->session_absolute_s;
        walk.authority = wants[i].authority;
        walk.seen = whole ? now - ahead - SEEN_EVERY_S : since;
        err = walk_through(&walk, read_seen);
    }
    if (err == IDP_OK && whole)
        err = walk_through(&walk, read_offline);
    if (err == IDP_OK && whole)
        err = walk_through(&walk, read_former);
    arena_free(arena);
    return err;
}

enum idp_err watched_follow(const struct access *access, struct watch *watch,
                            struct watched *watched, int64_t now)
{
    bool whole = watch_begin(watch, now >= watched->whole_at + WATCHED_WHOLE_S);
    enum idp_err err = name_all(access, watch, whole, watched->since, now);
    if (err != IDP_OK)
        return err;
    watch_end(watch, whole);
    watched->since = now - CALENDARS_S;
    if (whole)
        watched->whole_at = now;
    return IDP_OK;
}

/* --- what is found --------------------------------------------------------------------------- */

static enum idp_err nothing_to_close(struct sql_tx *tx, const void *with)
{
    (void)tx;
    (void)with;
    return IDP_OK;
}

enum idp_err watched_turned(void *context, const struct seen_certificate *certificate,
                            const struct verdict *verdict, int64_t now)
{
    char hash[BASE64URL_LEN(DIGEST_SIZE) + 1];
    const struct access *access = context;
    if (verdict->says != VERDICT_ON_HOLD && verdict->says != VERDICT_ISSUER_REVOKED)
        return IDP_OK;
    bool on_hold = verdict->says == VERDICT_ON_HOLD;
    base64url_encode(certificate->hash, DIGEST_SIZE, hash);
    const struct certificate_ending ending = {
        .certificate = hash,
        .event = on_hold ? "lock_on_hold" : "lock_issuer_revoked",
        .why = on_hold ? "certificate_on_hold" : "issuer_revoked",
        .now = now,
        .close = nothing_to_close};
    enum idp_err err = certificate_end(access, &ending, NULL);
    if (err != IDP_OK)
        log_event(LOG_ERROR, "rights_of_lock_not_ended", "certificate", hash);
    return err;
}
