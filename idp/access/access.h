/* What the room works with: stores, keys, lifetimes. One for the whole program. */
#pragma once

#include <stdint.h>

struct kv;
struct pki;
struct purpose_keys;
struct sql;

struct access {
    struct sql *db;
    struct kv *kv;
    const struct purpose_keys *keys;
    struct pki *pki; /* whose locks are recognised now */
    const char *issuer;

    /* Lifetimes, in seconds. */
    int64_t challenge_s, interaction_s, code_s, session_idle_s, session_absolute_s, access_token_s,
        launch_s, refresh_family_s, refresh_grace_s;
};
