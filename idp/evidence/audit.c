#include "evidence/audit.h"

#include "base/random.h"
#include "store/sql.h"

enum { ID_BYTES = 16 };

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
