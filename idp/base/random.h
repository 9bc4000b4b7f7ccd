/* Randomness from OpenSSL's generator, drawn ahead by each thread. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* Fills n bytes. Returns IDP_FAULT when the generator has no entropy: nothing may go on then. */
enum idp_err random_bytes(void *out, size_t n);

struct arena;

/* n random bytes (at most 64) as base64url text in the arena, or NULL without memory or entropy. */
const char *random_text(struct arena *arena, size_t n);
