/*
 * What has to be done outside the transaction that causes it: a row is written in the transaction
 * and delivered afterwards, again and again until it is done.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct access;
struct arena;
struct sql_tx;

/* Adds a row that is due at once. kind is tombstone; target is what it is about. *out is its id. */
enum idp_err outbox_add(struct sql_tx *tx, struct arena *arena, const char *kind,
                        const char *target, int64_t now, const char **out);

/* Marks a row as done. */
enum idp_err outbox_done(const struct access *access, const char *id, int64_t now);

/* Delivers what is due, at most 100 rows; rows that fail are tried again later. */
enum idp_err outbox_deliver(const struct access *access, int64_t now_ms);
