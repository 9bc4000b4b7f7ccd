/* SQLite with nothing around it: rows of the provider's own tables, committed in groups. */
#include "bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/base64.h"
#include "base/random.h"

enum { SCHEMA_MAX = 64 * 1024, ID = 16, HASH = 32, DETAIL = 1100 };

/* A table's statement and how a row of it is filled in. */
struct table {
    const char *name, *insert;
    bool (*fill)(sqlite3_stmt *stmt, long i);
};

static bool random_into(sqlite3_stmt *stmt, int at, size_t bytes)
{
    unsigned char random[HASH];
    char text[BASE64URL_LEN(HASH) + 1];
    if (random_bytes(random, bytes) != IDP_OK)
        return false;
    base64url_encode(random, bytes, text);
    return sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT) == SQLITE_OK;
}

static bool text_into(sqlite3_stmt *stmt, int at, const char *text)
{
    return sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC) == SQLITE_OK;
}

static bool number_into(sqlite3_stmt *stmt, int at, sqlite3_int64 number)
{
    return sqlite3_bind_int64(stmt, at, number) == SQLITE_OK;
}

static bool fill_grant(sqlite3_stmt *stmt, long i)
{
    unsigned char id[ID];
    return random_bytes(id, sizeof(id)) == IDP_OK &&
           sqlite3_bind_blob(stmt, 1, id, sizeof(id), SQLITE_TRANSIENT) == SQLITE_OK &&
           text_into(stmt, 2, "bench-es256") && text_into(stmt, 3, "GTWbQLqYvAWXDgxLX3yvAg") &&
           text_into(stmt, 4, "q0m9WmjTAf5hW1vB0wz3bw") &&
           text_into(stmt, 5, "dGVzdCBvZiBhIHNlc3Npb24ncyBoYXNoIGFzIHRleHQ") &&
           text_into(stmt, 6, "openid enterprise lock") &&
           text_into(stmt, 7, "name uscc entity_types region legal_representative lock|") &&
           number_into(stmt, 8, 1760000000 + i) && text_into(stmt, 9, "urn:tamga:acr:lock") &&
           text_into(stmt, 10, "hwk pin") && number_into(stmt, 11, 1760000000 + i) &&
           random_into(stmt, 12, HASH);
}

static bool fill_audit(sqlite3_stmt *stmt, long i)
{
    static char detail[DETAIL + 1];
    memset(detail, 'd', DETAIL);
    return random_into(stmt, 1, ID) && number_into(stmt, 2, 1760000000000 + i) &&
           text_into(stmt, 3, "signed_in") && text_into(stmt, 4, "GTWbQLqYvAWXDgxLX3yvAg") &&
           text_into(stmt, 5, "q0m9WmjTAf5hW1vB0wz3bw") &&
           sqlite3_bind_null(stmt, 6) == SQLITE_OK && text_into(stmt, 7, detail);
}

static bool blob_into(sqlite3_stmt *stmt, int at)
{
    unsigned char id[ID];
    return random_bytes(id, sizeof(id)) == IDP_OK &&
           sqlite3_bind_blob(stmt, at, id, sizeof(id), SQLITE_TRANSIENT) == SQLITE_OK;
}

/* A new row touches as many pages as the old one with another number. */
static bool fill_family(sqlite3_stmt *stmt, long i)
{
    return blob_into(stmt, 1) && number_into(stmt, 2, 1760000000000 + i) &&
           number_into(stmt, 3, 1760000000 + i);
}

/* Looks for what is not there: a reading and nothing else. */
static bool fill_standing(sqlite3_stmt *stmt, long i)
{
    (void)i;
    return text_into(stmt, 1, "bench-es256") && text_into(stmt, 2, "openid enterprise lock");
}

static const struct table tables[] = {
    {"grants",
     "INSERT INTO grants (id, client, enterprise, lock, session, scope, claims, auth_time, acr, "
     "amr, created, code_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
     fill_grant},
    {"audit",
     "INSERT INTO audit (id, at_ms, event, enterprise, lock, client, detail) "
     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
     fill_audit},
    {"refresh_families",
     "INSERT INTO refresh_families (grant_id, number, key_id, rotated_ms, expires) "
     "VALUES (?1, 1, 1, ?2, ?3)",
     fill_family},
    {"standing",
     "SELECT id FROM grants WHERE client = ?1 AND scope = ?2 AND enterprise IS NULL AND ended IS "
     "NULL",
     fill_standing},
};

struct session {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *insert;
    const struct table *table;
};

static const struct table *find_table(const char *name)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    return NULL;
}

static bool make_tables(sqlite3 *db, const char *schema)
{
    static char script[SCHEMA_MAX];
    FILE *file = fopen(schema, "r");
    size_t n = file != NULL ? fread(script, 1, sizeof(script) - 1, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    script[n] = '\0';
    return n > 0 && sqlite3_exec(db, script, NULL, NULL, NULL) == SQLITE_OK;
}

static bool is_empty(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    bool empty =
        sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_DONE;
    (void)sqlite3_finalize(stmt);
    return empty;
}

static bool prepare(struct session *s, const char *text, sqlite3_stmt **out)
{
    return sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK;
}

static bool open_session(struct session *s, const struct bare_sql *wanted)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    s->table = find_table(wanted->table);
    return s->table != NULL && sqlite3_open_v2(wanted->file, &s->db, flags, NULL) == SQLITE_OK &&
           sqlite3_exec(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", NULL, NULL,
                        NULL) == SQLITE_OK &&
           (!is_empty(s->db) || make_tables(s->db, wanted->schema)) &&
           prepare(s, "BEGIN IMMEDIATE", &s->begin) && prepare(s, "COMMIT", &s->commit) &&
           prepare(s, s->table->insert, &s->insert);
}

static void close_session(struct session *s)
{
    (void)sqlite3_finalize(s->begin);
    (void)sqlite3_finalize(s->commit);
    (void)sqlite3_finalize(s->insert);
    (void)sqlite3_close(s->db);
}

static bool step(sqlite3_stmt *stmt)
{
    bool good = sqlite3_step(stmt) == SQLITE_DONE;
    (void)sqlite3_reset(stmt);
    return good;
}

/* Commits rows from `from` up to `to`, in groups whose mean is `group`. */
static bool commit_rows(struct session *s, long count, double group)
{
    bool good = true;
    double due = group;
    for (long i = 0; good && i < count;) {
        good = step(s->begin);
        do
            good = good && s->table->fill(s->insert, i) && step(s->insert);
        while (good && ++i < count && (double)i + 0.5 < due);
        good = good && step(s->commit);
        due += group;
    }
    return good;
}

bool bare_sql(const struct bare_sql *wanted, double *us)
{
    struct session s = {.db = NULL};
    bool good = wanted->count > 0 && wanted->group >= 1 && open_session(&s, wanted);
    int64_t begun = bare_cpu_ns();
    good = good && commit_rows(&s, wanted->count, wanted->group);
    *us =
        (double)(bare_cpu_ns() - begun) / 1000.0 / (double)(wanted->count > 0 ? wanted->count : 1);
    if (!good)
        (void)fprintf(stderr, "%s: %s\n", wanted->file, sqlite3_errmsg(s.db));
    close_session(&s);
    return good;
}
