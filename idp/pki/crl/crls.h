/*
 * The lists of revoked certificates (CRL, RFC 5280 section 5) that are in use: for each anchor, and
 * for each root above anchors, the newest full list and the newest delta over it, kept as files
 * that are mapped, each with an index. Shared by threads; a newer list takes an older one's place
 * while it is looked up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "pki/crl/crl_look.h"

struct crl_draft;
struct crls;
struct trust;

enum { CRL_NUMBER_SIZE = 2 * 20 + 1 };

/* A list as evidence names it. */
struct crl_name {
    unsigned char hash[DIGEST_SIZE]; /* SHA-256 of the DER */
    char number[CRL_NUMBER_SIZE];    /* CRLNumber, upper-case hex; "": there is no such list */
    int64_t this_update, next_update;
};

/*
 * What the lists say of one certificate (crl_look()). Old ones say it, too: who asks has to mind
 * the dates.
 */
struct crl_finding {
    bool present; /* there is a full list of this issuer */
    enum crl_entry entry;
    int64_t revoked_at; /* of an entry */
    int reason;         /* CRLReason (RFC 5280 section 5.3.1); -1: none is given */
    struct crl_name full, delta;
};

/*
 * Looks a serial number (content octets of the INTEGER) up in the lists of an issuer, named by the
 * SHA-256 of its certificate's DER. Neither waits nor locks for long; under a microsecond.
 */
void crls_find(struct crls *crls, const unsigned char issuer[DIGEST_SIZE],
               const unsigned char *serial, size_t serial_len, struct crl_finding *out);

/*
 * Says whether an anchor is revoked by its root's list: then it issues nothing any more. Once
 * revoked it stays so, whatever lists come later; a hold lasts as long as it is listed. As fast as
 * crls_find().
 */
bool crls_anchor_revoked(struct crls *crls, const unsigned char anchor[DIGEST_SIZE]);

/* Begins an empty shelf over a folder, which may be NULL: then no list is ever taken. IDP_FAULT
 * when there is no memory. */
enum idp_err crls_new(const char *folder, struct crls **out);

/* Nobody may use it any more. NULL is allowed. */
void crls_free(struct crls *crls);

/* Says whether a trust list names places of lists: then there has to be a folder. */
bool crls_are_wanted(const struct trust *trust);

/*
 * Makes the folder (0700) when it is missing, and tries to write there. Returns IDP_UNAVAILABLE
 * with a line "FOLDER: what is wrong" in *why, which the caller frees; IDP_FAULT when there is no
 * memory.
 */
enum idp_err crls_begin_folder(struct crls *crls, char **why);

/*
 * Goes by another trust list, which is not kept: the lists of issuers that are gone are dropped
 * with their files, and those of new ones are read from the folder, verified and indexed again, as
 * at the start. A file that is damaged or does not verify is removed with a line in the log. The
 * folder is begun when the first list is wanted, with a line in the log when that fails. Takes as
 * long as that takes. Returns IDP_FAULT when there is no memory; then nothing has changed.
 */
enum idp_err crls_follow(struct crls *crls, const struct trust *trust);

/* The folder, or NULL as long as there is none that can be written. Lives as long as the shelf. */
const char *crls_folder(struct crls *crls);

/* Begins a file for a list that is about to be received; IDP_UNAVAILABLE without a folder. The
 * caller ends it with crl_draft_end() (pki/crl/crl_files.h). */
enum idp_err crls_draft(struct crls *crls, struct crl_draft *out);

enum crls_outcome {
    CRLS_TAKEN,
    CRLS_SAME,    /* it is the one that is in use, or an older delta's full list covers it */
    CRLS_NO_BASE, /* a delta over a full list that is not here (yet) */
    CRLS_REFUSED, /* `why` says for what */
    CRLS_FAILED,  /* memory or disk; worth another try */
};

struct crls_result {
    enum crls_outcome outcome;
    unsigned char hash[DIGEST_SIZE];  /* of the list */
    const char *why;                  /* a name for logs: of a refusal; else NULL */
    int64_t this_update, next_update; /* of the list; 0 when it could not be read */
    size_t entries;
};

/*
 * Offers what was received as a list of one of the authority's anchors or roots; whose it is, and
 * whether it is a full list or a delta, is decided by its content and by whose key verifies it. It
 * takes the place of the list in use only when its number is higher (or the same, with a later
 * thisUpdate) and its thisUpdate not earlier; a delta only over a full list from its base on, of
 * the same scope, and with a higher number than that list's. May wait for the disk, and takes about
 * 200 ms for a million entries.
 */
struct crls_result crls_offer(struct crls *crls, const struct crl_draft *draft,
                              const char *authority, int64_t now);

/* Says whether a list with this hash is in use, and then names it. */
bool crls_hold(struct crls *crls, const unsigned char hash[DIGEST_SIZE], struct crl_name *out);

/* What an operator wants to know of an issuer's lists. */
struct crls_figure {
    char issuer[2 * DIGEST_SIZE + 1]; /* hex */
    bool is_root, revoked;
    bool present; /* there is a full list */
    struct crl_name full, delta;
    size_t entries, delta_entries;
};

/* Writes the figures of an authority's issuers, max at most. Returns how many. */
size_t crls_figures(struct crls *crls, const char *authority, struct crls_figure *out, size_t max);
