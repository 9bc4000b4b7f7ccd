/*
 * An address where a list is fetched, and what is kept of it over a restart: which list it brought
 * last and when, and how to ask the server whether there is a newer one. A small file each, beside
 * the lists; one that is damaged or missing costs no more than a fetch.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/fetch.h"
#include "pki/crl/crl_issuers.h"
#include "pki/crl/crl_renew.h"

struct crl_source {
    char authority[CRL_AUTHORITY_SIZE]; /* its id */
    char url[CRL_URL_MAX + 1];
    int max_age_s; /* of the authority's lists */
    bool wanted;   /* the trust list in use names it */
    bool busy;     /* a thread is on its way */
    int64_t due;   /* seconds since 1970; 0: at once */
    bool has_list;
    unsigned char list[DIGEST_SIZE]; /* that it brought last */
    int64_t fetched_at;              /* when it last answered well; 0: never */
    char etag[NET_VALIDATOR_MAX + 1], last_modified[NET_VALIDATOR_MAX + 1]; /* "": none */
    uint64_t fetched, unchanged, failed; /* since the program began */
    unsigned failing;                    /* failures since the last success */
};

/* Returns NULL when there is no memory; freed with free(). */
struct crl_source *crl_source_new(const char *authority, const char *url);

/* Notes which list came, and what the server said to recognise it by (or NULL). */
void crl_source_note(struct crl_source *source, const unsigned char list[DIGEST_SIZE],
                     const char *etag, const char *last_modified);

/* Writes the source's file; a failure only costs a fetch after the next start. */
void crl_source_keep(const struct crl_source *source, const char *folder);

/* Removes it. */
void crl_source_remove(const struct crl_source *source, const char *folder);

/* Reads it, if it is there and whole. */
void crl_source_restore(struct crl_source *source, const char *folder);
