/*
 * The master key: 32 random bytes in a file that only the provider's user can read, or in the
 * environment. All it does is wrap other keys, so that a copy of the database alone opens nothing.
 * While it is being changed there are two: docs/decisions/master-key.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct arena;
struct master_key;

enum { MASTER_KEY_SIZE = 32, MASTER_ID_LEN = 16 };

/* The environment's variables: the key, and the one that is to come. */
#define MASTER_VARIABLE "TAMGA_MASTER_KEY"
#define MASTER_VARIABLE_NEXT "TAMGA_MASTER_KEY_NEXT"

/* What a wrapped key is for and what it is called. Both are authenticated with it, so that a
 * wrapped key that was moved to another row or purpose does not open. */
struct master_label {
    const char *purpose, *id;
};

/*
 * Reads the key from file: 64 hex digits or 43 base64url characters, one newline allowed. When the
 * file is missing it is made, mode 0600, in a folder that has to exist; of several processes that
 * begin at once all use the one key. Returns IDP_UNAVAILABLE when the file cannot be read or made,
 * IDP_DENIED when its group or others may read or write it or it is no regular file,
 * IDP_BAD_REQUEST when it holds anything else than a key; then *why is a line for a person, which
 * the caller frees.
 */
enum idp_err master_key_load(const char *file, char **why, struct master_key **out);

/* Where the keys are; a NULL file means that the environment's variable is looked at. */
struct master_places {
    const char *file, *next_file;
    bool may_make; /* file, when it is missing: nothing was wrapped yet */
};

/*
 * Takes the key from its file or its variable, and the next one, where there is one, joined to it.
 * A variable is wiped and taken out of the environment, so this belongs before the first thread.
 * Returns as master_key_load() does, IDP_BAD_REQUEST also when there is no key, or one in both
 * places.
 */
enum idp_err master_key_open(const struct master_places *places, char **why,
                             struct master_key **out);

/* A key of these bytes (copied). Returns NULL without memory. */
struct master_key *master_key_new(const unsigned char bytes[MASTER_KEY_SIZE]);

/* MASTER_ID_LEN hex digits that name the key and tell nothing of it. */
const char *master_key_id(const struct master_key *key);

/* The one that is joined to it, or NULL. */
const struct master_key *master_key_next(const struct master_key *key);

/* Puts another behind key, which takes it over: opening tries both, wrapping uses what it is given.
 * For while the master key is being changed. NULL is allowed. */
void master_key_join(struct master_key *key, struct master_key *other);

/* Wipes and frees it, and those joined to it. NULL is allowed. */
void master_key_free(struct master_key *key);

/* Encrypts n bytes (AES-256-GCM, NIST SP 800-38D): base64url(nonce || ciphertext || tag), in the
 * arena. IDP_FAULT when there is no memory. */
enum idp_err master_wrap(const struct master_key *key, const struct master_label *label,
                         const void *bytes, size_t n, struct arena *arena, const char **out);

/* Opened bytes, in the arena. */
struct master_opened {
    const unsigned char *bytes;
    size_t len;
};

/* Returns IDP_DENIED when text was not wrapped with this key, or one joined to it, under this
 * label.
 */
enum idp_err master_unwrap(const struct master_key *key, const struct master_label *label,
                           const char *text, struct arena *arena, struct master_opened *out);

/* Which of key and those joined to it opens text, borrowed. Returns IDP_DENIED when none does. */
enum idp_err master_pick(const struct master_key *key, const struct master_label *label,
                         const char *text, struct arena *arena, const struct master_key **out);
