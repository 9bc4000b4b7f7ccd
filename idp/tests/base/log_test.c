#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"
#include "tests/help.h"

static struct world {
    int pipe[2];
    char text[8192];
    json_t *json;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){0};
    if (pipe(w.pipe) != 0)
        return 1;
    log_set_fd(w.pipe[1]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_set_fd(STDERR_FILENO);
    log_set_level(LOG_INFO);
    (void)close(w.pipe[0]);
    if (w.pipe[1] >= 0)
        (void)close(w.pipe[1]);
    json_decref(w.json);
    return 0;
}

/* What was written; a line has to be one JSON object and a line's end. */
static const json_t *read_line(void)
{
    (void)close(w.pipe[1]);
    w.pipe[1] = -1;
    ssize_t n = read(w.pipe[0], w.text, sizeof(w.text) - 1);
    assert_true(n > 0);
    assert_int_equal(w.text[n - 1], '\n');
    assert_ptr_equal(strchr(w.text, '\n'), w.text + n - 1);
    w.json = json_loadb(w.text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(w.json);
    return w.json;
}

static const char *member(const char *name)
{
    const char *text = json_string_value(json_object_get(w.json, name));
    return text != NULL ? text : "none";
}

static void event_is_one_line_of_json(void **state)
{
    (void)state;
    struct log_line line;
    log_begin(&line, LOG_WARN, "client_auth_failed");
    log_text(&line, "client", "a\n\"b\"");
    log_text(&line, "absent", NULL);
    log_number(&line, "tries", 3);
    log_end(&line);
    (void)read_line();
    assert_string_equal(member("level"), "warn");
    assert_string_equal(member("event"), "client_auth_failed");
    assert_string_equal(member("client"), "a\n\"b\"");
    assert_int_equal(json_integer_value(json_object_get(w.json, "tries")), 3);
    assert_null(json_object_get(w.json, "absent"));
    assert_int_equal(strlen(member("time")), strlen("2026-01-01T00:00:00.000Z"));
}

/* Whoever fails to sign in chooses the name that the log tells. */
static void text_of_strangers_is_clean_when_it_is_written(void **state)
{
    (void)state;
    static const char *const dirty[][2] = {
        {"\xFF\xFE"
         "bad",
         "??bad"},
        {"\xC2\x9B"
         "31m",
         "??31m"},
        {"a\x7F"
         "b",
         "a?b"},
        {"\x1B[2J", "\x1B[2J"}, /* escaped, as JSON asks */
        {"\xC3", "?"},
        {"\xE6\xB5", "??"},
        {"\xC0\x80", "??"},
        {"\xE0\x80\x80", "???"},
        {"\xED\xA0\x80", "???"},
        {"\xF0\x80\x80\x80", "????"},
        {"\xF4\x90\x80\x80", "????"},
        {"\xF5\x80\x80\x80", "????"},
        {"\xF0\x9F\x94\x92", "\xF0\x9F\x94\x92"},
        {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},
        {"内蒙古 \xC2\xA0\xC3\xA9", "内蒙古 \xC2\xA0\xC3\xA9"},
    };
    struct log_line line;
    log_begin(&line, LOG_WARN, "client_auth_failed");
    for (size_t i = 0; i < sizeof(dirty) / sizeof(*dirty); i++) {
        const char name[] = {(char)('A' + i), '\0'};
        char *exact = strdup(dirty[i][0]); /* so that ASan sees one byte too many */
        log_text(&line, name, exact);
        free(exact);
    }
    log_end(&line);
    (void)read_line();
    for (size_t i = 0; i < sizeof(dirty) / sizeof(*dirty); i++) {
        const char name[] = {(char)('A' + i), '\0'};
        assert_string_equal(member(name), dirty[i][1]);
    }
    for (const unsigned char *s = (const unsigned char *)w.text; s[1] != '\0'; s++)
        assert_false(*s < 0x20 || *s == 0x7F);
}

static void too_long_member_is_left_out_and_later_ones_are_kept(void **state)
{
    (void)state;
    char *long_text = calloc(1, 4001);
    struct log_line line;
    assert_non_null(long_text);
    memset(long_text, 'x', 4000);
    log_begin(&line, LOG_ERROR, "e");
    log_text(&line, "before", "b");
    log_text(&line, "long", long_text);
    log_text(&line, "after", "a");
    log_end(&line);
    free(long_text);
    (void)read_line();
    assert_null(json_object_get(w.json, "long"));
    assert_string_equal(member("before"), "b");
    assert_string_equal(member("after"), "a");
}

static void line_is_whole_however_full_it_is(void **state)
{
    (void)state;
    struct log_line line;
    log_begin(&line, LOG_ERROR, "e");
    for (int i = 0; i < 1000; i++) {
        const char name[3] = {(char)('a' + i / 26 % 26), (char)('a' + i % 26), '\0'};
        if (i < 676)
            log_number(&line, name, i);
    }
    log_end(&line);
    (void)read_line();
    assert_int_equal(json_integer_value(json_object_get(w.json, "ab")), 1);
}

static void what_is_below_the_level_is_not_written(void **state)
{
    (void)state;
    log_event(LOG_DEBUG, "quiet", "a", "b");
    log_set_level(LOG_ERROR);
    log_event(LOG_WARN, "quiet", NULL, NULL);
    log_event(LOG_ERROR, "loud", NULL, NULL);
    (void)read_line();
    assert_string_equal(member("event"), "loud");
}

static void expect_written(const char *path, const char *first, const char *more)
{
    char *text = help_read_file(path, NULL);
    assert_non_null(text);
    assert_non_null(strstr(text, first));
    if (more == NULL)
        assert_int_equal(strlen(strchr(text, '\n')), 1);
    else
        assert_non_null(strstr(text, more));
    free(text);
}

/* Whoever keeps a descriptor's number must not find another file behind it. */
static void file_that_was_moved_away_is_made_anew(void **state)
{
    (void)state;
    char *folder = help_temp_folder();
    char path[256];
    char old[264];
    struct stat about;
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    (void)snprintf(old, sizeof(old), "%s.old", path);
    assert_int_equal(log_open(path), IDP_OK);
    log_event(LOG_WARN, "first", NULL, NULL);
    assert_int_equal(rename(path, old), 0);
    log_event(LOG_WARN, "second", NULL, NULL);
    assert_int_equal(log_open(path), IDP_OK);
    log_event(LOG_WARN, "third", NULL, NULL);
    expect_written(old, "first", "second");
    expect_written(path, "third", NULL);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(log_open(path), IDP_OK); /* and appended to, when it was not moved */
    log_event(LOG_WARN, "fourth", NULL, NULL);
    expect_written(path, "third", "fourth");
    assert_int_equal(log_open(folder), IDP_UNAVAILABLE);
    log_event(LOG_WARN, "fifth", NULL, NULL);
    expect_written(path, "third", "fifth");
    help_remove_folder(folder);
    free(folder);
}

static void wanted_levels_are_those_that_are_written(void **state)
{
    (void)state;
    log_set_level(LOG_WARN);
    assert_false(log_wants(LOG_INFO));
    assert_true(log_wants(LOG_WARN));
    assert_true(log_wants(LOG_ERROR));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(event_is_one_line_of_json),
        TEST(file_that_was_moved_away_is_made_anew),
        TEST(wanted_levels_are_those_that_are_written),
        TEST(text_of_strangers_is_clean_when_it_is_written),
        TEST(too_long_member_is_left_out_and_later_ones_are_kept),
        TEST(line_is_whole_however_full_it_is),
        TEST(what_is_below_the_level_is_not_written),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
