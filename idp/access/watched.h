/*
 * Whose certificates are watched (pki/revocation/watch.h): those seen lately, and those that
 * somebody is signed in with, or has left a platform offline access by.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct access;
struct seen_certificate;
struct verdict;
struct watch;

enum { WATCHED_WHOLE_S = 300 /* how often all are read; in between only those that are new */ };

/* Of the job that reads them; all zero at the start. */
struct watched {
    int64_t whole_at; /* when all were read */
    int64_t since;    /* those seen from then on are new */
};

/* Names those that are to be watched. Returns IDP_UNAVAILABLE when the database does not answer. */
enum idp_err watched_follow(const struct access *access, struct watch *watch,
                            struct watched *watched, int64_t now);

/*
 * For struct watch_hook; context is the access. A lock that is on hold, or whose issuer was
 * revoked, has nothing resting on it any more. (One that is revoked itself is a row of its own:
 * access/revoked_locks.h.) That its service does not know it ends nothing: it may be the service.
 * Returns what certificate_end() does.
 */
enum idp_err watched_turned(void *context, const struct seen_certificate *certificate,
                            const struct verdict *verdict, int64_t now);
