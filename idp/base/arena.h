/*
 * Memory that is freed all at once.
 *
 * Each request has one arena. What a handler allocates from it lives until the
 * response is sent, so handlers have nothing to free and no cleanup path.
 */
#pragma once

#include <stddef.h>

struct arena;

/* Makes an empty arena. Returns NULL when there is no memory. */
struct arena *arena_new(void);

/*
 * Runs what arena_own() registered, last in first out, then wipes and frees the
 * memory: tokens and secrets do not outlive the request. NULL is allowed.
 */
void arena_free(struct arena *arena);

/* Returns n zeroed bytes, aligned for any type, or NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t n);

/* Copies n bytes of s and ends them with NUL. Returns NULL when there is no memory. */
char *arena_strndup(struct arena *arena, const char *s, size_t n);

/* Copies a NUL-terminated text; NULL stays NULL. Returns NULL when there is no memory. */
char *arena_strdup(struct arena *arena, const char *s);

/* Copies n bytes. Returns NULL when there is no memory. */
void *arena_copy(struct arena *arena, const void *bytes, size_t n);

/* Formats into the arena. Returns NULL when there is no memory. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Hands a foreign object to the arena: drop(object) is called by arena_free(), or
 * at once when there is no memory to remember it. Returns object, or NULL then.
 */
void *arena_own(struct arena *arena, void *object, void (*drop)(void *object));
