#include "evidence/over.h"

#include "evidence/refusals.h"
#include "store/sql.h"
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

/* Those that a bound lock has, or had, are needed to ask about them again. */
#define CERTIFICATE_IS_OVER                                                                        \
    "seen < $2 AND NOT EXISTS (SELECT 1 FROM locks l "                                             \
    "WHERE l.certificate_hash = certificates.hash AND l.unbound IS NULL) "                         \
    "AND NOT EXISTS (SELECT 1 FROM former_certificates o JOIN locks l ON l.id = o.lock "           \
    "WHERE o.certificate = certificates.hash AND l.unbound IS NULL)"

const struct sweep over_certificates = {
    .name = "certificates",
    .key = SQL_TEXT,
    .list = "SELECT hash, CASE WHEN " CERTIFICATE_IS_OVER " THEN 1 ELSE 0 END FROM certificates "
            "WHERE hash > $1 ORDER BY hash LIMIT 500",
    .remove = {"DELETE FROM evidence_objects WHERE hash = $1 AND kind = 'refused' AND EXISTS "
               "(SELECT 1 FROM certificates WHERE hash = $1 AND " CERTIFICATE_IS_OVER ")",
               "DELETE FROM certificates WHERE hash = $1 AND " CERTIFICATE_IS_OVER},
};

/* A day has a bounded number of rows, and its number is the first part of the key. */
enum idp_err over_refusals(struct sql *db, int64_t before, int64_t *deleted)
{
    const struct sql_value params[] = {sql_int(refusals_day(before))};
    return sql_execute(db,
                       &(struct sql_call){"DELETE FROM refusals WHERE day = "
                                          "(SELECT MIN(day) FROM refusals) AND day < $1",
                                          params, 1},
                       deleted);
}
