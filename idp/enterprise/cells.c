#include "enterprise/cells.h"

#include <string.h>

#include "store/sql.h"

struct enterprise cells_enterprise(const struct sql_rows *rows, size_t row, size_t first)
{
    const char *standing = sql_cell_text(rows, row, first + 3);
    return (struct enterprise){
        .id = sql_cell_text(rows, row, first),
        .uscc = sql_cell_text(rows, row, first + 1),
        .name = sql_cell_text(rows, row, first + 2),
        .suspended = standing == NULL || strcmp(standing, "active") != 0,
        .city = sql_cell_text(rows, row, first + 4),
        .legal_representative = sql_cell_text(rows, row, first + 5),
        .phone = sql_cell_text(rows, row, first + 6),
        .address = sql_cell_text(rows, row, first + 7),
        .email = sql_cell_text(rows, row, first + 8),
        .entity_types = sql_cell_text(rows, row, first + 9),
    };
}

struct lock cells_lock(const struct sql_rows *rows, size_t row, size_t first)
{
    const char *role = sql_cell_text(rows, row, first + 7);
    return (struct lock){
        .id = sql_cell_text(rows, row, first),
        .authority = sql_cell_text(rows, row, first + 1),
        .key_hash = sql_cell_text(rows, row, first + 2),
        .key_number = sql_cell_text(rows, row, first + 3),
        .certificate_hash = sql_cell_text(rows, row, first + 4),
        .serial = sql_cell_text(rows, row, first + 5),
        .not_after = sql_cell_int(rows, row, first + 6),
        .primary = role != NULL && strcmp(role, "primary") == 0,
        .unbound = sql_cell(rows, row, first + 8) != NULL,
        .rights_ended = sql_cell_int(rows, row, first + 9),
    };
}
