/*
 * Certificates that were called revoked once, by whichever source, whoever asked: for ever,
 * whatever is said later. The table `revoked` is the truth; each node keeps all of it in its
 * memory, found by the certificate's hash, and reads what is new with each generation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "pki/revocation/verdict.h"

struct revoked;
struct sql;

/* Returns NULL when there is no memory. db is borrowed; NULL: nothing outlasts the program. */
struct revoked *revoked_new(struct sql *db);
void revoked_free(struct revoked *revoked);

/* Says whether the certificate of that hash is known as revoked. Neither waits nor asks a store. */
bool revoked_find(struct revoked *revoked, const unsigned char hash[DIGEST_SIZE],
                  struct revoked_fact *out);

/*
 * The same by whose certificate it is and by its number, under whatever hash. A certificate can be
 * written otherwise without its issuer: with s, n - s is an ECDSA signature, too. That changes the
 * hash of the DER, but nothing that was signed.
 */
bool revoked_find_named(struct revoked *revoked, const unsigned char issuer[DIGEST_SIZE],
                        const char *serial, struct revoked_fact *out);

/* A certificate that is looked for. */
struct revoked_subject {
    const unsigned char *hash;   /* SHA-256 of the DER */
    const unsigned char *issuer; /* that of the anchor's */
    const char *serial;          /* upper-case hex */
};

/* Both from the table itself, which another node may have written to just now. Returns what
 * sql_read() does. */
enum idp_err revoked_look(struct revoked *revoked, const struct revoked_subject *subject,
                          bool *known, struct revoked_fact *out);

/* What is learned. */
struct revoked_news {
    unsigned char hash[DIGEST_SIZE], issuer[DIGEST_SIZE]; /* of the DER; of the anchor's */
    const char *authority, *serial;                       /* id; upper-case hex */
    enum verdict_source source; /* VERDICT_BY_RECORD: it was known under another hash */
    struct revoked_fact fact;
    int64_t learned; /* seconds since 1970 */
};

/*
 * Remembers it at once, and writes the row with a new generation. When the table cannot be written
 * to, that is done by the next revoked_write(); the certificate is revoked here from now on in any
 * case. Returns IDP_FAULT when there is no memory, and what sql_transact() does.
 */
enum idp_err revoked_learn(struct revoked *revoked, const struct revoked_news *news);

/* Writes what could not be written yet. Returns what sql_transact() does. */
enum idp_err revoked_write(struct revoked *revoked);

/* Reads the rows that are new; for each generation. Returns what sql_read() does. */
enum idp_err revoked_renew(struct revoked *revoked);

/* How many are known, and how many of them wait to be written. */
struct revoked_figures {
    size_t known, unwritten;
};
struct revoked_figures revoked_count(struct revoked *revoked);
