#include "evidence/audit.h"

#include "base/arena.h"
#include "base/json_out.h"
#include "base/random.h"
#include "store/sql.h"

enum { ID_BYTES = 16, DETAIL_MAX = 1024 };

enum idp_err audit_add(struct sql_tx *tx, struct arena *arena, const struct audit_entry *entry)
{
    const char *id = random_text(arena, ID_BYTES);
    const struct sql_value params[] = {
        sql_text(id),
        sql_int(entry->at_ms),
        sql_text(entry->event),
        sql_text(entry->enterprise),
        sql_text(entry->lock),
        sql_text(entry->client),
        sql_text(entry->detail),
    };
    if (id == NULL)
        return IDP_FAULT;
    return sql_run(tx, NULL,
                   &(struct sql_call){"INSERT INTO audit (id, at_ms, event, enterprise, lock, "
                                      "client, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                                      params, 7},
                   NULL, NULL);
}

const char *audit_detail(struct arena *arena, const struct audit_actor *by, const char *name,
                         const char *value)
{
    char *text = arena_alloc(arena, DETAIL_MAX);
    if (text == NULL)
        return NULL;
    struct json_out json = json_out_new(text, DETAIL_MAX);
    json_out_object(&json, NULL);
    json_out_text(&json, "actor", by->kind);
    json_out_text(&json, "by", by->name);
    json_out_text(&json, name, value);
    json_out_end_object(&json);
    return json_out_done(&json) > 0 ? text : NULL;
}
