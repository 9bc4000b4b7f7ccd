#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/text.h"
#include "notify/message.h"

static struct world {
    struct arena *arena;
    struct letter letter;
    struct message message;
} w;

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.letter = (struct letter){
        .from = "noreply@idp.example",
        .to = "office@company.example",
        .subject = "锁 / lock",
        .body = "您好。\nHello.\n",
        .id = "AbC-_9",
        .at = 1714975385, /* 2024-05-06 06:03:05 UTC */
    };
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    return 0;
}

static enum idp_err write_it(void)
{
    return message_write(w.arena, &w.letter, &w.message);
}

/* The value of a header as a reader decodes it: encoded words together, folds gone. */
static const char *header(const char *name)
{
    char *out = arena_alloc(w.arena, 4096);
    char *from = arena_printf(w.arena, "\r\n%s: ", name);
    const char *at = strstr(w.message.text, from);
    assert_non_null(at);
    size_t n = 0;
    for (at += strlen(from); strncmp(at, "\r\n", 2) != 0 || at[2] == ' ';) {
        const char *end = strncmp(at, "=?UTF-8?B?", 10) == 0 ? strstr(at, "?=") : NULL;
        size_t len = 0;
        if (end == NULL) {
            at += strncmp(at, "\r\n ", 3) == 0 ? 3 : 0;
            if (strncmp(at, "=?", 2) != 0)
                out[n++] = *at++;
            continue;
        }
        assert_int_equal(base64_decode(at + 10, (size_t)(end - at) - 10, out + n, 4096 - n, &len),
                         IDP_OK);
        assert_true(text_is_clean_utf8(out + n, len)); /* no character is cut in two */
        n += len;
        at = end + 2;
    }
    return out;
}

/* The body as a reader decodes it. */
static const char *body(void)
{
    const char *at = strstr(w.message.text, "\r\n\r\n") + 4;
    char *text = arena_alloc(w.arena, strlen(at) + 1);
    char *out = arena_alloc(w.arena, strlen(at) + 1);
    size_t n = 0;
    size_t len = 0;
    for (; *at != '\0'; at++)
        if (*at != '\r' && *at != '\n')
            text[n++] = *at;
    assert_int_equal(base64_decode(text, n, out, n + 1, &len), IDP_OK);
    return out;
}

static void letter_is_written_whole(void **state)
{
    (void)state;
    assert_int_equal(write_it(), IDP_OK);
    assert_string_equal(w.message.text, "Date: Mon, 06 May 2024 14:03:05 +0800\r\n"
                                        "From: noreply@idp.example\r\n"
                                        "To: office@company.example\r\n"
                                        "Subject: =?UTF-8?B?6ZSBIC8gbG9jaw==?=\r\n"
                                        "Message-ID: <AbC-_9@idp.example>\r\n"
                                        "Auto-Submitted: auto-generated\r\n"
                                        "MIME-Version: 1.0\r\n"
                                        "Content-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Transfer-Encoding: base64\r\n"
                                        "\r\n"
                                        "5oKo5aW944CCDQpIZWxsby4NCg==\r\n");
    assert_int_equal(w.message.len, strlen(w.message.text));
}

static void name_of_the_sender_stands_beside_the_address(void **state)
{
    (void)state;
    w.letter.from_name = "统一认证";
    assert_int_equal(write_it(), IDP_OK);
    assert_non_null(strstr(w.message.text,
                           "\r\nFrom: =?UTF-8?B?57uf5LiA6K6k6K+B?=\r\n <noreply@idp.example>\r\n"));
}

static void same_letter_gives_the_same_bytes(void **state)
{
    (void)state;
    assert_int_equal(write_it(), IDP_OK);
    struct message first = w.message;
    assert_int_equal(write_it(), IDP_OK);
    assert_string_equal(w.message.text, first.text);
}

/* RFC 5322 section 2.1.1 allows 78; RFC 2045 section 6.8 and RFC 2047 section 2 76. */
static void no_line_is_longer_than_76(void **state)
{
    (void)state;
    char subject[1001] = "";
    char text[20001] = "";
    while (strlen(subject) < 990)
        strcat(subject, "🔐公司");
    while (strlen(text) < 19990)
        strcat(text, "很长x");
    w.letter.subject = subject;
    w.letter.from_name = subject;
    w.letter.body = text;
    assert_int_equal(write_it(), IDP_OK);
    const char *line = w.message.text;
    for (const char *end = strstr(line, "\r\n"); end != NULL; end = strstr(line, "\r\n")) {
        assert_true(end - line <= 76);
        line = end + 2;
    }
    assert_int_equal(*line, '\0');
    assert_string_equal(header("Subject"), subject);
    assert_string_equal(body(), text);
}

static void emoji_and_rare_characters_survive(void **state)
{
    (void)state;
    w.letter.subject = "👩‍👩‍👧 𠮷 𐍈 é";
    w.letter.body = "👩‍👩‍👧\n𠮷\n";
    assert_int_equal(write_it(), IDP_OK);
    assert_string_equal(header("Subject"), w.letter.subject);
    assert_string_equal(body(), "👩‍👩‍👧\r\n𠮷\r\n");
}

static void what_looks_like_mail_is_only_text(void **state)
{
    (void)state;
    w.letter.subject = "=?UTF-8?Q?Bcc:_x?= <a@b.c>";
    w.letter.body = ".\nSubject: other\n\n.\nFrom me\n";
    assert_int_equal(write_it(), IDP_OK);
    assert_string_equal(header("Subject"), w.letter.subject);
    assert_string_equal(body(), ".\r\nSubject: other\r\n\r\n.\r\nFrom me\r\n");
    assert_null(strstr(w.message.text, "\r\n."));
}

static void nobody_writes_headers_of_their_own(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "x\r\nBcc: victim@company.example",
        "x\nBcc: victim@company.example",
        "x\r",
        "x\x01",
        "x\xc2\x85y",
        "x\x7f",
        "x\xff",
        "x\xc0\x8ay" /* LF in two bytes */,
    };
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
        const struct letter good = w.letter;
        w.letter.subject = hostile[i];
        assert_int_equal(write_it(), IDP_BAD_REQUEST);
        w.letter = good;
        w.letter.from_name = hostile[i];
        assert_int_equal(write_it(), IDP_BAD_REQUEST);
        w.letter = good;
        w.letter.from = arena_printf(w.arena, "%s@company.example", hostile[i]);
        assert_int_equal(write_it(), IDP_BAD_REQUEST);
        w.letter = good;
        w.letter.to = arena_printf(w.arena, "office@company.example%s", hostile[i]);
        assert_int_equal(write_it(), IDP_BAD_REQUEST);
        w.letter = good;
        w.letter.id = hostile[i];
        assert_int_equal(write_it(), IDP_BAD_REQUEST);
        w.letter = good;
    }
}

static void body_has_lines_and_nothing_else_that_controls(void **state)
{
    (void)state;
    static const char *const hostile[] = {"x\ry\n", "x\r\n", "x\ty", "x\x1b[2J", "x\xff\n"};
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
        w.letter.body = hostile[i];
        assert_int_equal(write_it(), IDP_BAD_REQUEST);
    }
    w.letter.body = "";
    assert_int_equal(write_it(), IDP_OK);
}

static void id_is_a_short_word(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a b", "a@b", "a>", "a.b", "锁"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        w.letter.id = bad[i];
        assert_int_equal(write_it(), IDP_BAD_REQUEST);
    }
    char longest[66];
    memset(longest, 'a', sizeof(longest));
    longest[65] = '\0';
    w.letter.id = longest;
    assert_int_equal(write_it(), IDP_BAD_REQUEST);
    longest[64] = '\0';
    assert_int_equal(write_it(), IDP_OK);
}

static void date_is_right_on_the_last_day_of_february(void **state)
{
    (void)state;
    w.letter.at = 1709222399; /* 2024-02-29 15:59:59 UTC */
    assert_int_equal(write_it(), IDP_OK);
    assert_non_null(strstr(w.message.text, "Date: Thu, 29 Feb 2024 23:59:59 +0800\r\n"));
    w.letter.at++;
    assert_int_equal(write_it(), IDP_OK);
    assert_non_null(strstr(w.message.text, "Date: Fri, 01 Mar 2024 00:00:00 +0800\r\n"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(letter_is_written_whole),
        TEST(name_of_the_sender_stands_beside_the_address),
        TEST(same_letter_gives_the_same_bytes),
        TEST(no_line_is_longer_than_76),
        TEST(emoji_and_rare_characters_survive),
        TEST(what_looks_like_mail_is_only_text),
        TEST(nobody_writes_headers_of_their_own),
        TEST(body_has_lines_and_nothing_else_that_controls),
        TEST(id_is_a_short_word),
        TEST(date_is_right_on_the_last_day_of_february),
    };
    return cmocka_run_group_tests_name("notify/message", tests, NULL, NULL);
}
