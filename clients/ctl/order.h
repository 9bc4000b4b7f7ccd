/* Ending rights from the command line: who orders it, and waiting until the nodes have done it. */
#pragma once

#include <jansson.h>

#include "access/access.h"
#include "access/revoke.h"

struct ctl;

/* An access without key-value store, which in most installations is out of this program's reach. */
struct access order_access(const struct ctl *ctl);

/* An order of the person who runs this program, as the system knows them. */
struct revoke_order order_new(struct ctl *ctl);

/*
 * Waits until all live nodes know the order's generation, and one of them has delivered its outbox
 * row. Returns 0, or CTL_UNCONFIRMED when it has complained.
 */
int order_wait(struct ctl *ctl, const struct revoke_order *order);

/* Answers first, taking the JSON over; then waits. */
int order_answer(struct ctl *ctl, json_t *json, const struct revoke_order *order);
