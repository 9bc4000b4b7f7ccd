#include "store/postgres_connection.h"

#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/harvest.h"
#include "store/postgres_call.h"
#include "store/postgres_greeting.h"
#include "store/postgres_place.h"
#include "store/postgres_statements.h"
#include "store/postgres_wait.h"

enum { SCRIPT_MS = 3600 * 1000 };

/* What an exchange may consist of, in this order. */
enum part {
    PART_BEGIN,
    PART_FORGET, /* a statement that had its place in the cache */
    PART_PREPARE,
    PART_CALL,
    PART_COMMIT,
    PART_ROLLBACK,
    PART_SYNC, /* always: until here the server passes over everything after an error */
    PARTS,
};

/* Our own statements, prepared when the connection is opened; their names are their texts'. */
static const struct step {
    const char *name, *text;
} steps[PARTS] = {
    [PART_BEGIN] = {"begin", "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"},
    [PART_COMMIT] = {"commit", "COMMIT"},
    [PART_ROLLBACK] = {"rollback", "ROLLBACK"},
};

struct postgres_connection {
    const struct postgres_place *place;
    PGconn *conn;
    struct postgres_statements *statements;
    enum postgres_end end;
    bool broken; /* in the middle of an exchange, or otherwise of no more use */
    bool late;   /* which is because it missed a deadline */
    bool warned; /* by the server, during the last part */
};

struct exchange {
    bool parts[PARTS];
    const char *text; /* of the call, or of the step: for reports */
    struct postgres_params params;
    struct postgres_statement *statement;
    char forgotten[POSTGRES_NAME_MAX];
    bool wants_rows;
    struct harvest harvest;
    int64_t until_ms, changed;
    enum idp_err err; /* the first */
};

/* --- what comes of it ---------------------------------------------------------------------- */

static void fail(struct postgres_connection *connection, struct exchange *x, enum postgres_end end,
                 enum idp_err err)
{
    if (x->err != IDP_OK || err == IDP_OK)
        return;
    x->err = err;
    connection->end = end;
    connection->broken = connection->broken || end >= END_LOST;
}

/* There is no answer. Once COMMIT has been sent, what has become of it is not known. */
static void fail_silent(struct postgres_connection *connection, struct exchange *x,
                        enum postgres_wait wait)
{
    bool late = wait == WAIT_LATE;
    enum postgres_end end = late ? END_LATE : END_LOST;
    if (x->parts[PART_COMMIT])
        end = END_UNKNOWN;
    const char *why = late ? "no answer before the deadline" : PQerrorMessage(connection->conn);
    connection->broken = true;
    connection->late = late;
    fail(connection, x, end, postgres_report_silence(x->text, why));
}

static void take_error(struct postgres_connection *connection, struct exchange *x, enum part part,
                       const PGresult *result)
{
    enum postgres_end end = END_REFUSED;
    const char *text = steps[part].text != NULL ? steps[part].text : x->text;
    enum idp_err err = postgres_report_error(result, text, &end);
    if (part == PART_PREPARE)
        postgres_statements_drop(connection->statements, x->statement);
    if (part != PART_PREPARE && part != PART_CALL && part != PART_COMMIT) {
        end = END_LOST; /* it has become a standby, say */
        err = IDP_UNAVAILABLE;
    }
    if (end == END_LOST && x->parts[PART_COMMIT])
        end = END_UNKNOWN;
    fail(connection, x, end, err);
}

/*
 * What COMMIT is answered. A failed transaction is rolled back by it, and a commit that did not
 * wait for the standby it should have waited for is answered with a warning only.
 */
static void take_commit(struct postgres_connection *connection, struct exchange *x,
                        PGresult *result)
{
    if (strcmp(PQcmdStatus(result), "COMMIT") == 0 && !connection->warned)
        return;
    connection->broken = true;
    fail(connection, x, END_UNKNOWN,
         postgres_report_silence("COMMIT", "the commit was not as it should be"));
}

static void take_end(struct postgres_connection *connection, struct exchange *x, enum part part,
                     PGresult *result)
{
    if (part == PART_COMMIT)
        take_commit(connection, x, result);
    if (part != PART_CALL)
        return;
    x->changed = postgres_changed(result);
    x->harvest.columns = (size_t)PQnfields(result);
}

static void take_result(struct postgres_connection *connection, struct exchange *x, enum part part,
                        PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC || status == PGRES_PIPELINE_ABORTED)
        return; /* aborted: after an error, which was told */
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        take_end(connection, x, part, result);
    else if (status != PGRES_SINGLE_TUPLE)
        take_error(connection, x, part, result);
    else if (x->wants_rows && x->err == IDP_OK)
        fail(connection, x, END_REFUSED, postgres_row_take(&x->harvest, result, x->text));
}

/* --- an exchange --------------------------------------------------------------------------- */

static bool send_part(struct postgres_connection *connection, struct exchange *x, enum part part)
{
    char forget[POSTGRES_NAME_MAX + 16];
    PGconn *conn = connection->conn;
    struct postgres_params *params = &x->params;
    switch (part) {
    case PART_FORGET:
        (void)snprintf(forget, sizeof(forget), "DEALLOCATE %s", x->forgotten);
        return PQsendQueryParams(conn, forget, 0, NULL, NULL, NULL, NULL, 1) == 1;
    case PART_PREPARE:
        return PQsendPrepare(conn, x->statement->name, x->text, 0, NULL) == 1;
    case PART_CALL:
        return PQsendQueryPrepared(conn, x->statement->name, params->count, params->values,
                                   params->lengths, params->formats, 1) == 1;
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

static bool send_all(struct postgres_connection *connection, struct exchange *x)
{
    for (enum part part = 0; part < PARTS; part++)
        if (x->parts[part] && !send_part(connection, x, part))
            return false;
    return true;
}

/* Reads the results of one part; rows come one by one, so that too many are seen in time. */
static void read_part(struct postgres_connection *connection, struct exchange *x, enum part part)
{
    PGresult *result = NULL;
    connection->warned = false;
    if (part == PART_CALL)
        (void)PQsetSingleRowMode(connection->conn);
    while (!connection->broken) {
        enum postgres_wait wait = postgres_wait_result(connection->conn, x->until_ms, &result);
        if (wait != WAIT_DONE)
            fail_silent(connection, x, wait);
        if (wait != WAIT_DONE || result == NULL)
            return;
        take_result(connection, x, part, result);
        PQclear(result);
        connection->broken = connection->broken || x->err == IDP_FULL; /* the rest is not read */
        if (part == PART_SYNC)
            return; /* it has one answer, which nothing follows */
    }
}

static enum idp_err run_exchange(struct postgres_connection *connection, struct exchange *x)
{
    connection->end = END_GOOD;
    x->parts[PART_SYNC] = true;
    x->until_ms = clock_ticks_ms() + connection->place->deadline_ms;
    if (!send_all(connection, x))
        fail_silent(connection, x, WAIT_LOST);
    for (enum part part = 0; part < PARTS; part++)
        if (x->parts[part])
            read_part(connection, x, part);
    return x->err;
}

/* --- what is asked for --------------------------------------------------------------------- */

/* Finds the call's statement, or a place for it and what has to be done first. */
static enum idp_err find(struct postgres_connection *connection, struct exchange *x)
{
    x->parts[PART_CALL] = true;
    x->statement = postgres_statements_find(connection->statements, x->text);
    if (x->statement != NULL)
        return IDP_OK;
    if (!postgres_statement_is_allowed(x->text))
        return postgres_report_wrong(x->text, "not a statement that a caller may use");
    x->statement = postgres_statements_add(connection->statements, x->text, x->forgotten);
    x->parts[PART_PREPARE] = true;
    x->parts[PART_FORGET] = *x->forgotten != '\0';
    return x->statement != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err run_call(struct postgres_connection *connection, struct exchange *x,
                             const struct postgres_work *work)
{
    x->text = work->call->text;
    x->wants_rows = work->out != NULL;
    enum idp_err err = postgres_params_fill(work->call, &x->params);
    if (err == IDP_OK)
        err = find(connection, x);
    if (err != IDP_OK)
        connection->end = END_REFUSED; /* nothing was sent */
    return err == IDP_OK ? run_exchange(connection, x) : err;
}

enum idp_err postgres_connection_run(struct postgres_connection *connection,
                                     const struct postgres_work *work)
{
    struct exchange x = {.harvest.arena = work->arena};
    x.text = steps[work->around == AROUND_BEGIN ? PART_BEGIN : PART_COMMIT].text;
    x.parts[PART_BEGIN] = (work->around & AROUND_BEGIN) != 0;
    x.parts[PART_COMMIT] = (work->around & AROUND_COMMIT) != 0;
    enum idp_err err =
        work->call != NULL ? run_call(connection, &x, work) : run_exchange(connection, &x);
    if (err == IDP_OK && work->out != NULL)
        *work->out = harvest_rows(&x.harvest);
    if (err == IDP_OK && work->changed != NULL)
        *work->changed = x.changed;
    return err;
}

void postgres_connection_roll_back(struct postgres_connection *connection)
{
    struct exchange x = {.text = "ROLLBACK"};
    enum postgres_end end = connection->end;
    if (connection->broken || !postgres_connection_in_transaction(connection))
        return;
    x.parts[PART_ROLLBACK] = true;
    (void)run_exchange(connection, &x);
    connection->end = end; /* what it is rolled back for */
}

/* --- scripts ------------------------------------------------------------------------------- */

/* A script may take long, but must not hold everybody up while it waits for a table. */
static char *with_timeouts(const struct postgres_connection *connection, const char *script)
{
    static const char format[] =
        "SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = %s; %s";
    size_t size = sizeof(format) + 2 * sizeof(connection->place->deadline) + strlen(script);
    char *text = malloc(size);
    if (text != NULL)
        (void)snprintf(text, size, format, SCRIPT_MS, connection->place->deadline, script);
    return text;
}

/* Several statements in one text: that is the simple protocol, which has no pipeline. */
static enum idp_err run_script(struct postgres_connection *connection, struct exchange *x,
                               const char *text)
{
    PGconn *conn = connection->conn;
    connection->end = END_GOOD;
    x->until_ms = clock_ticks_ms() + SCRIPT_MS;
    if (PQexitPipelineMode(conn) != 1 || PQsendQuery(conn, text) != 1)
        fail_silent(connection, x, WAIT_LOST);
    read_part(connection, x, PART_CALL);
    if (!connection->broken && PQenterPipelineMode(conn) != 1)
        fail_silent(connection, x, WAIT_LOST);
    return x->err;
}

enum idp_err postgres_connection_script(struct postgres_connection *connection, const char *script)
{
    struct exchange x = {.text = "script"};
    char *text = with_timeouts(connection, script);
    if (text == NULL)
        return IDP_FAULT;
    enum idp_err err = run_script(connection, &x, text);
    free(text);
    return err;
}

/* --- opening and closing ------------------------------------------------------------------- */

/* Called by libpq for what the server says beside its answers. */
static void hear(void *with, const PGresult *notice)
{
    struct postgres_connection *connection = with;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == NULL || strcmp(severity, "WARNING") != 0)
        return;
    connection->warned = true;
    log_event(LOG_WARN, "sql_warning", "reason",
              PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
}

static enum idp_err prepare_steps(struct postgres_connection *connection, int64_t until_ms)
{
    struct exchange x = {.text = "the steps of transactions", .until_ms = until_ms};
    for (enum part part = 0; part < PARTS; part++)
        if (steps[part].text != NULL &&
            PQsendPrepare(connection->conn, steps[part].name, steps[part].text, 0, NULL) != 1)
            fail_silent(connection, &x, WAIT_LOST);
    if (!send_part(connection, &x, PART_SYNC))
        fail_silent(connection, &x, WAIT_LOST);
    for (enum part part = 0; part < PARTS; part++)
        if (steps[part].text != NULL)
            read_part(connection, &x, PART_CALL);
    read_part(connection, &x, PART_SYNC);
    return x.err;
}

static enum idp_err open_connection(struct postgres_connection *connection, char **why, bool *late)
{
    enum postgres_wait wait = WAIT_DONE;
    int64_t until_ms = clock_ticks_ms() + connection->place->deadline_ms;
    enum idp_err err = postgres_greet(connection->place, until_ms, why, &wait, &connection->conn);
    *late = wait == WAIT_LATE;
    if (err != IDP_OK)
        return err;
    (void)PQsetNoticeReceiver(connection->conn, hear, connection);
    err = prepare_steps(connection, until_ms);
    *late = connection->late;
    return err == IDP_OK
               ? err
               : postgres_explain(err, why, "%s: does not answer", connection->place->name);
}

enum idp_err postgres_connection_open(const struct postgres_place *place, char **why, bool *late,
                                      struct postgres_connection **out)
{
    struct postgres_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return IDP_FAULT;
    connection->place = place;
    connection->statements = postgres_statements_new();
    enum idp_err err =
        connection->statements != NULL ? open_connection(connection, why, late) : IDP_FAULT;
    if (err != IDP_OK) {
        postgres_connection_close(connection);
        return err;
    }
    *out = connection;
    return IDP_OK;
}

void postgres_connection_close(struct postgres_connection *connection)
{
    if (connection == NULL)
        return;
    PQfinish(connection->conn);
    postgres_statements_free(connection->statements);
    free(connection);
}

/* --- how it is ----------------------------------------------------------------------------- */

bool postgres_connection_in_transaction(const struct postgres_connection *connection)
{
    return PQtransactionStatus(connection->conn) != PQTRANS_IDLE;
}

enum postgres_end postgres_connection_end(const struct postgres_connection *connection)
{
    return connection->end;
}

bool postgres_connection_is_late(const struct postgres_connection *connection)
{
    return connection->late;
}

bool postgres_connection_is_good(const struct postgres_connection *connection)
{
    return !connection->broken && PQstatus(connection->conn) == CONNECTION_OK &&
           !postgres_connection_in_transaction(connection);
}

bool postgres_connection_is_quiet(const struct postgres_connection *connection)
{
    struct pollfd socket = {.fd = PQsocket(connection->conn), .events = POLLIN};
    return poll(&socket, 1, 0) == 0;
}
