/*
 * Keeps the lists of revoked certificates in time: each address that the trust list names is a
 * source, fetched in the background before what it brought is over, and at least twice in the age
 * that its authority allows a list to have. One address of an authority is on its way at a time, so
 * that a slow authority occupies one thread.
 *
 * Only signed dates count: what HTTP says of freshness never makes a list live longer. After a
 * restart nothing is fetched before its time: what each source brought last is kept beside the
 * lists.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct crl_renew;
struct crls;
struct net;
struct pki;

enum {
    CRL_FETCH_MS = 300000, /* the longest that one list may take */
    CRL_RETRY_S = 15,      /* after the first failure; doubled with each, up to … */
    CRL_RETRY_MAX_S = 600,
    CRL_SOON_S = 30, /* a delta whose full list is not here yet */
    CRL_SOURCES_MAX = 1024,
    CRL_URL_MAX = 512,
};

/* Both are borrowed. Returns NULL when there is no memory. */
struct crl_renew *crl_renew_new(struct net *net, struct crls *crls);

/* NULL is allowed. */
void crl_renew_free(struct crl_renew *renew);

/*
 * Fetches one address that is due by the trust list in use, if there is one; waits for it. Called
 * again and again, by several threads. *fetched says whether there was one. Returns IDP_FAULT when
 * there is no memory; what goes wrong with an authority is no error of the job.
 */
enum idp_err crl_renew_run(struct crl_renew *renew, struct pki *pki, int64_t now, bool *fetched);

/*
 * When to fetch again what was fetched at `now`, and is of this_update and next_update: at a random
 * point (spread, 0 to 1) between three quarters and nine tenths of its life; once the former is
 * past, after a quarter of what is left, but half a minute to ten minutes, since the next one
 * should be there any moment; after five minutes when it is over; and never later than max_age_s
 * / 2.
 */
int64_t crl_renew_when(int64_t now, int64_t this_update, int64_t next_update, int max_age_s,
                       double spread);

/* What an operator wants to know of an address. */
struct crl_source_figure {
    uint64_t fetched, unchanged, failed; /* since the program began */
    int64_t last_success;                /* seconds since 1970; 0: never */
    unsigned failing;                    /* failures since the last success */
    char url[CRL_URL_MAX + 1];
};

/* Writes the figures of an authority's addresses, max at most. Returns how many. */
size_t crl_renew_figures(struct crl_renew *renew, const char *authority,
                         struct crl_source_figure *out, size_t max);
