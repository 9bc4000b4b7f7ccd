/*
 * Grants: every authorization is one SQL row; the key-value store only remembers it.
 *
 * A grant is made when its code is redeemed (the row's code hash is unique, so a code works once
 * even when the key-value store failed over in between) and ended by revoke.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "access/claims.h"
#include "base/error.h"

struct access;
struct arena;
struct outbox_kind;

enum { GRANT_ID_SIZE = 16 };

struct grant {
    unsigned char id[GRANT_ID_SIZE];
    const char *client;
    const char *enterprise, *lock, *authority; /* ids; NULL: the client's own standing grant */
    const char *session;                       /* family of the session it came from */
    const char *scope;
    struct claims_asked claims;
    int64_t auth_time, created;
    const char *acr, *amr;
    bool offline; /* outlives the session (offline_access) */
    bool ended;   /* then the rest may be NULL and 0: a tombstone tells nothing else */
};

/* The code that a grant is made from. */
struct grant_code {
    const char *hash; /* base64url(SHA-256(code)) */
    int64_t issued;
};

/*
 * Makes the row from a code that was taken. Returns IDP_CONFLICT when this code made a grant
 * before, IDP_DENIED when the enterprise is suspended, the lock unbound or revoked, its authority
 * not in the trust list, the consent withdrawn or the client not active, or one of them was so
 * since the code was issued.
 */
enum idp_err grant_make(const struct access *access, struct arena *arena, struct grant *grant,
                        const struct grant_code *code);

/*
 * Finds the standing grant of a client for itself with these scopes (a list, which may be empty),
 * or makes it: there is one for each list, until it is ended. Returns IDP_DENIED when the client is
 * not active.
 */
enum idp_err grant_stand(const struct access *access, struct arena *arena, const char *client,
                         const char *scope, int64_t now, struct grant *out);

/*
 * Finds a grant, ended ones too: from its copy, or on a miss from SQL. Returns IDP_NOT_FOUND,
 * IDP_WAIT on a miss where waiting is not allowed, IDP_UNAVAILABLE.
 */
enum idp_err grant_find(const struct access *access, struct arena *arena,
                        const unsigned char id[GRANT_ID_SIZE], const struct grant **out);

/*
 * The grant with no more than these scopes (claims_scope_bits()), in the arena, and without the
 * claims of those that it loses. IDP_FAULT: no memory.
 */
enum idp_err grant_narrow(struct arena *arena, const struct grant *grant, uint16_t scopes,
                          const struct grant **out);

/* Says whether the authority of the grant's lock stands in the trust list, and has since then. */
bool grant_authority_is_listed(const struct access *access, const struct grant *grant);

/* The grant that this code made, or IDP_NOT_FOUND. */
enum idp_err grant_find_by_code(const struct access *access, struct arena *arena,
                                const char *code_hash, unsigned char id[GRANT_ID_SIZE]);

/* Puts the mark of an ended grant over its copy, for as long as its tokens may live. */
enum idp_err grant_bury(const struct access *access, const unsigned char id[GRANT_ID_SIZE]);

/* The same as an outbox row, whose target is the id as base64url text. */
extern const struct outbox_kind grant_tombstone;
