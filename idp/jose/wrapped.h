/*
 * The wrapped keys in the database: those of signing_keys and of purpose_keys. All are wrapped with
 * one master key at any time.
 */
#pragma once

#include "base/error.h"

struct arena;
struct master_key;
struct sql_tx;

/*
 * The one of the given master keys that the keys in the database are wrapped with, borrowed: what
 * is put beside them has to be wrapped with the same. Without keys it is the first. Returns
 * IDP_DENIED when none opens them, and what sql_run() does.
 */
enum idp_err wrapped_with(struct sql_tx *tx, struct arena *arena, const struct master_key *masters,
                          const struct master_key **out);
