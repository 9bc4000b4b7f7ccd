/*
 * Good answers about revocation, kept in the key-value store for at most the answer's own life and
 * the authority's max_age_s. Bound to the version of the trust list.
 *
 * Room is left for CRLs (crl.c) and for a policy that weighs both (policy.c).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "pki/leaf.h"
#include "pki/ocsp.h"

struct arena;
struct pki;

/* An answer with its bytes. */
struct status {
    struct ocsp_answer answer;
    const unsigned char *response; /* NULL: none */
    size_t response_len;
    const unsigned char *hash; /* SHA-256 of the response; NULL: nobody has needed it yet */
};

/*
 * The good answer about a leaf that is still usable at now, from the arena. Returns IDP_NOT_FOUND;
 * IDP_UNAVAILABLE, IDP_WAIT and IDP_FAULT as kv_get().
 */
enum idp_err status_find(struct pki *pki, struct arena *arena, const struct leaf *leaf, int64_t now,
                         struct status *out);

/* Keeps a good answer; others are not kept. A store that fails only costs the next one a question.
 */
void status_keep(struct pki *pki, const struct leaf *leaf, int64_t now,
                 const struct status *status);
