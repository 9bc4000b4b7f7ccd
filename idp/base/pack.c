#include "base/pack.h"

#include <string.h>

#include "base/arena.h"

enum { TEXT_NULL = 0xFFFF };

struct pack pack_new(void *buffer, size_t size, unsigned char version)
{
    struct pack p = {.buffer = buffer, .size = size};
    pack_bytes(&p, &version, 1);
    return p;
}

void pack_bytes(struct pack *p, const void *bytes, size_t n)
{
    if (p->failed || n > p->size - p->len) {
        p->failed = true;
        return;
    }
    if (n > 0)
        memcpy(p->buffer + p->len, bytes, n);
    p->len += n;
}

static void pack_uint(struct pack *p, uint64_t v, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(v >> 8 * (size - 1 - i));
    pack_bytes(p, bytes, size);
}

void pack_number(struct pack *p, int64_t number)
{
    pack_uint(p, (uint64_t)number, 8);
}

void pack_text(struct pack *p, const char *text)
{
    size_t n = text != NULL ? strlen(text) : TEXT_NULL;
    if (text != NULL && n >= TEXT_NULL) {
        p->failed = true;
        return;
    }
    pack_uint(p, n, 2);
    if (text != NULL)
        pack_bytes(p, text, n);
}

static const unsigned char *take(struct unpack *u, size_t n)
{
    const unsigned char *at = u->at;
    if (u->failed || n > u->left) {
        u->failed = true;
        return NULL;
    }
    u->at += n;
    u->left -= n;
    return at;
}

static uint64_t unpack_uint(struct unpack *u, size_t size)
{
    uint64_t v = 0;
    const unsigned char *p = take(u, size);
    for (size_t i = 0; p != NULL && i < size; i++)
        v = v << 8 | p[i];
    return v;
}

struct unpack unpack_new(const void *bytes, size_t n, unsigned char version, struct arena *arena)
{
    struct unpack u = {.at = bytes, .left = n, .arena = arena};
    u.failed = unpack_uint(&u, 1) != version || u.failed;
    return u;
}

int64_t unpack_number(struct unpack *u)
{
    return (int64_t)unpack_uint(u, 8);
}

void unpack_bytes(struct unpack *u, void *out, size_t n)
{
    const unsigned char *p = take(u, n);
    if (p != NULL)
        memcpy(out, p, n);
    else
        memset(out, 0, n);
}

const char *unpack_text(struct unpack *u)
{
    size_t n = (size_t)unpack_uint(u, 2);
    if (u->failed || n == TEXT_NULL)
        return NULL;
    const unsigned char *p = take(u, n);
    const char *text = p != NULL ? arena_strndup(u->arena, (const char *)p, n) : NULL;
    if (text == NULL)
        u->failed = true;
    return text;
}

bool unpack_done(const struct unpack *u)
{
    return !u->failed && u->left == 0;
}
