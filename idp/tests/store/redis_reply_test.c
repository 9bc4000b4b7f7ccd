/* Reading what a server sends, in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/redis_reply.h"

static struct world {
    struct redis_reader *reader;
    struct arena *arena;
    struct redis_reply reply;
    bool whole;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.reader = redis_reader_new(), .arena = arena_new()};
    return w.reader == NULL || w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    redis_reader_free(w.reader);
    arena_free(w.arena);
    return 0;
}

/* Feeds bytes in pieces; each lies in a block of exactly its size. */
static enum idp_err feed(const char *bytes, size_t len, size_t piece)
{
    enum idp_err err = IDP_OK;
    w.reply.arena = w.arena;
    redis_reader_begin(w.reader, &w.reply);
    for (size_t at = 0; err == IDP_OK && at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        char *block = malloc(n);
        assert_non_null(block);
        memcpy(block, bytes + at, n);
        err = redis_reader_take(w.reader, block, n, &w.whole);
        free(block);
    }
    return err;
}

static enum idp_err feed_text(const char *text)
{
    return feed(text, strlen(text), SIZE_MAX);
}

static void each_sort_of_reply_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(feed_text("+OK\r\n"), IDP_OK);
    assert_true(w.whole);
    assert_int_equal(w.reply.kind, REDIS_STATUS);
    assert_string_equal(w.reply.line, "OK");
    assert_int_equal(feed_text("-ERR no\r\n"), IDP_OK);
    assert_int_equal(w.reply.kind, REDIS_ERROR);
    assert_string_equal(w.reply.line, "ERR no");
    assert_int_equal(feed_text(":-42\r\n"), IDP_OK);
    assert_int_equal(w.reply.kind, REDIS_NUMBER);
    assert_int_equal(w.reply.number, -42);
    assert_int_equal(feed_text("$-1\r\n"), IDP_OK);
    assert_int_equal(w.reply.kind, REDIS_NIL);
    assert_int_equal(feed_text("$5\r\nvalue\r\n"), IDP_OK);
    assert_int_equal(w.reply.kind, REDIS_VALUE);
    assert_int_equal(w.reply.value.len, 5);
    assert_string_equal(w.reply.value.bytes, "value");
    assert_int_equal(feed_text("$0\r\n\r\n"), IDP_OK);
    assert_int_equal(w.reply.kind, REDIS_VALUE);
    assert_int_equal(w.reply.value.len, 0);
    assert_string_equal(w.reply.value.bytes, "");
}

static void a_reply_may_come_in_any_pieces(void **state)
{
    (void)state;
    static const char text[] = "$9\r\na\0b\r\nc$-1\r\n";
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        assert_int_equal(feed(text, sizeof(text) - 1, piece), IDP_OK);
        assert_true(w.whole);
        assert_int_equal(w.reply.value.len, 9);
        assert_memory_equal(w.reply.value.bytes, "a\0b\r\nc$-1", 9);
    }
}

static void half_a_reply_is_none_yet(void **state)
{
    (void)state;
    static const char *const halves[] = {"+", "+OK", "+OK\r", "$", "$5", "$5\r\n", "$5\r\nvalu"};
    for (size_t i = 0; i < sizeof(halves) / sizeof(*halves); i++) {
        struct redis_reader *before = w.reader;
        w.reader = redis_reader_new();
        redis_reader_free(before);
        assert_int_equal(feed_text(halves[i]), IDP_OK);
        assert_false(w.whole);
    }
}

static void what_is_no_reply_is_refused(void **state)
{
    (void)state;
    static const char *const rubbish[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "*1\r\n$1\r\na\r\n", /* lists of any length */
        "*2147483647\r\n",
        "*0\r\n",
        "$-2\r\n",
        "$99999999999999999999\r\n",
        ":abc\r\n",
        "+OK\r\n+OK\r\n", /* one reply, and more */
        "+OK\r\n:",
        "\x16\x03\x01\x02",
    };
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(*rubbish); i++) {
        struct redis_reader *before = w.reader;
        w.reader = redis_reader_new();
        redis_reader_free(before);
        if (feed_text(rubbish[i]) != IDP_UNAVAILABLE)
            fail_msg("%s was taken for a reply", rubbish[i]);
    }
}

static void a_reply_is_as_long_as_a_value_may_be_and_no_longer(void **state)
{
    (void)state;
    char *text = malloc(2 * REDIS_REPLY_MAX);
    assert_non_null(text);
    memset(text, 'v', 2 * (size_t)REDIS_REPLY_MAX);
    int head = snprintf(text, 32, "$%d\r\n", KV_VALUE_MAX);
    text[head] = 'v';
    memcpy(text + head + KV_VALUE_MAX, "\r\n", 2);
    assert_int_equal(feed(text, (size_t)head + KV_VALUE_MAX + 2, 10000), IDP_OK);
    assert_true(w.whole);
    assert_int_equal(w.reply.value.len, KV_VALUE_MAX);
    head = snprintf(text, 32, "$%d\r\n", REDIS_REPLY_MAX);
    text[head] = 'v';
    assert_int_equal(feed(text, 2 * (size_t)REDIS_REPLY_MAX, 10000), IDP_UNAVAILABLE);
    free(text);
}

static void a_status_without_an_end_is_refused_in_time(void **state)
{
    (void)state;
    char *text = malloc(2 * (size_t)REDIS_REPLY_MAX);
    assert_non_null(text);
    memset(text, '+', 2 * (size_t)REDIS_REPLY_MAX);
    assert_int_equal(feed(text, 2 * (size_t)REDIS_REPLY_MAX, 4096), IDP_UNAVAILABLE);
    free(text);
}

static void a_long_line_keeps_its_beginning(void **state)
{
    (void)state;
    char text[1024];
    memset(text, 'e', sizeof(text));
    memcpy(text, "-ERR ", 5);
    memcpy(text + sizeof(text) - 2, "\r\n", 2);
    assert_int_equal(feed(text, sizeof(text), sizeof(text)), IDP_OK);
    assert_int_equal(strlen(w.reply.line), REDIS_LINE_MAX - 1);
    assert_memory_equal(w.reply.line, "ERR eee", 7);
}

static void without_an_arena_a_value_is_a_line(void **state)
{
    (void)state;
    redis_reader_begin(w.reader, &w.reply); /* no arena */
    assert_int_equal(redis_reader_take(w.reader, "$2\r\n42\r\n", 8, &w.whole), IDP_OK);
    assert_int_equal(w.reply.kind, REDIS_VALUE);
    assert_string_equal(w.reply.line, "42");
    assert_null(w.reply.value.bytes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(each_sort_of_reply_is_told_apart),
        TEST(a_reply_may_come_in_any_pieces),
        TEST(half_a_reply_is_none_yet),
        TEST(what_is_no_reply_is_refused),
        TEST(a_reply_is_as_long_as_a_value_may_be_and_no_longer),
        TEST(a_status_without_an_end_is_refused_in_time),
        TEST(a_long_line_keeps_its_beginning),
        TEST(without_an_arena_a_value_is_a_line),
    };
    return cmocka_run_group_tests_name("store/redis_reply", tests, NULL, NULL);
}
