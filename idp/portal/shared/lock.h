/*
 * The step that signing in and binding share: take the challenge, verify the lock's answer to it.
 */
#pragma once

#include "access/challenge.h"
#include "base/error.h"
#include "evidence/proof.h"
#include "pki/lock/verify.h"

struct request;

/* A lock that proved itself, with everything the verdict rested on. Lives as long as the arena. */
struct proven {
    struct lock_question question;
    struct lock_answer answer;
    struct lock_identity identity;
    struct proof proof; /* points into the above */
};

/*
 * Counts that the lock was refused as rq->refusal says; who tells what is known of it. A company
 * whose USCC a lock of another authority asserts is told.
 */
void portal_lock_refused(struct request *rq, const struct lock_identity *who);

/* The rate limit of calls that carry a lock's answer; for the admit column. */
enum idp_err portal_admit_answer(struct request *rq);

/*
 * Reads the member "answer" of the request, takes the challenge of the place and verifies. Returns
 * IDP_REFUSED with rq->refusal set, having counted it, or what the stores say.
 */
enum idp_err portal_prove_lock(struct request *rq, const struct challenge_place *place,
                               struct proven *out);
