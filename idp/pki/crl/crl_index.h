/*
 * Finds entries of a list by their serial number: sixteen bytes for each, and no copy of the list.
 *
 * An entry's place is {hash of its serial, where it begins}, in the order of hashes. The hash is
 * keyed with a random key that never leaves the process (SipHash), so an authority cannot make
 * serials that collide; it only leads to candidates, whose serials are compared in the list itself.
 */
#pragma once

#include "base/error.h"
#include "pki/crl/crl_read.h"

struct crl_index;

/*
 * Builds the index of a sound list, which is borrowed with its bytes. Takes 16 bytes of memory for
 * each entry. Returns IDP_FAULT when there is no memory or randomness.
 */
enum idp_err crl_index_new(const struct crl_list *list, struct crl_index **out);

/* NULL is allowed. */
void crl_index_free(struct crl_index *index);

/*
 * Looks a serial (content octets) up. Where it is listed more than once the worst entry counts:
 * revoked before on hold before removed; of two alike the earlier revocation. Returns false when
 * it is not listed.
 */
bool crl_index_find(const struct crl_index *index, const unsigned char *serial, size_t len,
                    struct crl_record *out);
