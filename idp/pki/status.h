/*
 * Good answers about revocation, kept in the key-value store for at most the answer's own life and
 * the authority's max_age_s. Bound to the version of the trust list.
 *
 * Room is left for CRLs (crl.c) and for a policy that weighs both (policy.c).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "pki/ocsp.h"

struct arena;
struct asking_about;
struct kv;

/* An answer with its bytes. */
struct status {
    struct ocsp_answer answer;
    const unsigned char *response; /* NULL: none */
    size_t response_len;
    const unsigned char *hash; /* SHA-256 of the response; NULL: nobody has needed it yet */
};

/*
 * The good answer about a leaf that is still usable, from the arena. Returns IDP_NOT_FOUND;
 * IDP_UNAVAILABLE, IDP_WAIT and IDP_FAULT as kv_get().
 */
enum idp_err status_find(struct kv *kv, struct arena *arena, const struct asking_about *about,
                         struct status *out);

/* Keeps a good answer; others are not kept. A store that fails only costs the next one a question.
 */
void status_keep(struct kv *kv, const struct asking_about *about, const struct status *status);
