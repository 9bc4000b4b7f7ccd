/*
 * PostgreSQL as a driver of sql.h.
 *
 * A transaction runs as SERIALIZABLE: whatever would not have come out so one after the other, the
 * server refuses, and it is run anew. Whoever has failed twice does so alone: of many that want the
 * same row one gets through each time, and those that failed must not stand in its way. A read
 * outside a transaction is one round trip and sees what was committed when it began.
 */
#include "store/postgres.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/figures.h"
#include "store/postgres_connection.h"
#include "store/postgres_place.h"
#include "store/postgres_pool.h"
#include "store/sql.h"

enum {
    CONNECTIONS = 16,
    DEADLINE_MS = 3000,
    TRIES_MAX = 200,    /* as many as fit into the deadline, when pauses are short */
    TRIES_TOGETHER = 2, /* after that, alone */
    LOSSES_MAX = 1,     /* how often a connection may be lost under a transaction */
    PAUSE_MAX_US = 16000,
};

struct postgres {
    struct sql sql;
    struct postgres_place *place;
    struct postgres_pool *pool;
    pthread_mutex_t alone; /* of those that have failed, one at a time */
};

struct tx {
    struct sql_tx tx;
    struct figures *figures;
    struct postgres_connection *connection;
    enum idp_err err; /* the first error, which it then keeps */
    enum postgres_end end;
};

/* What is run as a transaction: a body, or a single statement. */
struct job {
    enum idp_err (*run)(struct tx *tx, const struct job *job);
    enum idp_err (*body)(struct sql_tx *tx, void *with);
    void *with;
    const struct sql_call *call;
    int64_t *changed;
};

static const struct sql_driver postgres_driver;

/* Whether this thread runs a body: a transaction inside could wait for its own row. */
static _Thread_local bool inside_body;

/* --- reading ------------------------------------------------------------------------------- */

static enum idp_err read_once(struct postgres *postgres, const struct postgres_work *work,
                              bool *lost)
{
    struct postgres_connection *connection = NULL;
    enum idp_err err = postgres_pool_take(postgres->pool, &connection);
    if (err != IDP_OK)
        return err;
    figures_trip(postgres->sql.figures);
    err = postgres_connection_run(connection, work);
    *lost = postgres_connection_end(connection) == END_LOST;
    postgres_pool_give(postgres->pool, connection);
    return err;
}

static enum idp_err read_rows(struct sql *db, struct arena *arena, const struct sql_call *call,
                              struct sql_rows *out)
{
    bool lost = false;
    const struct postgres_work work = {.call = call, .arena = arena, .out = out};
    enum idp_err err = read_once((struct postgres *)db, &work, &lost);
    return lost ? read_once((struct postgres *)db, &work, &lost) : err;
}

/* --- one transaction, once ----------------------------------------------------------------- */

static enum idp_err keep_first(struct tx *tx, enum idp_err err)
{
    if (err != IDP_OK && tx->err == IDP_OK) {
        tx->err = err;
        tx->end = postgres_connection_end(tx->connection);
    }
    return tx->err;
}

static enum idp_err run(struct tx *tx, const struct postgres_work *work)
{
    struct postgres_work with_begin = *work;
    figures_trip(tx->figures);
    if (!postgres_connection_in_transaction(tx->connection))
        with_begin.around |= AROUND_BEGIN;
    return keep_first(tx, postgres_connection_run(tx->connection, &with_begin));
}

static enum idp_err tx_run(struct sql_tx *tx, struct arena *arena, const struct sql_call *call,
                           struct sql_rows *out, int64_t *changed)
{
    struct tx *own = (struct tx *)tx;
    int64_t count = 0;
    const struct postgres_work work = {.call = call, .arena = arena, .out = out, .changed = &count};
    enum idp_err err = own->err == IDP_OK ? run(own, &work) : own->err;
    if (changed != NULL)
        *changed = count;
    return err;
}

static enum idp_err tx_script(struct sql_tx *tx, const char *script)
{
    static const struct postgres_work begin = {.around = AROUND_NOTHING};
    struct tx *own = (struct tx *)tx;
    if (own->err == IDP_OK && !postgres_connection_in_transaction(own->connection))
        (void)run(own, &begin);
    if (own->err != IDP_OK)
        return own->err;
    figures_trip(own->figures);
    return keep_first(own, postgres_connection_script(own->connection, script));
}

/* A transaction that has asked nothing has nothing to commit. */
static enum idp_err commit(struct tx *tx)
{
    static const struct postgres_work work = {.around = AROUND_COMMIT};
    if (!postgres_connection_in_transaction(tx->connection))
        return IDP_OK;
    figures_trip(tx->figures);
    return keep_first(tx, postgres_connection_run(tx->connection, &work));
}

static enum idp_err run_body(struct tx *tx, const struct job *job)
{
    inside_body = true;
    enum idp_err err = job->body(&tx->tx, job->with);
    inside_body = false;
    if (tx->err != IDP_OK)
        return tx->err;
    return err == IDP_OK ? commit(tx) : err;
}

/* BEGIN, the statement and COMMIT in one exchange. */
static enum idp_err run_single(struct tx *tx, const struct job *job)
{
    const struct postgres_work work = {
        .around = AROUND_COMMIT, .call = job->call, .changed = job->changed};
    return run(tx, &work);
}

static enum idp_err run_once(struct postgres *postgres, const struct job *job,
                             enum postgres_end *end)
{
    struct tx tx = {
        .tx.driver = &postgres_driver, .figures = postgres->sql.figures, .end = END_REFUSED};
    enum idp_err err = postgres_pool_take(postgres->pool, &tx.connection);
    *end = tx.end;
    if (err != IDP_OK)
        return err;
    err = job->run(&tx, job);
    if (err != IDP_OK)
        postgres_connection_roll_back(tx.connection);
    postgres_pool_give(postgres->pool, tx.connection);
    *end = tx.end;
    return err;
}

/* --- and again ----------------------------------------------------------------------------- */

/* How a transaction has fared so far. */
struct trial {
    int64_t until_ms; /* no new try begins after that */
    int tries, losses;
};

static bool may_try_again(struct trial *trial, enum postgres_end end)
{
    bool raced = end == END_RACE;
    trial->tries++;
    trial->losses += end == END_LOST;
    if ((!raced && end != END_LOST) || trial->losses > LOSSES_MAX)
        return false;
    bool may = trial->tries < TRIES_MAX && clock_ticks_ms() < trial->until_ms;
    if (!may)
        log_event(LOG_WARN, "sql_gave_up", "reason",
                  raced ? "other transactions were in the way" : "the connection was lost");
    return may;
}

/* A random pause, which gets longer: what met once should not meet again. */
static void pause_for(int tries)
{
    uint32_t number = 0;
    uint32_t most = tries < 6 ? UINT32_C(500) << tries : PAUSE_MAX_US;
    if (random_bytes(&number, sizeof(number)) != IDP_OK)
        number = most;
    const struct timespec nap = {.tv_nsec = (long)(number % most) * 1000};
    (void)nanosleep(&nap, NULL);
}

/* The right to try alone. */
static bool wait_to_be_alone(struct postgres *postgres, const struct trial *trial)
{
    int64_t left = trial->until_ms - clock_ticks_ms();
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until); /* the one that the mutex goes by */
    until.tv_sec += left / 1000 + 1;
    return pthread_mutex_timedlock(&postgres->alone, &until) == 0;
}

static enum idp_err run_to_end(struct postgres *postgres, const struct job *job)
{
    enum postgres_end end = END_GOOD;
    struct trial trial = {.until_ms = clock_ticks_ms() + postgres->place->deadline_ms};
    bool alone = false;
    enum idp_err err = run_once(postgres, job, &end);
    while (err != IDP_OK && may_try_again(&trial, end)) {
        if (!alone && trial.tries >= TRIES_TOGETHER)
            alone = wait_to_be_alone(postgres, &trial);
        pause_for(trial.tries);
        err = run_once(postgres, job, &end);
    }
    if (alone)
        (void)pthread_mutex_unlock(&postgres->alone);
    return err;
}

static enum idp_err transact(struct sql *db, enum idp_err (*body)(struct sql_tx *tx, void *with),
                             void *with)
{
    const struct job job = {.run = run_body, .body = body, .with = with};
    return inside_body ? IDP_FAULT : run_to_end((struct postgres *)db, &job);
}

static enum idp_err execute(struct sql *db, const struct sql_call *call, int64_t *changed)
{
    int64_t count = 0;
    const struct job job = {.run = run_single, .call = call, .changed = &count};
    enum idp_err err = inside_body ? IDP_FAULT : run_to_end((struct postgres *)db, &job);
    *changed = count;
    return err;
}

/* --- the driver ---------------------------------------------------------------------------- */

static void close_all(struct sql *db)
{
    struct postgres *postgres = (struct postgres *)db;
    postgres_pool_free(postgres->pool);
    postgres_place_free(postgres->place);
    (void)pthread_mutex_destroy(&postgres->alone);
    free(postgres);
}

static const struct sql_driver postgres_driver = {
    .name = "postgresql",
    .tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
    .columns = "SELECT column_name FROM information_schema.columns "
               "WHERE table_schema = current_schema() AND table_name = $1 "
               "ORDER BY ordinal_position",
    .lock_schema = "LOCK TABLE schema_version IN SHARE ROW EXCLUSIVE MODE",
    .read = read_rows,
    .transact = transact,
    .execute = execute,
    .tx_run = tx_run,
    .tx_script = tx_script,
    .close = close_all,
};

static enum idp_err open_pool(struct postgres *postgres, struct sql_settings settings, char **why)
{
    if (settings.connections == 0)
        settings.connections = CONNECTIONS;
    if (settings.deadline_ms == 0)
        settings.deadline_ms = DEADLINE_MS;
    enum idp_err err = postgres_place_new(&settings, why, &postgres->place);
    if (err != IDP_OK)
        return err;
    return postgres_pool_new(postgres->place, (size_t)settings.connections, why, &postgres->pool);
}

enum idp_err postgres_open(const struct sql_settings *settings, char **why, struct sql **out)
{
    struct postgres *postgres = calloc(1, sizeof(*postgres));
    if (postgres == NULL)
        return IDP_FAULT;
    postgres->sql.driver = &postgres_driver;
    (void)pthread_mutex_init(&postgres->alone, NULL);
    enum idp_err err = open_pool(postgres, *settings, why);
    if (err != IDP_OK) {
        close_all(&postgres->sql);
        return err;
    }
    *out = &postgres->sql;
    return IDP_OK;
}
