/* Looking again at certificates that were judged before, by what is kept of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "pki/revocation/verdict.h"

struct arena;
struct pki;

/* A certificate whose path was good when it was seen. */
struct seen_certificate {
    unsigned char hash[DIGEST_SIZE];   /* SHA-256 of the DER */
    unsigned char issuer[DIGEST_SIZE]; /* that of the anchor's */
    const char *authority;             /* id */
    const char *serial;                /* upper-case hex */
};

/* The same from base64url texts, which are as rows have them. False: they are none. */
bool seen_certificate_read(const char *hash, const char *issuer, const char *authority,
                           const char *serial, struct seen_certificate *out);

/* What came of it. */
struct again {
    struct verdict verdict;
    int64_t until;    /* when the answer that it rests on ends; 0: it rests on none */
    bool past_asking; /* unavailable, and will be: it cannot be asked about */
};

/*
 * By what was called revoked, and by the lists: verdict VERDICT_ASK where they do not suffice. What
 * is learned is kept for all nodes. Returns IDP_NOT_FOUND when the trust list does not name that
 * anchor of that authority; IDP_FAULT.
 */
enum idp_err again_look(struct pki *pki, struct arena *arena,
                        const struct seen_certificate *certificate, int64_t now, struct again *out);

/*
 * The same, and by an answer that is known and not over, where the policy rests on the service.
 * Returns IDP_UNAVAILABLE when a store does not answer.
 */
enum idp_err again_known(struct pki *pki, struct arena *arena,
                         const struct seen_certificate *certificate, int64_t now,
                         struct again *out);

/*
 * The same, and asks the service in any case where the policy rests on it, about the certificate as
 * the archive has it (struct pki_archive): one that is not there, or that the list does not accept
 * any more, or that is over, is not asked about, which is VERDICT_UNAVAILABLE and past_asking.
 */
enum idp_err again_ask(struct pki *pki, struct arena *arena,
                       const struct seen_certificate *certificate, int64_t now, struct again *out);
