/*
 * The entries are an array, which is gone through once a second; a table with open addressing, at
 * most half full, finds one by its hash.
 */
#include "pki/revocation/watch_plan.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 32, SOONEST_S = 10 };

struct entry {
    struct plan_item item;
    int64_t due;
    int64_t until; /* when the answer that is known ends; 0: none is, or none is needed */
    enum verdict_says said;
    unsigned failures;
    unsigned round; /* in which it was named last */
    bool looked_at, under_way, late;
};

struct plan {
    struct entry *entries;
    size_t count, room;
    size_t *table;      /* 2 * room places: 1 + index of the entry; 0: free */
    struct entry **due; /* room for pointers to all, while some are chosen */
    unsigned round;
    uint64_t late;
};

struct plan *plan_new(void)
{
    return calloc(1, sizeof(struct plan));
}

void plan_free(struct plan *plan)
{
    if (plan == NULL)
        return;
    free(plan->entries);
    free(plan->table);
    free(plan->due);
    free(plan);
}

/* --- entries --------------------------------------------------------------------------------- */

/* The place of a hash in the table, which may be free. */
static size_t *place_of(const struct plan *plan, const unsigned char *hash)
{
    size_t at = 0;
    size_t places = 2 * plan->room;
    memcpy(&at, hash, sizeof(at));
    at &= places - 1;
    while (plan->table[at] != 0 &&
           memcmp(plan->entries[plan->table[at] - 1].item.hash, hash, DIGEST_SIZE) != 0)
        at = (at + 1) & (places - 1);
    return &plan->table[at];
}

static struct entry *find(const struct plan *plan, const unsigned char *hash)
{
    const size_t *place = plan->room > 0 ? place_of(plan, hash) : NULL;
    return place != NULL && *place != 0 ? &plan->entries[*place - 1] : NULL;
}

static void fill_table(struct plan *plan)
{
    memset(plan->table, 0, 2 * plan->room * sizeof(*plan->table));
    for (size_t i = 0; i < plan->count; i++)
        *place_of(plan, plan->entries[i].item.hash) = i + 1;
}

static enum idp_err make_room(struct plan *plan)
{
    size_t room = plan->room > 0 ? 2 * plan->room : ROOM_LEAST;
    struct entry *entries = realloc(plan->entries, room * sizeof(*entries));
    if (entries != NULL)
        plan->entries = entries;
    size_t *table = calloc(2 * room, sizeof(*table));
    struct entry **due = calloc(room, sizeof(struct entry *));
    if (entries == NULL || table == NULL || due == NULL) {
        free(table);
        free(due);
        return IDP_FAULT;
    }
    free(plan->table);
    free(plan->due);
    plan->table = table;
    plan->due = due;
    plan->room = room;
    fill_table(plan);
    return IDP_OK;
}

/* --- spreading ------------------------------------------------------------------------------- */

/* 0 to span - 1, another one for each certificate and each moment. */
static int64_t part_of(const struct entry *entry, int64_t now, int64_t span)
{
    uint64_t mixed = 0;
    memcpy(&mixed, entry->item.hash + 8, sizeof(mixed));
    mixed = (mixed ^ (uint64_t)now) * UINT64_C(0x9E3779B97F4A7C15);
    return span > 0 ? (int64_t)((mixed >> 16) % (uint64_t)span) : 0;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* After six to eight tenths of what is left of it; an answer that hardly lives is not run after. */
static int64_t before_the_end(const struct entry *entry, int64_t now)
{
    int64_t left = entry->until - now;
    int64_t wait = left * 6 / 10 + part_of(entry, now, left * 2 / 10);
    return now + (wait > SOONEST_S ? wait : SOONEST_S);
}

static int64_t after_a_while(const struct entry *entry, int recheck_s, int64_t now)
{
    return now + recheck_s - part_of(entry, now, recheck_s / 10);
}

static int64_t after_a_failure(const struct entry *entry, int64_t now)
{
    unsigned times = entry->failures < 6 ? entry->failures : 6;
    int64_t wait = least((int64_t)PLAN_AGAIN_S << times, PLAN_AGAIN_MOST_S);
    return now + wait + part_of(entry, now, wait / 2 + 1);
}

/* --- following ------------------------------------------------------------------------------- */

void plan_clear(struct plan *plan)
{
    plan->count = 0;
    if (plan->room > 0)
        fill_table(plan);
}

void plan_begin(struct plan *plan)
{
    plan->round++;
}

/* Room for one more, at its place in the table. NULL: no memory. */
static struct entry *begin_entry(struct plan *plan, const struct plan_item *item)
{
    bool full = plan->entries == NULL || plan->count == plan->room;
    if (full && make_room(plan) != IDP_OK)
        return NULL;
    struct entry *entry = &plan->entries[plan->count++];
    *entry = (struct entry){.item = *item, .said = VERDICT_ASK};
    *place_of(plan, item->hash) = plan->count;
    return entry;
}

enum idp_err plan_add(struct plan *plan, const struct plan_item *item, int recheck_s, int64_t now)
{
    int64_t soon = least(PLAN_FIRST_S, recheck_s);
    struct entry *entry = find(plan, item->hash);
    bool is_new = entry == NULL;
    if (is_new)
        entry = begin_entry(plan, item);
    if (entry == NULL)
        return IDP_FAULT;
    if (is_new)
        entry->due = now + part_of(entry, now, soon);
    else if (item->signed_in && !entry->item.signed_in)
        entry->due = least(entry->due, now + part_of(entry, now, soon));
    entry->item.signed_in = item->signed_in;
    entry->round = plan->round;
    return IDP_OK;
}

void plan_end(struct plan *plan)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].round == plan->round)
            plan->entries[kept++] = plan->entries[i];
    plan->count = kept;
    if (plan->room > 0)
        fill_table(plan);
}

/* --- due ------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct entry *left = *(const struct entry *const *)a;
    const struct entry *right = *(const struct entry *const *)b;
    if (left->item.signed_in != right->item.signed_in)
        return left->item.signed_in ? -1 : 1;
    return left->due < right->due ? -1 : left->due > right->due;
}

/* What is revoked is so for ever. */
static bool is_due(const struct entry *entry, int64_t now)
{
    return entry->due <= now && !entry->under_way && entry->said != VERDICT_REVOKED;
}

static void count_late(struct plan *plan, struct entry *entry, int64_t now)
{
    bool late = entry->until != 0 && entry->until <= now;
    plan->late += late && !entry->late;
    entry->late = late;
}

size_t plan_due(struct plan *plan, bool first, int64_t now, size_t max, struct plan_item *out)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct entry *entry = &plan->entries[i];
        count_late(plan, entry, now);
        if (is_due(entry, now) && entry->looked_at != first)
            plan->due[n++] = entry;
    }
    if (n > 1)
        qsort(plan->due, n, sizeof(struct entry *), compare);
    n = n < max ? n : max;
    for (size_t i = 0; i < n; i++) {
        plan->due[i]->under_way = true;
        out[i] = plan->due[i]->item;
    }
    return n;
}

static int64_t next_time(const struct entry *entry, int recheck_s, int64_t now)
{
    if (entry->said == VERDICT_ASK)
        return now;
    if (entry->said == VERDICT_UNAVAILABLE)
        return after_a_failure(entry, now);
    int64_t while_signed_in = after_a_while(entry, recheck_s, now);
    if (entry->said != VERDICT_GOOD || entry->until == 0)
        return while_signed_in;
    int64_t renewal = before_the_end(entry, now);
    return entry->item.signed_in ? least(renewal, while_signed_in) : renewal;
}

bool plan_came_of(struct plan *plan, const unsigned char hash[DIGEST_SIZE],
                  const struct again *again, int recheck_s, int64_t now)
{
    struct entry *entry = find(plan, hash);
    if (entry == NULL) /* forgotten meanwhile */
        return false;
    enum verdict_says says = again->verdict.says;
    bool another = entry->said != says;
    entry->under_way = false;
    entry->looked_at = true;
    entry->said = says;
    entry->failures = says == VERDICT_UNAVAILABLE ? entry->failures + 1 : 0;
    if (says != VERDICT_UNAVAILABLE && says != VERDICT_ASK)
        entry->until = again->until;
    entry->due = next_time(entry, recheck_s, now);
    return another;
}

void plan_begin_again(struct plan *plan, const unsigned char hash[DIGEST_SIZE], int64_t now)
{
    struct entry *entry = find(plan, hash);
    if (entry == NULL)
        return;
    entry->said = VERDICT_ASK;
    entry->due = now + PLAN_AGAIN_S;
}

void plan_put_back(struct plan *plan, const unsigned char hash[DIGEST_SIZE])
{
    struct entry *entry = find(plan, hash);
    if (entry != NULL)
        entry->under_way = false;
}

/* --- what there is --------------------------------------------------------------------------- */

size_t plan_items(const struct plan *plan, size_t from, size_t max, struct plan_item *out)
{
    size_t n = 0;
    for (size_t i = from; i < plan->count && n < max; i++)
        out[n++] = plan->entries[i].item;
    return n;
}

struct plan_figures plan_count(struct plan *plan, int64_t now)
{
    struct plan_figures figures = {.watched = plan->count, .late = plan->late};
    for (size_t i = 0; i < plan->count; i++)
        figures.due += is_due(&plan->entries[i], now);
    return figures;
}
