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

#include "base/arena.h"
#include "jose/master.h"
#include "tests/help.h"

#define KEY_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static struct {
    struct arena *arena;
    char *folder, *why;
    char file[256];
    struct master_key *key;
} w;

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.folder = help_temp_folder();
    w.why = NULL;
    w.key = NULL;
    (void)snprintf(w.file, sizeof(w.file), "%s/master.key", w.folder);
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    master_key_free(w.key);
    help_remove_folder(w.folder);
    free(w.folder);
    free(w.why);
    arena_free(w.arena);
    return 0;
}

static void put_file(const char *text, size_t len)
{
    help_write_file(w.file, text, len);
    assert_int_equal(chmod(w.file, 0600), 0);
}

static enum idp_err load(void)
{
    free(w.why);
    w.why = NULL;
    master_key_free(w.key);
    w.key = NULL;
    return master_key_load(w.file, &w.why, &w.key);
}

static const struct master_label label = {.purpose = "token", .id = "1"};

static const char *wrap(const char *text)
{
    const char *wrapped = NULL;
    assert_int_equal(master_wrap(w.key, &label, text, strlen(text), w.arena, &wrapped), IDP_OK);
    return wrapped;
}

static void missing_file_is_made_for_its_owner_only(void **state)
{
    (void)state;
    struct stat about;
    assert_int_equal(load(), IDP_OK);
    assert_int_equal(stat(w.file, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(about.st_size, 65);
}

static void made_key_is_read_again(void **state)
{
    (void)state;
    struct master_opened opened;
    assert_int_equal(load(), IDP_OK);
    const char *wrapped = wrap("a key");
    assert_int_equal(load(), IDP_OK);
    assert_int_equal(master_unwrap(w.key, &label, wrapped, w.arena, &opened), IDP_OK);
    assert_int_equal(opened.len, 5);
    assert_memory_equal(opened.bytes, "a key", 5);
}

static void nothing_is_left_beside_the_file(void **state)
{
    (void)state;
    char draft[300];
    assert_int_equal(load(), IDP_OK);
    (void)snprintf(draft, sizeof(draft), "%s.%ld", w.file, (long)getpid());
    assert_int_not_equal(access(draft, F_OK), 0);
}

static void hex_and_base64url_name_the_same_key(void **state)
{
    (void)state;
    struct master_opened opened;
    static const char *const texts[] = {KEY_HEX, KEY_HEX "\n", KEY_BASE64, KEY_BASE64 "\n"};
    put_file(KEY_HEX, strlen(KEY_HEX));
    assert_int_equal(load(), IDP_OK);
    const char *wrapped = wrap("a key");
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        put_file(texts[i], strlen(texts[i]));
        assert_int_equal(load(), IDP_OK);
        assert_int_equal(master_unwrap(w.key, &label, wrapped, w.arena, &opened), IDP_OK);
    }
}

static void file_that_others_can_open_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0666, 0610, 0601};
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        put_file(KEY_HEX, strlen(KEY_HEX));
        assert_int_equal(chmod(w.file, modes[i]), 0);
        assert_int_equal(load(), IDP_DENIED);
        assert_non_null(strstr(w.why, "expected 0600"));
        assert_null(strchr(w.why, '\n'));
    }
}

static void file_without_a_key_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "0001",
        KEY_HEX "0",
        KEY_HEX "\n\n",
        " " KEY_HEX,
        KEY_HEX " ",
        KEY_HEX "\r\n",
        "g" KEY_HEX,
        KEY_BASE64 "=",
        KEY_BASE64 "A",
        KEY_HEX KEY_HEX,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", /* left-over bits */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        put_file(bad[i], strlen(bad[i]));
        assert_int_equal(load(), IDP_BAD_REQUEST);
        assert_non_null(w.why);
    }
    put_file(KEY_HEX "\0", strlen(KEY_HEX) + 1);
    assert_int_equal(load(), IDP_BAD_REQUEST);
}

static void key_is_never_told_in_a_refusal(void **state)
{
    (void)state;
    put_file("0001020304", 10);
    assert_int_equal(load(), IDP_BAD_REQUEST);
    assert_null(strstr(w.why, "0001020304"));
}

static void folder_has_to_exist(void **state)
{
    (void)state;
    (void)snprintf(w.file, sizeof(w.file), "%s/none/master.key", w.folder);
    assert_int_equal(load(), IDP_UNAVAILABLE);
    assert_non_null(strstr(w.why, w.file));
}

static void folder_is_no_key_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir(w.file, 0700), 0);
    assert_int_equal(load(), IDP_DENIED);
}

static void pipe_is_no_key_file(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(w.file, 0600), 0);
    assert_int_equal(load(), IDP_DENIED);
}

static void no_two_wrappings_are_alike(void **state)
{
    (void)state;
    assert_int_equal(load(), IDP_OK);
    assert_string_not_equal(wrap("a key"), wrap("a key"));
}

static void wrapped_key_opens_under_its_own_label_only(void **state)
{
    (void)state;
    struct master_opened opened;
    static const struct master_label others[] = {
        {.purpose = "refresh", .id = "1"}, {.purpose = "token", .id = "2"},
        {.purpose = "token", .id = ""},    {.purpose = "token1", .id = ""},
        {.purpose = "", .id = "token1"},
    };
    assert_int_equal(load(), IDP_OK);
    const char *wrapped = wrap("a key");
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_int_equal(master_unwrap(w.key, &others[i], wrapped, w.arena, &opened), IDP_DENIED);
}

static void wrapped_key_opens_with_its_own_master_only(void **state)
{
    (void)state;
    struct master_opened opened;
    assert_int_equal(load(), IDP_OK);
    const char *wrapped = wrap("a key");
    put_file(KEY_HEX, strlen(KEY_HEX));
    assert_int_equal(load(), IDP_OK);
    assert_int_equal(master_unwrap(w.key, &label, wrapped, w.arena, &opened), IDP_DENIED);
}

static void no_bit_of_a_wrapped_key_may_be_flipped(void **state)
{
    (void)state;
    struct master_opened opened;
    assert_int_equal(load(), IDP_OK);
    const char *wrapped = wrap("a key");
    char *text = arena_strdup(w.arena, wrapped);
    for (size_t bit = 0; bit < strlen(wrapped) * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
        assert_int_equal(master_unwrap(w.key, &label, text, w.arena, &opened), IDP_DENIED);
        text[bit / 8] = wrapped[bit / 8];
    }
}

static void cut_wrapped_key_is_refused(void **state)
{
    (void)state;
    struct master_opened opened;
    assert_int_equal(load(), IDP_OK);
    const char *wrapped = wrap("a key");
    for (size_t len = 0; len < strlen(wrapped); len++) {
        char *text = arena_strndup(w.arena, wrapped, len);
        assert_int_equal(master_unwrap(w.key, &label, text, w.arena, &opened), IDP_DENIED);
    }
}

/* --- two of them ----------------------------------------------------------------------------- */

static struct master_key *key_of(unsigned char byte)
{
    unsigned char bytes[MASTER_KEY_SIZE];
    memset(bytes, byte, sizeof(bytes));
    struct master_key *key = master_key_new(bytes);
    assert_non_null(key);
    return key;
}

static void joined_keys_open_what_either_wrapped(void **state)
{
    (void)state;
    struct master_opened opened;
    const struct master_key *found = NULL;
    w.key = key_of(1);
    struct master_key *next = key_of(2);
    struct master_key *stranger = key_of(3);
    const char *texts[] = {wrap("a key"), NULL, NULL};
    assert_int_equal(master_wrap(next, &label, "a key", 5, w.arena, &texts[1]), IDP_OK);
    assert_int_equal(master_wrap(stranger, &label, "a key", 5, w.arena, &texts[2]), IDP_OK);
    master_key_join(w.key, next);
    master_key_join(w.key, NULL);
    assert_ptr_equal(master_key_next(w.key), next);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(master_unwrap(w.key, &label, texts[i], w.arena, &opened), IDP_OK);
        assert_memory_equal(opened.bytes, "a key", 5);
        assert_int_equal(master_pick(w.key, &label, texts[i], w.arena, &found), IDP_OK);
        assert_ptr_equal(found, i == 0 ? w.key : next);
    }
    assert_int_equal(master_unwrap(w.key, &label, texts[2], w.arena, &opened), IDP_DENIED);
    assert_int_equal(master_pick(w.key, &label, texts[2], w.arena, &found), IDP_DENIED);
    master_key_free(stranger);
}

static void name_is_the_keys_own_and_does_not_tell_it(void **state)
{
    (void)state;
    struct master_key *other = key_of(2);
    struct master_key *same = key_of(1);
    w.key = key_of(1);
    assert_int_equal(strlen(master_key_id(w.key)), MASTER_ID_LEN);
    assert_string_equal(master_key_id(w.key), master_key_id(same));
    assert_string_not_equal(master_key_id(w.key), master_key_id(other));
    assert_null(strstr(master_key_id(w.key), "0101"));
    master_key_free(other);
    master_key_free(same);
}

/* --- where they come from -------------------------------------------------------------------- */

static enum idp_err open_places(const char *file, const char *next_file)
{
    const struct master_places places = {.file = file, .next_file = next_file, .may_make = true};
    free(w.why);
    w.why = NULL;
    master_key_free(w.key);
    w.key = NULL;
    return master_key_open(&places, &w.why, &w.key);
}

static void set_variables(const char *key, const char *next)
{
    assert_int_equal(unsetenv(MASTER_VARIABLE), 0);
    assert_int_equal(unsetenv(MASTER_VARIABLE_NEXT), 0);
    if (key != NULL)
        assert_int_equal(setenv(MASTER_VARIABLE, key, 1), 0);
    if (next != NULL)
        assert_int_equal(setenv(MASTER_VARIABLE_NEXT, next, 1), 0);
}

#define OTHER_HEX "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void file_and_variable_are_the_same_key(void **state)
{
    (void)state;
    char id[MASTER_ID_LEN + 1];
    put_file(KEY_HEX, strlen(KEY_HEX));
    set_variables(NULL, NULL);
    assert_int_equal(open_places(w.file, NULL), IDP_OK);
    memcpy(id, master_key_id(w.key), sizeof(id));
    assert_null(master_key_next(w.key));
    set_variables(KEY_BASE64, NULL);
    assert_int_equal(open_places(NULL, NULL), IDP_OK);
    assert_string_equal(master_key_id(w.key), id);
}

static void variable_is_wiped_and_taken_away(void **state)
{
    (void)state;
    set_variables(KEY_HEX, OTHER_HEX);
    const char *key = getenv(MASTER_VARIABLE);
    const char *next = getenv(MASTER_VARIABLE_NEXT);
    assert_int_equal(open_places(NULL, NULL), IDP_OK);
    assert_null(getenv(MASTER_VARIABLE));
    assert_null(getenv(MASTER_VARIABLE_NEXT));
    assert_int_equal(key[0], '\0'); /* where /proc/PID/environ still looks */
    assert_int_equal(key[63], '\0');
    assert_int_equal(next[0], '\0');
    assert_non_null(master_key_next(w.key));
}

static void variable_without_a_key_is_refused_and_wiped(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "0001", KEY_HEX "0", KEY_HEX "\n", (" " KEY_HEX)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        set_variables(bad[i], NULL);
        assert_int_equal(open_places(NULL, NULL), IDP_BAD_REQUEST);
        assert_non_null(strstr(w.why, MASTER_VARIABLE));
        assert_null(strstr(w.why, "0001"));
        assert_null(getenv(MASTER_VARIABLE));
    }
}

static void key_in_no_place_or_in_two_is_refused(void **state)
{
    (void)state;
    put_file(KEY_HEX, strlen(KEY_HEX));
    set_variables(NULL, NULL);
    assert_int_equal(open_places(NULL, NULL), IDP_BAD_REQUEST);
    assert_non_null(strstr(w.why, "master_key_file: is missing"));
    set_variables(KEY_HEX, NULL);
    assert_int_equal(open_places(w.file, NULL), IDP_BAD_REQUEST);
    assert_non_null(strstr(w.why, "expected one of the two"));
    set_variables(NULL, OTHER_HEX);
    assert_int_equal(open_places(w.file, w.file), IDP_BAD_REQUEST);
    assert_non_null(strstr(w.why, "master_key_file_next"));
    set_variables(NULL, NULL);
}

static void next_key_is_joined_and_never_made(void **state)
{
    (void)state;
    char next_file[300];
    (void)snprintf(next_file, sizeof(next_file), "%s/next.key", w.folder);
    set_variables(NULL, NULL);
    put_file(KEY_HEX, strlen(KEY_HEX));
    assert_int_equal(open_places(w.file, next_file), IDP_UNAVAILABLE);
    assert_null(w.key);
    assert_int_not_equal(access(next_file, F_OK), 0);
    help_write_file(next_file, OTHER_HEX "\n", strlen(OTHER_HEX) + 1);
    assert_int_equal(chmod(next_file, 0640), 0);
    assert_int_equal(open_places(w.file, next_file), IDP_DENIED);
    assert_int_equal(chmod(next_file, 0600), 0);
    assert_int_equal(open_places(w.file, next_file), IDP_OK);
    assert_non_null(master_key_next(w.key));
    set_variables(NULL, OTHER_HEX);
    assert_int_equal(open_places(w.file, NULL), IDP_OK);
    assert_non_null(master_key_next(w.key));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(missing_file_is_made_for_its_owner_only),
        TEST(made_key_is_read_again),
        TEST(nothing_is_left_beside_the_file),
        TEST(hex_and_base64url_name_the_same_key),
        TEST(file_that_others_can_open_is_refused),
        TEST(file_without_a_key_is_refused),
        TEST(key_is_never_told_in_a_refusal),
        TEST(folder_has_to_exist),
        TEST(folder_is_no_key_file),
        TEST(pipe_is_no_key_file),
        TEST(no_two_wrappings_are_alike),
        TEST(wrapped_key_opens_under_its_own_label_only),
        TEST(wrapped_key_opens_with_its_own_master_only),
        TEST(no_bit_of_a_wrapped_key_may_be_flipped),
        TEST(cut_wrapped_key_is_refused),
        TEST(joined_keys_open_what_either_wrapped),
        TEST(name_is_the_keys_own_and_does_not_tell_it),
        TEST(file_and_variable_are_the_same_key),
        TEST(variable_is_wiped_and_taken_away),
        TEST(variable_without_a_key_is_refused_and_wiped),
        TEST(key_in_no_place_or_in_two_is_refused),
        TEST(next_key_is_joined_and_never_made),
    };
    return cmocka_run_group_tests_name("jose/master", tests, NULL, NULL);
}
