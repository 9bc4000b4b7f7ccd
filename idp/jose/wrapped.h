/*
 * The wrapped keys in the database: those of signing_keys and of purpose_keys. All are wrapped with
 * one master key at any time. docs/decisions/master-key.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct key_work;
struct master_key;
struct master_places;
struct sql;
struct sql_tx;

/*
 * Opens the master key for this database: as master_key_open(), but a missing file is made only
 * where nothing has been wrapped yet (places->may_make is not looked at). Otherwise the key got
 * lost, and a new one would open nothing and hide the loss: IDP_DENIED. Returns what sql_read()
 * does, too; *why is then NULL.
 */
enum idp_err wrapped_open_master(struct sql *db, const struct master_places *places, char **why,
                                 struct master_key **out);

/*
 * The one of the given master keys that the keys in the database are wrapped with, borrowed: what
 * is put beside them has to be wrapped with the same. Without keys it is the first. Returns
 * IDP_DENIED when none opens them, and what sql_run() does.
 */
enum idp_err wrapped_with(struct sql_tx *tx, struct arena *arena, const struct master_key *masters,
                          const struct master_key **out);

/* The same outside a transaction. */
enum idp_err wrapped_with_now(struct sql *db, struct arena *arena, const struct master_key *masters,
                              const struct master_key **out);

/* What a node says about itself in its row of `nodes`: the names of the master keys that it holds.
 * In the arena; NULL without memory. */
const char *wrapped_holds(const struct master_key *masters, struct arena *arena);

struct rewrapped {
    size_t keys;        /* how many */
    int64_t generation; /* to wait for */
    const char *node;   /* IDP_CONFLICT: the node that would be left behind; in the arena */
};

/*
 * Wraps every key anew with `to`, one of work->master, in one transaction: whatever happens, all
 * are wrapped with one master key before and after. Returns IDP_CONFLICT when a node that may live
 * does not hold `to`: it could not read the keys any more. IDP_DENIED when a key opens with none of
 * them, IDP_FAULT without memory or entropy, and what sql_transact() does.
 */
enum idp_err wrapped_change(const struct key_work *work, const struct master_key *to,
                            struct arena *arena, struct rewrapped *out);
