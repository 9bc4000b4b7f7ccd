/*
 * What a round trip to a store costs whoever waits for it, with nothing around it: CPU of this
 * process, by hiredis and libpq as they come. Prints microseconds as JSON.
 *
 *     bench-stores redis PORT PASSWORD_FILE MS     {"get":…,"put":…,"take":…}
 *     bench-stores pg URI PASSWORD_FILE MS    {"read":…,"write":…,"transaction":…}
 *
 * read: one prepared SELECT by its primary key. write: one prepared INSERT, committed by itself.
 * transaction: BEGIN, the same INSERT and COMMIT, three trips.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>
#include <libpq-fe.h>

enum { SECRET_MAX = 256, VALUE = 300, KEY = 64, INFO_MAX = 1024 };

struct bench {
    redisContext *redis;
    PGconn *pg;
    int64_t ns; /* how long each is measured */
    char key[KEY];
    long serial;
};

static int64_t cpu_ns(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Runs the operation until the time is over; *us is the cost of one. */
static bool measure(struct bench *b, bool (*operation)(struct bench *b), double *us)
{
    long n = 0;
    bool good = true;
    int64_t begun = cpu_ns();
    while (good && (n == 0 || cpu_ns() - begun < b->ns)) {
        b->serial++;
        good = operation(b);
        n++;
    }
    *us = (double)(cpu_ns() - begun) / 1000.0 / (double)n;
    return good;
}

static bool read_secret(const char *file, char secret[SECRET_MAX])
{
    FILE *f = fopen(file, "r");
    size_t n = f != NULL ? fread(secret, 1, SECRET_MAX - 1, f) : 0;
    if (f != NULL)
        (void)fclose(f);
    secret[n] = '\0';
    secret[strcspn(secret, "\r\n")] = '\0';
    return n > 0;
}

/* --- Redis --------------------------------------------------------------------------------- */

static bool ends_well(redisReply *reply)
{
    bool good = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    return good;
}

static const char *key_of(struct bench *b)
{
    (void)snprintf(b->key, sizeof(b->key), "bench:%ld", b->serial % 10000);
    return b->key;
}

static bool redis_put(struct bench *b)
{
    static char value[VALUE];
    return ends_well(
        redisCommand(b->redis, "SET %s %b PX 600000", key_of(b), value, sizeof(value)));
}

static bool redis_get(struct bench *b)
{
    return ends_well(redisCommand(b->redis, "GET %s", key_of(b)));
}

static bool redis_take(struct bench *b)
{
    return ends_well(redisCommand(b->redis, "GETDEL %s", key_of(b)));
}

static bool open_redis(struct bench *b, const char *port, const char *file)
{
    char secret[SECRET_MAX];
    b->redis = redisConnect("127.0.0.1", (int)strtol(port, NULL, 10));
    return b->redis != NULL && b->redis->err == 0 && read_secret(file, secret) &&
           ends_well(redisCommand(b->redis, "AUTH %s", secret));
}

static bool bench_redis(struct bench *b)
{
    double put = 0, get = 0, take = 0;
    return measure(b, redis_put, &put) && measure(b, redis_get, &get) &&
           measure(b, redis_take, &take) &&
           printf("{\"get\":%.3f,\"put\":%.3f,\"take\":%.3f}\n", get, put, take) > 0;
}

/* --- PostgreSQL ---------------------------------------------------------------------------- */

static bool came(PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool pg_write(struct bench *b)
{
    char id[KEY];
    (void)snprintf(id, sizeof(id), "%ld-%ld", (long)getpid(), b->serial);
    const char *values[] = {id, "bench-es256", "GTWbQLqYvAWXDgxLX3yvAg"};
    return came(PQexecPrepared(b->pg, "write", 3, values, NULL, NULL, 1));
}

static bool pg_transaction(struct bench *b)
{
    return came(PQexec(b->pg, "BEGIN")) && pg_write(b) && came(PQexec(b->pg, "COMMIT"));
}

static bool pg_read(struct bench *b)
{
    char id[KEY];
    (void)snprintf(id, sizeof(id), "%ld", b->serial);
    const char *values[] = {id};
    return came(PQexecPrepared(b->pg, "read", 1, values, NULL, NULL, 1));
}

static bool open_pg(struct bench *b, const char *where, const char *file)
{
    char secret[SECRET_MAX], info[INFO_MAX];
    if (!read_secret(file, secret))
        return false;
    (void)snprintf(info, sizeof(info), "%s?password=%s", where, secret);
    b->pg = PQconnectdb(info);
    return PQstatus(b->pg) == CONNECTION_OK &&
           came(PQexec(b->pg, "BEGIN; SELECT pg_advisory_xact_lock(1); "
                              "CREATE TABLE IF NOT EXISTS bench_rows (id TEXT PRIMARY KEY, client "
                              "TEXT NOT NULL, enterprise TEXT); COMMIT")) &&
           came(PQprepare(b->pg, "write",
                          "INSERT INTO bench_rows (id, client, enterprise) VALUES ($1, $2, $3) "
                          "ON CONFLICT (id) DO UPDATE SET client = excluded.client",
                          3, NULL)) &&
           came(PQprepare(b->pg, "read",
                          "SELECT id, client, enterprise FROM bench_rows WHERE id = $1", 1, NULL));
}

static bool bench_pg(struct bench *b)
{
    double get = 0, put = 0, whole = 0;
    return measure(b, pg_write, &put) && measure(b, pg_transaction, &whole) &&
           measure(b, pg_read, &get) &&
           printf("{\"read\":%.3f,\"write\":%.3f,\"transaction\":%.3f}\n", get, put, whole) > 0;
}

int main(int argc, char *argv[])
{
    struct bench b = {.ns = argc == 5 ? strtol(argv[4], NULL, 10) * 1000000 : 0};
    bool good = false;
    if (argc == 5 && strcmp(argv[1], "redis") == 0)
        good = open_redis(&b, argv[2], argv[3]) && bench_redis(&b);
    if (argc == 5 && strcmp(argv[1], "pg") == 0)
        good = open_pg(&b, argv[2], argv[3]) && bench_pg(&b);
    if (b.redis != NULL)
        redisFree(b.redis);
    if (b.pg != NULL)
        PQfinish(b.pg);
    if (!good)
        (void)fputs("bench-stores: wrong arguments, or it could not be measured\n", stderr);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
