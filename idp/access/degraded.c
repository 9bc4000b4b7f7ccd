#include "access/degraded.h"

#include "access/access.h"
#include "access/certificate_ending.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/random.h"
#include "pki/lock/verify.h"
#include "pki/revocation/again.h"
#include "pki/trust/trust.h"
#include "store/sql.h"

enum {
    AT_A_TIME = 50,
    AWAY_AFTER = 3 /* certificates that nothing was said of */,
    ID_BYTES = 16,
    HASH_TEXT = BASE64URL_LEN(LOCK_HASH_SIZE) + 1
};

/* --- the row --------------------------------------------------------------------------------- */

enum idp_err degraded_note(struct sql_tx *tx, struct arena *arena, const struct lock_identity *who,
                           int64_t now)
{
    char certificate[HASH_TEXT];
    char issuer[HASH_TEXT];
    const char *id = random_text(arena, ID_BYTES);
    base64url_encode(who->certificate_hash, LOCK_HASH_SIZE, certificate);
    base64url_encode(who->anchor->hash, LOCK_HASH_SIZE, issuer);
    const struct sql_value params[] = {
        sql_text(id),     sql_text(certificate), sql_text(who->authority->id),
        sql_text(issuer), sql_text(who->serial), sql_int(now)};
    const struct sql_call call = {
        .text = "INSERT INTO degraded_sign_ins (id, certificate, authority, issuer, serial, at) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
        .params = params,
        .count = 6};
    return id != NULL ? sql_run(tx, NULL, &call, NULL, NULL) : IDP_FAULT;
}

/* --- settling -------------------------------------------------------------------------------- */

/* What became of one certificate's sign-ins. */
struct settling {
    const char *certificate, *authority;
    const char *outcome;
    int64_t now;
};

static enum idp_err close_rows(struct sql_tx *tx, const void *with)
{
    int64_t changed = 0;
    const struct settling *s = with;
    const struct sql_value params[] = {sql_text(s->certificate), sql_int(s->now),
                                       sql_text(s->outcome)};
    const struct sql_call call = {
        .text = "UPDATE degraded_sign_ins SET settled = $2, outcome = $3 WHERE certificate = $1 "
                "AND settled IS NULL",
        .params = params,
        .count = 3};
    enum idp_err err = sql_run(tx, NULL, &call, NULL, &changed);
    return err == IDP_OK && changed == 0 ? IDP_NOT_FOUND : err;
}

static enum idp_err close_in_transaction(struct sql_tx *tx, void *with)
{
    return close_rows(tx, with);
}

static void log_settled(const struct settling *s)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, "degraded_settled");
    log_text(&line, "authority", s->authority);
    log_text(&line, "certificate", s->certificate);
    log_text(&line, "outcome", s->outcome);
    log_end(&line);
}

/* It was good all the time, or what rests on it ends by the row of the revoked certificate. */
static enum idp_err settle(const struct access *access, struct settling *s)
{
    return sql_transact(access->db, close_in_transaction, s);
}

/* On hold, not known, over or not accepted any more, or of an authority that nobody vouches for. */
static enum idp_err settle_and_end(const struct access *access, const struct settling *s)
{
    const struct certificate_ending ending = {.certificate = s->certificate,
                                              .event = "lock_not_confirmed",
                                              .why = "lock_not_confirmed",
                                              .now = s->now,
                                              .close = close_rows,
                                              .with = s};
    return certificate_end(access, &ending, NULL);
}

static const char *outcome_of(enum idp_err err, const struct again *again)
{
    const struct verdict *verdict = &again->verdict;
    if (err == IDP_NOT_FOUND)
        return "not_listed";
    if (again->past_asking)
        return "past_asking";
    switch (verdict->says) {
    case VERDICT_GOOD:
        return verdict->degraded ? NULL : "good";
    case VERDICT_REVOKED:
        return "revoked";
    case VERDICT_ISSUER_REVOKED:
        return "issuer_revoked";
    case VERDICT_ON_HOLD:
        return "on_hold";
    case VERDICT_UNKNOWN:
        return "unknown";
    case VERDICT_ASK:
    case VERDICT_UNAVAILABLE:
    default:
        return NULL; /* nobody has spoken */
    }
}

/* One certificate. IDP_FULL: nothing is said of it yet. */
static enum idp_err look_at(const struct access *access, struct arena *arena,
                            const struct sql_rows *rows, size_t i, int64_t now)
{
    struct again again = {.verdict.says = VERDICT_UNAVAILABLE};
    const struct verdict *verdict = &again.verdict;
    struct seen_certificate certificate;
    struct settling s = {.certificate = sql_cell_text(rows, i, 0),
                         .authority = sql_cell_text(rows, i, 1),
                         .now = now};
    if (!seen_certificate_read(s.certificate, sql_cell_text(rows, i, 2), s.authority,
                               sql_cell_text(rows, i, 3), &certificate))
        return IDP_FULL; /* a damaged row holds up nobody */
    enum idp_err err = again_ask(access->pki, arena, &certificate, now, &again);
    if (err != IDP_OK && err != IDP_NOT_FOUND)
        return err;
    s.outcome = outcome_of(err, &again);
    if (s.outcome == NULL)
        return IDP_FULL;
    bool over =
        err == IDP_OK && (verdict->says == VERDICT_GOOD || verdict->says == VERDICT_REVOKED);
    err = over ? settle(access, &s) : settle_and_end(access, &s);
    if (err == IDP_OK)
        log_settled(&s);
    return err == IDP_NOT_FOUND ? IDP_OK : err; /* another node was first */
}

/* Begins at another certificate each time: one of which nothing is ever said, because its
 * authority's service stumbles over it, does not stand in the way of the others. */
static enum idp_err list_open(const struct access *access, struct arena *arena,
                              const char *authority, struct sql_rows *out)
{
    const char *from = random_text(arena, LOCK_HASH_SIZE);
    const struct sql_value params[] = {sql_text(authority), sql_text(from), sql_int(AT_A_TIME)};
    const struct sql_call call = {
        .text = "SELECT certificate, authority, issuer, serial FROM degraded_sign_ins "
                "WHERE settled IS NULL AND authority = $1 "
                "GROUP BY certificate, authority, issuer, serial "
                "ORDER BY CASE WHEN certificate > $2 THEN 0 ELSE 1 END, certificate LIMIT $3",
        .params = params,
        .count = 3};
    return from != NULL ? sql_read(access->db, arena, &call, out) : IDP_FAULT;
}

static enum idp_err look_at_authority(const struct access *access, const char *authority,
                                      int64_t now)
{
    struct sql_rows rows;
    size_t silent = 0;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? list_open(access, arena, authority, &rows) : IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < rows.rows && silent < AWAY_AFTER; i++) {
        err = look_at(access, arena, &rows, i, now);
        silent += err == IDP_FULL;
        err = err == IDP_FULL ? IDP_OK : err;
    }
    arena_free(arena);
    return err;
}

enum idp_err degraded_settle(const struct access *access, int64_t now)
{
    static const struct sql_call call = {
        .text = "SELECT DISTINCT authority FROM degraded_sign_ins WHERE settled IS NULL"};
    struct sql_rows rows;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? sql_read(access->db, arena, &call, &rows) : IDP_FAULT;
    for (size_t i = 0; err == IDP_OK && i < rows.rows; i++)
        err = look_at_authority(access, sql_cell_text(&rows, i, 0), now);
    arena_free(arena);
    return err;
}
