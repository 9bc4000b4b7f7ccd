/*
 * The master key: 32 random bytes in a file that only the provider's user can read. All it does is
 * wrap other keys, so that a copy of the database alone opens nothing.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct arena;
struct master_key;

enum { MASTER_KEY_SIZE = 32 };

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
