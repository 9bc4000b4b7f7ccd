#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctl/tests/node.h"
#include "ctl/tests/run.h"
#include "jose/master.h"
#include "jose/signing_keys.h"
#include "store/sql.h"

#define NEXT_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

/* The keys that the provider makes at its first start. */
static void let_provider_begin(void)
{
    static const struct key_policy policy = {.cache_s = 900, .longest_s = 300, .margin_s = 60};
    char *why = NULL;
    struct sql *db = NULL;
    struct master_key *master = NULL;
    run("keys list"); /* makes the database */
    assert_int_equal(sql_open(arena_printf(w.arena, "sqlite:%s", path("t.db")), &why, &db), IDP_OK);
    assert_int_equal(master_key_load(path("master.key"), &why, &master), IDP_OK);
    assert_int_equal(signing_keys_ensure(db, master, &policy, clock_now() - 10), IDP_OK);
    master_key_free(master);
    sql_close(db);
}

static int set_up(void **state)
{
    (void)run_set_up(state);
    let_provider_begin();
    return 0;
}

/* The first entry of a list whose member has this text, or NULL. */
static const json_t *find(const json_t *list, const char *name, const char *text)
{
    size_t i = 0;
    const json_t *entry = NULL;
    json_array_foreach(list, i, entry)
    {
        if (strcmp(text_of(entry, name), text) == 0)
            return entry;
    }
    return NULL;
}

static json_t *list_keys(void)
{
    run("keys list");
    return answer();
}

/* The state of a signing key, or "none". */
static const char *state_of(const char *kid)
{
    json_t *all = list_keys();
    const json_t *key = find(json_object_get(all, "signing"), "kid", kid);
    const char *state = key != NULL ? text_of(key, "state") : "none";
    json_decref(all);
    return state;
}

static const char *kid_of(const char *algorithm)
{
    json_t *all = list_keys();
    const char *kid = text_of(find(json_object_get(all, "signing"), "algorithm", algorithm), "kid");
    json_decref(all);
    return kid;
}

static json_int_t number_of(const json_t *json, const char *name)
{
    assert_true(json_is_integer(json_object_get(json, name)));
    return json_integer_value(json_object_get(json, name));
}

/* --- list ---------------------------------------------------------------------------------- */

static void every_key_is_listed_and_no_secret(void **state)
{
    (void)state;
    json_t *all = list_keys();
    assert_int_equal(json_object_size(all), 3);
    assert_int_equal(json_array_size(json_object_get(all, "signing")), 2);
    assert_int_equal(json_array_size(json_object_get(all, "purposes")), 5);
    const json_t *key = json_array_get(json_object_get(all, "signing"), 0);
    assert_string_equal(text_of(key, "state"), "active");
    assert_true(number_of(key, "active_from") < number_of(key, "published"));
    assert_int_equal(json_object_size(key), 5);
    const json_t *master = json_object_get(all, "master_key");
    assert_string_equal(text_of(master, "in_use"), text_of(master, "first"));
    assert_null(strstr(w.out, "wrapped"));
    json_decref(all);
}

static void table_is_for_people(void **state)
{
    (void)state;
    const char *kid = kid_of("RS256");
    run("keys list --table");
    assert_int_equal(w.code, 0);
    assert_non_null(strstr(w.out, kid));
    assert_non_null(strstr(w.out, "cookie"));
    assert_int_equal(strncmp(w.out, "FOR ", 4), 0);
}

/* --- rotate -------------------------------------------------------------------------------- */

static void successor_is_published_and_signs_later(void **state)
{
    (void)state;
    const char *old = kid_of("ES256");
    run("keys rotate ES256");
    json_t *done = answer();
    assert_string_equal(text_of(done, "algorithm"), "ES256");
    assert_string_equal(text_of(done, "replaces"), old);
    assert_int_equal(number_of(done, "active_from"), number_of(done, "published") + 2 * 900 + 60);
    assert_null(json_object_get(done, "breaks"));
    assert_string_equal(state_of(text_of(done, "kid")), "published");
    assert_string_equal(state_of(old), "active");
    json_decref(done);
    run("keys rotate ES256");
    expect_complaint(1, "ES256: a successor is published already and signs from 20");
    run("keys rotate RS256");
    json_decref(answer());
}

static void key_of_a_purpose_is_replaced_at_once_and_the_old_one_kept(void **state)
{
    (void)state;
    static const char *const purposes[] = {"token", "refresh", "secret", "cookie", "document"};
    for (size_t i = 0; i < 5; i++) {
        run(arena_printf(w.arena, "keys rotate %s", purposes[i]));
        json_t *done = answer();
        assert_string_equal(text_of(done, "purpose"), purposes[i]);
        assert_int_equal(number_of(done, "id"), 6 + i);
        assert_int_equal(number_of(done, "replaces"), 1 + i);
        json_decref(done);
    }
    assert_int_equal(number_in("SELECT COUNT(*) FROM purpose_keys WHERE retired IS NULL"), 5);
    assert_int_equal(number_in("SELECT COUNT(*) FROM purpose_keys WHERE waiting = 1"), 0);
    assert_int_equal(number_in("SELECT COUNT(*) FROM purpose_keys"), 10);
}

static void command_goes_on_where_another_was_interrupted(void **state)
{
    (void)state;
    run("keys rotate token");
    json_decref(answer());
    execute("UPDATE purpose_keys SET waiting = 1 WHERE id = 6");
    execute("UPDATE purpose_keys SET retired = NULL WHERE id = 1");
    run("keys rotate token");
    json_t *done = answer();
    assert_int_equal(number_of(done, "id"), 6);
    json_decref(done);
}

static void unknown_key_is_refused(void **state)
{
    (void)state;
    run("keys rotate HS256");
    expect_complaint(1, "expected ES256, RS256, token");
    run("keys rotate");
    expect_complaint(2, "a word is missing");
}

/* --- replace-now --------------------------------------------------------------------------- */

static void signing_key_that_got_out_ends_at_once(void **state)
{
    (void)state;
    const char *old = kid_of("ES256");
    const char *other = kid_of("RS256");
    run("keys replace-now ES256");
    json_t *done = answer();
    assert_string_equal(text_of(done, "replaces"), old);
    assert_non_null(strstr(text_of(done, "breaks"), "ID tokens signed until now"));
    assert_string_equal(state_of(text_of(done, "kid")), "active");
    assert_string_equal(state_of(old), "none");
    assert_string_equal(state_of(other), "active");
    json_decref(done);
}

static void successor_that_waits_already_takes_over(void **state)
{
    (void)state;
    run("keys rotate RS256");
    json_t *first = answer();
    run("keys replace-now RS256");
    json_t *done = answer();
    assert_string_equal(text_of(done, "kid"), text_of(first, "kid"));
    assert_string_equal(state_of(text_of(done, "kid")), "active");
    json_decref(first);
    json_decref(done);
}

static void key_of_tokens_that_got_out_ends_at_once(void **state)
{
    (void)state;
    run("keys replace-now token");
    json_t *done = answer();
    assert_non_null(strstr(text_of(done, "breaks"), "access tokens"));
    json_decref(done);
    assert_int_equal(number_in("SELECT COUNT(*) FROM purpose_keys WHERE purpose = 'token'"), 1);
    assert_int_equal(number_in("SELECT id FROM purpose_keys WHERE purpose = 'token'"), 6);
}

static void what_cannot_be_made_again_is_not_thrown_away(void **state)
{
    (void)state;
    run("keys replace-now secret");
    expect_complaint(1, "client rotate-secret");
    run("keys replace-now document");
    expect_complaint(1, "would be lost for good");
    assert_int_equal(number_in("SELECT COUNT(*) FROM purpose_keys"), 5);
}

static void every_change_is_in_the_audit_with_who_did_it(void **state)
{
    (void)state;
    run("keys rotate ES256");
    json_decref(answer());
    run("keys replace-now cookie");
    json_decref(answer());
    assert_int_equal(number_in("SELECT COUNT(*) FROM audit WHERE event IN "
                               "('signing_key_published', 'purpose_key_used', "
                               "'purpose_key_removed') AND detail LIKE '%\"operator\"%'"),
                     3);
}

/* --- rewrap -------------------------------------------------------------------------------- */

/* Settings that name these master keys. */
static const char *settings(const char *file, const char *next)
{
    const char *more =
        next != NULL ? arena_printf(w.arena, "\"master_key_file_next\":\"%s\",", path(next)) : "";
    put("other.json", arena_printf(w.arena,
                                   "{\"issuer\":\"http://127.0.0.1:8080\",\"development\":true,"
                                   "\"master_key_file\":\"%s\",%s\"pages\":\"p\",%s"
                                   "\"listen\":{\"port\":8080},\"store\":{\"sql\":\"sqlite:%s\"}}",
                                   path(file), more, run_managers(), path("t.db")));
    put("next.key", NEXT_KEY);
    assert_int_equal(chmod(path("next.key"), 0600), 0);
    return path("other.json");
}

static void without_a_next_master_key_nothing_is_wrapped(void **state)
{
    (void)state;
    run("keys rewrap");
    expect_complaint(1, "there is no next master key");
}

static void all_keys_are_wrapped_anew_and_the_old_master_key_opens_nothing(void **state)
{
    (void)state;
    run_with(settings("master.key", "next.key"), "keys rewrap");
    json_t *done = answer();
    assert_int_equal(number_of(done, "keys"), 7);
    run_with(settings("master.key", "next.key"), "keys list");
    json_t *all = answer();
    const json_t *master = json_object_get(all, "master_key");
    assert_string_equal(text_of(master, "in_use"), text_of(master, "next"));
    assert_string_equal(text_of(master, "in_use"), text_of(done, "master_key"));
    json_decref(all);
    json_decref(done);
    run("keys list");
    expect_complaint(1, "is not the master key that this database was made with");
    run_with(settings("next.key", NULL), "keys rotate ES256");
    json_decref(answer());
    assert_int_equal(number_in("SELECT COUNT(*) FROM audit WHERE event = 'master_key_changed'"), 1);
}

/* --- while the provider runs --------------------------------------------------------------- */

static void node_that_lacks_the_next_master_key_is_not_left_behind(void **state)
{
    (void)state;
    start_node();
    run_with(settings("master.key", "next.key"), "keys rewrap");
    expect_complaint(1, "the node node does not hold the next master key");
    stop_node();
    run("keys list");
    json_decref(answer());
}

static void running_node_knows_the_change_when_the_command_ends(void **state)
{
    (void)state;
    static const char *const lines[] = {"keys rotate ES256", "keys rotate token",
                                        "keys replace-now RS256", "keys replace-now refresh"};
    start_node();
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        run(lines[i]);
        json_decref(answer());
        assert_int_equal(atomic_load(&node.seen), number_in("SELECT value FROM generation"));
    }
    stop_node();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, run_tear_down)

int main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        TEST(every_key_is_listed_and_no_secret),
        TEST(table_is_for_people),
        TEST(successor_is_published_and_signs_later),
        TEST(key_of_a_purpose_is_replaced_at_once_and_the_old_one_kept),
        TEST(command_goes_on_where_another_was_interrupted),
        TEST(unknown_key_is_refused),
        TEST(signing_key_that_got_out_ends_at_once),
        TEST(successor_that_waits_already_takes_over),
        TEST(key_of_tokens_that_got_out_ends_at_once),
        TEST(what_cannot_be_made_again_is_not_thrown_away),
        TEST(every_change_is_in_the_audit_with_who_did_it),
        TEST(without_a_next_master_key_nothing_is_wrapped),
        TEST(all_keys_are_wrapped_anew_and_the_old_master_key_opens_nothing),
        TEST(node_that_lacks_the_next_master_key_is_not_left_behind),
        TEST(running_node_knows_the_change_when_the_command_ends),
    };
    (void)argc;
    log_set_level(LOG_ERROR);
    run_find_program(argv[0]);
    return cmocka_run_group_tests_name("ctl/keys", tests, NULL, NULL);
}
