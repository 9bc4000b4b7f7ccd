#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/log.h"
#include "ctl/tests/run.h"

enum { DAY = 20414 /* 2025-11-22 */ };

static void add(int64_t day, const char *who, const char *reason, const char *certificate,
                int64_t count)
{
    execute(arena_printf(
        w.arena, "INSERT INTO refusals VALUES (%lld, '%s', '%s', '%s', %lld, %lld)", (long long)day,
        who, reason, certificate, (long long)count, (long long)day * 86400));
}

/* A database with what a week may bring. */
static int set_up(void **state)
{
    (void)run_set_up(state);
    run("trust list");
    add(DAY, "one", "lock.personal", "aaa", 10);
    add(DAY + 1, "one", "lock.personal", "aaa", 4);
    add(DAY + 1, "one", "lock.personal", "bbb", 2);
    add(DAY + 1, "one", "lock.personal", "", 1);
    add(DAY, "two", "lock.expired", "ccc", 1);
    add(DAY, "two", "lock.not_bound", "ddd", 5);
    add(DAY, "", "lock.not_accepted", "", 3);
    add(DAY - 1, "one", "lock.revoked", "aaa", 100);
    execute(
        "INSERT INTO certificates (hash, authority, issuer, serial, uscc, not_after, reason, "
        "seen) VALUES ('aaa', 'one', 'i', '0A01', '91150100MA0TEAT1XD', 9, 'lock.personal', 1)");
    return 0;
}

static void refusals(const char *options)
{
    run(arena_printf(w.arena, "trust refusals --since 2025-11-22 %s", options));
}

static const char *said(const json_t *json, size_t group)
{
    return text_of(json_array_get(json_object_get(json, "refusals"), group), "says");
}

static void operator_is_told_how_many_of_which_authority_for_which_reason(void **state)
{
    (void)state;
    refusals("");
    json_t *json = answer();
    assert_string_equal(text_of(json, "since"), "2025-11-22");
    assert_int_equal(json_array_size(json_object_get(json, "refusals")), 3);
    assert_string_equal(said(json, 0), "3 refusals from no recognised authority since 2025-11-22, "
                                       "all for lock.not_accepted, the signature is not that of "
                                       "the certificate's key over this question");
    assert_string_equal(said(json, 1), "17 refusals from authority one since 2025-11-22, all for "
                                       "lock.personal, a personal lock (2 certificates)");
    assert_string_equal(said(json, 2),
                        "6 refusals from authority two since 2025-11-22, 5 for lock.not_bound, no "
                        "binding for this authority, USCC and key (1 certificate); 1 for "
                        "lock.expired, the certificate has expired (1 certificate)");
    assert_null(json_object_get(json, "certificates"));
    json_decref(json);
}

static void reasons_are_told_as_numbers_too(void **state)
{
    (void)state;
    refusals("--authority one");
    json_t *json = answer();
    const json_t *groups = json_object_get(json, "refusals");
    assert_int_equal(json_array_size(groups), 1);
    json_t *wanted = json_pack("[{s:s, s:s, s:i, s:i, s:I}]", "reason", "lock.personal",
                               "explanation", "a personal lock", "refusals", 17, "certificates", 2,
                               "last", (json_int_t)(DAY + 1) * 86400);
    assert_true(json_equal(json_object_get(json_array_get(groups, 0), "reasons"), wanted));
    json_decref(wanted);
    json_decref(json);
}

static void certificates_are_listed_when_that_is_wanted(void **state)
{
    (void)state;
    refusals("--list --authority one");
    json_t *json = answer();
    const json_t *list = json_object_get(json, "certificates");
    json_t *wanted =
        json_pack("[{s:s, s:s, s:s, s:s, s:s, s:i, s:I}, {s:s, s:s, s:s, s:i, s:I}]", "certificate",
                  "aaa", "authority", "one", "reason", "lock.personal", "uscc",
                  "91150100MA0TEAT1XD", "serial", "0A01", "refusals", 14, "last",
                  (json_int_t)(DAY + 1) * 86400, "certificate", "bbb", "authority", "one", "reason",
                  "lock.personal", "refusals", 2, "last", (json_int_t)(DAY + 1) * 86400);
    assert_true(json_equal(list, wanted));
    json_decref(wanted);
    json_decref(json);
}

static void table_begins_with_the_sentences(void **state)
{
    (void)state;
    refusals("--table --list");
    assert_int_equal(w.code, 0);
    assert_int_equal(strncmp(w.out, "3 refusals from no recognised authority", 39), 0);
    assert_non_null(strstr(w.out, "\n17 refusals from authority one since 2025-11-22, all for"));
    assert_non_null(strstr(w.out, "91150100MA0TEAT1XD"));
    assert_non_null(strstr(w.out, "0A01"));
}

static void a_quiet_week_says_so(void **state)
{
    (void)state;
    run("trust refusals --since 2025-12-01 --table");
    assert_string_equal(w.out, "no refusals since 2025-12-01\n");
    run("trust refusals --since 2025-12-01");
    json_t *json = answer();
    assert_int_equal(json_array_size(json_object_get(json, "refusals")), 0);
    json_decref(json);
}

/* How many refusals there were since a word. */
static json_int_t total_since(const char *options)
{
    run(arena_printf(w.arena, "trust refusals --authority now %s", options));
    json_t *json = answer();
    const json_t *group = json_array_get(json_object_get(json, "refusals"), 0);
    const json_t *reason = json_array_get(json_object_get(group, "reasons"), 0);
    json_int_t total = json_integer_value(json_object_get(reason, "refusals"));
    json_decref(json);
    return total;
}

static void days_are_said_as_people_say_them(void **state)
{
    (void)state;
    static const char *const weekdays[] = {"Monday", "tuesday",  "Wednesday", "Thursday",
                                           "Friday", "Saturday", "Sunday"};
    const int64_t today = ((int64_t)time(NULL) + 8 * 3600) / 86400;
    add(today, "now", "lock.expired", "", 1);
    add(today - 3, "now", "lock.expired", "", 10);
    add(today - 10, "now", "lock.expired", "", 100);
    for (size_t i = 0; i < 7; i++) {
        json_int_t total = total_since(arena_printf(w.arena, "--since %s", weekdays[i]));
        assert_true(total == 1 || total == 11);
    }
    assert_int_equal(total_since(""), total_since("--since Monday"));
    assert_int_equal(total_since("--since 2d"), 1);
    assert_int_equal(total_since("--since 7d"), 11);
    assert_int_equal(total_since("--since 20d"), 111);
}

static void what_is_no_day_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"yesterday",  "7",         "d",     "7dd",
                                        "2025-13-01", "2025-11-2", "99999d"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        run(arena_printf(w.arena, "trust refusals --since %s", wrong[i]));
        expect_complaint(2, "--since");
    }
    run("trust refusals --since");
    expect_complaint(2, "makes no sense");
    run("trust refusals --list --list");
    expect_complaint(2, "makes no sense");
    run("trust list --since 7d");
    expect_complaint(2, "does not take");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, run_tear_down)

int main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(operator_is_told_how_many_of_which_authority_for_which_reason),
        TEST(reasons_are_told_as_numbers_too),
        TEST(certificates_are_listed_when_that_is_wanted),
        TEST(table_begins_with_the_sentences),
        TEST(a_quiet_week_says_so),
        TEST(days_are_said_as_people_say_them),
        TEST(what_is_no_day_is_refused),
    };
    (void)argc;
    log_set_level(LOG_ERROR);
    run_find_program(argv[0]);
    return cmocka_run_group_tests_name("ctl/refusals", tests, NULL, NULL);
}
