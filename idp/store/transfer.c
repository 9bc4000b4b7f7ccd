/* Rows are read in the order of their primary key, one batch after another from behind the last. */
#include "store/transfer.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "store/sql.h"

enum {
    COLUMNS_MAX = 32,
    PARAMS_MAX = 64, /* of one statement, with every driver */
    HEAD_SIZE = 9,
};

/* A table being read. */
struct reading {
    struct sql *db; /* what was committed in it; or NULL, and */
    struct sql_tx *tx;
    const struct sql_driver *driver; /* of either */
    const struct transfer_table *table;
    struct arena *arena; /* of the statements */
    const char *columns; /* their names, as a statement lists them */
    const char *first, *next;
    size_t key_at[TRANSFER_KEYS_MAX]; /* which columns the key is */
    struct arena *batch;              /* of the rows; NULL: nothing was read yet */
    struct sql_rows rows;
};

/* --- statements ---------------------------------------------------------------------------- */

/* Another name at the end of a list. NULL without memory, as when there is no list. */
static const char *list_add(struct arena *arena, const char *list, const char *name)
{
    if (list == NULL)
        return NULL;
    return arena_printf(arena, "%s%s\"%s\"", list, *list == '\0' ? "" : ", ", name);
}

/* "$1, $2, $3" from a first number on. */
static const char *list_params(struct arena *arena, size_t first, size_t count)
{
    const char *list = "";
    for (size_t n = first; list != NULL && n < first + count; n++)
        list = arena_printf(arena, "%s%s$%zu", list, n > first ? ", " : "", n);
    return list;
}

static enum idp_err run(const struct reading *reading, struct arena *arena,
                        const struct sql_call *call, struct sql_rows *out)
{
    return reading->tx != NULL ? sql_run(reading->tx, arena, call, out, NULL)
                               : sql_read(reading->db, arena, call, out);
}

static enum idp_err list_columns(struct reading *reading)
{
    struct sql_rows names = {0};
    const char *const *key = reading->table->key;
    const struct sql_value params[] = {sql_text(reading->table->name)};
    const struct sql_call call = {.text = reading->driver->columns, .params = params, .count = 1};
    enum idp_err err = run(reading, reading->arena, &call, &names);
    if (err != IDP_OK)
        return err;
    if (names.rows == 0 || names.rows > COLUMNS_MAX)
        return IDP_FAULT;
    reading->columns = "";
    for (size_t i = 0; i < names.rows; i++) {
        const char *name = sql_cell_text(&names, i, 0);
        reading->columns = list_add(reading->arena, reading->columns, name);
        for (size_t k = 0; key[k] != NULL; k++)
            if (strcmp(key[k], name) == 0)
                reading->key_at[k] = i;
    }
    return reading->columns != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err write_selects(struct reading *reading)
{
    const struct transfer_table *table = reading->table;
    struct arena *arena = reading->arena;
    const char *keys = "";
    size_t count = 0;
    for (; table->key[count] != NULL; count++)
        keys = list_add(arena, keys, table->key[count]);
    const char *params = list_params(arena, 1, count);
    if (keys == NULL || params == NULL)
        return IDP_FAULT;
    reading->first = arena_printf(arena, "SELECT %s FROM \"%s\" ORDER BY %s LIMIT %lld",
                                  reading->columns, table->name, keys, (long long)table->batch);
    reading->next =
        arena_printf(arena, "SELECT %s FROM \"%s\" WHERE (%s) > (%s) ORDER BY %s LIMIT %lld",
                     reading->columns, table->name, keys, params, keys, (long long)table->batch);
    return reading->first != NULL && reading->next != NULL ? IDP_OK : IDP_FAULT;
}

static const char *write_insert(const struct reading *reading, size_t columns, size_t rows)
{
    struct arena *arena = reading->arena;
    const char *text = arena_printf(arena, "INSERT INTO \"%s\" (%s) VALUES", reading->table->name,
                                    reading->columns);
    for (size_t i = 0; text != NULL && i < rows; i++) {
        const char *params = list_params(arena, i * columns + 1, columns);
        if (params == NULL)
            return NULL;
        text = arena_printf(arena, "%s%s (%s)", text, i > 0 ? "," : "", params);
    }
    return text;
}

/* --- reading ------------------------------------------------------------------------------- */

/* Begins; ended by end_reading(), also when it fails. */
static enum idp_err begin_reading(struct reading *reading)
{
    reading->arena = arena_new();
    enum idp_err err = reading->arena != NULL ? list_columns(reading) : IDP_FAULT;
    return err == IDP_OK ? write_selects(reading) : err;
}

static void end_reading(struct reading *reading)
{
    arena_free(reading->batch);
    arena_free(reading->arena);
}

/* The next rows take the place of those before, whose last says where they begin. None: the end. */
static enum idp_err read_batch(struct reading *reading)
{
    struct sql_value after[TRANSFER_KEYS_MAX];
    struct sql_call call = {.text = reading->first, .params = after};
    struct sql_rows rows = {0};
    if (reading->batch != NULL) {
        call.text = reading->next;
        for (; reading->table->key[call.count] != NULL; call.count++)
            after[call.count] =
                reading->rows.values[(reading->rows.rows - 1) * reading->rows.columns +
                                     reading->key_at[call.count]];
    }
    struct arena *arena = arena_new();
    if (arena == NULL)
        return IDP_FAULT;
    enum idp_err err = run(reading, arena, &call, &rows);
    arena_free(reading->batch);
    reading->batch = arena;
    reading->rows = rows;
    return err;
}

/* --- copying ------------------------------------------------------------------------------- */

/* The two statements that write rows: as many at once as there may be parameters, and one. */
struct writing {
    struct sql_tx *tx;
    size_t most;
    const char *many, *one;
};

static enum idp_err write_batch(const struct writing *writing, const struct sql_rows *rows)
{
    enum idp_err err = IDP_OK;
    for (size_t at = 0; err == IDP_OK && at < rows->rows;) {
        size_t count = rows->rows - at >= writing->most ? writing->most : 1;
        const struct sql_call call = {.text = count == writing->most ? writing->many : writing->one,
                                      .params = &rows->values[at * rows->columns],
                                      .count = count * rows->columns};
        err = sql_run(writing->tx, NULL, &call, NULL, NULL);
        at += count;
    }
    return err;
}

static enum idp_err prepare_writing(const struct reading *reading, struct writing *writing)
{
    size_t columns = reading->rows.columns;
    writing->most = PARAMS_MAX / columns;
    writing->many = write_insert(reading, columns, writing->most);
    writing->one = write_insert(reading, columns, 1);
    return writing->many != NULL && writing->one != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err copy_rows(struct reading *reading, struct writing *writing)
{
    enum idp_err err = begin_reading(reading);
    if (err == IDP_OK)
        err = read_batch(reading);
    if (err == IDP_OK && reading->rows.rows > 0)
        err = prepare_writing(reading, writing);
    while (err == IDP_OK && reading->rows.rows > 0) {
        err = write_batch(writing, &reading->rows);
        if (err == IDP_OK)
            err = read_batch(reading);
    }
    return err;
}

enum idp_err transfer_copy(struct sql *from, struct sql_tx *to, const struct transfer_table *table)
{
    struct reading reading = {.db = from, .driver = from->driver, .table = table};
    struct writing writing = {.tx = to};
    enum idp_err err = copy_rows(&reading, &writing);
    end_reading(&reading);
    return err;
}

/* --- summing up ---------------------------------------------------------------------------- */

/* What stands before a value: its type, and its length or the number itself. */
static void write_head(unsigned char head[HEAD_SIZE], const struct sql_value *value)
{
    uint64_t number = value->type == SQL_INTEGER ? (uint64_t)value->number : (uint64_t)value->len;
    head[0] = (unsigned char)value->type;
    for (int i = 1; i < HEAD_SIZE; i++)
        head[i] = (unsigned char)(number >> 8 * (HEAD_SIZE - 1 - i));
}

static enum idp_err digest_row(const struct sql_value *values, size_t columns, unsigned char *out)
{
    unsigned char heads[COLUMNS_MAX][HEAD_SIZE];
    struct digest_piece pieces[2 * COLUMNS_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < columns; i++) {
        write_head(heads[i], &values[i]);
        pieces[count++] = (struct digest_piece){heads[i], HEAD_SIZE};
        if (values[i].len > 0)
            pieces[count++] = (struct digest_piece){values[i].bytes, values[i].len};
    }
    pieces[count] = (struct digest_piece){NULL, 0};
    return digest_pieces(DIGEST_SHA256, pieces, out);
}

static void add(unsigned char sum[TRANSFER_SUM_SIZE], const unsigned char *number)
{
    unsigned carry = 0;
    for (int i = TRANSFER_SUM_SIZE - 1; i >= 0; i--) {
        carry += (unsigned)sum[i] + number[i];
        sum[i] = (unsigned char)carry;
        carry >>= 8;
    }
}

static enum idp_err sum_batch(const struct sql_rows *rows, struct transfer_sum *sum)
{
    unsigned char row[DIGEST_SIZE];
    for (size_t i = 0; i < rows->rows; i++) {
        enum idp_err err = digest_row(&rows->values[i * rows->columns], rows->columns, row);
        if (err != IDP_OK)
            return err;
        add(sum->sum, row);
        sum->rows++;
    }
    return IDP_OK;
}

/* A table being summed up, batch by batch. */
struct summing {
    struct reading reading;
    struct transfer_sum sum;
    bool whole;
};

static enum idp_err begin_summing(struct summing *summing)
{
    enum idp_err err = begin_reading(&summing->reading);
    return err == IDP_OK ? read_batch(&summing->reading) : err;
}

static enum idp_err sum_next(struct summing *summing)
{
    const struct sql_rows *rows = &summing->reading.rows;
    if (!summing->whole && rows->rows > 0) {
        enum idp_err err = sum_batch(rows, &summing->sum);
        return err == IDP_OK ? read_batch(&summing->reading) : err;
    }
    summing->whole = true;
    return IDP_OK;
}

enum idp_err transfer_sum(struct sql *db, const struct transfer_table *table,
                          struct transfer_sum *out)
{
    struct summing summing = {.reading = {.db = db, .driver = db->driver, .table = table}};
    enum idp_err err = begin_summing(&summing);
    while (err == IDP_OK && !summing.whole)
        err = sum_next(&summing);
    end_reading(&summing.reading);
    if (err == IDP_OK)
        *out = summing.sum;
    return err;
}

enum idp_err transfer_compare(struct sql *from, struct sql_tx *to,
                              const struct transfer_table *table, struct transfer_sum out[2])
{
    struct summing sides[2] = {{.reading = {.db = from, .driver = from->driver, .table = table}},
                               {.reading = {.tx = to, .driver = to->driver, .table = table}}};
    enum idp_err err = begin_summing(&sides[0]);
    if (err == IDP_OK)
        err = begin_summing(&sides[1]);
    while (err == IDP_OK && !(sides[0].whole && sides[1].whole)) {
        err = sum_next(&sides[0]);
        if (err == IDP_OK)
            err = sum_next(&sides[1]);
    }
    for (size_t i = 0; i < 2; i++) {
        end_reading(&sides[i].reading);
        out[i] = sides[i].sum;
    }
    return err;
}
