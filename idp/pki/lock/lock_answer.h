/*
 * What the assistant answers to a challenge: {format, algorithm, certificate, signature,
 * agentVersion}. Neither origin nor challenge is in it, on purpose: the provider has to rebuild the
 * signed bytes from its own state (docs/decisions/certificates.md).
 */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "base/error.h"

struct arena;
struct lock_known;
struct refusal;

enum {
    LOCK_CERTIFICATE_MAX = 4096, /* bytes of DER */
    LOCK_SIGNATURE_MAX = 1024,
    LOCK_AGENT_VERSION_MAX = 64, /* characters */
};

enum lock_algorithm { LOCK_RS256, LOCK_PS256, LOCK_ES256, LOCK_SM2 };

struct lock_answer {
    enum lock_algorithm algorithm;
    const unsigned char *certificate; /* DER, not parsed yet */
    size_t certificate_len;
    const unsigned char *signature; /* RSA: as it is; ECDSA and SM2: DER SEQUENCE {r, s} */
    size_t signature_len;
    const char *agent_version; /* printable ASCII; shown and logged, never believed */

    const struct lock_known *known; /* by lock_prepare(); NULL: not called */
};

/* RS256, PS256, ES256 or SM2. */
const char *lock_algorithm_name(enum lock_algorithm algorithm);

/*
 * Reads the object: format "tamga-lock:1", exactly these members, each a text within its limit,
 * standard base64 with padding. Returns IDP_REFUSED with lock.shape, or with lock.algorithm when
 * only the algorithm's name is unknown. The result is the arena's.
 */
enum idp_err lock_answer_read(struct arena *arena, const json_t *json, struct refusal *why,
                              struct lock_answer *out);
