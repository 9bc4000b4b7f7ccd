#include "tests/store/doubles.h"

#include <stdbool.h>

static enum idp_err faulty_read(struct sql *db, struct arena *arena, const struct sql_call *call,
                                struct sql_rows *out)
{
    const struct faulty_sql *faulty = (struct faulty_sql *)db;
    enum idp_err err = faulty->read;
    if (err != IDP_OK)
        return err;
    return faulty->real->driver->read(faulty->real, arena, call, out);
}

/* A body that is run with statements of ours, which lead back to the real driver's. */
struct faulty_body {
    struct faulty_sql *faulty;
    enum idp_err (*body)(struct sql_tx *tx, void *with);
    void *with;
};

static _Thread_local struct faulty_sql *running;

static enum idp_err faulty_tx_run(struct sql_tx *tx, struct arena *arena,
                                  const struct sql_call *call, struct sql_rows *out,
                                  int64_t *changed)
{
    const struct sql_driver *own = tx->driver;
    if (running->statement != IDP_OK && running->statements_left-- <= 0) {
        if (running->at_statement != NULL)
            running->at_statement();
        return running->statement;
    }
    tx->driver = running->real->driver;
    enum idp_err err = tx->driver->tx_run(tx, arena, call, out, changed);
    tx->driver = own;
    return err;
}

static const struct sql_driver faulty_tx_driver = {.name = "faulty", .tx_run = faulty_tx_run};

static enum idp_err run_faulty(struct sql_tx *tx, void *with)
{
    const struct faulty_body *faulty = with;
    const struct sql_driver *real = tx->driver;
    running = faulty->faulty;
    tx->driver = &faulty_tx_driver;
    enum idp_err err = faulty->body(tx, faulty->with);
    tx->driver = real;
    return err;
}

static enum idp_err faulty_transact(struct sql *db,
                                    enum idp_err (*body)(struct sql_tx *tx, void *with), void *with)
{
    struct faulty_sql *faulty = (struct faulty_sql *)db;
    struct faulty_body running_body = {.faulty = faulty, .body = body, .with = with};
    enum idp_err err = faulty->transact;
    if (err != IDP_OK && faulty->transactions_left-- <= 0)
        return err;
    return faulty->real->driver->transact(faulty->real, run_faulty, &running_body);
}

void faulty_sql_init(struct faulty_sql *faulty, struct sql *real)
{
    *faulty = (struct faulty_sql){.driver = *real->driver, .real = real};
    faulty->driver.read = faulty_read;
    faulty->driver.transact = faulty_transact;
    faulty->driver.execute = NULL; /* a transaction like any other */
    faulty->sql.driver = &faulty->driver;
}

static enum idp_err fault(struct faulty_kv *faulty, enum faulty_call call, enum kv_kind kind)
{
    faulty->asked++;
    bool meant =
        (faulty->calls & call) != 0 && (faulty->kinds == 0 || (faulty->kinds & 1u << kind) != 0);
    return meant ? faulty->error : IDP_OK;
}

static enum idp_err faulty_get(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                               struct arena *arena, struct kv_bytes *out)
{
    struct faulty_kv *faulty = (struct faulty_kv *)kv;
    enum idp_err err = fault(faulty, FAULTY_GET, kind);
    return err != IDP_OK ? err : faulty->real->driver->get(faulty->real, kind, key, arena, out);
}

static enum idp_err faulty_take(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                                struct arena *arena, struct kv_bytes *out)
{
    struct faulty_kv *faulty = (struct faulty_kv *)kv;
    enum idp_err err = fault(faulty, FAULTY_TAKE, kind);
    return err != IDP_OK ? err : faulty->real->driver->take(faulty->real, kind, key, arena, out);
}

static enum idp_err faulty_put(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                               struct kv_bytes value, int64_t ttl_ms)
{
    struct faulty_kv *faulty = (struct faulty_kv *)kv;
    enum idp_err err = fault(faulty, FAULTY_PUT, kind);
    return err != IDP_OK ? err : faulty->real->driver->put(faulty->real, kind, key, value, ttl_ms);
}

static enum idp_err faulty_add(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                               struct kv_bytes value, int64_t ttl_ms)
{
    struct faulty_kv *faulty = (struct faulty_kv *)kv;
    enum idp_err err = fault(faulty, FAULTY_ADD, kind);
    return err != IDP_OK ? err : faulty->real->driver->add(faulty->real, kind, key, value, ttl_ms);
}

static enum idp_err faulty_swap(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                                struct kv_bytes expected, struct kv_bytes value, int64_t ttl_ms)
{
    struct faulty_kv *faulty = (struct faulty_kv *)kv;
    enum idp_err err = fault(faulty, FAULTY_SWAP, kind);
    return err != IDP_OK
               ? err
               : faulty->real->driver->swap(faulty->real, kind, key, expected, value, ttl_ms);
}

static enum idp_err faulty_count(struct kv *kv, enum kv_kind kind, struct kv_bytes key, int64_t by,
                                 int64_t ttl_ms, int64_t *out)
{
    struct faulty_kv *faulty = (struct faulty_kv *)kv;
    enum idp_err err = fault(faulty, FAULTY_COUNT, kind);
    return err != IDP_OK ? err
                         : faulty->real->driver->count(faulty->real, kind, key, by, ttl_ms, out);
}

static const struct kv_driver faulty_kv_driver = {
    .name = "faulty",
    .get = faulty_get,
    .take = faulty_take,
    .put = faulty_put,
    .add = faulty_add,
    .swap = faulty_swap,
    .count = faulty_count,
};

void faulty_kv_init(struct faulty_kv *faulty, struct kv *real)
{
    *faulty = (struct faulty_kv){.kv = {.driver = &faulty_kv_driver}, .real = real};
}
