/*
 * Which certificates of one authority are looked at when: so that their answers are renewed before
 * they end, those who are signed in are asked about every recheck_s, and all of it is spread out.
 * Without a clock, a thread or a store of its own; not for several threads at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "pki/lock/leaf.h"
#include "pki/revocation/again.h"

struct plan;

enum {
    PLAN_FIRST_S =
        60, /* what is new is looked at within so much time, or recheck_s if that is less */
    PLAN_AGAIN_S = 5,        /* after a failure; then twice as long each time … */
    PLAN_AGAIN_MOST_S = 300, /* … up to this */
};

/* A certificate. */
struct plan_item {
    unsigned char hash[DIGEST_SIZE], issuer[DIGEST_SIZE];
    char serial[LEAF_SERIAL_SIZE];
    bool signed_in;
};

/* Returns NULL when there is no memory. */
struct plan *plan_new(void);
void plan_free(struct plan *plan);

/*
 * Adds one, or tells whether it is signed in now. Between plan_begin() and plan_end() all are
 * named; those that were not are forgotten then. Returns IDP_FAULT: no memory.
 */
void plan_clear(struct plan *plan); /* forgets all */
void plan_begin(struct plan *plan);
enum idp_err plan_add(struct plan *plan, const struct plan_item *item, int recheck_s, int64_t now);
void plan_end(struct plan *plan);

/*
 * Copies those that are due, max at most: of those who are signed in, of the others, the longest
 * due first. `first`: of those only that were not looked at yet; otherwise of the others only. They
 * are under way until plan_came_of(). Returns how many.
 */
size_t plan_due(struct plan *plan, bool first, int64_t now, size_t max, struct plan_item *out);

/*
 * What came of one: when it is due again follows from it. VERDICT_ASK: what is known does not
 * suffice, and it is due to be asked about at once. Returns true when it says something else than
 * the time before.
 */
bool plan_came_of(struct plan *plan, const unsigned char hash[DIGEST_SIZE],
                  const struct again *again, int recheck_s, int64_t now);

/* What was said of one is forgotten: it is due again in PLAN_AGAIN_S. */
void plan_begin_again(struct plan *plan, const unsigned char hash[DIGEST_SIZE], int64_t now);

/* One that was due was not looked at after all: it still is. */
void plan_put_back(struct plan *plan, const unsigned char hash[DIGEST_SIZE]);

/* Copies the items from a place on, max at most, whether due or not; 0: there are none. */
size_t plan_items(const struct plan *plan, size_t from, size_t max, struct plan_item *out);

struct plan_figures {
    size_t watched, due; /* now */
    uint64_t late;       /* answers that ended before they were renewed, since the plan began */
};
struct plan_figures plan_count(struct plan *plan, int64_t now);
