/*
 * Arenas are of one size and come and go with every request, often freed by another thread than
 * asked for them: a few that were freed (and wiped) lie ready, which spares the allocator 2 us a
 * request. Not under ASan, which would not see what is used after its time.
 */
#include "base/arena.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

/* The first block lies in the arena itself: most requests need no other. */
enum { FIRST_SIZE = 16384 - 256, BLOCK_SIZE = 16384, ALIGNMENT = 16 };

#if defined(__SANITIZE_ADDRESS__)
enum { SPARE_MAX = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { SPARE_MAX = 0 };
#else
enum { SPARE_MAX = 64 };
#endif
#else
enum { SPARE_MAX = 64 };
#endif

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

/* --- arenas that lie ready ------------------------------------------------------------------ */

static struct {
    pthread_mutex_t lock;
    struct arena *list[SPARE_MAX + 1];
    size_t count;
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct arena *take_spare(void)
{
    struct arena *arena = NULL;
    (void)pthread_mutex_lock(&spare.lock);
    if (spare.count > 0)
        arena = spare.list[--spare.count];
    (void)pthread_mutex_unlock(&spare.lock);
    return arena;
}

static bool keep_spare(struct arena *arena)
{
    (void)pthread_mutex_lock(&spare.lock);
    bool kept = spare.count != SPARE_MAX;
    if (kept)
        spare.list[spare.count++] = arena;
    (void)pthread_mutex_unlock(&spare.lock);
    return kept;
}

/* --- arenas --------------------------------------------------------------------------------- */

struct arena *arena_new(void)
{
    struct arena *arena = take_spare();
    if (arena == NULL)
        arena = malloc(sizeof(*arena));
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
    memset(block->bytes, 0, block->used);
    /* The compiler must believe that somebody still reads it (OPENSSL_cleanse() is ten times
     * slower). */
    __asm__ volatile("" : : "r"(block->bytes) : "memory");
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
    if (!keep_spare(arena))
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
