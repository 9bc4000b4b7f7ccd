/*
 * Feeds any bytes to the reader of a Redis server's replies, in pieces whose size the first byte
 * says. What comes out is within bounds, and nothing is read after a failure.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/redis_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct redis_reply *reply)
{
    bool has_value = reply->kind == REDIS_VALUE;
    if (has_value && (reply->value.bytes == NULL || reply->value.len > REDIS_REPLY_MAX ||
                      ((const char *)reply->value.bytes)[reply->value.len] != '\0'))
        abort();
    if (memchr(reply->line, '\0', sizeof(reply->line)) == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct redis_reader *reader = redis_reader_new();
    struct redis_reply reply = {.arena = arena};
    size_t piece = size > 0 && data[0] > 0 ? data[0] : SIZE_MAX;
    enum idp_err err = IDP_OK;
    bool whole = false;
    if (arena == NULL || reader == NULL)
        abort();
    redis_reader_begin(reader, &reply);
    for (size_t at = 1; at < size && err == IDP_OK; at += piece) {
        if (whole)
            redis_reader_begin(reader, &reply);
        size_t n = size - at < piece ? size - at : piece;
        err = redis_reader_take(reader, data + at, n, &whole);
        if (err == IDP_OK && whole)
            check(&reply);
        if (size - at <= piece)
            break;
    }
    redis_reader_free(reader);
    arena_free(arena);
    return 0;
}
