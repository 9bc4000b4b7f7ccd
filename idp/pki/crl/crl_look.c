#include "pki/crl/crl_look.h"

static struct crl_word word_of(enum crl_entry entry, const struct crl_record *record)
{
    return (struct crl_word){
        .entry = entry, .revoked_at = record->revoked_at, .reason = record->reason};
}

/* In a full list removeFromCRL has no meaning (RFC 5280 section 5.3.1): it is listed. */
static struct crl_word look_in_full(const struct crl_index *full, const unsigned char *serial,
                                    size_t len)
{
    struct crl_record record;
    if (!crl_index_find(full, serial, len, &record))
        return (struct crl_word){.entry = CRL_NOT_LISTED, .reason = CRL_REASON_UNSAID};
    return word_of(record.reason == CRL_REASON_ON_HOLD ? CRL_LISTED_ON_HOLD : CRL_LISTED, &record);
}

struct crl_word crl_look(const struct crl_index *full, const struct crl_index *delta,
                         const unsigned char *serial, size_t len)
{
    struct crl_record record;
    struct crl_word word = look_in_full(full, serial, len);
    if (word.entry == CRL_LISTED || delta == NULL || !crl_index_find(delta, serial, len, &record))
        return word;
    if (record.reason == CRL_REASON_REMOVED)
        return (struct crl_word){.entry = CRL_NOT_LISTED, .reason = CRL_REASON_UNSAID};
    return word_of(record.reason == CRL_REASON_ON_HOLD ? CRL_LISTED_ON_HOLD : CRL_LISTED, &record);
}
