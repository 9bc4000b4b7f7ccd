/* Small files read whole: what is taken, and what is refused and why. */
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

#include "base/file.h"
#include "tests/help.h"

static struct world {
    char *folder, *why;
    char path[256];
    struct file_bytes file;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.folder = help_temp_folder()};
    (void)snprintf(w.path, sizeof(w.path), "%s/file", w.folder);
    help_write_file(w.path, "some text", 9);
    return chmod(w.path, 0600);
}

static int tear_down(void **state)
{
    (void)state;
    file_drop(&w.file);
    help_remove_folder(w.folder);
    free(w.folder);
    free(w.why);
    return 0;
}

static void expect_refused(enum file_privacy privacy, enum idp_err err, const char *text)
{
    char line[512];
    (void)snprintf(line, sizeof(line), "%s: %s", w.path, text);
    assert_int_equal(file_read(w.path, privacy, 9, &w.why, &w.file), err);
    assert_null(w.file.bytes);
    assert_string_equal(w.why, line);
}

static void file_is_read_whole(void **state)
{
    (void)state;
    assert_int_equal(file_read(w.path, FILE_PRIVATE, 9, &w.why, &w.file), IDP_OK);
    assert_int_equal(w.file.len, 9);
    assert_string_equal(w.file.bytes, "some text");
}

static void empty_file_is_an_empty_text(void **state)
{
    (void)state;
    help_write_file(w.path, "", 0);
    assert_int_equal(file_read(w.path, FILE_ANY, 9, &w.why, &w.file), IDP_OK);
    assert_int_equal(w.file.len, 0);
    assert_string_equal(w.file.bytes, "");
}

static void longer_file_is_refused(void **state)
{
    (void)state;
    help_write_file(w.path, "some texts", 10);
    expect_refused(FILE_ANY, IDP_BAD_REQUEST, "is longer than 9 bytes");
}

static void missing_file_is_unavailable(void **state)
{
    (void)state;
    assert_int_equal(unlink(w.path), 0);
    expect_refused(FILE_ANY, IDP_UNAVAILABLE, "No such file or directory");
}

static void folder_and_pipe_are_no_files(void **state)
{
    (void)state;
    assert_int_equal(unlink(w.path), 0);
    assert_int_equal(mkfifo(w.path, 0600), 0);
    expect_refused(FILE_ANY, IDP_BAD_REQUEST, "is no regular file");
    free(w.why);
    assert_int_equal(unlink(w.path), 0);
    assert_int_equal(mkdir(w.path, 0700), 0);
    expect_refused(FILE_ANY, IDP_BAD_REQUEST, "is no regular file");
}

static void secret_that_others_may_touch_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601};
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        assert_int_equal(chmod(w.path, modes[i]), 0);
        assert_int_equal(file_read(w.path, FILE_PRIVATE, 9, &w.why, &w.file), IDP_DENIED);
        assert_non_null(strstr(w.why, "nobody but its owner may have access to it (chmod 600)"));
        free(w.why);
        w.why = NULL;
    }
    assert_int_equal(file_read(w.path, FILE_ANY, 9, &w.why, &w.file), IDP_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(file_is_read_whole),           TEST(empty_file_is_an_empty_text),
        TEST(longer_file_is_refused),       TEST(missing_file_is_unavailable),
        TEST(folder_and_pipe_are_no_files), TEST(secret_that_others_may_touch_is_refused),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
