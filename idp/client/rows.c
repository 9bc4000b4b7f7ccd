/* The table "clients": metadata as JSON text, and beside it what changes without it. */
#include "client/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "client/metadata.h"
#include "store/sql.h"

#define SELECT_CLIENT                                                                              \
    "SELECT id, standing, environment, secret_hash, metadata, created, changed FROM clients"

static bool read_standing(const char *text, enum client_standing *out)
{
    for (int i = CLIENT_ACTIVE; i <= CLIENT_ANNOUNCED && text != NULL; i++) {
        if (strcmp(client_standing_name((enum client_standing)i), text) == 0) {
            *out = (enum client_standing)i;
            return true;
        }
    }
    return false;
}

/*
 * The rules that a row passed when it was written are not made stricter for it afterwards: an http
 * address on loopback stays readable when development is switched off.
 */
static enum idp_err decode(const struct sql_rows *rows, size_t row, struct arena *arena,
                           struct client_row *out)
{
    static const struct address_rules rules = {.development = true};
    struct metadata_problem problem = {.field = ""};
    struct client_row read = {
        .metadata = sql_cell_text(rows, row, 4),
        .created = sql_cell_int(rows, row, 5),
        .changed = sql_cell_int(rows, row, 6),
    };
    const char *id = sql_cell_text(rows, row, 0);
    const char *environment = sql_cell_text(rows, row, 2);
    if (id == NULL || read.metadata == NULL || environment == NULL)
        return IDP_FAULT;
    enum idp_err err =
        metadata_parse(arena, &rules, read.metadata, strlen(read.metadata), &problem, &read.client);
    if (err != IDP_OK || !read_standing(sql_cell_text(rows, row, 1), &read.client.standing)) {
        struct log_line line;
        log_begin(&line, LOG_ERROR, "client_row_not_read");
        log_text(&line, "client", id);
        log_text(&line, "field", problem.field);
        log_text(&line, "problem", problem.problem);
        log_end(&line);
        return IDP_FAULT;
    }
    read.client.id = id;
    read.client.secret_hash = sql_cell_text(rows, row, 3);
    read.client.environment = strcmp(environment, "test") == 0 ? CLIENT_TEST : CLIENT_PRODUCTION;
    *out = read;
    return IDP_OK;
}

enum idp_err client_row_read(struct sql *db, struct arena *arena, const char *id,
                             struct client_row *out)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(id)};
    const struct sql_call call = {
        .text = SELECT_CLIENT " WHERE id = $1", .params = params, .count = 1};
    enum idp_err err = sql_read_one(db, arena, &call, &rows);
    return err == IDP_OK ? decode(&rows, 0, arena, out) : err;
}

/* By group, order, id; clients without a group come last. */
static int compare(const void *left, const void *right)
{
    const struct client *a = &((const struct client_row *)left)->client;
    const struct client *b = &((const struct client_row *)right)->client;
    if (a->group != b->group)
        return b->group == CLIENT_GROUP_NONE ||
                       (a->group != CLIENT_GROUP_NONE && a->group < b->group)
                   ? -1
                   : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return strcmp(a->id, b->id);
}

enum idp_err client_rows_read(struct sql *db, struct arena *arena, struct client_rows *out)
{
    struct sql_rows rows;
    size_t count = 0;
    const struct sql_call call = {.text = SELECT_CLIENT};
    enum idp_err err = sql_read(db, arena, &call, &rows);
    if (err != IDP_OK)
        return err;
    struct client_row *read = arena_alloc(arena, (rows.rows + 1) * sizeof(*read));
    if (read == NULL)
        return IDP_FAULT;
    for (size_t row = 0; row < rows.rows; row++)
        if (decode(&rows, row, arena, &read[count]) == IDP_OK)
            count++;
    qsort(read, count, sizeof(*read), compare);
    *out = (struct client_rows){.rows = read, .count = count};
    return IDP_OK;
}
