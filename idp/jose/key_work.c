#include "jose/key_work.h"

enum idp_err key_work_note(const struct key_work *work, struct sql_tx *tx, struct arena *arena,
                           const char *event, const char *key)
{
    const struct key_witness *witness = work->witness;
    return witness != NULL ? witness->write(tx, arena, witness->with, event, key) : IDP_OK;
}
