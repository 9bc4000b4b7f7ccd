#include "store/postgres_connection.h"

#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "store/harvest.h"
#include "store/postgres_exchange.h"
#include "store/postgres_greeting.h"
#include "store/postgres_place.h"
#include "store/postgres_statements.h"
#include "store/postgres_wait.h"

enum { SCRIPT_MS = 3600 * 1000 };

struct postgres_connection {
    const struct postgres_place *place;
    struct postgres_statements *statements;
    struct postgres_line line;
};

/* --- what is asked for --------------------------------------------------------------------- */

/* Finds the call's statement, or a place for it and what has to be done first. */
static enum idp_err find(struct postgres_statements *statements, struct postgres_exchange *x,
                         char forgotten[POSTGRES_NAME_MAX], struct postgres_statement **out)
{
    *out = postgres_statements_find(statements, x->text);
    if (*out != NULL)
        return IDP_OK;
    if (!postgres_statement_is_allowed(x->text))
        return postgres_report_wrong(x->text, "not a statement that a caller may use");
    *out = postgres_statements_add(statements, x->text, forgotten);
    x->parts[PART_PREPARE] = true;
    x->parts[PART_FORGET] = *forgotten != '\0';
    return *out != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err run_call(struct postgres_connection *connection, struct postgres_exchange *x,
                             const struct postgres_work *work)
{
    char forgotten[POSTGRES_NAME_MAX] = "";
    struct postgres_statement *statement = NULL;
    x->parts[PART_CALL] = true;
    x->text = work->call->text;
    x->wants_rows = work->out != NULL;
    x->forgotten = forgotten;
    connection->line.end = END_REFUSED; /* until it is sent */
    enum idp_err err = postgres_params_fill(work->call, &x->params);
    if (err == IDP_OK)
        err = find(connection->statements, x, forgotten, &statement);
    if (err != IDP_OK)
        return err;
    x->name = statement->name;
    err = postgres_exchange_run(&connection->line, x);
    if (x->not_prepared)
        postgres_statements_drop(connection->statements, statement);
    return err;
}

enum idp_err postgres_connection_run(struct postgres_connection *connection,
                                     const struct postgres_work *work)
{
    struct postgres_exchange x = {.text = "BEGIN or COMMIT", .harvest.arena = work->arena};
    x.parts[PART_BEGIN] = (work->around & AROUND_BEGIN) != 0;
    x.parts[PART_COMMIT] = (work->around & AROUND_COMMIT) != 0;
    enum idp_err err = work->call != NULL ? run_call(connection, &x, work)
                                          : postgres_exchange_run(&connection->line, &x);
    if (err == IDP_OK && work->out != NULL)
        *work->out = harvest_rows(&x.harvest);
    if (err == IDP_OK && work->changed != NULL)
        *work->changed = x.changed;
    return err;
}

void postgres_connection_roll_back(struct postgres_connection *connection)
{
    struct postgres_exchange x = {.text = "ROLLBACK", .parts[PART_ROLLBACK] = true};
    enum postgres_end end = connection->line.end;
    if (connection->line.broken || !postgres_connection_in_transaction(connection))
        return;
    (void)postgres_exchange_run(&connection->line, &x);
    connection->line.end = end; /* what it is rolled back for */
}

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

enum idp_err postgres_connection_script(struct postgres_connection *connection, const char *script)
{
    char *text = with_timeouts(connection, script);
    if (text == NULL)
        return IDP_FAULT;
    enum idp_err err =
        postgres_exchange_script(&connection->line, text, clock_ticks_ms() + SCRIPT_MS);
    free(text);
    return err;
}

/* --- opening and closing ------------------------------------------------------------------- */

static enum idp_err open_line(struct postgres_line *line, const struct postgres_place *place,
                              char **why, bool *late)
{
    enum postgres_wait wait = WAIT_DONE;
    int64_t until_ms = clock_ticks_ms() + place->deadline_ms;
    line->deadline_ms = place->deadline_ms;
    enum idp_err err = postgres_greet(place, until_ms, why, &wait, &line->conn);
    *late = wait == WAIT_LATE;
    if (err != IDP_OK)
        return err;
    err = postgres_line_open(line, until_ms);
    *late = line->late;
    return err == IDP_OK ? err : postgres_explain(err, why, "%s: does not answer", place->name);
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
        connection->statements != NULL ? open_line(&connection->line, place, why, late) : IDP_FAULT;
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
    PQfinish(connection->line.conn);
    postgres_statements_free(connection->statements);
    free(connection);
}

/* --- how it is ----------------------------------------------------------------------------- */

bool postgres_connection_in_transaction(const struct postgres_connection *connection)
{
    return PQtransactionStatus(connection->line.conn) != PQTRANS_IDLE;
}

enum postgres_end postgres_connection_end(const struct postgres_connection *connection)
{
    return connection->line.end;
}

bool postgres_connection_is_late(const struct postgres_connection *connection)
{
    return connection->line.late;
}

bool postgres_connection_is_good(const struct postgres_connection *connection)
{
    return !connection->line.broken && PQstatus(connection->line.conn) == CONNECTION_OK &&
           !postgres_connection_in_transaction(connection);
}

bool postgres_connection_is_quiet(const struct postgres_connection *connection)
{
    struct pollfd socket = {.fd = PQsocket(connection->line.conn), .events = POLLIN};
    return poll(&socket, 1, 0) == 0;
}
