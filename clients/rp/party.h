/* What struct rp is, for the files of librp. Only its keys change after rp_new(). */
#pragma once

#include "rp/discovery.h"
#include "rp/fetch.h"
#include "rp/keys.h"
#include "rp/rp.h"

enum { RP_SEAL_KEY_SIZE = 32 };

struct rp {
    struct arena *arena;
    struct rp_settings settings; /* with the defaults put in; its texts are the arena's */
    unsigned char seal_key[RP_SEAL_KEY_SIZE];
    struct rp_limits limits;
    struct rp_metadata metadata;
    struct rp_keys *keys;
};

/* Seconds since 1970, by the clock of the settings. */
int64_t rp_now(const struct rp *rp);
