#include "evidence/seen_recent.h"

#include "base/arena.h"
#include "store/sql.h"

/* Bytes are bigger than rows usually are. */
enum { PAGE = 500 };

/* One page, behind the row that the place names. */
struct place {
    int64_t seen;
    const char *hash;
};

static enum idp_err read_page(struct sql *db, struct arena *arena, int64_t since,
                              const struct place *behind, struct sql_rows *out)
{
    const struct sql_value params[] = {sql_int(since), sql_int(behind->seen),
                                       sql_text(behind->hash), sql_int(PAGE)};
    const struct sql_call call = {
        .text = "SELECT certificates.hash, certificates.serial, certificates.seen, "
                "evidence_objects.bytes FROM certificates JOIN evidence_objects "
                "ON evidence_objects.hash = certificates.hash "
                "WHERE certificates.seen >= $1 AND (certificates.seen < $2 OR "
                "(certificates.seen = $2 AND certificates.hash > $3)) "
                "ORDER BY certificates.seen DESC, certificates.hash LIMIT $4",
        .params = params,
        .count = 4};
    return sql_read(db, arena, &call, out);
}

static struct seen_recent row_of(const struct sql_rows *rows, size_t i)
{
    const struct sql_value *bytes = sql_cell(rows, i, 3);
    return (struct seen_recent){.hash = sql_cell_text(rows, i, 0),
                                .serial = sql_cell_text(rows, i, 1),
                                .der = bytes != NULL ? bytes->bytes : NULL,
                                .der_len = bytes != NULL ? bytes->len : 0};
}

enum idp_err seen_recent_read(struct sql *db, struct arena *arena, int64_t since,
                              const struct seen_recent **out, size_t *count)
{
    size_t n = 0;
    size_t page = PAGE;
    struct place behind = {.seen = INT64_MAX, .hash = ""};
    struct seen_recent *list = arena_alloc(arena, SEEN_RECENT_MAX * sizeof(*list));
    if (list == NULL)
        return IDP_FAULT;
    while (page == PAGE && n < SEEN_RECENT_MAX) {
        struct sql_rows rows;
        enum idp_err err = read_page(db, arena, since, &behind, &rows);
        if (err != IDP_OK)
            return err;
        page = rows.rows;
        for (size_t i = 0; i < page && n < SEEN_RECENT_MAX; i++)
            list[n++] = row_of(&rows, i);
        if (page > 0)
            behind = (struct place){sql_cell_int(&rows, page - 1, 2), list[n - 1].hash};
    }
    *out = list;
    *count = n;
    return IDP_OK;
}
