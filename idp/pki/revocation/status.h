/*
 * Answers about revocation, kept in the key-value store for all nodes: good ones, and a mark where
 * a certificate was called revoked. Found again under another trust list, as long as the same may
 * answer (struct anchor, voice); how old one may be is looked at when it is used.
 *
 * A good answer lies there for a day, longer than it may be used: the degraded mode may be switched
 * on when the authority is down already (struct degraded).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "pki/ocsp/ocsp.h"

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
 * What is kept about a leaf, from the arena: good or revoked. usable_until is by the policy of the
 * leaf's own list; it may be over. Returns IDP_NOT_FOUND; IDP_UNAVAILABLE, IDP_WAIT and IDP_FAULT
 * as kv_get().
 */
enum idp_err status_find(struct kv *kv, struct arena *arena, const struct asking_about *about,
                         struct status *out);

/*
 * Keeps an answer: a good one as it is, a revoked one as a mark. One that takes an earlier good one
 * back (on hold, unknown) removes that; an unusable one changes nothing. A store that fails only
 * costs the next one a question. Returns IDP_DENIED when a mark stands there, which stays: another
 * node was told that the certificate is revoked, and may not have been able to write it down.
 * IDP_OK otherwise.
 */
enum idp_err status_keep(struct kv *kv, struct arena *arena, const struct asking_about *about,
                         const struct status *status);
