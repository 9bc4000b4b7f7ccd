/*
 * Watching certificates, so that in steady state a sign-in waits for no authority, and what is
 * revoked is noticed while its holder is signed in: answers are renewed before they end, those who
 * are signed in are asked about every recheck_s, and when a list comes in, all certificates of its
 * issuer are looked up at once. One node does it for all.
 *
 * Each authority has threads of its own, so that a slow one delays nobody else's, and no more
 * questions in a second than the trust list says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pki/revocation/again.h"
#include "pki/revocation/watch_lane.h"

struct arena;
struct pki;
struct watch;

enum { WATCH_STALE_MS = 30000 /* how long a node goes on watching after watch_begin() */ };

/* The pki is borrowed. Returns NULL when there is no memory. */
struct watch *watch_new(struct pki *pki, const struct watch_hook *hook);

/* Waits for questions in flight. NULL is allowed. */
void watch_free(struct watch *watch);

/* An authority of the list that counts, and how long its certificates are watched after they were
 * seen. */
struct watch_want {
    const char *authority;
    int64_t ahead_s;
};

/* All of them, in the arena. IDP_FAULT. */
enum idp_err watch_wants(struct pki *pki, struct arena *arena, const struct watch_want **out,
                         size_t *count);

/*
 * Goes on watching, and says whether all certificates have to be named: whole, or because this node
 * has not watched for a while. Then those that are not named until watch_end() are forgotten.
 */
bool watch_begin(struct watch *watch, bool whole);

/* A certificate, whose holder is signed in or may use what it gave. One whose authority is not in
 * the list is left out. Returns IDP_FAULT: no memory, or no thread. */
enum idp_err watch_add(struct watch *watch, const struct seen_certificate *certificate,
                       bool signed_in, int64_t now);

void watch_end(struct watch *watch, bool whole);

/* How many certificates of an authority are watched. */
size_t watch_count(struct watch *watch, const char *authority);
