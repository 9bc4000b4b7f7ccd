#include "store/postgres_exchange.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/postgres_wait.h"

enum { FORGET_MAX = 64 };

/* Our own statements, prepared when the connection is opened; their names are their texts'. */
static const struct step {
    const char *name, *text;
} steps[PARTS] = {
    [PART_BEGIN] = {"begin", "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"},
    [PART_COMMIT] = {"commit", "COMMIT"},
    [PART_ROLLBACK] = {"rollback", "ROLLBACK"},
};

/* --- what comes of it ---------------------------------------------------------------------- */

static void fail(struct postgres_line *line, struct postgres_exchange *x, enum postgres_end end,
                 enum idp_err err)
{
    if (x->err != IDP_OK || err == IDP_OK)
        return;
    x->err = err;
    line->end = end;
    line->broken = line->broken || end >= END_LOST;
}

/* There is no answer. Once COMMIT has been sent, what has become of it is not known. */
static void fail_silent(struct postgres_line *line, struct postgres_exchange *x,
                        enum postgres_wait wait)
{
    bool late = wait == WAIT_LATE;
    enum postgres_end end = late ? END_LATE : END_LOST;
    if (x->parts[PART_COMMIT])
        end = END_UNKNOWN;
    const char *why = late ? "no answer before the deadline" : PQerrorMessage(line->conn);
    line->broken = true;
    line->late = late;
    fail(line, x, end, postgres_report_silence(x->text, why));
}

static void take_error(struct postgres_line *line, struct postgres_exchange *x,
                       enum postgres_part part, const PGresult *result)
{
    enum postgres_end end = END_REFUSED;
    const char *text = steps[part].text != NULL ? steps[part].text : x->text;
    enum idp_err err = postgres_report_error(result, text, &end);
    if (part == PART_PREPARE)
        x->not_prepared = true;
    if (part != PART_PREPARE && part != PART_CALL && part != PART_COMMIT) {
        end = END_LOST; /* it has become a standby, say */
        err = IDP_UNAVAILABLE;
    }
    if (end == END_LOST && x->parts[PART_COMMIT])
        end = END_UNKNOWN;
    fail(line, x, end, err);
}

/*
 * What COMMIT is answered. A failed transaction is rolled back by it, and a commit that did not
 * wait for the standby it should have waited for is answered with a warning only.
 */
static void take_commit(struct postgres_line *line, struct postgres_exchange *x, PGresult *result)
{
    if (strcmp(PQcmdStatus(result), "COMMIT") == 0 && !line->warned)
        return;
    line->broken = true;
    fail(line, x, END_UNKNOWN,
         postgres_report_silence("COMMIT", "the commit was not as it should be"));
}

static void take_end(struct postgres_line *line, struct postgres_exchange *x,
                     enum postgres_part part, PGresult *result)
{
    if (part == PART_COMMIT)
        take_commit(line, x, result);
    if (part != PART_CALL)
        return;
    x->changed = postgres_changed(result);
    x->harvest.columns = (size_t)PQnfields(result);
}

static void take_result(struct postgres_line *line, struct postgres_exchange *x,
                        enum postgres_part part, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC || status == PGRES_PIPELINE_ABORTED)
        return; /* aborted: after an error, which was told */
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        take_end(line, x, part, result);
    else if (status != PGRES_SINGLE_TUPLE)
        take_error(line, x, part, result);
    else if (x->wants_rows && x->err == IDP_OK)
        fail(line, x, END_REFUSED, postgres_row_take(&x->harvest, result, x->text));
}

/* --- an exchange --------------------------------------------------------------------------- */

static bool send_part(struct postgres_line *line, struct postgres_exchange *x,
                      enum postgres_part part)
{
    char forget[FORGET_MAX];
    PGconn *conn = line->conn;
    struct postgres_params *params = &x->params;
    switch (part) {
    case PART_FORGET:
        (void)snprintf(forget, sizeof(forget), "DEALLOCATE %s", x->forgotten);
        return PQsendQueryParams(conn, forget, 0, NULL, NULL, NULL, NULL, 1) == 1;
    case PART_PREPARE:
        return PQsendPrepare(conn, x->name, x->text, 0, NULL) == 1;
    case PART_CALL:
        return PQsendQueryPrepared(conn, x->name, params->count, params->values, params->lengths,
                                   params->formats, 1) == 1;
    case PART_SYNC:
        return PQpipelineSync(conn) == 1;
    case PART_BEGIN:
    case PART_COMMIT:
    case PART_ROLLBACK:
    case PARTS:
    default:
        return PQsendQueryPrepared(conn, steps[part].name, 0, NULL, NULL, NULL, 1) == 1;
    }
}

static bool send_all(struct postgres_line *line, struct postgres_exchange *x)
{
    for (enum postgres_part part = 0; part < PARTS; part++)
        if (x->parts[part] && !send_part(line, x, part))
            return false;
    return true;
}

/* Reads the results of one part; rows come one by one, so that too many are seen in time. */
static void read_part(struct postgres_line *line, struct postgres_exchange *x,
                      enum postgres_part part)
{
    PGresult *result = NULL;
    line->warned = false;
    if (part == PART_CALL)
        (void)PQsetSingleRowMode(line->conn);
    while (!line->broken) {
        enum postgres_wait wait = postgres_wait_result(line->conn, x->until_ms, &result);
        if (wait != WAIT_DONE)
            fail_silent(line, x, wait);
        if (wait != WAIT_DONE || result == NULL)
            return;
        take_result(line, x, part, result);
        PQclear(result);
        line->broken = line->broken || x->err == IDP_FULL; /* the rest is not read */
        if (part == PART_SYNC)
            return; /* it has one answer, which nothing follows */
    }
}

enum idp_err postgres_exchange_run(struct postgres_line *line, struct postgres_exchange *x)
{
    line->end = END_GOOD;
    x->parts[PART_SYNC] = true;
    x->until_ms = clock_ticks_ms() + line->deadline_ms;
    if (!send_all(line, x))
        fail_silent(line, x, WAIT_LOST);
    for (enum postgres_part part = 0; part < PARTS; part++)
        if (x->parts[part])
            read_part(line, x, part);
    return x->err;
}

/* --- several statements in one text ---------------------------------------------------------- */

/* That is the simple protocol, which has no pipeline. */
enum idp_err postgres_exchange_script(struct postgres_line *line, const char *script,
                                      int64_t until_ms)
{
    struct postgres_exchange x = {.text = "script", .until_ms = until_ms};
    line->end = END_GOOD;
    if (PQexitPipelineMode(line->conn) != 1 || PQsendQuery(line->conn, script) != 1)
        fail_silent(line, &x, WAIT_LOST);
    read_part(line, &x, PART_CALL);
    if (!line->broken && PQenterPipelineMode(line->conn) != 1)
        fail_silent(line, &x, WAIT_LOST);
    return x.err;
}

/* --- the beginning ------------------------------------------------------------------------- */

/* Called by libpq for what the server says beside its answers. */
static void hear(void *with, const PGresult *notice)
{
    struct postgres_line *line = with;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == NULL || strcmp(severity, "WARNING") != 0)
        return;
    line->warned = true;
    log_event(LOG_WARN, "sql_warning", "reason",
              PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
}

enum idp_err postgres_line_open(struct postgres_line *line, int64_t until_ms)
{
    struct postgres_exchange x = {.text = "the steps of transactions", .until_ms = until_ms};
    (void)PQsetNoticeReceiver(line->conn, hear, line);
    for (enum postgres_part part = 0; part < PARTS; part++)
        if (steps[part].text != NULL &&
            PQsendPrepare(line->conn, steps[part].name, steps[part].text, 0, NULL) != 1)
            fail_silent(line, &x, WAIT_LOST);
    if (!send_part(line, &x, PART_SYNC))
        fail_silent(line, &x, WAIT_LOST);
    for (enum postgres_part part = 0; part < PARTS; part++)
        if (steps[part].text != NULL)
            read_part(line, &x, PART_CALL);
    read_part(line, &x, PART_SYNC);
    return x.err;
}
