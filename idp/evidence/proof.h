/*
 * What a lock's verdict rested on: the parts of the signed message, the signature, the certificate
 * chain and the authority's own answer, or the name of its list, so that anybody can check it again
 * years later (docs/evidence.md, schema/evidence.schema.json). Certificates and answers are stored
 * once, by hash.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct arena;
struct kept;
struct lock_answer;
struct lock_identity;
struct lock_question;
struct sql_tx;

struct proof {
    const struct lock_question *question;
    const struct lock_answer *answer;
    const struct lock_identity *identity;
    int64_t asked;       /* when the challenge was issued */
    const char *client;  /* whose authorization it is for, or NULL */
    const char *session; /* family of the session that begins with it, or NULL */
};

enum { PROOF_VERSION = 2 };

/* The proof as a JSON text in the arena, for an audit row's detail. NULL without memory. */
const char *proof_describe(struct arena *arena, const struct proof *proof);

/*
 * Keeps the certificates and the authority's answer, where they are not kept yet. kept says which
 * of them need not even be looked for; NULL: none.
 */
enum idp_err proof_keep(struct sql_tx *tx, struct kept *kept, const struct proof *proof,
                        int64_t now);

/* Called once the transaction of proof_keep() is committed: from now on kept knows them. */
void proof_kept(struct kept *kept, const struct proof *proof);
