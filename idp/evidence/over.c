#include "evidence/over.h"

#include "store/sweep.h"

/* The events that are logs of access; the index audit_of_access has the same condition. */
#define IS_ACCESS "event = 'session_left'"
#define ROW_IS_OVER IS_ACCESS " AND at_ms / 1000 < $2"

const struct sweep over_access_log = {
    .name = "access_log",
    .key = SQL_TEXT,
    .list = "SELECT id, CASE WHEN " ROW_IS_OVER " THEN 1 ELSE 0 END FROM audit "
            "WHERE " IS_ACCESS " AND id > $1 ORDER BY id LIMIT 500",
    .remove = {"DELETE FROM audit WHERE id = $1 AND " ROW_IS_OVER},
};
