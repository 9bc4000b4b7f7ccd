#include "access/over.h"

#include "store/sweep.h"

/* The longest life that the settings allow an access token: what a grant gave last is over then. It
 * is far more than a code lives, whose hash the row keeps from being used twice. */
enum { TOKEN_LIFE_MOST_S = 86400 };

/* A client's standing grant is never over by itself. A refresh family is kept until its own end,
 * also when its grant was ended: an old token of it has to be recognised. */
#define GRANT_IS_OVER                                                                              \
    "created < $2 AND (ended IS NULL OR ended < $2) "                                              \
    "AND (enterprise IS NOT NULL OR ended IS NOT NULL) "                                           \
    "AND NOT EXISTS (SELECT 1 FROM refresh_families f WHERE f.grant_id = grants.id "               \
    "AND f.expires >= $2)"

const struct sweep over_grants = {
    .name = "grants",
    .key = SQL_BLOB,
    .spare_s = TOKEN_LIFE_MOST_S,
    .list = "SELECT id, CASE WHEN " GRANT_IS_OVER " THEN 1 ELSE 0 END FROM grants WHERE id > $1 "
            "ORDER BY id LIMIT 500",
    .remove = {"DELETE FROM refresh_families WHERE grant_id = $1 AND EXISTS "
               "(SELECT 1 FROM grants WHERE id = $1 AND " GRANT_IS_OVER ")",
               "DELETE FROM grants WHERE id = $1 AND " GRANT_IS_OVER},
};

#define ROW_IS_OVER "(delivered < $2 OR parked < $2)"

const struct sweep over_outbox = {
    .name = "outbox",
    .key = SQL_TEXT,
    .list = "SELECT id, CASE WHEN " ROW_IS_OVER " THEN 1 ELSE 0 END FROM outbox WHERE id > $1 "
            "ORDER BY id LIMIT 500",
    .remove = {"DELETE FROM outbox WHERE id = $1 AND " ROW_IS_OVER},
};
