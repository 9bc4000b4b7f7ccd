/*
 * Compact records for the key-value store: numbers and texts in a fixed order, behind a version
 * byte. A record of another version, cut short or with something left over reads as failed, and
 * its owner then treats it as not there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct pack {
    unsigned char *buffer;
    size_t size, len;
    bool failed; /* it did not fit */
};

struct pack pack_new(void *buffer, size_t size, unsigned char version);
void pack_number(struct pack *p, int64_t number);
void pack_bytes(struct pack *p, const void *bytes, size_t n);
/* NULL stays NULL. */
void pack_text(struct pack *p, const char *text);

struct unpack {
    const unsigned char *at;
    size_t left;
    struct arena *arena;
    bool failed;
};

struct unpack unpack_new(const void *bytes, size_t n, unsigned char version, struct arena *arena);
int64_t unpack_number(struct unpack *u);
/* n bytes into out; zeros when failed. */
void unpack_bytes(struct unpack *u, void *out, size_t n);
/* A copy in the arena, or NULL. */
const char *unpack_text(struct unpack *u);
/* True when everything was read, and nothing is left. */
bool unpack_done(const struct unpack *u);
