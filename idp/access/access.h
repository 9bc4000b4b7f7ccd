/* What the room works with: stores, keys, lifetimes. One for the whole program. */
#pragma once

#include <stdint.h>

struct kv;
struct purpose_keys;
struct sql;
struct trust;

struct access {
    struct sql *db;
    struct kv *kv;
    const struct purpose_keys *keys;
    const struct trust *trust; /* whose locks are recognised now */
    const char *issuer;

    /* Lifetimes, in seconds. */
    int64_t challenge_s, interaction_s, code_s, session_idle_s, session_absolute_s, access_token_s,
        launch_s;
};
