/*
 * hiredis knows the protocol; what it builds is decided here: a reply's value goes straight into
 * the caller's arena, and a list is never built, whatever length it claims.
 */
#include "store/redis_reply.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/read.h>

#include "base/arena.h"

struct redis_reader {
    redisReader *protocol;
    struct redis_reply *reply; /* where the present one goes; the caller's */
    size_t taken;              /* bytes of it so far */
    bool no_memory;
};

static struct redis_reader *reader_of(const redisReadTask *task)
{
    return task->privdata;
}

static void take_line(struct redis_reply *reply, const char *text, size_t len)
{
    size_t n = len < REDIS_LINE_MAX ? len : REDIS_LINE_MAX - 1;
    memcpy(reply->line, text, n);
    reply->line[n] = '\0';
}

static bool take_value(struct redis_reply *reply, const char *bytes, size_t len)
{
    if (reply->arena == NULL) {
        take_line(reply, bytes, len);
        return true;
    }
    const char *copy = arena_strndup(reply->arena, bytes, len);
    reply->value = (struct kv_bytes){.bytes = copy, .len = len};
    return copy != NULL;
}

static void *on_text(const redisReadTask *task, char *bytes, size_t len)
{
    struct redis_reader *reader = reader_of(task);
    if (task->type == REDIS_REPLY_STRING) {
        reader->reply->kind = REDIS_VALUE;
        reader->no_memory = !take_value(reader->reply, bytes, len);
        return reader->no_memory ? NULL : reader->reply;
    }
    reader->reply->kind = task->type == REDIS_REPLY_ERROR ? REDIS_ERROR : REDIS_STATUS;
    take_line(reader->reply, bytes, len);
    return reader->reply;
}

static void *on_number(const redisReadTask *task, long long number)
{
    struct redis_reply *reply = reader_of(task)->reply;
    reply->kind = REDIS_NUMBER;
    reply->number = number;
    return reply;
}

static void *on_nil(const redisReadTask *task)
{
    struct redis_reply *reply = reader_of(task)->reply;
    reply->kind = REDIS_NIL;
    return reply;
}

/* No command that is sent is answered by a list. */
static void *on_list(const redisReadTask *task, int length)
{
    (void)task, (void)length;
    return NULL;
}

/* Replies belong to the caller. */
static void keep(void *reply)
{
    (void)reply;
}

static redisReplyObjectFunctions builder = {.createString = on_text,
                                            .createArray = on_list,
                                            .createInteger = on_number,
                                            .createNil = on_nil,
                                            .freeObject = keep};

struct redis_reader *redis_reader_new(void)
{
    struct redis_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return NULL;
    reader->protocol = redisReaderCreateWithFunctions(&builder);
    if (reader->protocol == NULL) {
        free(reader);
        return NULL;
    }
    reader->protocol->privdata = reader;
    return reader;
}

void redis_reader_free(struct redis_reader *reader)
{
    if (reader == NULL)
        return;
    redisReaderFree(reader->protocol);
    free(reader);
}

void redis_reader_begin(struct redis_reader *reader, struct redis_reply *reply)
{
    struct arena *arena = reply->arena;
    *reply = (struct redis_reply){.arena = arena};
    reader->reply = reply;
    reader->taken = 0;
    reader->no_memory = false;
}

enum idp_err redis_reader_take(struct redis_reader *reader, const void *bytes, size_t len,
                               bool *whole)
{
    void *done = NULL;
    redisReader *protocol = reader->protocol;
    reader->taken += len;
    *whole = false;
    if (reader->taken > REDIS_REPLY_MAX)
        return IDP_UNAVAILABLE;
    if (redisReaderFeed(protocol, bytes, len) != REDIS_OK)
        return IDP_FAULT;
    if (redisReaderGetReply(protocol, &done) != REDIS_OK)
        return reader->no_memory ? IDP_FAULT : IDP_UNAVAILABLE;
    *whole = done != NULL;
    /* What stands behind a reply answers a question that nobody has asked. */
    return done != NULL && protocol->pos != protocol->len ? IDP_UNAVAILABLE : IDP_OK;
}
