/* What comes back from a file, and what does not; the clocks are the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/kv_kinds.h"
#include "store/memory.h"
#include "store/snapshot.h"
#include "tests/help.h"
#include "tests/store/doubles.h"

enum { TTL = 60000, QUOTA = 100 };

static _Atomic int64_t ticks;

static int64_t test_ticks(void)
{
    return ticks;
}

static struct world {
    struct arena *arena;
    char *folder;
    struct kv *before, *after; /* of two runs of a program */
    unsigned char key[SNAPSHOT_KEY_SIZE];
    struct snapshot snapshot;
    struct snapshot_read found;
    struct kv_bytes out;
    size_t count;
} w;

static struct kv *open_store(void)
{
    static const struct kv_memory_seams seams = {.now_ms = test_ticks};
    struct kv *kv = NULL;
    size_t quotas[KV_KINDS];
    for (size_t i = 0; i < KV_KINDS; i++)
        quotas[i] = QUOTA;
    assert_int_equal(kv_memory_open(quotas, &seams, &kv), IDP_OK);
    return kv;
}

static int set_up(void **state)
{
    (void)state;
    ticks = 1000;
    w = (struct world){.arena = arena_new(), .folder = help_temp_folder()};
    w.before = open_store();
    w.after = open_store();
    memset(w.key, 7, sizeof(w.key));
    w.snapshot = (struct snapshot){.path = arena_printf(w.arena, "%s/t.db.kv", w.folder),
                                   .key = w.key,
                                   .now_ms = 1795353600000};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kv_close(w.before);
    kv_close(w.after);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

static void put(enum kv_kind kind, const char *key, int64_t ttl_ms)
{
    assert_int_equal(kv_put(w.before, kind, kv_text(key), kv_text("a value of it"), ttl_ms),
                     IDP_OK);
}

static void write_file(void)
{
    assert_int_equal(snapshot_write(w.before, &w.snapshot, &w.count), IDP_OK);
}

static enum idp_err read_file(void)
{
    return snapshot_read(w.after, &w.snapshot, &w.found);
}

static enum idp_err get(enum kv_kind kind, const char *key)
{
    return kv_get(w.after, kind, kv_text(key), w.arena, &w.out);
}

/* --- what comes back ------------------------------------------------------------------------- */

static void values_come_back_as_they_were(void **state)
{
    (void)state;
    put(KV_SESSION, "session", TTL);
    put(KV_INTERACTION, "interaction", TTL);
    assert_int_equal(kv_put(w.before, KV_LAUNCH, (struct kv_bytes){"\0\n", 2},
                            (struct kv_bytes){"\0\xff", 2}, TTL),
                     IDP_OK);
    assert_int_equal(kv_put(w.before, KV_BINDING, kv_text("empty"), kv_text(""), TTL), IDP_OK);
    write_file();
    assert_int_equal(w.count, 4);
    assert_int_equal(read_file(), IDP_OK);
    assert_int_equal(w.found.back, 4);
    assert_int_equal(w.found.over + w.found.lost, 0);
    assert_int_equal(get(KV_SESSION, "session"), IDP_OK);
    assert_string_equal(w.out.bytes, "a value of it");
    assert_int_equal(get(KV_SESSION, "interaction"), IDP_NOT_FOUND);
    assert_int_equal(kv_get(w.after, KV_LAUNCH, (struct kv_bytes){"\0\n", 2}, w.arena, &w.out),
                     IDP_OK);
    assert_int_equal(w.out.len, 2);
    assert_memory_equal(w.out.bytes, "\0\xff", 2);
    assert_int_equal(get(KV_BINDING, "empty"), IDP_OK);
    assert_int_equal(w.out.len, 0);
}

static void the_largest_value_comes_back(void **state)
{
    (void)state;
    static unsigned char big[KV_VALUE_MAX];
    memset(big, 'b', sizeof(big));
    const struct kv_bytes key = {big, KV_KEY_MAX};
    assert_int_equal(kv_put(w.before, KV_SESSION, key, (struct kv_bytes){big, sizeof(big)}, TTL),
                     IDP_OK);
    write_file();
    assert_int_equal(read_file(), IDP_OK);
    assert_int_equal(kv_get(w.after, KV_SESSION, key, w.arena, &w.out), IDP_OK);
    assert_int_equal(w.out.len, sizeof(big));
    assert_memory_equal(w.out.bytes, big, sizeof(big));
}

/* What served once does not serve again, also over a restart. */
static void marks_against_replay_come_back_and_counters_go_on(void **state)
{
    (void)state;
    int64_t sum = 0;
    put(KV_REPLAY, "jti", TTL);
    assert_int_equal(kv_count(w.before, KV_COUNTER, kv_text("n"), 41, TTL, &sum), IDP_OK);
    write_file();
    assert_int_equal(read_file(), IDP_OK);
    assert_int_equal(kv_add(w.after, KV_REPLAY, kv_text("jti"), kv_text("v"), TTL), IDP_CONFLICT);
    assert_int_equal(kv_count(w.after, KV_COUNTER, kv_text("n"), 1, TTL, &sum), IDP_OK);
    assert_int_equal(sum, 42);
}

/* The rows may change while nobody runs: a copy would make an ended grant good again. */
static void copies_of_rows_do_not_come_back(void **state)
{
    (void)state;
    put(KV_GRANT, "grant", TTL);
    put(KV_HOLDER, "holder", TTL);
    put(KV_STATUS, "status", TTL);
    write_file();
    assert_int_equal(w.count, 0);
    assert_int_equal(read_file(), IDP_OK);
    assert_int_equal(get(KV_GRANT, "grant"), IDP_NOT_FOUND);
    assert_int_equal(get(KV_HOLDER, "holder"), IDP_NOT_FOUND);
    assert_int_equal(get(KV_STATUS, "status"), IDP_NOT_FOUND);
}

/* --- time ------------------------------------------------------------------------------------ */

static void time_goes_on_while_nobody_runs(void **state)
{
    (void)state;
    put(KV_SESSION, "short", TTL);
    put(KV_SESSION, "long", TTL + 1);
    ticks += 1000;
    write_file();
    w.snapshot.now_ms += TTL - 1000;
    ticks = 5; /* another boot */
    assert_int_equal(read_file(), IDP_OK);
    assert_int_equal(w.found.back, 1);
    assert_int_equal(w.found.over, 1);
    assert_int_equal(get(KV_SESSION, "short"), IDP_NOT_FOUND);
    assert_int_equal(get(KV_SESSION, "long"), IDP_OK);
    ticks += 1;
    assert_int_equal(get(KV_SESSION, "long"), IDP_NOT_FOUND);
}

static void what_expired_before_the_end_is_not_kept(void **state)
{
    (void)state;
    put(KV_SESSION, "k", TTL);
    ticks += TTL;
    write_file();
    assert_int_equal(w.count, 0);
}

static void a_calendar_that_was_set_back_prolongs_nothing(void **state)
{
    (void)state;
    put(KV_SESSION, "k", TTL);
    write_file();
    w.snapshot.now_ms -= 10 * TTL;
    assert_int_equal(read_file(), IDP_OK);
    ticks += TTL - 1;
    assert_int_equal(get(KV_SESSION, "k"), IDP_OK);
    ticks += 1;
    assert_int_equal(get(KV_SESSION, "k"), IDP_NOT_FOUND);
}

/* --- the file -------------------------------------------------------------------------------- */

static bool holds(const char *bytes, size_t len, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(bytes + i, text, n) == 0)
            return true;
    return false;
}

/* Puts bytes where the file is looked for. */
static void place(const char *bytes, size_t len)
{
    help_write_file(w.snapshot.path, bytes, len);
    assert_int_equal(chmod(w.snapshot.path, 0600), 0);
}

static void the_file_is_private_sealed_and_alone(void **state)
{
    (void)state;
    struct stat about;
    size_t len = 0;
    put(KV_SESSION, "the name of it", TTL);
    write_file();
    assert_int_equal(stat(w.snapshot.path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    char *bytes = help_read_file(w.snapshot.path, &len);
    assert_false(holds(bytes, len, "a value of it"));
    assert_false(holds(bytes, len, "the name of it"));
    assert_true(holds(bytes, len, "tamga key-value snapshot"));
    free(bytes);
    assert_int_equal(access(arena_printf(w.arena, "%s.new", w.snapshot.path), F_OK), -1);
}

static void it_is_read_once(void **state)
{
    (void)state;
    put(KV_SESSION, "k", TTL);
    write_file();
    assert_int_equal(read_file(), IDP_OK);
    assert_int_equal(access(w.snapshot.path, F_OK), -1);
    assert_int_equal(read_file(), IDP_NOT_FOUND);
}

/* Refused whole: nothing of it is in the store, and it is gone. */
static void expect_unusable(void)
{
    assert_int_equal(read_file(), IDP_DENIED);
    assert_int_equal(get(KV_SESSION, "k"), IDP_NOT_FOUND);
    assert_int_equal(access(w.snapshot.path, F_OK), -1);
}

static void each_byte_counts(void **state)
{
    (void)state;
    size_t len = 0;
    put(KV_SESSION, "k", TTL);
    write_file();
    char *bytes = help_read_file(w.snapshot.path, &len);
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= 1;
        place(bytes, len);
        expect_unusable();
        bytes[i] ^= 1;
    }
    free(bytes);
}

static void no_part_of_it_will_do(void **state)
{
    (void)state;
    size_t len = 0;
    put(KV_SESSION, "k", TTL);
    write_file();
    char *bytes = help_read_file(w.snapshot.path, &len);
    for (size_t n = 0; n < len; n++) {
        place(bytes, n);
        expect_unusable();
    }
    bytes = realloc(bytes, len + 1);
    assert_non_null(bytes);
    bytes[len] = 'x';
    place(bytes, len + 1);
    expect_unusable();
    free(bytes);
}

static void another_key_opens_nothing(void **state)
{
    (void)state;
    put(KV_SESSION, "k", TTL);
    write_file();
    w.key[31] ^= 1;
    expect_unusable();
}

static void one_that_others_could_write_is_not_believed(void **state)
{
    (void)state;
    put(KV_SESSION, "k", TTL);
    write_file();
    assert_int_equal(chmod(w.snapshot.path, 0620), 0);
    expect_unusable();
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    const char *real = arena_printf(w.arena, "%s/real", w.folder);
    put(KV_SESSION, "k", TTL);
    write_file();
    assert_int_equal(rename(w.snapshot.path, real), 0);
    assert_int_equal(symlink(real, w.snapshot.path), 0);
    assert_int_equal(read_file(), IDP_UNAVAILABLE);
    assert_int_equal(get(KV_SESSION, "k"), IDP_NOT_FOUND);
}

static void a_folder_that_is_not_there_holds_no_file(void **state)
{
    (void)state;
    w.snapshot.path = arena_printf(w.arena, "%s/none/t.db.kv", w.folder);
    assert_int_equal(snapshot_write(w.before, &w.snapshot, &w.count), IDP_UNAVAILABLE);
    assert_int_equal(read_file(), IDP_NOT_FOUND);
}

static void a_new_file_takes_the_place_of_an_old_one(void **state)
{
    (void)state;
    put(KV_SESSION, "k", TTL);
    write_file();
    put(KV_SESSION, "k2", TTL);
    help_write_file(arena_printf(w.arena, "%s.new", w.snapshot.path), "half", 4);
    write_file();
    assert_int_equal(read_file(), IDP_OK);
    assert_int_equal(w.found.back, 2);
}

static void it_can_be_dropped_unread(void **state)
{
    (void)state;
    write_file();
    assert_true(snapshot_drop(w.snapshot.path));
    assert_false(snapshot_drop(w.snapshot.path));
    assert_int_equal(read_file(), IDP_NOT_FOUND);
}

/* --- other stores ---------------------------------------------------------------------------- */

static void only_the_store_in_this_process_needs_it(void **state)
{
    (void)state;
    struct faulty_kv other;
    faulty_kv_init(&other, w.before);
    assert_int_equal(snapshot_write(&other.kv, &w.snapshot, &w.count), IDP_BAD_REQUEST);
    assert_int_equal(access(w.snapshot.path, F_OK), -1);
}

static void what_finds_no_room_is_counted(void **state)
{
    (void)state;
    put(KV_SESSION, "k1", TTL);
    put(KV_SESSION, "k2", TTL);
    write_file();
    for (int i = 0; i < QUOTA - 1; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "other-%d", i);
        assert_int_equal(kv_put(w.after, KV_SESSION, kv_text(key), kv_text("v"), TTL), IDP_OK);
    }
    assert_int_equal(read_file(), IDP_OK);
    assert_int_equal(w.found.back, 1);
    assert_int_equal(w.found.lost, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(values_come_back_as_they_were),
        TEST(the_largest_value_comes_back),
        TEST(marks_against_replay_come_back_and_counters_go_on),
        TEST(copies_of_rows_do_not_come_back),
        TEST(time_goes_on_while_nobody_runs),
        TEST(what_expired_before_the_end_is_not_kept),
        TEST(a_calendar_that_was_set_back_prolongs_nothing),
        TEST(the_file_is_private_sealed_and_alone),
        TEST(it_is_read_once),
        TEST(each_byte_counts),
        TEST(no_part_of_it_will_do),
        TEST(another_key_opens_nothing),
        TEST(one_that_others_could_write_is_not_believed),
        TEST(a_link_is_not_followed),
        TEST(a_folder_that_is_not_there_holds_no_file),
        TEST(a_new_file_takes_the_place_of_an_old_one),
        TEST(it_can_be_dropped_unread),
        TEST(only_the_store_in_this_process_needs_it),
        TEST(what_finds_no_room_is_counted),
    };
    return cmocka_run_group_tests_name("store/snapshot", tests, NULL, NULL);
}
