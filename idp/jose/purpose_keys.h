/*
 * The provider's own symmetric keys, each for one purpose: random, with a key id that stands in
 * what the key made, kept in SQL wrapped by the master key.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct mac_key;
struct master_key;
struct purpose_keys;
struct sql;

enum purpose {
    PURPOSE_TOKEN,    /* access tokens */
    PURPOSE_REFRESH,  /* refresh tokens and their successors */
    PURPOSE_SECRET,   /* keyed hashes of client secrets */
    PURPOSE_COOKIE,   /* session cookies and the tokens bound to them */
    PURPOSE_DOCUMENT, /* what leaves the provider and comes back */
    PURPOSES,         /* how many there are */
};

/*
 * Makes the keys that are missing, in one transaction (of two nodes that begin at once, both end
 * with the same set), and loads all. Returns IDP_DENIED when a key does not open with this master
 * key, IDP_UNAVAILABLE when the database does not answer, IDP_FAULT without memory or entropy.
 */
enum idp_err purpose_keys_open(struct sql *db, const struct master_key *master, int64_t now,
                               struct purpose_keys **out);

/* NULL is allowed. */
void purpose_keys_close(struct purpose_keys *keys);

/* The key new things are made with, and its id, 1 to 255. Never NULL; lives as long as keys. */
const struct mac_key *purpose_key_active(const struct purpose_keys *keys, enum purpose purpose,
                                         unsigned char *id);

/* The key of this purpose with this id, retired ones too, or NULL when there is none. */
const struct mac_key *purpose_key_by_id(const struct purpose_keys *keys, enum purpose purpose,
                                        unsigned char id);
