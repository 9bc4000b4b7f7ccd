/*
 * The provider's own symmetric keys, each for one purpose: random, with a key id that stands in
 * what the key made, kept in SQL wrapped by the master key.
 *
 * A new key is *waiting* until every node knows it, then it is the one that things are made with,
 * and the one before it is retired: what it made is still good, until nothing of it can be left
 * (jose/purpose_rotation.h). docs/decisions/key-rotation.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct mac_key;
struct master_key;
struct purpose_keys;
struct sql;
struct sql_tx;

enum purpose {
    PURPOSE_TOKEN,    /* access tokens and codes */
    PURPOSE_REFRESH,  /* refresh tokens and their successors */
    PURPOSE_SECRET,   /* keyed hashes of client secrets */
    PURPOSE_COOKIE,   /* session cookies and the tokens bound to them */
    PURPOSE_DOCUMENT, /* what leaves the provider and comes back */
    PURPOSES,         /* how many there are */
};

enum {
    PURPOSE_KEY_ID_MAX = 255, /* through all purposes: an id names one key only */
    PURPOSE_KEYS_MAX = 16,    /* of one purpose */
};

/* "token", "refresh", "secret", "cookie", "document". */
const char *purpose_name(enum purpose purpose);

/* Returns false when name is no purpose. */
bool purpose_find(const char *name, enum purpose *out);

/*
 * Makes the keys that are missing, in one transaction (of two nodes that begin at once, both end
 * with the same set), and loads all. db and master must outlive keys. Returns IDP_DENIED when a key
 * does not open with this master key, IDP_UNAVAILABLE when the database does not answer, IDP_FAULT
 * without memory or entropy.
 */
enum idp_err purpose_keys_open(struct sql *db, const struct master_key *master, int64_t now,
                               struct purpose_keys **out);

/* NULL is allowed. */
void purpose_keys_close(struct purpose_keys *keys);

/*
 * Reads the rows anew and swaps in what changed, in one step, while others use the keys. For when
 * the generation counter moved. To be called by one thread at a time. On failure the old keys stay;
 * returns what purpose_keys_open() does. Waits.
 */
enum idp_err purpose_keys_reload(struct purpose_keys *keys);

/* Has purpose_keys_stale() ask stale(with). To be called before other threads use the keys. */
void purpose_keys_guard(struct purpose_keys *keys, bool (*stale)(const void *with),
                        const void *with);

/* Whether another node may use a key that is not here yet: an id that is not found is then no
 * proof that something was made up. */
bool purpose_keys_stale(const struct purpose_keys *keys);

/* The key new things are made with, and its id, 1 to 255. Never NULL; lives as long as keys. */
const struct mac_key *purpose_key_active(const struct purpose_keys *keys, enum purpose purpose,
                                         unsigned char *id);

/* The key of this purpose with this id, waiting and retired ones too, or NULL when there is none.
 * Lives as long as keys. */
const struct mac_key *purpose_key_by_id(const struct purpose_keys *keys, enum purpose purpose,
                                        unsigned char id);

/* Every key of this purpose, the active one first: for what carries no key id. Returns how many. */
size_t purpose_key_list(const struct purpose_keys *keys, enum purpose purpose,
                        const struct mac_key *out[PURPOSE_KEYS_MAX]);

/* --- the rows ------------------------------------------------------------------------------- */

struct purpose_row {
    int64_t id, created;
    int64_t retired; /* 0 while it is not */
    enum purpose purpose;
    bool waiting;
    const char *wrapped;
};

struct purpose_rows {
    const struct purpose_row *rows; /* by id */
    size_t count;
};

/* All keys of purposes that this program knows, in the arena; inside a transaction, or outside. */
enum idp_err purpose_rows_read(struct sql *db, struct arena *arena, struct purpose_rows *out);
enum idp_err purpose_rows_read_in(struct sql_tx *tx, struct arena *arena, struct purpose_rows *out);

/* A new key that is to be put in. */
struct purpose_making {
    const struct master_key *master;
    enum purpose purpose;
    int64_t now;
    bool waiting;
};

/* Makes a key and puts it in, wrapped as all others are; *id is its key id. Returns IDP_FULL when
 * there are too many. */
enum idp_err purpose_row_make(struct sql_tx *tx, struct arena *arena,
                              const struct purpose_making *making, int64_t *id);
