#include "store/harvest.h"

#include <string.h>

#include "base/arena.h"

enum { FIRST_ROWS = 4 };

static enum idp_err make_room(struct harvest *harvest)
{
    if (harvest->rows < harvest->room)
        return IDP_OK;
    size_t room = harvest->room > 0 ? harvest->room * 2 : FIRST_ROWS;
    size_t row_size = harvest->columns * sizeof(*harvest->values);
    struct sql_value *values = arena_alloc(harvest->arena, room * row_size);
    if (values == NULL)
        return IDP_FAULT;
    if (harvest->rows > 0)
        memcpy(values, harvest->values, harvest->rows * row_size);
    harvest->values = values;
    harvest->room = room;
    return IDP_OK;
}

enum idp_err harvest_row(struct harvest *harvest, struct sql_value **out)
{
    if (harvest->rows == SQL_ROWS_MAX)
        return IDP_FULL;
    enum idp_err err = make_room(harvest);
    if (err == IDP_OK)
        *out = &harvest->values[harvest->rows++ * harvest->columns];
    return err;
}

enum idp_err harvest_bytes(struct harvest *harvest, enum sql_type type, const void *bytes,
                           size_t len, struct sql_value *out)
{
    harvest->bytes += len;
    if (harvest->bytes > SQL_BYTES_MAX)
        return IDP_FULL;
    const char *copy = arena_strndup(harvest->arena, len > 0 ? bytes : "", len);
    if (copy == NULL)
        return IDP_FAULT;
    *out = (struct sql_value){.type = type, .bytes = copy, .len = len};
    return IDP_OK;
}

struct sql_rows harvest_rows(const struct harvest *harvest)
{
    return (struct sql_rows){
        .columns = harvest->columns, .rows = harvest->rows, .values = harvest->values};
}
