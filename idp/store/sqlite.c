/*
 * SQLite as a driver of sql.h: one writer with group commit, and a bounded pool of connections that
 * can only read, which in WAL mode neither wait for the writer nor keep it waiting.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/log.h"
#include "store/sql.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_writer.h"

enum { READERS_MAX = 8, READER_WAIT_S = 5 };

struct sqlite {
    struct sql sql;
    char *path;
    struct sqlite_writer *writer;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t returned;
    struct sqlite_connection *idle[READERS_MAX]; /* the last used in front: its cache is warm */
    size_t idle_count, made;
};

/* --- reading ------------------------------------------------------------------------------- */

/* Waits until a reader is idle or one more may be made. The lock is held. */
static enum idp_err wait_for_reader(struct sqlite *sqlite)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += READER_WAIT_S;
    while (sqlite->idle_count == 0 && sqlite->made == READERS_MAX)
        if (pthread_cond_timedwait(&sqlite->returned, &sqlite->lock, &until) == ETIMEDOUT)
            return IDP_UNAVAILABLE;
    return IDP_OK;
}

/* An idle reader; *out stays NULL when one has to be made, which then counts already. */
static enum idp_err find_reader(struct sqlite *sqlite, struct sqlite_connection **out)
{
    (void)pthread_mutex_lock(&sqlite->lock);
    enum idp_err err = sqlite->idle_count == 0 ? wait_for_reader(sqlite) : IDP_OK;
    if (err == IDP_OK && sqlite->idle_count > 0)
        *out = sqlite->idle[--sqlite->idle_count];
    else if (err == IDP_OK)
        sqlite->made++;
    (void)pthread_mutex_unlock(&sqlite->lock);
    return err;
}

/* Gives a reader back; NULL: it could not be made. */
static void return_reader(struct sqlite *sqlite, struct sqlite_connection *reader)
{
    (void)pthread_mutex_lock(&sqlite->lock);
    if (reader != NULL)
        sqlite->idle[sqlite->idle_count++] = reader;
    else
        sqlite->made--;
    (void)pthread_cond_signal(&sqlite->returned);
    (void)pthread_mutex_unlock(&sqlite->lock);
}

static enum idp_err read_rows(struct sql *db, struct arena *arena, const struct sql_call *call,
                              struct sql_rows *out)
{
    struct sqlite *sqlite = (struct sqlite *)db;
    struct sqlite_connection *reader = NULL;
    enum idp_err err = find_reader(sqlite, &reader);
    if (err != IDP_OK)
        return err;
    if (reader == NULL)
        err = sqlite_connection_open(sqlite->path, false, NULL, &reader);
    if (err == IDP_OK)
        err = sqlite_connection_run(reader, arena, call, out, NULL);
    return_reader(sqlite, reader);
    return err;
}

/* --- the driver ---------------------------------------------------------------------------- */

static enum idp_err transact(struct sql *db, enum idp_err (*body)(struct sql_tx *tx, void *with),
                             void *with)
{
    return sqlite_writer_transact(((struct sqlite *)db)->writer, body, with);
}

static void close_all(struct sql *db)
{
    struct sqlite *sqlite = (struct sqlite *)db;
    for (size_t i = 0; i < sqlite->idle_count; i++)
        sqlite_connection_close(sqlite->idle[i]);
    sqlite_writer_free(sqlite->writer); /* last: the last to close tidies the files up */
    (void)pthread_cond_destroy(&sqlite->returned);
    (void)pthread_mutex_destroy(&sqlite->lock);
    free(sqlite->path);
    free(sqlite);
}

static const struct sql_driver sqlite_driver = {
    .name = "sqlite",
    .embedded = true,
    .tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    .columns = "SELECT name FROM pragma_table_info($1) ORDER BY cid",
    .read = read_rows,
    .transact = transact,
    .tx_run = sqlite_tx_run,
    .tx_script = sqlite_tx_script,
    .close = close_all,
};

/* --- opening ------------------------------------------------------------------------------- */

/* Writes the folder's entry for a new file to the disk. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(folder);
}

/*
 * Makes the file, for this user only; SQLite gives the files beside it the same mode. An existing
 * file is not opened here: closing it would drop the locks that SQLite holds on it in this process.
 */
static void make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return; /* it is there, or SQLite will tell why it cannot be */
    (void)close(fd);
    sync_folder(path);
}

static struct sqlite *make(const char *path)
{
    pthread_condattr_t monotonic;
    struct sqlite *sqlite = calloc(1, sizeof(*sqlite));
    if (sqlite == NULL)
        return NULL;
    sqlite->sql.driver = &sqlite_driver;
    (void)pthread_mutex_init(&sqlite->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&sqlite->returned, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    sqlite->path = strdup(path);
    if (sqlite->path != NULL)
        return sqlite;
    close_all(&sqlite->sql);
    return NULL;
}

/* SQLite's count of its own memory, which nobody reads, is a lock for each of the forty allocations
 * of a transaction. */
static void count_no_memory(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused when SQLite is in use already */
}

enum idp_err sqlite_open(const char *path, char **why, struct sql **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sqlite_connection *connection = NULL;
    if (*path == '\0' || *path == ':')
        return IDP_BAD_REQUEST; /* SQLite's names for databases that no second connection sees */
    (void)pthread_once(&once, count_no_memory);
    make_file(path);
    enum idp_err err = sqlite_connection_open(path, true, why, &connection);
    if (err != IDP_OK)
        return err;
    struct sqlite *sqlite = make(path);
    if (sqlite == NULL) {
        sqlite_connection_close(connection);
        return IDP_FAULT;
    }
    sqlite->writer = sqlite_writer_new(&sqlite_driver, connection);
    if (sqlite->writer == NULL) {
        close_all(&sqlite->sql);
        return IDP_FAULT;
    }
    sqlite->sql.circuit = sqlite_writer_circuit(sqlite->writer);
    *out = &sqlite->sql;
    return IDP_OK;
}
