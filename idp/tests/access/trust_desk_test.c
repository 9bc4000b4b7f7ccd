#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/authorization.h"
#include "access/grant.h"
#include "access/outbox.h"
#include "access/session.h"
#include "access/trust_desk.h"
#include "base/arena.h"
#include "client/client.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_rows.h"
#include "store/generation.h"
#include "store/sql.h"
#include "tests/access/world.h"

enum { MANY = 1203 };

static const struct client test_client = {.environment = CLIENT_TEST};

/* Loads a list and frees it. */
static enum idp_err load(struct trust *trust, bool in_file, struct trust_loaded *out)
{
    const struct trust_desk desk = {.db = world.app.db,
                                    .by = {.kind = "operator", .name = "alice"},
                                    .now = world.now,
                                    .in_file = in_file};
    enum idp_err err = trust_desk_load(&desk, world.arena, trust, out);
    trust_free(trust);
    return err;
}

static enum idp_err restore(struct trust *trust, struct trust_loaded *out)
{
    const struct trust_desk desk = {.db = world.app.db,
                                    .by = {.kind = "operator", .name = "alice"},
                                    .now = world.now,
                                    .restore = true};
    enum idp_err err = trust_desk_load(&desk, world.arena, trust, out);
    trust_free(trust);
    return err;
}

static struct trust_loaded loaded(struct trust *trust)
{
    struct trust_loaded out;
    assert_int_equal(load(trust, false, &out), IDP_OK);
    return out;
}

static struct trust *whole_list(void)
{
    return world_trust_without(WORLD_AUTHORITIES);
}

/* The last one once more. */
static struct trust *whole_list_again(void)
{
    return world_trust_numbered(world.lists, WORLD_AUTHORITIES);
}

/* This node hears of the newest list. */
static void take_newest(void)
{
    char *why = NULL;
    struct trust_row row;
    struct trust *trust = NULL;
    assert_int_equal(trust_row_newest(world.app.db, world.arena, &row), IDP_OK);
    assert_int_equal(trust_row_load(world.app.db, region_managers(), row.loading, &why, &trust),
                     IDP_OK);
    assert_int_equal(pki_exchange(world.app.pki, trust), IDP_OK);
}

static void deliver(void)
{
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000),
                     IDP_OK);
}

static const struct grant *find(const struct grant *grant)
{
    const struct grant *found = NULL;
    assert_int_equal(grant_find(&world.app.access, world.arena, grant->id, &found), IDP_OK);
    return found;
}

static int64_t generation(void)
{
    int64_t value = 0;
    assert_int_equal(generation_read(world.app.db, &value), IDP_OK);
    return value;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void first_list_counts_and_is_recorded(void **state)
{
    (void)state;
    world_sql("DELETE FROM authorities");
    struct trust *trust = whole_list();
    const char *version = arena_strdup(world.arena, trust->version);
    const char *document = arena_strdup(world.arena, trust->document);
    int64_t before = generation();
    const struct trust_loaded l = loaded(trust);
    assert_true(l.changed);
    assert_int_equal(l.loading, 1);
    assert_int_equal(l.generation, before + 1);
    assert_int_equal(l.endings_count, 0);
    assert_string_equal(l.added, "one two production");
    assert_string_equal(l.removed, "");
    assert_string_equal(world_text("SELECT document FROM trust_lists"), document);
    assert_int_equal(world_number("SELECT COUNT(*) FROM authorities WHERE listed = 1 AND "
                                  "rights_ended IS NULL AND environment = "
                                  "CASE id WHEN 'production' THEN 'production' ELSE 'test' END"),
                     3);
    assert_string_equal(
        world_text("SELECT detail FROM audit WHERE event = 'trust_list_loaded'"),
        arena_printf(world.arena,
                     "{\"actor\":\"operator\",\"by\":\"alice\",\"number\":%lld,\"loading\":1,"
                     "\"version\":\"%s\",\"in_file\":false,\"restored\":false,\"added\":[\"one\","
                     "\"two\",\"production\"],\"removed\":[]}",
                     (long long)world.lists, version));
}

static void list_that_counts_already_changes_nothing(void **state)
{
    (void)state;
    struct trust_loaded again;
    const struct trust_desk desk = {.db = world.app.db, .by = {.kind = "node"}, .now = world.now};
    struct trust *trust = whole_list();
    assert_int_equal(trust_desk_load(&desk, world.arena, trust, &again), IDP_OK);
    int64_t before = generation();
    assert_int_equal(load(trust, false, &again), IDP_OK);
    assert_false(again.changed);
    assert_false(again.signed_anew);
    assert_int_equal(again.loading, 1);
    assert_int_equal(again.generation, 0);
    assert_int_equal(generation(), before);
    assert_int_equal(world_number("SELECT COUNT(*) FROM trust_lists"), 1);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'trust_list_loaded'"),
                     1);
}

static void list_before_is_kept_and_can_count_again(void **state)
{
    (void)state;
    struct trust_row row;
    struct trust *first = NULL;
    char *why = NULL;
    (void)loaded(whole_list());
    (void)loaded(world_trust_without(OF_TWO));
    assert_int_equal(trust_row_load(world.app.db, region_managers(), 1, &why, &first), IDP_OK);
    struct trust_loaded l;
    assert_int_equal(load(first, false, &l), IDP_DENIED); /* an old one */
    assert_int_equal(trust_row_load(world.app.db, region_managers(), 1, &why, &first), IDP_OK);
    assert_int_equal(restore(first, &l), IDP_OK);
    assert_int_equal(l.loading, 3);
    assert_string_equal(l.added, "two");
    assert_int_equal(trust_row_newest(world.app.db, world.arena, &row), IDP_OK);
    assert_int_equal(row.loading, 3);
    assert_int_equal(world_number("SELECT COUNT(DISTINCT document) FROM trust_lists"), 2);
}

static void file_is_remembered_also_when_its_list_counts_already(void **state)
{
    (void)state;
    struct trust_loaded out;
    bool known = true;
    struct trust *trust = whole_list();
    const char *version = arena_strdup(world.arena, trust->version);
    (void)loaded(trust);
    assert_int_equal(trust_row_was_in_file(world.app.db, version, &known), IDP_OK);
    assert_false(known);
    assert_int_equal(load(whole_list_again(), true, &out), IDP_OK);
    assert_false(out.changed);
    assert_int_equal(trust_row_was_in_file(world.app.db, version, &known), IDP_OK);
    assert_true(known);
    (void)loaded(world_trust_without(OF_TWO)); /* by the command: the file is as it was */
    assert_int_equal(trust_row_was_in_file(world.app.db, version, &known), IDP_OK);
    assert_true(known);
}

static void list_of_a_damaged_row_can_be_loaded_again(void **state)
{
    (void)state;
    char *why = NULL;
    struct trust *trust = NULL;
    (void)loaded(whole_list());
    world_sql("UPDATE trust_lists SET document = replace(document, '{', ' {')");
    assert_int_equal(trust_row_load(world.app.db, region_managers(), 1, &why, &trust),
                     IDP_BAD_REQUEST);
    assert_non_null(strstr(why, "in the database (loading 1): is not what was loaded"));
    free(why);
    assert_null(trust);
    const struct trust_loaded l = loaded(whole_list_again());
    assert_true(l.changed);
    assert_int_equal(l.loading, 2);
    take_newest();
}

/* docs/security.md row 36: what was signed stays signed, also when it is over. */
static void list_whose_number_is_not_higher_does_not_come_back(void **state)
{
    (void)state;
    struct trust_loaded out;
    (void)loaded(world_trust_numbered(5, WORLD_AUTHORITIES));
    assert_int_equal(load(world_trust_numbered(5, OF_TWO), false, &out), IDP_DENIED);
    assert_int_equal(load(world_trust_numbered(4, OF_TWO), true, &out), IDP_DENIED);
    (void)loaded(world_trust_numbered(6, OF_TWO));
    assert_int_equal(restore(world_trust_numbered(5, WORLD_AUTHORITIES), &out), IDP_OK);
    /* what counts is the highest of all, not the one in use */
    assert_int_equal(load(world_trust_numbered(6, OF_TWO), false, &out), IDP_DENIED);
    (void)loaded(world_trust_numbered(7, OF_TWO));
    assert_int_equal(world_number("SELECT MAX(number) FROM trust_lists"), 4);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'trust_list_loaded' "
                                  "AND detail LIKE '%\"restored\":true%'"),
                     1);
}

/* docs/security.md row 36. */
static void list_without_signatures_is_not_loaded(void **state)
{
    (void)state;
    char *why = NULL;
    struct trust *bare = NULL;
    struct trust_loaded out;
    struct trust *signed_one = whole_list();
    assert_int_equal(
        trust_parse("list", signed_one->document, signed_one->document_len, &why, &bare), IDP_OK);
    trust_free(signed_one);
    assert_int_equal(load(bare, false, &out), IDP_FAULT);
    assert_int_equal(world_number("SELECT COUNT(*) FROM trust_lists"), 0);
}

static void signatures_of_a_list_are_exchanged_when_it_is_loaded_again(void **state)
{
    (void)state;
    struct trust *trust = whole_list();
    const char *first = arena_strdup(world.arena, trust->signatures);
    (void)loaded(trust);
    trust = whole_list_again(); /* SM2 and ECDSA signatures are never the same again */
    const char *second = arena_strdup(world.arena, trust->signatures);
    assert_string_not_equal(first, second);
    int64_t before = generation();
    const struct trust_loaded l = loaded(trust);
    assert_false(l.changed);
    assert_true(l.signed_anew);
    assert_int_equal(l.generation, before + 1);
    assert_string_equal(world_text("SELECT signatures FROM trust_lists"), second);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'trust_list_signed'"),
                     1);
}

static void list_that_does_not_count_may_be_signed_anew(void **state)
{
    (void)state;
    const struct trust_desk desk = {.db = world.app.db, .by = {.kind = "node"}, .now = world.now};
    (void)loaded(world_trust_numbered(1, WORLD_AUTHORITIES));
    (void)loaded(world_trust_numbered(2, OF_TWO));
    struct trust *again = world_trust_numbered(1, WORLD_AUTHORITIES);
    assert_int_equal(trust_desk_sign(&desk, world.arena, again), IDP_OK);
    assert_string_equal(world_text("SELECT signatures FROM trust_lists WHERE list_number = 1"),
                        again->signatures);
    trust_free(again);
    assert_int_equal(world_number("SELECT MAX(number) FROM trust_lists"), 2);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'trust_list_signed'"),
                     1);
}

/* docs/security.md row 36: whoever can write to the database alone. Each statement is one attack.
 */
static void row_that_was_tampered_with_is_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *statement, *why;
    } attacks[] = {
        {"UPDATE trust_lists SET signatures = ''", "expected a JSON document"},
        {"UPDATE trust_lists SET signatures = '{\"format\":\"tamga-trust-signatures:1\","
         "\"signatures\":[]}'",
         "0 of 0 count"},
        {"UPDATE trust_lists SET document = replace(document, '0471', '0472')",
         "is not what was loaded"},
        {"UPDATE trust_lists SET list_number = 999", "is not what was loaded"},
        {"UPDATE trust_lists SET signatures = (SELECT signatures FROM trust_lists WHERE number = "
         "1)",
         "another text of the list"},
    };
    for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
        char *why = NULL;
        struct trust *trust = NULL;
        world_sql("DELETE FROM trust_lists");
        (void)loaded(whole_list());
        (void)loaded(world_trust_without(OF_TWO));
        world_sql(attacks[i].statement);
        if (trust_row_load(world.app.db, region_managers(), 2, &why, &trust) != IDP_BAD_REQUEST)
            fail_msg("%s", attacks[i].statement);
        assert_null(trust);
        if (strstr(why, attacks[i].why) == NULL)
            fail_msg("%s", why);
        free(why);
    }
}

/* docs/security.md row 8. */
static void database_that_fails_half_way_changes_nothing(void **state)
{
    (void)state;
    struct trust_loaded out;
    struct browser browser = signed_in(LOCK_BELL);
    const struct grant *grant = granted(CLIENT_PLATFORM, &browser);
    (void)loaded(whole_list());
    int64_t before = generation();
    for (int i = 0; i < 6; i++) {
        world.sql.statement = IDP_UNAVAILABLE;
        world.sql.statements_left = i;
        assert_int_equal(load(world_trust_without(OF_ONE), false, &out), IDP_UNAVAILABLE);
    }
    world.sql.statement = IDP_OK;
    assert_int_equal(generation(), before);
    assert_int_equal(world_number("SELECT COUNT(*) FROM trust_lists"), 1);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox"), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM authorities WHERE listed = 1"), 3);
    world_lose_kv();
    assert_false(find(grant)->ended);
}

/* --- rights (docs/security.md row 9) ---------------------------------------------------------- */

static void rights_by_an_authority_that_left_end_and_no_others(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    struct browser real = signed_in(LOCK_PRODUCTION);
    const struct grant *gone = granted(CLIENT_PLATFORM, &bell);
    const struct grant *offline = granted_offline(CLIENT_OTHER, &bell);
    const struct grant *stays = granted(CLIENT_REAL, &real);
    (void)loaded(whole_list());
    const struct trust_loaded l = loaded(world_trust_without(OF_ONE));
    assert_string_equal(l.removed, "one");
    assert_int_equal(l.endings_count, 1);
    assert_string_equal(world_text("SELECT ended_why FROM grants WHERE authority = 'one' LIMIT 1"),
                        "authority_removed");
    deliver();
    assert_true(find(gone)->ended);
    assert_true(find(offline)->ended);
    assert_false(find(stays)->ended);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL"), 0);
}

static enum idp_err insert_many(struct sql_tx *tx, void *unused)
{
    enum idp_err err = IDP_OK;
    (void)unused;
    for (int i = 0; i < MANY && err == IDP_OK; i++) {
        unsigned char id[GRANT_ID_SIZE] = {1, (unsigned char)(i >> 8), (unsigned char)i};
        const struct sql_value params[] = {sql_blob(id, sizeof(id)), sql_int(REGION_NOW)};
        err = sql_run(tx, NULL,
                      &(struct sql_call){"INSERT INTO grants (id, client, enterprise, authority, "
                                         "scope, auth_time, acr, amr, created) VALUES ($1, "
                                         "'platform', 'many', 'one', 'openid', 0, 'a', 'b', $2)",
                                         params, 2},
                      NULL, NULL);
    }
    return err;
}

static void all_rights_end_however_many_there_are(void **state)
{
    (void)state;
    assert_int_equal(sql_transact(world.sql.real, insert_many, NULL), IDP_OK);
    (void)loaded(whole_list());
    (void)loaded(world_trust_without(OF_ONE));
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL"), MANY - 500);
    deliver();
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL"), 0);
}

static void outbox_goes_on_when_the_key_value_store_is_back(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    const struct grant *grant = granted(CLIENT_PLATFORM, &bell);
    (void)loaded(whole_list());
    (void)loaded(world_trust_without(OF_ONE));
    world_kv_is_down(true);
    deliver();
    world_kv_is_down(false);
    assert_false(find(grant)->ended); /* its copy says so; the list does not */
    take_newest();
    assert_false(grant_authority_is_listed(&world.app.access, find(grant)));
    world.now += 3600;
    deliver();
    assert_true(find(grant)->ended);
}

/* A node that has not heard yet works by its old list; the database does not. */
static void node_with_the_old_list_makes_no_grant_any_more(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    struct grant grant = *granted(CLIENT_PLATFORM, &bell);
    (void)loaded(whole_list());
    (void)loaded(world_trust_without(OF_ONE));
    for (int i = 0; i < 2; i++) {
        const struct grant_code code = {.hash = "another", .issued = world.now};
        assert_true(grant_authority_is_listed(&world.app.access, &grant));
        assert_int_equal(grant_make(&world.app.access, world.arena, &grant, &code), IDP_DENIED);
        grant.auth_time = ++world.now; /* somebody signs in there afterwards */
    }
}

static void authority_that_comes_back_revives_nothing(void **state)
{
    (void)state;
    struct browser before = signed_in(LOCK_BELL);
    struct grant grant = *granted(CLIENT_PLATFORM, &before);
    const struct session *session = session_of(&before);
    (void)loaded(whole_list());
    (void)loaded(world_trust_without(OF_ONE));
    (void)loaded(whole_list());
    take_newest();
    /* No tombstone stands yet. */
    assert_false(find(&grant)->ended);
    assert_false(grant_authority_is_listed(&world.app.access, find(&grant)));
    assert_false(authorization_lock_fits(&world.app.access, &test_client, session));
    const struct grant_code code = {.hash = "another", .issued = world.now};
    struct grant late = grant;
    assert_int_equal(grant_make(&world.app.access, world.arena, &late, &code), IDP_DENIED);
    deliver();
    assert_true(find(&grant)->ended);

    world.now++;
    struct browser after = signed_in(LOCK_BELL);
    assert_true(authorization_lock_fits(&world.app.access, &test_client, session_of(&after)));
    const struct grant *fresh = granted(CLIENT_PLATFORM, &after);
    deliver();
    assert_false(find(fresh)->ended);
    assert_true(grant_authority_is_listed(&world.app.access, find(fresh)));
}

static struct trust *list_with_one_for_production(void)
{
    struct trust *usual = whole_list();
    json_t *json = json_loads(usual->document, 0, NULL);
    trust_free(usual);
    json_t *one = json_array_get(json_object_get(json, "authorities"), 0);
    assert_string_equal(json_string_value(json_object_get(one, "id")), "one");
    assert_int_equal(json_object_set_new(one, "environment", json_string("production")), 0);
    struct trust *trust = world_trust_of(json);
    json_decref(json);
    return trust;
}

static void authority_that_changes_its_environment_ends_its_rights(void **state)
{
    (void)state;
    struct browser bell = signed_in(LOCK_BELL);
    struct grant grant = *granted(CLIENT_PLATFORM, &bell);
    const struct session *session = session_of(&bell);
    (void)loaded(whole_list());
    const struct trust_loaded l = loaded(list_with_one_for_production());
    assert_string_equal(l.removed, "one");
    assert_string_equal(l.added, "one");
    take_newest();
    assert_false(authorization_lock_fits(&world.app.access, &test_client, session));
    const struct grant_code code = {.hash = "another", .issued = world.now};
    world.now++;
    struct grant late = grant;
    late.auth_time = world.now;
    assert_int_equal(grant_make(&world.app.access, world.arena, &late, &code), IDP_DENIED);
    deliver();
    assert_true(find(&grant)->ended);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(first_list_counts_and_is_recorded),
        WORLD_TEST(list_that_counts_already_changes_nothing),
        WORLD_TEST(list_before_is_kept_and_can_count_again),
        WORLD_TEST(file_is_remembered_also_when_its_list_counts_already),
        WORLD_TEST(list_of_a_damaged_row_can_be_loaded_again),
        WORLD_TEST(list_whose_number_is_not_higher_does_not_come_back),
        WORLD_TEST(list_without_signatures_is_not_loaded),
        WORLD_TEST(signatures_of_a_list_are_exchanged_when_it_is_loaded_again),
        WORLD_TEST(list_that_does_not_count_may_be_signed_anew),
        WORLD_TEST(row_that_was_tampered_with_is_not_believed),
        WORLD_TEST(database_that_fails_half_way_changes_nothing),
        WORLD_TEST(rights_by_an_authority_that_left_end_and_no_others),
        WORLD_TEST(all_rights_end_however_many_there_are),
        WORLD_TEST(outbox_goes_on_when_the_key_value_store_is_back),
        WORLD_TEST(node_with_the_old_list_makes_no_grant_any_more),
        WORLD_TEST(authority_that_comes_back_revives_nothing),
        WORLD_TEST(authority_that_changes_its_environment_ends_its_rights),
    };
    return cmocka_run_group_tests_name("access/trust_desk", tests, world_prepare, world_forget);
}
