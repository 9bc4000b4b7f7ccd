/*
 * Finding out whether a certificate is revoked: everything that is known is gathered, from the
 * cheapest to the dearest, until the decision (pki/revocation/verdict.h) rests on enough: what was
 * called revoked once, the lists, the answers that the nodes keep, and at last the authority's
 * service.
 */
#pragma once

#include "base/error.h"
#include "pki/crl/crls.h"
#include "pki/revocation/status.h"
#include "pki/revocation/verdict.h"

struct arena;
struct asking_about;
struct lock_status;
struct pki;

/* The decision, and what it rests on. */
struct inquiry {
    struct verdict verdict;
    struct crl_finding list;
    struct status status; /* of the service; its response is NULL where it has none to show */
    bool asked;           /* the service was, now */
};

/*
 * What can be decided without asking the service, about a leaf whose path is good. Costs a look at
 * the set of revoked ones and at the lists, and where those do not suffice one get from the
 * key-value store. Returns IDP_NOT_FOUND when the service has to be asked; IDP_WAIT when waiting is
 * needed on a thread that may not, IDP_UNAVAILABLE when a store does not answer, IDP_FAULT.
 */
enum idp_err inquiry_known(struct pki *pki, struct arena *arena, const struct asking_about *about,
                           struct inquiry *out);

/* The same without looking into the store: verdict VERDICT_ASK where sets and lists do not suffice.
 */
enum idp_err inquiry_look(struct pki *pki, struct arena *arena, const struct asking_about *about,
                          struct inquiry *out);

/*
 * The decision, after asking the service if need be. What is learned is kept for all nodes.
 * Returns IDP_WAIT, IDP_UNAVAILABLE and IDP_FAULT as above.
 */
enum idp_err inquiry_make(struct pki *pki, struct arena *arena, const struct asking_about *about,
                          struct inquiry *out);

/* The same, without believing an answer from before where the policy rests on the service: for
 * those who are signed in, and for answers that are about to end. */
enum idp_err inquiry_renew(struct pki *pki, struct arena *arena, const struct asking_about *about,
                           struct inquiry *out);

/* What evidence keeps of a good verdict. It points into the inquiry. */
struct lock_status inquiry_describe(const struct inquiry *inquiry, const struct revocation *rules);
