/*
 * What the program knows about certificates while it runs: the trust list, the leaves seen before,
 * the answers about revocation that are still good, and the questions in flight.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct crl_finding;
struct crls;
struct kv;
struct net;
struct net_race;
struct pki;
struct sql;
struct trust;

/* The way to the authorities' status services; tests put their own here. */
struct pki_fetch {
    void *context;
    enum idp_err (*race)(void *context, struct arena *arena, struct net_race *race);
};

/* The real one: net_race(). The net is borrowed. */
struct pki_fetch pki_fetch_by_net(struct net *net);

/* Where lists of revoked certificates are looked into, as pki/crl/crls.h says. */
struct pki_lists {
    void *context;
    void (*find)(void *context, const unsigned char *issuer, const unsigned char *serial,
                 size_t serial_len, struct crl_finding *out);           /* NULL: there are none */
    bool (*anchor_revoked)(void *context, const unsigned char *anchor); /* NULL: none is */
    void (*follow)(void *context, const struct trust *trust);           /* or NULL */
};

/* The real ones. The shelf is borrowed; it follows the trust list from pki_new() on. */
struct pki_lists pki_lists_of(struct crls *crls);

/* Where the DER of a certificate that was seen is found by its SHA-256. */
struct pki_archive {
    void *context;
    enum idp_err (*read)(void *context, struct arena *arena, const unsigned char *hash,
                         const unsigned char **der, size_t *len); /* NULL: there is none */
};

struct pki_settings {
    struct trust *trust; /* taken over on IDP_OK */
    struct kv *kv;       /* borrowed */
    struct sql *db;      /* borrowed; NULL: what is learned of revocation ends with the program */
    struct pki_fetch fetch;
    struct pki_lists lists;
    struct pki_archive archive;
    unsigned background; /* threads for pki_ask_ahead(), 0 to 8 */
    unsigned waiters;    /* threads that one authority may occupy at a time; 0: 8 */
    bool sm2_by_openssl; /* SM2 is verified by OpenSSL, eight times slower (pki/sm2/sm2.h) */
};

/* Starts the background threads. Returns IDP_FAULT when there is no memory or no thread. */
enum idp_err pki_new(const struct pki_settings *settings, struct pki **out);

/* Waits for questions in flight (at most their deadline). NULL is allowed. */
void pki_free(struct pki *pki);

/*
 * The list that counts now, kept for as long as the arena lives, whatever takes its place
 * meanwhile. Two calls may return two lists. Returns NULL when there is no memory.
 */
const struct trust *pki_trust(struct pki *pki, struct arena *arena);

/*
 * Says whether rights from auth_time by a lock of this authority count: it stands in the list that
 * counts now (where environment is not NULL: in that environment), and has not left it since.
 * Neither waits nor locks.
 */
bool pki_lists(struct pki *pki, const char *authority, const char *environment, int64_t auth_time);

/*
 * Puts another list in the place of the one that counts, and takes it over when it succeeds. What
 * was judged by the old one is not believed any more; whoever works by it keeps it until its arena
 * is freed. One thread at a time. Returns IDP_FULL when too many old lists are still in use,
 * IDP_FAULT when there is no memory.
 */
enum idp_err pki_exchange(struct pki *pki, struct trust *trust);

/*
 * Takes over what other nodes learned of revoked certificates; for each new generation, and at the
 * start before anybody is let in. Returns what sql_read() does.
 */
enum idp_err pki_renew_revoked(struct pki *pki);

/* Writes what this node learned and could not write. Returns what sql_transact() does. */
enum idp_err pki_write_revoked(struct pki *pki);

/* Says whether a certificate, by base64url(SHA-256(DER)), was ever called revoked, as far as this
 * node knows. Neither waits nor asks a store. */
bool pki_is_revoked(struct pki *pki, const char *certificate_hash);

/*
 * Asks about a certificate's revocation ahead of time, because its holder is about to sign in. The
 * caller's answer must not depend on it: it only copies the bytes into a bounded queue, drops them
 * when that is full, and tells nothing. In the background the question is asked only when the path
 * is good and no good answer is known, at a bounded rate. Never waits.
 */
void pki_ask_ahead(struct pki *pki, const void *der, size_t len);
