/*
 * Feeds any bytes to the reader of revocation lists and, where they are one, to the index: every
 * entry has to be found by its serial, as who looks through all of them would find it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pki/crl/crl_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOOKED_UP = 64 /* entries of a list; looking through costs the square */ };

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool is_inside(const struct crl_part *part, const uint8_t *data, size_t size)
{
    return part->at == NULL || (part->at >= data && part->at + part->len <= data + size);
}

static int badness(const struct crl_record *record)
{
    return record->reason == CRL_REASON_REMOVED ? 0 : record->reason == CRL_REASON_ON_HOLD ? 1 : 2;
}

/* No entry with this serial is worse than the one that was found. */
static void look_through(const struct crl_list *list, const struct crl_record *found)
{
    struct crl_record record;
    for (struct der entries = list->entries; crl_read_entry(&entries, &record);)
        if (record.serial.len == found->serial.len &&
            memcmp(record.serial.at, found->serial.at, found->serial.len) == 0)
            demand(badness(&record) < badness(found) ||
                   (badness(&record) == badness(found) && record.revoked_at >= found->revoked_at));
}

static void look_up(const struct crl_list *list)
{
    struct crl_index *index = NULL;
    struct crl_record record;
    struct crl_record found;
    size_t count = 0;
    if (crl_index_new(list, &index) != IDP_OK)
        return;
    for (struct der entries = list->entries; crl_read_entry(&entries, &record); count++) {
        demand(crl_index_find(index, record.serial.at, record.serial.len, &found));
        if (count < LOOKED_UP)
            look_through(list, &found);
    }
    demand(count == list->count);
    demand(!crl_index_find(index, (const unsigned char *)"", 0, &found));
    crl_index_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct crl_list list;
    enum crl_fault fault = crl_read(data, size, &list);
    demand(strlen(crl_fault_name(fault)) > 0);
    if (fault != CRL_SOUND)
        return 0;
    demand(is_inside(&list.issuer, data, size) && is_inside(&list.authority_key, data, size) &&
           is_inside(&list.key_identifier, data, size) && is_inside(&list.freshest, data, size) &&
           is_inside(&list.scope.distribution_point, data, size));
    demand(list.this_update <= list.next_update);
    look_up(&list);
    return 0;
}
