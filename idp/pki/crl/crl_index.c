#include "pki/crl/crl_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "store/siphash.h"

struct place {
    uint64_t hash;
    uint64_t offset; /* from the first entry */
};

struct crl_index {
    uint64_t key[2];
    struct der entries;
    size_t count;
    struct place places[];
};

/* --- the order --------------------------------------------------------------------------------
 * Hashes are spread evenly, so their octets, the highest first, say nearly where a place belongs.
 * The places are brought into 256 buckets by an octet, in the same memory: each is put where it
 * belongs, and what stood there is carried on (an American flag sort). Each bucket is treated in
 * the same way, until so few are in it that they are inserted one by one.
 */

enum { BUCKETS = 256, FEW = 24, HIGHEST = 56 };

static size_t bucket_of(const struct place *place, unsigned shift)
{
    return (size_t)(place->hash >> shift) % BUCKETS;
}

/* ends[b] becomes where bucket b ends. */
static void count_buckets(const struct place *places, size_t count, unsigned shift,
                          size_t ends[BUCKETS])
{
    memset(ends, 0, BUCKETS * sizeof(*ends));
    for (size_t i = 0; i < count; i++)
        ends[bucket_of(&places[i], shift)]++;
    for (size_t b = 1; b < BUCKETS; b++)
        ends[b] += ends[b - 1];
}

static void share_out(struct place *places, unsigned shift, const size_t ends[BUCKETS])
{
    size_t next[BUCKETS] = {0};
    memcpy(next + 1, ends, (BUCKETS - 1) * sizeof(*next));
    for (size_t b = 0; b < BUCKETS; b++) {
        while (next[b] < ends[b]) {
            struct place carried = places[next[b]];
            size_t home = bucket_of(&carried, shift);
            places[next[b]] = places[next[home]];
            places[next[home]++] = carried;
        }
    }
}

static void insert_each(struct place *places, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct place carried = places[i];
        size_t j = i;
        for (; j > 0 && places[j - 1].hash > carried.hash; j--)
            places[j] = places[j - 1];
        places[j] = carried;
    }
}

/* At most eight deep. Below the last octet all hashes are the same. */
static void sort(struct place *places, size_t count, unsigned shift)
{
    size_t ends[BUCKETS];
    if (count <= FEW) {
        insert_each(places, count);
        return;
    }
    count_buckets(places, count, shift, ends);
    share_out(places, shift, ends);
    for (size_t b = 0, from = 0; shift > 0 && b < BUCKETS; from = ends[b++])
        sort(places + from, ends[b] - from, shift - 8);
}

/* --- alike ------------------------------------------------------------------------------------
 * A list may name one serial as often as it likes, and each look-up would read all of them. Of
 * those alike the worst one stays, once and for all.
 */

static int badness(const struct crl_record *record)
{
    if (record->reason == CRL_REASON_REMOVED)
        return 0;
    return record->reason == CRL_REASON_ON_HOLD ? 1 : 2;
}

static bool is_worse(const struct crl_record *a, const struct crl_record *b)
{
    int difference = badness(a) - badness(b);
    return difference > 0 || (difference == 0 && a->revoked_at < b->revoked_at);
}

static bool read_at(const struct crl_index *index, const struct place *place,
                    struct crl_record *out)
{
    size_t offset = (size_t)place->offset;
    struct der at = {.at = index->entries.at + offset, .left = index->entries.left - offset};
    return crl_read_entry(&at, out);
}

static bool same_serial(const struct crl_record *a, const struct crl_record *b)
{
    return a->serial.len == b->serial.len && memcmp(a->serial.at, b->serial.at, a->serial.len) == 0;
}

/* Says whether b says nothing that a, of the same hash, does not say; the worse one is then in a's
 * place. */
static bool is_covered(const struct crl_index *index, struct place *a, const struct place *b)
{
    struct crl_record first;
    struct crl_record second;
    if (a->hash != b->hash || !read_at(index, a, &first) || !read_at(index, b, &second) ||
        !same_serial(&first, &second))
        return false;
    if (is_worse(&second, &first))
        *a = *b;
    return true;
}

/* In their order, so that those of one serial are neighbours (or two serials have one hash). */
static void drop_alike(struct crl_index *index)
{
    size_t kept = 0;
    for (size_t i = 0; i < index->count; i++)
        if (kept == 0 || !is_covered(index, &index->places[kept - 1], &index->places[i]))
            index->places[kept++] = index->places[i];
    index->count = kept;
}

/* --- building --------------------------------------------------------------------------------- */

static void fill(struct crl_index *index)
{
    struct der left = index->entries;
    struct crl_record record;
    for (size_t i = 0; i < index->count; i++) {
        size_t offset = (size_t)(left.at - index->entries.at);
        if (!crl_read_entry(&left, &record))
            abort(); /* the list was found sound, with so many entries */
        index->places[i] = (struct place){
            .hash = siphash(index->key, record.serial.at, record.serial.len), .offset = offset};
    }
}

enum idp_err crl_index_new(const struct crl_list *list, struct crl_index **out)
{
    struct crl_index *index = malloc(sizeof(*index) + list->count * sizeof(struct place));
    if (index == NULL)
        return IDP_FAULT;
    index->entries = list->entries;
    index->count = list->count;
    enum idp_err err = random_bytes(index->key, sizeof(index->key));
    if (err == IDP_OK) {
        fill(index);
        sort(index->places, index->count, HIGHEST);
        drop_alike(index);
        *out = index;
        return IDP_OK;
    }
    crl_index_free(index);
    return err;
}

void crl_index_free(struct crl_index *index)
{
    free(index);
}

/* --- looking up ------------------------------------------------------------------------------- */

/* The places between which the first whose hash is not below is: all before `low` are below, and
 * the one at `high`, if there is one, is not. */
enum { FIRST_STEP = 64 };

struct span {
    size_t low, high;
};

/* Hashes are spread evenly, so a hash tells nearly where it stands: from there, in ever larger
 * steps. That touches a few neighbouring places, where halving all of them touches twenty apart. */
static struct span surround(const struct crl_index *index, uint64_t hash)
{
    size_t step = FIRST_STEP;
    size_t guess = (size_t)((hash >> 32) * index->count >> 32);
    struct span span = {.low = guess, .high = guess};
    while (span.low > 0 && index->places[span.low - 1].hash >= hash) {
        span.high = span.low - 1;
        span.low = span.low > step ? span.low - step : 0;
        step *= 2;
    }
    step = FIRST_STEP;
    while (span.high < index->count && index->places[span.high].hash < hash) {
        span.low = span.high + 1;
        span.high = index->count - span.high > step ? span.high + step : index->count;
        step *= 2;
    }
    return span;
}

/* The first place whose hash is not below. */
static size_t first_of(const struct crl_index *index, uint64_t hash)
{
    struct span span = surround(index, hash);
    while (span.low < span.high) {
        size_t middle = span.low + (span.high - span.low) / 2;
        if (index->places[middle].hash < hash)
            span.low = middle + 1;
        else
            span.high = middle;
    }
    return span.low;
}

bool crl_index_find(const struct crl_index *index, const unsigned char *serial, size_t len,
                    struct crl_record *out)
{
    const struct crl_record wanted = {.serial = {.at = serial, .len = len}};
    uint64_t hash = siphash(index->key, serial, len);
    bool found = false;
    for (size_t i = first_of(index, hash); i < index->count && index->places[i].hash == hash; i++) {
        struct crl_record record;
        if (!read_at(index, &index->places[i], &record) || !same_serial(&record, &wanted))
            continue;
        if (!found || is_worse(&record, out))
            *out = record;
        found = true;
    }
    return found;
}
