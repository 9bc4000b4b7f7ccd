/* What whoever changes keys works with, and who writes down what was done. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct key_policy;
struct master_key;
struct sql;
struct sql_tx;

/* Is told of each change, in its transaction, which fails with it. key names the key. */
struct key_witness {
    enum idp_err (*write)(struct sql_tx *tx, struct arena *arena, const void *with,
                          const char *event, const char *key);
    const void *with;
};

struct key_work {
    struct sql *db;
    const struct master_key *master;
    const struct key_policy *policy; /* signing keys */
    int64_t now;
    const struct key_witness *witness; /* or NULL */
};

/* Tells the witness, when there is one. */
enum idp_err key_work_note(const struct key_work *work, struct sql_tx *tx, struct arena *arena,
                           const char *event, const char *key);
