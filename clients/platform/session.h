/*
 * Browser sessions of a platform, in memory. A session holds the sign-ins that the browser has
 * begun and, once one has ended well, who came. Safe for several threads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "platform/visitor.h"

struct sessions;

enum {
    SESSION_ID_LEN = 43,
    SESSION_TARGET_MAX = 512,
    SESSION_STRANGERS_MAX = 2048, /* browsers that are not signed in: their own quota */
    SESSION_VISITORS_MAX = 2048,
    SESSION_PENDING_MAX = 4, /* sign-ins begun at once, in several pages; the oldest goes */
};

/* A look at a session; later changes do not show in it. */
struct session {
    char id[SESSION_ID_LEN + 1];
    char token[SESSION_ID_LEN + 1]; /* what every form of this session has to carry */
    bool signed_in, confirmed;
    char target[SESSION_TARGET_MAX]; /* where to go once confirmed; may be empty */
    struct visitor visitor;
};

/* A sign-in that has begun. */
struct session_pending {
    char state[RP_STATE_LEN + 1];
    char record[RP_PENDING_MAX + 1];
    bool from_portal; /* a confirmation page is to be shown */
    char target[SESSION_TARGET_MAX];
};

/* NULL when there is no memory. */
struct sessions *sessions_new(void);

/* NULL is allowed. */
void sessions_free(struct sessions *sessions);

/* Finds a session by the cookie's value (NULL is allowed) and keeps it from growing idle. Returns
 * IDP_NOT_FOUND. */
enum idp_err sessions_find(struct sessions *sessions, const char *id, int64_t now,
                           struct session *out);

/* A new session of nobody; when strangers have used their quota up, the oldest goes. IDP_FAULT. */
enum idp_err sessions_begin(struct sessions *sessions, int64_t now, struct session *out);

/* Remembers a sign-in that begins. Returns IDP_NOT_FOUND when the session is gone. */
enum idp_err sessions_remember(struct sessions *sessions, const char *id,
                               const struct session_pending *pending);

/* Takes the sign-in with this state out of the session: it can be ended once. IDP_NOT_FOUND. */
enum idp_err sessions_take(struct sessions *sessions, const char *id, const char *state,
                           struct session_pending *out);

/*
 * Ends the session `old` and begins one with a new id for the visitor: an id that was known before
 * the sign-in is worth nothing after it. Returns IDP_FULL when visitors have used their quota up,
 * IDP_FAULT.
 */
enum idp_err sessions_sign_in(struct sessions *sessions, const char *old,
                              const struct session *visit, int64_t now, struct session *out);

/* The visitor confirmed. Returns IDP_NOT_FOUND when the session is gone. */
enum idp_err sessions_confirm(struct sessions *sessions, const char *id);

/* NULL and unknown ids are allowed. */
void sessions_end(struct sessions *sessions, const char *id);
