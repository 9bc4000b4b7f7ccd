/* The rows of a result as they come in, within the limits of sql.h. For drivers. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "store/sql.h"

struct harvest {
    struct arena *arena; /* NULL: nobody asked for the rows */
    size_t columns;      /* set before the first row */
    struct sql_value *values;
    size_t rows, room, bytes;
};

/* One more row of NULLs, for the driver to fill in. Returns IDP_FULL when there may be no more, and
 * IDP_FAULT without memory. */
enum idp_err harvest_row(struct harvest *harvest, struct sql_value **out);

/* A cell of a type that has bytes: copies them, with a NUL behind them. Returns IDP_FULL when the
 * result is too big, and IDP_FAULT without memory. */
enum idp_err harvest_bytes(struct harvest *harvest, enum sql_type type, const void *bytes,
                           size_t len, struct sql_value *out);

/* What has been gathered. */
struct sql_rows harvest_rows(const struct harvest *harvest);
