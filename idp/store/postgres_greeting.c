#include "store/postgres_greeting.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store/postgres_place.h"
#include "store/postgres_report.h"

enum { VERSION_LEAST = 150000, NUMBER_MAX = 24 };

/* The columns of the answer to greeting_text, behind the settings. */
enum { IS_STANDBY, SYNCHRONOUS_COMMIT, FSYNC, SERVER_ENCODING, CONFORMING_STRINGS };

/*
 * $1 is the longest a statement may take and $2 the longest a transaction may be idle, in ms: both
 * end what a node has left behind that is frozen or cut off. Every statement of ours has an index:
 * a plan that reads a whole table, as the server prefers for a small one, would meet with every
 * transaction that writes to it, and one of them would have to be run anew.
 */
static const char greeting_text[] =
    "SELECT pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('fsync'), "
    "current_setting('server_encoding'), current_setting('standard_conforming_strings'), "
    "set_config('default_transaction_read_only', 'on', false), "
    "set_config('default_transaction_isolation', 'read committed', false), "
    "set_config('statement_timeout', $1, false), "
    "set_config('idle_in_transaction_session_timeout', $2, false), "
    "set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)";

struct greeting {
    const struct postgres_place *place;
    PGconn *conn;
    int64_t until_ms;
    char **why;
    enum postgres_wait *wait;
};

/* There is no connection, or none any more. */
static enum idp_err no_answer(const struct greeting *greeting, enum postgres_wait wait)
{
    const char *said = PQerrorMessage(greeting->conn);
    *greeting->wait = wait;
    if (wait == WAIT_LATE || *said == '\0')
        said = "no answer before the deadline";
    return postgres_explain(IDP_UNAVAILABLE, greeting->why, "%s: %s", greeting->place->name, said);
}

static enum idp_err refuse(const struct greeting *greeting, const char *problem)
{
    return postgres_explain(IDP_UNAVAILABLE, greeting->why, "%s: %s", greeting->place->name,
                            problem);
}

static enum idp_err check(const struct greeting *greeting, const PGresult *result)
{
    bool strict = !greeting->place->development;
    if (PQserverVersion(greeting->conn) < VERSION_LEAST)
        return refuse(greeting, "the server is older than PostgreSQL 15");
    if (strcmp(PQgetvalue(result, 0, IS_STANDBY), "f") != 0)
        return refuse(greeting, "the server is a standby");
    if (strcmp(PQgetvalue(result, 0, SERVER_ENCODING), "UTF8") != 0)
        return refuse(greeting, "the database's encoding is not UTF8");
    if (strcmp(PQgetvalue(result, 0, CONFORMING_STRINGS), "on") != 0)
        return refuse(greeting, "standard_conforming_strings is off");
    if (strcmp(PQgetvalue(result, 0, SYNCHRONOUS_COMMIT), "off") == 0)
        return refuse(greeting, "synchronous_commit is off: what is acknowledged could be lost");
    if (strict && strcmp(PQgetvalue(result, 0, FSYNC), "on") != 0)
        return refuse(greeting, "fsync is off: what is acknowledged could be lost");
    return IDP_OK;
}

/* Reads the answer to its end. */
static enum idp_err hear(const struct greeting *greeting)
{
    PGresult *result = NULL;
    enum idp_err err = IDP_OK;
    for (bool more = true; more;) {
        enum postgres_wait wait = postgres_wait_result(greeting->conn, greeting->until_ms, &result);
        if (wait != WAIT_DONE)
            return no_answer(greeting, wait);
        more = result != NULL;
        if (err == IDP_OK && more && PQresultStatus(result) == PGRES_TUPLES_OK)
            err = check(greeting, result);
        else if (err == IDP_OK && more)
            err = refuse(greeting, PQresultErrorMessage(result));
        PQclear(result);
    }
    return err;
}

static enum idp_err set_up(const struct greeting *greeting)
{
    char statement[NUMBER_MAX];
    int64_t most = greeting->place->deadline_ms;
    /* A little less: then the server gives up first, and the connection can be kept. */
    (void)snprintf(statement, sizeof(statement), "%" PRId64, most - most / 8);
    const char *const values[] = {statement, greeting->place->deadline};
    if (PQsetnonblocking(greeting->conn, 1) != 0 ||
        PQsendQueryParams(greeting->conn, greeting_text, 2, NULL, values, NULL, NULL, 0) != 1)
        return no_answer(greeting, WAIT_LOST);
    enum idp_err err = hear(greeting);
    if (err == IDP_OK && PQenterPipelineMode(greeting->conn) != 1)
        return no_answer(greeting, WAIT_LOST);
    return err;
}

enum idp_err postgres_greet(const struct postgres_place *place, int64_t until_ms, char **why,
                            enum postgres_wait *wait, PGconn **out)
{
    struct greeting greeting = {.place = place, .until_ms = until_ms, .why = why, .wait = wait};
    enum idp_err err = postgres_place_connect(place, why, &greeting.conn);
    *wait = WAIT_DONE;
    if (err != IDP_OK)
        return err;
    *wait = postgres_wait_connect(greeting.conn, until_ms);
    err = *wait == WAIT_DONE ? set_up(&greeting) : no_answer(&greeting, *wait);
    if (err == IDP_OK)
        *out = greeting.conn;
    else
        PQfinish(greeting.conn);
    return err;
}
