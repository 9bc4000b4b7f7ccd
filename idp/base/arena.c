#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <sanitizer/asan_interface.h>

/* The first block lies in the arena itself: most requests need one malloc for all they hold. */
enum { FIRST_SIZE = 4096, BLOCK_SIZE = 16384, ALIGNMENT = 16 };

struct block {
    struct block *next;
    unsigned char *bytes;
    size_t size, used;
};

struct owned {
    struct owned *next;
    void *object;
    void (*drop)(void *object);
};

struct arena {
    struct block *blocks;
    struct owned *owned;
    struct block first;
    _Alignas(ALIGNMENT) unsigned char bytes[FIRST_SIZE];
};

struct arena *arena_new(void)
{
    struct arena *arena = malloc(sizeof(*arena));
    if (arena == NULL)
        return NULL;
    arena->owned = NULL;
    arena->first = (struct block){.bytes = arena->bytes, .size = FIRST_SIZE};
    arena->blocks = &arena->first;
    ASAN_POISON_MEMORY_REGION(arena->bytes, FIRST_SIZE);
    return arena;
}

static void wipe(struct block *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
    OPENSSL_cleanse(block->bytes, block->used);
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    for (struct owned *o = arena->owned; o != NULL; o = o->next)
        o->drop(o->object);
    while (arena->blocks != &arena->first) {
        struct block *block = arena->blocks;
        arena->blocks = block->next;
        wipe(block);
        free(block);
    }
    wipe(&arena->first);
    free(arena);
}

/* Puts a block with room for at least n bytes in front; they stand right behind its head. */
static struct block *grow(struct arena *arena, size_t n)
{
    size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
    struct block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    *block =
        (struct block){.next = arena->blocks, .bytes = (unsigned char *)(block + 1), .size = size};
    arena->blocks = block;
    ASAN_POISON_MEMORY_REGION(block->bytes, size);
    return block;
}

_Static_assert(sizeof(struct block) % ALIGNMENT == 0,
               "what stands behind a block's head is aligned");

static void *take(struct arena *arena, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    size_t padded = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct block *block = arena->blocks;
    if (block->size - block->used < padded)
        block = grow(arena, padded);
    if (block == NULL)
        return NULL;
    void *p = block->bytes + block->used;
    block->used += padded;
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    return p;
}

void *arena_alloc(struct arena *arena, size_t n)
{
    void *p = take(arena, n);
    if (p != NULL)
        memset(p, 0, n);
    return p;
}

void *arena_copy(struct arena *arena, const void *bytes, size_t n)
{
    void *copy = take(arena, n);
    if (copy != NULL && n > 0)
        memcpy(copy, bytes, n);
    return copy;
}

char *arena_strndup(struct arena *arena, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? take(arena, n + 1) : NULL;
    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return s != NULL ? arena_strndup(arena, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n >= 0 ? take(arena, (size_t)n + 1) : NULL;
    if (text == NULL)
        return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}

void *arena_own(struct arena *arena, void *object, void (*drop)(void *object))
{
    struct owned *o = arena_alloc(arena, sizeof(*o));
    if (o == NULL) {
        drop(object);
        return NULL;
    }
    *o = (struct owned){.next = arena->owned, .object = object, .drop = drop};
    arena->owned = o;
    return object;
}
