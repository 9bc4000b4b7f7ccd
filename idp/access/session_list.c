#include "access/session_list.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"
#include "store/sql.h"

enum { ACCESS_LOG_MAX = 10000 /* what one result may hold */ };

struct listing {
    struct arena *arena;
    const char *enterprise;
    struct session_seen *sessions;
    size_t count, room;
};

/* The one of this family, which is added where it is not there yet. NULL: no room. */
static struct session_seen *entry_of(struct listing *l, const char *family)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->sessions[i].family, family) == 0)
            return &l->sessions[i];
    if (l->count == l->room)
        return NULL;
    struct session_seen *s = &l->sessions[l->count++];
    *s = (struct session_seen){.family = family, .enterprise = l->enterprise, .clients = ""};
    return s;
}

/* The member "session" of an audit row's detail, in the arena; NULL where there is none. */
static const char *session_in(struct arena *arena, const char *detail)
{
    json_t *json = detail != NULL ? json_loads(detail, 0, NULL) : NULL;
    const char *family = arena_strdup(arena, json_string_value(json_object_get(json, "session")));
    json_decref(json);
    return family;
}

static void note_sign_in(struct session_seen *s, int64_t at, const char *lock)
{
    if (s->first == 0 || at < s->first)
        s->first = at;
    if (at < s->last)
        return;
    s->last = at;
    s->lock = lock;
}

/* Rows: at_ms, event, lock, detail; in the order of time, so that a later sign-in counts. */
static enum idp_err add_log(struct listing *l, const struct sql_rows *rows)
{
    for (size_t i = 0; i < rows->rows; i++) {
        const char *event = sql_cell_text(rows, i, 1);
        const char *family = session_in(l->arena, sql_cell_text(rows, i, 3));
        if (family == NULL || event == NULL)
            continue;
        struct session_seen *s = entry_of(l, family);
        if (s == NULL)
            return IDP_FULL;
        s->over = strcmp(event, "signed_in") != 0;
        if (!s->over)
            note_sign_in(s, sql_cell_int(rows, i, 0) / 1000, sql_cell_text(rows, i, 2));
    }
    return IDP_OK;
}

static enum idp_err read_log(struct sql *db, struct listing *l, int64_t since)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(l->enterprise), sql_int(since * 1000)};
    enum idp_err err =
        sql_read(db, l->arena,
                 &(struct sql_call){"SELECT at_ms, event, lock, detail FROM audit "
                                    "WHERE at_ms >= $2 AND enterprise = $1 AND event IN "
                                    "('signed_in', 'session_left', 'session_ended') "
                                    "ORDER BY at_ms LIMIT 5000",
                                    params, 2},
                 &rows);
    return err == IDP_OK ? add_log(l, &rows) : err;
}

/* Rows: session, client, lock, first, last, grants, offline. */
static enum idp_err add_grants(struct listing *l, const struct sql_rows *rows)
{
    for (size_t i = 0; i < rows->rows; i++) {
        struct session_seen *s = entry_of(l, sql_cell_text(rows, i, 0));
        if (s == NULL)
            return IDP_FULL;
        note_sign_in(s, sql_cell_int(rows, i, 4), sql_cell_text(rows, i, 2));
        note_sign_in(s, sql_cell_int(rows, i, 3), s->lock);
        s->grants += sql_cell_int(rows, i, 5);
        s->offline += sql_cell_int(rows, i, 6);
        s->clients = arena_printf(l->arena, "%s%s%s", s->clients, *s->clients != '\0' ? " " : "",
                                  sql_cell_text(rows, i, 1));
        if (s->clients == NULL)
            return IDP_FAULT;
    }
    return IDP_OK;
}

static enum idp_err read_grants(struct sql *db, struct listing *l, int64_t since)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(l->enterprise), sql_int(since)};
    enum idp_err err = sql_read(
        db, l->arena,
        &(struct sql_call){
            "SELECT session, client, MAX(lock), MIN(auth_time), MAX(auth_time), COUNT(*), "
            "COUNT(CASE WHEN offline = 1 THEN 1 END) FROM grants WHERE enterprise = $1 "
            "AND session IS NOT NULL AND ended IS NULL AND (offline = 1 OR auth_time >= $2) "
            "GROUP BY session, client ORDER BY session, client LIMIT 5000",
            params, 2},
        &rows);
    return err == IDP_OK ? add_grants(l, &rows) : err;
}

static int last_first(const void *left, const void *right)
{
    const struct session_seen *a = left;
    const struct session_seen *b = right;
    return a->last == b->last ? strcmp(a->family, b->family) : a->last < b->last ? 1 : -1;
}

enum idp_err session_list(struct sql *db, struct arena *arena, const char *enterprise,
                          int64_t since, struct sessions_seen *out)
{
    struct listing l = {.arena = arena, .enterprise = enterprise, .room = ACCESS_LOG_MAX};
    l.sessions = arena_alloc(arena, l.room * sizeof(*l.sessions));
    enum idp_err err = l.sessions != NULL ? read_log(db, &l, since) : IDP_FAULT;
    if (err == IDP_OK)
        err = read_grants(db, &l, since);
    if (err != IDP_OK)
        return err;
    size_t kept = 0;
    for (size_t i = 0; i < l.count; i++)
        if (!l.sessions[i].over || l.sessions[i].grants > 0)
            l.sessions[kept++] = l.sessions[i];
    qsort(l.sessions, kept, sizeof(*l.sessions), last_first);
    *out = (struct sessions_seen){.sessions = l.sessions, .count = kept};
    return IDP_OK;
}

static enum idp_err owner_by_grant(struct sql *db, struct arena *arena, const char *family,
                                   const char **out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(family);
    enum idp_err err = sql_read_one(
        db, arena,
        &(struct sql_call){"SELECT enterprise FROM grants WHERE session = $1 LIMIT 1", &param, 1},
        &rows);
    if (err == IDP_OK)
        *out = sql_cell_text(&rows, 0, 0);
    return err;
}

/* '_' stands for any character in the pattern: what was found is looked at again. */
static enum idp_err owner_by_log(struct sql *db, struct arena *arena, const char *family,
                                 int64_t since, const char **out)
{
    struct sql_rows rows;
    const char *pattern = arena_printf(arena, "%%\"session\":\"%s\"%%", family);
    const struct sql_value params[] = {sql_int(since * 1000), sql_text(pattern)};
    if (pattern == NULL)
        return IDP_FAULT;
    enum idp_err err =
        sql_read(db, arena,
                 &(struct sql_call){"SELECT enterprise, detail FROM audit WHERE at_ms >= $1 "
                                    "AND event = 'signed_in' AND detail LIKE $2 LIMIT 100",
                                    params, 2},
                 &rows);
    for (size_t i = 0; err == IDP_OK && i < rows.rows; i++) {
        const char *found = session_in(arena, sql_cell_text(&rows, i, 1));
        if (found == NULL || strcmp(found, family) != 0)
            continue;
        *out = sql_cell_text(&rows, i, 0);
        return IDP_OK;
    }
    return err == IDP_OK ? IDP_NOT_FOUND : err;
}

enum idp_err session_owner(struct sql *db, struct arena *arena, const char *family, int64_t since,
                           const char **out)
{
    if (strpbrk(family, "%\"\\") != NULL)
        return IDP_NOT_FOUND;
    enum idp_err err = owner_by_grant(db, arena, family, out);
    return err == IDP_NOT_FOUND ? owner_by_log(db, arena, family, since, out) : err;
}
