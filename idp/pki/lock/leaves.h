/*
 * The leaves seen before whose path is good, found by the SHA-256 of their DER. Bounded: each hash
 * has eight places, and the one not used for longest makes room. Strangers cannot fill it, since an
 * authority of the list has to issue what comes in. They belong to one view (pki/trust/view.h).
 */
#pragma once

#include "base/digest.h"
#include "pki/lock/leaf.h"

struct leaves;

enum { LEAVES_MAX = 4096 };

/* Returns NULL when there is no memory. */
struct leaves *leaves_new(void);
void leaves_free(struct leaves *leaves);

/* Returns a new reference to the leaf of that hash, or NULL. */
struct leaf *leaves_find(struct leaves *leaves, const unsigned char hash[DIGEST_SIZE]);

/* Keeps a reference to a judged leaf, if its path is good; another of that hash stays. */
void leaves_add(struct leaves *leaves, struct leaf *leaf);
