/* The commands that end rights, and what they show. */
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/log.h"
#include "ctl/tests/node.h"
#include "ctl/tests/run.h"
#include "store/kv.h"

#define USCC "91150100MA0TEAT1XX"
#define FAMILY "familyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* An enterprise with two locks, a session, consents with two clients and their grants. */
static int set_up(void **state)
{
    (void)run_set_up(state);
    run("client list"); /* makes the database */
    execute("INSERT INTO clients (id, standing, environment, metadata, created, changed) VALUES "
            "('one', 'active', 'test', '{\"client_name\":\"a\",\"redirect_uris\":"
            "[\"https://a.example/cb\"]}', 1, 1)");
    execute("INSERT INTO enterprises (id, uscc, name, standing, city, legal_representative, phone, "
            "address, email, entity_types, created, changed) VALUES ('bell', '" USCC "', '风铃', "
            "'active', 'hohhot', '张三', '0471', '一号', 'a@b.example', 'bidder', 1, 2), "
            "('harbour', '91150100MA0TEAT2XX', '海港', 'active', 'baotou', '李四', '0472', '二号', "
            "'c@d.example', 'bidder', 3, 4)");
    execute("INSERT INTO locks (id, enterprise, authority, key_hash, key_number, certificate_hash, "
            "serial, not_after, role, bound) VALUES "
            "('-lock', 'bell', 'ca', 'k1', 'K1', 'h1', '0a', 9, 'primary', 5), "
            "('second', 'bell', 'ca', 'k2', NULL, 'h2', '0b', 9, 'secondary', 6)");
    execute("INSERT INTO consents (enterprise, client, scope, claims_hash, given, since) VALUES "
            "('bell', 'one', 'openid enterprise', '', 7, 6), ('bell', 'two', 'openid', '', 8, 8)");
    return 0;
}

/* Grants of now, for the program has no other clock. */
static void add_grants(void)
{
    const char *text = arena_printf(
        w.arena,
        "INSERT INTO grants (id, client, enterprise, lock, authority, session, scope, auth_time, "
        "acr, amr, created, offline) VALUES "
        "(X'000102030405060708090a0b0c0d0e01', 'one', 'bell', '-lock', 'ca', '" FAMILY
        "', 'openid', %lld, 'a', 'b', %lld, 0), "
        "(X'000102030405060708090a0b0c0d0e02', 'two', 'bell', 'second', 'ca', '" FAMILY
        "', 'openid', %lld, 'a', 'b', %lld, 1)",
        (long long)time(NULL), (long long)time(NULL), (long long)time(NULL), (long long)time(NULL));
    execute(text);
}

static void expect_answer(const char *wanted)
{
    json_t *json = answer();
    json_t *expected = json_loads(wanted, 0, NULL);
    assert_non_null(expected);
    if (!json_equal(json, expected))
        fail_msg("%s", w.out);
    json_decref(expected);
    json_decref(json);
}

static int64_t living(void)
{
    return number_in("SELECT COUNT(*) FROM grants WHERE ended IS NULL");
}

/* --- what they show ------------------------------------------------------------------------- */

static void enterprises_are_listed_by_their_uscc(void **state)
{
    (void)state;
    run("enterprise list");
    expect_answer("[{\"enterprise\":\"bell\",\"uscc\":\"" USCC "\",\"name\":\"风铃\",\"standing\":"
                  "\"active\",\"city\":\"hohhot\",\"locks\":2,\"created\":1,\"changed\":2},"
                  "{\"enterprise\":\"harbour\",\"uscc\":\"91150100MA0TEAT2XX\",\"name\":\"海港\","
                  "\"standing\":\"active\",\"city\":\"baotou\",\"locks\":0,\"created\":3,"
                  "\"changed\":4}]");
    run("enterprise list --table");
    assert_int_equal(w.code, 0);
    assert_non_null(strstr(w.out, "91150100MA0TEAT2XX  harbour                 active"));
}

static void no_enterprises_are_an_empty_list(void **state)
{
    (void)state;
    execute("DELETE FROM locks");
    execute("DELETE FROM enterprises");
    run("enterprise list");
    expect_answer("[]");
}

static void more_enterprises_than_a_page_are_all_listed(void **state)
{
    (void)state;
    execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
            "INSERT INTO enterprises (id, uscc, name, standing, city, legal_representative, phone, "
            "address, email, entity_types, created, changed) SELECT 'e' || i, 'U' || i, 'n', "
            "'active', 'c', 'l', 'p', 'a', 'e', 't', 1, 1 FROM n");
    run("enterprise list");
    json_t *json = answer();
    assert_int_equal(json_array_size(json), 1002);
    json_decref(json);
}

static void enterprise_is_found_by_its_uscc_and_its_id(void **state)
{
    (void)state;
    run("enterprise show " USCC);
    const char *by_uscc = w.out;
    json_t *json = answer();
    assert_string_equal(text_of(json, "legal_representative"), "张三");
    json_decref(json);
    run("enterprise show bell");
    assert_string_equal(w.out, by_uscc);
}

static void locks_of_an_enterprise_are_listed(void **state)
{
    (void)state;
    run("lock list " USCC);
    expect_answer("[{\"lock\":\"-lock\",\"enterprise\":\"bell\",\"authority\":\"ca\",\"serial\":"
                  "\"0a\",\"key_number\":\"K1\",\"not_after\":9,\"role\":\"primary\",\"bound\":5},"
                  "{\"lock\":\"second\",\"enterprise\":\"bell\",\"authority\":\"ca\",\"serial\":"
                  "\"0b\",\"not_after\":9,\"role\":\"secondary\",\"bound\":6}]");
    run("lock list bell --table");
    assert_non_null(strstr(w.out, "second                  ca            secondary  bound    0b"));
}

static void consents_of_an_enterprise_are_listed(void **state)
{
    (void)state;
    run("consent list " USCC);
    expect_answer("[{\"client_id\":\"one\",\"scope\":\"openid enterprise\",\"given\":7,\"since\":6}"
                  ",{\"client_id\":\"two\",\"scope\":\"openid\",\"given\":8,\"since\":8}]");
    run("consent list bell --table");
    assert_non_null(strstr(w.out, "two                       8           openid"));
}

static void sessions_are_known_by_grants_and_by_the_audit(void **state)
{
    (void)state;
    add_grants();
    execute(arena_printf(w.arena,
                         "INSERT INTO audit (id, at_ms, event, enterprise, lock, detail) VALUES "
                         "('a', %lld, 'signed_in', 'bell', 'second', '{\"session\":\"idle\"}'), "
                         "('b', %lld, 'signed_in', 'bell', 'second', '{\"session\":\"left\"}'), "
                         "('c', %lld, 'session_left', 'bell', NULL, '{\"session\":\"left\"}'), "
                         "('d', 1000, 'signed_in', 'bell', 'second', '{\"session\":\"old\"}')",
                         (long long)(time(NULL) - 50) * 1000, (long long)(time(NULL) - 40) * 1000,
                         (long long)(time(NULL) - 30) * 1000));
    run("session list bell");
    json_t *json = answer();
    assert_int_equal(json_array_size(json), 2);
    json_t *first = json_array_get(json, 0);
    assert_string_equal(text_of(first, "session"), FAMILY);
    assert_string_equal(text_of(first, "clients"), "one two");
    assert_int_equal(json_integer_value(json_object_get(first, "grants")), 2);
    assert_int_equal(json_integer_value(json_object_get(first, "offline")), 1);
    assert_string_equal(text_of(json_array_get(json, 1), "session"), "idle");
    json_decref(json);
    run("session list bell --table");
    assert_non_null(strstr(w.out, FAMILY));
    run("session end idle"); /* it gave no grant */
    json_decref(answer());
    run("session list bell");
    json = answer();
    assert_int_equal(json_array_size(json), 1);
    json_decref(json);
}

/* --- what they end -------------------------------------------------------------------------- */

static const char *operator_name(void)
{
    const struct passwd *me = getpwuid(getuid());
    return me != NULL ? me->pw_name : "0";
}

/* The audit row of the event says who did it. */
static void expect_audit(const char *event)
{
    const char *query =
        arena_printf(w.arena,
                     "SELECT COUNT(*) FROM audit WHERE event = '%s' AND detail LIKE "
                     "'{\"actor\":\"operator\",\"by\":\"%s\"%%'",
                     event, operator_name());
    assert_int_equal(number_in(query), 1);
}

static const struct command {
    const char *line, *event, *answers; /* a part of the answer */
    int64_t living;                     /* grants, of two */
} commands[] = {
    {"client suspend one", "client_suspended", "\"standing\": \"suspended\"", 1},
    {"enterprise suspend " USCC, "enterprise_suspended", "\"standing\": \"suspended\"", 0},
    {"lock unbind -- -lock", "lock_unbound", "\"unbound\": ", 1},
    {"consent withdraw bell two", "consent_withdrawn", "\"withdrawn\": ", 1},
    {"session end " FAMILY, "session_ended", "\"ended\": ", 0},
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static void each_command_ends_its_rights_where_no_node_runs(void **state)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (i > 0) {
            assert_int_equal(run_tear_down(state), 0);
            assert_int_equal(set_up(state), 0);
        }
        add_grants();
        run(commands[i].line);
        json_decref(answer());
        assert_non_null(strstr(w.out, commands[i].answers));
        assert_int_equal(living(), commands[i].living);
        assert_int_equal(number_in("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL "
                                   "AND kind = 'ending'"),
                         1); /* for the first node that starts */
        expect_audit(commands[i].event);
    }
}

static bool node_has(const char *id)
{
    unsigned char bytes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0};
    struct kv_bytes found;
    bytes[15] = (unsigned char)id[0];
    return kv_get(node.kv, KV_GRANT, (struct kv_bytes){bytes, sizeof(bytes)}, w.arena, &found) ==
           IDP_OK;
}

/* Its tombstones stand in the node's memory, which the program cannot reach. */
static void when_the_command_ends_the_running_node_has_done_it(void **state)
{
    (void)state;
    add_grants();
    start_node();
    assert_false(node_has("\1"));
    run("session end " FAMILY);
    json_decref(answer());
    assert_true(node_has("\1"));
    run("enterprise suspend bell");
    json_decref(answer());
    run("enterprise resume bell");
    json_t *json = answer();
    assert_string_equal(text_of(json, "standing"), "active");
    json_decref(json);
    assert_int_equal(number_in("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL AND "
                               "queue = 'tombstones'"),
                     0);
    stop_node();
}

/* A node that lives and does not deliver. */
static void order_that_no_node_confirms_is_done_and_says_so(void **state)
{
    (void)state;
    add_grants();
    execute("INSERT INTO nodes (id, generation, lease_until_ms) "
            "VALUES ('hung', 1000000, 9000000000000)");
    run("lock unbind second");
    assert_int_equal(w.code, 3);
    assert_non_null(strstr(w.err, "done, but no running node has confirmed it yet"));
    assert_non_null(strstr(w.out, "\"unbound\": "));
    assert_int_equal(living(), 1);
}

static void resumed_client_gets_nothing_back(void **state)
{
    (void)state;
    add_grants();
    run("client suspend one");
    json_decref(answer());
    run("client resume one");
    json_t *json = answer();
    assert_string_equal(text_of(json, "standing"), "active");
    json_decref(json);
    assert_int_equal(living(), 1);
    expect_audit("client_resumed");
}

/* --- refusals ------------------------------------------------------------------------------- */

static void unknown_things_are_named(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"enterprise show nobody", "there is no enterprise nobody"},
        {"enterprise suspend nobody", "there is no enterprise nobody"},
        {"enterprise resume nobody", "there is no enterprise nobody"},
        {"lock list nobody", "there is no enterprise nobody"},
        {"lock unbind nothing", "there is no lock nothing"},
        {"session list nobody", "there is no enterprise nobody"},
        {"session end nothing", "there is no session nothing"},
        {"session end %_\"", "there is no session %_\""},
        {"consent list nobody", "there is no enterprise nobody"},
        {"consent withdraw bell three", "bell has agreed to nothing with a client three"},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        run(lines[i][0]);
        expect_complaint(1, lines[i][1]);
    }
    assert_int_equal(number_in("SELECT COUNT(*) FROM outbox"), 0);
}

static void wrong_command_lines_change_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "enterprise",           "enterprise suspend",    "enterprise list bell",
        "lock unbind",          "lock unbind -lock",     "lock unbind a b",
        "session end",          "consent withdraw bell", "consent withdraw bell one two",
        "consent give bell one"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        run(lines[i]);
        expect_complaint(2, "--help");
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, run_tear_down)

int main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(enterprises_are_listed_by_their_uscc),
        TEST(no_enterprises_are_an_empty_list),
        TEST(more_enterprises_than_a_page_are_all_listed),
        TEST(enterprise_is_found_by_its_uscc_and_its_id),
        TEST(locks_of_an_enterprise_are_listed),
        TEST(consents_of_an_enterprise_are_listed),
        TEST(sessions_are_known_by_grants_and_by_the_audit),
        TEST(each_command_ends_its_rights_where_no_node_runs),
        TEST(when_the_command_ends_the_running_node_has_done_it),
        TEST(order_that_no_node_confirms_is_done_and_says_so),
        TEST(resumed_client_gets_nothing_back),
        TEST(unknown_things_are_named),
        TEST(wrong_command_lines_change_nothing),
    };
    (void)argc;
    run_find_program(argv[0]);
    return cmocka_run_group_tests_name("ctl/rights", tests, NULL, NULL);
}
