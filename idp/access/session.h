/*
 * Browser sessions.
 *
 * A visitor's session is only its cookie, which carries our HMAC: strangers can make as many as
 * they like and fill nothing. Signing in makes a new session with a new id, which lies in the
 * key-value store; the id itself is kept nowhere, only its hash.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct access;
struct arena;
struct holder;

extern const char session_cookie[]; /* "__Host-tamga" */

struct session {
    const char *id;    /* the cookie's value: a secret */
    const char *hash;  /* names the session in stores and grants */
    const char *token; /* what state-changing calls carry in X-Tamga-Token */
    bool signed_in;

    /* Only when signed in. */
    const char *family; /* this session and those it grew from: what grants and codes carry */
    const char *enterprise, *lock; /* ids */
    const char *authority;         /* of the lock: an id of the trust list */
    const char *environment;       /* of the lock's authority: test or production */
    const char *acr, *amr;         /* amr is space-separated (RFC 8176) */
    int64_t auth_time;             /* when the lock proved itself */
    int64_t began, seen;
};

/*
 * Finds the session of a cookie's value. Returns IDP_NOT_FOUND for NULL, a made-up value, or a
 * session that is over (idle or absolute limit); IDP_UNAVAILABLE when the store does not answer.
 * A signed-in session counts as seen.
 */
enum idp_err session_find(const struct access *access, struct arena *arena, const char *cookie,
                          int64_t now, struct session **out);

/*
 * Says whether text is the token of the session, whichever of our cookie keys it was made with: the
 * page that sends it may be older than the key. Returns IDP_DENIED when it is not, IDP_UNAVAILABLE
 * when another node's key may be missing here.
 */
enum idp_err session_token_check(const struct access *access, const struct session *session,
                                 const char *token);

/* Makes a visitor's session. */
enum idp_err session_visit(const struct access *access, struct arena *arena, struct session **out);

/*
 * Makes the id of a session that somebody is about to sign in with, in the arena; nothing is
 * stored. For whoever has to know its family before: session_family().
 */
enum idp_err session_prepare(const struct access *access, struct arena *arena,
                             struct session **out);

/* The family that a session will be of when this enterprise signs in with it: the one it grew from,
 * or its own. */
const char *session_family(const struct session *from, const struct session *prepared,
                           const char *enterprise);

/* How somebody proved who they are. */
struct session_proof {
    struct session *prepared;    /* NULL: a new one is made */
    const struct holder *holder; /* its lock names the authority */
    const char *environment;
    const char *acr, *amr;
};

/*
 * Makes a signed-in session with a new id. When the same enterprise signed in again, it goes on
 * with the family of the session it grew from. That one stays until session_end(), so that whoever
 * cannot finish is still signed in.
 */
enum idp_err session_sign_in(const struct access *access, struct arena *arena,
                             const struct session *from, const struct session_proof *proof,
                             int64_t now, struct session **out);

/*
 * Leaves a mark, for longer than a code may live, by which the codes issued in the family are no
 * good any more. Its sessions go on until session_end(): whoever could not end its grants in
 * between is still signed in and can try again.
 */
enum idp_err session_close_codes(const struct access *access, const char *family);

/* The same, and ends all sessions of the family, whatever browser they are in. */
enum idp_err session_end_family(const struct access *access, const char *family);

/* Ends a session. The grants it gave are ended by revoke_session(). A visitor's has no end. */
enum idp_err session_end(const struct access *access, const struct session *session);

/*
 * Finds in whose name a signed-in session may act. Returns IDP_NOT_FOUND when that is nobody any
 * more: the enterprise is suspended, or its lock has been unbound since it proved itself, even if
 * it is bound anew, or its certificate was called revoked.
 */
enum idp_err session_holder(const struct access *access, struct arena *arena,
                            const struct session *session, const struct holder **out);

/* Says whether the codes of this family were closed: IDP_DENIED, otherwise IDP_OK. */
enum idp_err session_check_codes(const struct access *access, struct arena *arena,
                                 const char *family);
