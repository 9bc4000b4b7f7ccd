/*
 * Challenges: what a lock has to sign. One is tied to the browser session, to what it is for and
 * to the pending interaction, and is found through these, never through anything the answer says.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct access;
struct arena;
struct session;

enum challenge_purpose { CHALLENGE_LOGIN, CHALLENGE_BIND };

/* The purpose of this name, or IDP_BAD_REQUEST. */
enum idp_err challenge_purpose_of(const char *name, enum challenge_purpose *out);

/* What a challenge belongs to. interaction is NULL for a visit to the portal. */
struct challenge_place {
    const struct session *session;
    enum challenge_purpose purpose;
    const char *interaction;
};

/* Issues a challenge, in the place of one that waits there. *out is its text. */
enum idp_err challenge_issue(const struct access *access, struct arena *arena,
                             const struct challenge_place *place, int64_t now, const char **out);

struct challenge {
    const char *text; /* the whole, purpose and all */
    int64_t issued;   /* seconds since 1970 */
};

/*
 * Takes the challenge that waits there, so that it serves once, whatever comes of it. Returns
 * IDP_NOT_FOUND when there is none or it is over.
 */
enum idp_err challenge_take(const struct access *access, struct arena *arena,
                            const struct challenge_place *place, int64_t now,
                            struct challenge *out);
