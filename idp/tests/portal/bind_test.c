#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enterprise/choices.h"
#include "evidence/refusals.h"
#include "portal/bind.h"
#include "portal/session.h"
#include "portal/sign_in.h"
#include "tests/portal/visiting.h"

static const struct answer *confirm(struct browser *browser)
{
    return post_json(browser, &portal_bind_confirm_route, good_form);
}

static int64_t bound_to(const char *uscc)
{
    return world_number(arena_printf(world.arena,
                                     "SELECT COUNT(*) FROM locks l JOIN enterprises e ON "
                                     "e.id = l.enterprise WHERE l.unbound IS NULL AND "
                                     "e.uscc = '%s'",
                                     uscc));
}

static const char new_uscc[] = "91150300MA0TEAT3XR";

/* --- good ----------------------------------------------------------------------------------------
 */

static void choices_are_listed_in_both_languages(void **state)
{
    (void)state;
    const struct answer *answer = world_send(&(struct sent){.route = &portal_bind_choices_route});
    assert_int_equal(answer->status, 200);
    assert_int_equal(json_array_size(member(answer, "cities")), 13);
    assert_int_equal(json_array_size(member(answer, "entity_types")), 8);
    const json_t *first = json_array_get(member(answer, "cities"), 0);
    json_t *wanted = json_pack("{s:s, s:s, s:s, s:s}", "id", "hohhot", "zh", "呼和浩特市", "en",
                               "Hohhot", "group", "west");
    bool same = json_equal(wanted, first);
    json_decref(wanted);
    assert_true(same);
}

static void reading_shows_what_the_certificate_says(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct answer *answer = read_to_bind(&browser, LOCK_NEW);
    assert_int_equal(answer->status, 200);
    assert_string_equal(member_text(answer, "certificate.name"), "新草原招标有限公司");
    assert_string_equal(member_text(answer, "certificate.uscc"), new_uscc);
    assert_string_equal(member_text(answer, "certificate.authority.en"), "Example Authority");
    assert_string_equal(member_text(answer, "certificate.key_number"), "KEY0003");
    assert_string_equal(member_text(answer, "certificate.algorithm"), "ES256");
    assert_null(member(answer, "certificate.primary"));
    assert_int_equal(bound_to(new_uscc), 0);
}

static void lock_is_bound_and_signs_in_then(void **state)
{
    (void)state;
    struct browser browser = visit();
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    expect_json(confirm(&browser), 200,
                "{\"enterprise\":{\"name\":\"新草原招标有限公司\",\"uscc\":\"91150300MA0TEAT3XR\","
                "\"entity_types\":[\"bidder\",\"tenderer\"]}}");
    assert_int_equal(bound_to(new_uscc), 1);
    assert_string_equal(
        world_text("SELECT legal_representative || '|' || phone || '|' || address || '|' || email "
                   "|| '|' || city || '|' || standing FROM enterprises "
                   "WHERE uscc = '91150300MA0TEAT3XR'"),
        "李四|0477-123 4567|鄂尔多斯市康巴什区二号|office@new.example|ordos|active");
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'bound'"), 1);
    assert_false(session_of(&browser)->signed_in); /* binding is not signing in */
    const struct answer *answer = sign_in(&browser, LOCK_NEW, NULL);
    assert_int_equal(answer->status, 200);
    assert_true(json_is_true(member(answer, "certificate.primary")));
}

/* The same proof as of a sign-in, of the moment when the lock was read. */
static void what_the_binding_rested_on_is_kept(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *challenge = challenge_for(&browser, "bind", NULL);
    world.now += 5;
    const struct answer *answer = post_json(&browser, &portal_bind_read_route,
                                            sign_in_body(answer_of(LOCK_NEW, challenge), NULL));
    assert_int_equal(answer->status, 200);
    world.now += 60;
    assert_int_equal(confirm(&browser)->status, 200);
    json_t *detail =
        json_loads(world_text("SELECT detail FROM audit WHERE event = 'bound'"), 0, NULL);
    assert_non_null(detail);
    assert_int_equal(json_integer_value(json_object_get(detail, "evidence")), 2);
    assert_string_equal(json_string_value(json_object_get(detail, "challenge")), challenge);
    assert_int_equal(json_integer_value(json_object_get(detail, "asked")), REGION_NOW);
    assert_int_equal(json_integer_value(json_object_get(detail, "decided")), REGION_NOW + 5);
    const char *kept =
        arena_printf(world.arena,
                     "SELECT COUNT(*) FROM evidence_objects WHERE kind <> 'refused' AND hash IN "
                     "('%s', '%s', '%s')",
                     json_string_value(json_array_get(json_object_get(detail, "chain"), 0)),
                     json_string_value(json_array_get(json_object_get(detail, "chain"), 1)),
                     json_string_value(json_object_get(json_object_get(detail, "status"), "ocsp")));
    assert_int_equal(world_number(kept), 3);
    assert_int_equal(
        world_number(arena_printf(
            world.arena, "SELECT seen FROM certificates WHERE reason IS NULL AND hash = '%s'",
            json_string_value(json_object_get(detail, "certificate")))),
        REGION_NOW + 5);
    json_decref(detail);
}

static void enterprise_that_was_unbound_keeps_its_subject_when_it_binds_again(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct holder *bell = &world.holders[LOCK_BELL];
    world_sql("UPDATE locks SET unbound = 1");
    assert_int_equal(read_to_bind(&browser, LOCK_BELL_OTHER)->status, 200);
    assert_int_equal(confirm(&browser)->status, 200);
    assert_int_equal(sign_in(&browser, LOCK_BELL_OTHER, NULL)->status, 200);
    assert_string_equal(session_of(&browser)->enterprise, bell->enterprise.id);
    assert_string_not_equal(session_of(&browser)->lock, bell->lock.id);
    assert_string_equal(
        world_text("SELECT address FROM enterprises WHERE uscc = '" REGION_USCC "'"),
        "鄂尔多斯市康巴什区二号");
}

static void same_lock_bound_again_is_the_same_lock(void **state)
{
    (void)state;
    struct browser browser = visit();
    world_sql("UPDATE locks SET unbound = 1");
    assert_int_equal(read_to_bind(&browser, LOCK_BELL)->status, 200);
    assert_int_equal(confirm(&browser)->status, 200);
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    assert_string_equal(session_of(&browser)->lock, world.holders[LOCK_BELL].lock.id);
}

static int64_t told(const char *address)
{
    return world_number(arena_printf(
        world.arena, "SELECT COUNT(*) FROM outbox WHERE kind = 'mail' AND target = '%s'", address));
}

static void binding_is_told_to_the_address_that_was_given(void **state)
{
    (void)state;
    struct browser browser = visit();
    world.app.access.tells = true;
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    assert_int_equal(confirm(&browser)->status, 200);
    assert_int_equal(told("office@new.example"), 1);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox"), 1);
    assert_non_null(
        strstr(world_text("SELECT body FROM outbox"), "\"news\":\"lock_bound\",\"name\":\"新草原"));
}

/* Whoever binds a lock writes the address as well: those who were there before must hear of it. */
static void binding_again_is_told_to_the_address_from_before_too(void **state)
{
    (void)state;
    struct browser browser = visit();
    world.app.access.tells = true;
    world_sql("UPDATE locks SET unbound = 1");
    assert_int_equal(read_to_bind(&browser, LOCK_BELL_OTHER)->status, 200);
    assert_int_equal(confirm(&browser)->status, 200);
    assert_int_equal(told("office@new.example"), 1);
    assert_int_equal(told("office@bidder.example"), 1);
}

/* --- refusals ------------------------------------------------------------------------------------
 */

static void bound_locks_are_told_what_to_do(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct answer *answer = read_to_bind(&browser, LOCK_BELL);
    expect_error(answer, 409, "lock.already_bound");
    assert_string_equal(member_text(answer, "error.action"), "sign_in");
    assert_non_null(strstr(member_text(answer, "error.message.zh"), "风铃建设有限公司"));
    expect_error(read_to_bind(&browser, LOCK_BELL_OTHER), 409, "lock.uscc_has_lock");
    expect_error(read_to_bind(&browser, LOCK_BELL_TWO), 409, "lock.other_authority");
    expect_error(confirm(&browser), 409, "binding.gone"); /* none of them was remembered */
}

static void refused_reading_is_counted(void **state)
{
    (void)state;
    struct browser browser = visit();
    expect_error(read_to_bind(&browser, LOCK_BELL), 409, "lock.already_bound");
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    assert_int_equal(world_number("SELECT count FROM refusals WHERE authority = 'one' AND reason = "
                                  "'lock.already_bound' AND certificate <> ''"),
                     1);
}

/* docs/security.md row 39: that the company cannot be told changes no answer. */
static void claim_that_cannot_be_noted_is_refused_all_the_same(void **state)
{
    (void)state;
    struct browser browser = visit();
    atomic_store(&world.sql.transact, IDP_UNAVAILABLE);
    expect_error(read_to_bind(&browser, LOCK_BELL_TWO), 409, "lock.other_authority");
    atomic_store(&world.sql.transact, IDP_OK);
    expect_error(read_to_bind(&browser, LOCK_BELL_TWO), 409, "lock.other_authority");
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'uscc_claimed'"), 1);
}

static void signature_for_signing_in_binds_nothing(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *login = challenge_for(&browser, "login", NULL);
    expect_error(post_json(&browser, &portal_bind_read_route,
                           sign_in_body(answer_of(LOCK_NEW, login), NULL)),
                 403, "challenge.gone");
    (void)challenge_for(&browser, "bind", NULL);
    expect_error(post_json(&browser, &portal_bind_read_route,
                           sign_in_body(answer_of(LOCK_NEW, login), NULL)),
                 403, "lock.not_accepted");
}

static void nothing_is_bound_without_a_lock_that_was_read_in_this_session(void **state)
{
    (void)state;
    struct browser browser = visit();
    struct browser another = visit();
    expect_error(confirm(&browser), 409, "binding.gone");
    assert_int_equal(read_to_bind(&another, LOCK_NEW)->status, 200);
    expect_error(confirm(&browser), 409, "binding.gone");
    assert_int_equal(confirm(&another)->status, 200);
    expect_error(confirm(&another), 409, "binding.gone"); /* once */
}

/* docs/security.md row 27. */
static void reading_is_over_after_its_time(void **state)
{
    (void)state;
    struct browser browser = visit();
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    world.now += 900;
    expect_error(confirm(&browser), 409, "binding.gone");
    world.now--;
    assert_int_equal(confirm(&browser)->status, 200);
}

/* The good form, in which a member has another value. */
static const char *form_with(const char *name, json_t *value)
{
    json_t *form = json_loads(good_form, 0, NULL);
    if (value != NULL)
        assert_int_equal(json_object_set_new(form, name, value), 0);
    else
        assert_int_equal(json_object_del(form, name), 0);
    char *text = json_dumps(form, 0);
    json_decref(form);
    const char *kept = arena_strdup(world.arena, text);
    free(text);
    return kept;
}

static void expect_field(struct browser *browser, const char *name, json_t *value)
{
    const struct answer *answer =
        post_json(browser, &portal_bind_confirm_route, form_with(name, value));
    expect_error(answer, 422, "form.invalid");
    assert_string_equal(member_text(answer, "error.facts.field"), name);
    assert_string_equal(member_text(answer, "error.facts.fields"), name);
}

static void every_wrong_field_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } bad[] = {
        {"city", ""},
        {"city", "beijing"},
        {"city", "Ordos"},
        {"legal_representative", ""},
        {"legal_representative", "   "},
        {"legal_representative", "a\tb"},
        {"phone", ""},
        {"phone", "1234"},
        {"phone", "call me"},
        {"phone", "0477-1234567;drop"},
        {"phone", "123456789012345678901"},
        {"address", " "},
        {"address", "a\nb"},
        {"email", ""},
        {"email", "office"},
        {"email", "@new.example"},
        {"email", "office@"},
        {"email", "office@new"},
        {"email", "office@.example."},
        {"email", "a@b@new.example"},
        {"email", "office @new.example"},
        {"email", "a@new.example,b@new.example"},
        {"email", "a@new.example\r\nBcc: b@evil.example"},
    };
    struct browser browser = visit();
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        expect_field(&browser, bad[i].name, json_string(bad[i].value));
    static const char *const names[] = {"city",  "legal_representative", "phone", "address",
                                        "email", "entity_types"};
    for (size_t i = 0; i < 6; i++)
        expect_field(&browser, names[i], NULL);
    expect_field(&browser, "entity_types", json_array());
    expect_field(&browser, "entity_types", json_pack("[s]", "king"));
    expect_field(&browser, "entity_types", json_pack("[s,s]", "bidder", "bidder"));
    expect_field(&browser, "entity_types", json_pack("[s,i]", "bidder", 1));
    assert_int_equal(bound_to(new_uscc), 0);
    assert_int_equal(confirm(&browser)->status, 200); /* nothing else was lost */
}

static void all_wrong_fields_are_named_at_once(void **state)
{
    (void)state;
    struct browser browser = visit();
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    const struct answer *answer = post_json(&browser, &portal_bind_confirm_route, "{}");
    assert_string_equal(member_text(answer, "error.facts.fields"),
                        "city legal_representative phone address email entity_types");
}

/* What the certificate tells cannot be typed over. */
static void form_takes_nothing_that_the_certificate_tells(void **state)
{
    (void)state;
    static const char *const names[] = {"uscc", "name", "authority", "serial", "id", "standing"};
    struct browser browser = visit();
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    for (size_t i = 0; i < 6; i++)
        expect_error(post_json(&browser, &portal_bind_confirm_route,
                               form_with(names[i], json_string(REGION_USCC))),
                     400, "request.shape");
}

/* --- races ---------------------------------------------------------------------------------------
 */

static void of_two_who_bind_one_uscc_one_wins_and_the_other_is_told(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        const struct answer *answers[2];
        struct browser one = visit();
        struct browser two = visit();
        world_sql("UPDATE locks SET unbound = 1 WHERE authority = 'one'");
        assert_int_equal(read_to_bind(&one, LOCK_BELL)->status, 200);
        assert_int_equal(read_to_bind(&two, LOCK_BELL_OTHER)->status, 200);
        const struct sent sent[2] = {posted(&one, &portal_bind_confirm_route, good_form),
                                     posted(&two, &portal_bind_confirm_route, good_form)};
        world_send_at_once(sent, 2, answers);
        int winner = answers[0]->status == 200 ? 0 : 1;
        assert_int_equal(answers[winner]->status, 200);
        expect_error(answers[1 - winner], 409, "lock.uscc_has_lock");
        assert_int_equal(bound_to(REGION_USCC), 1);
    }
}

static void one_lock_confirmed_twice_at_once_is_bound_once(void **state)
{
    (void)state;
    const struct answer *answers[2];
    struct browser browser = visit();
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    const struct sent sent[2] = {posted(&browser, &portal_bind_confirm_route, good_form),
                                 posted(&browser, &portal_bind_confirm_route, good_form)};
    world_send_at_once(sent, 2, answers);
    assert_int_equal((answers[0]->status == 200) + (answers[1]->status == 200), 1);
    assert_int_equal(answers[answers[0]->status == 200]->status, 409);
    assert_int_equal(bound_to(new_uscc), 1);
}

static void record_that_changed_meanwhile_is_checked_again(void **state)
{
    (void)state;
    struct browser one = visit();
    struct browser two = visit();
    world_sql("UPDATE locks SET unbound = 1");
    assert_int_equal(read_to_bind(&one, LOCK_BELL)->status, 200);
    assert_int_equal(read_to_bind(&two, LOCK_BELL_TWO)->status, 200);
    assert_int_equal(confirm(&one)->status, 200);
    expect_error(confirm(&two), 409, "lock.other_authority");
}

/* --- stores that fail
 * ------------------------------------------------------------------------------ */

static void dead_stores_bind_nothing(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *answer = answer_of(LOCK_NEW, challenge_for(&browser, "bind", NULL));
    world_sql_is_down(true);
    expect_error(post_json(&browser, &portal_bind_read_route, sign_in_body(answer, NULL)), 503,
                 "server.unavailable");
    world_sql_is_down(false);
    assert_int_equal(read_to_bind(&browser, LOCK_NEW)->status, 200);
    world_sql_is_down(true);
    expect_error(confirm(&browser), 503, "server.unavailable");
    world_sql_is_down(false);
    world_kv_is_down(true);
    expect_error(confirm(&browser), 503, "server.unavailable");
    world_kv_is_down(false);
    assert_int_equal(bound_to(new_uscc), 0);
    assert_int_equal(confirm(&browser)->status, 200);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(choices_are_listed_in_both_languages),
        WORLD_TEST(reading_shows_what_the_certificate_says),
        WORLD_TEST(lock_is_bound_and_signs_in_then),
        WORLD_TEST(enterprise_that_was_unbound_keeps_its_subject_when_it_binds_again),
        WORLD_TEST(same_lock_bound_again_is_the_same_lock),
        WORLD_TEST(binding_is_told_to_the_address_that_was_given),
        WORLD_TEST(binding_again_is_told_to_the_address_from_before_too),
        WORLD_TEST(what_the_binding_rested_on_is_kept),
        WORLD_TEST(bound_locks_are_told_what_to_do),
        WORLD_TEST(refused_reading_is_counted),
        WORLD_TEST(claim_that_cannot_be_noted_is_refused_all_the_same),
        WORLD_TEST(signature_for_signing_in_binds_nothing),
        WORLD_TEST(nothing_is_bound_without_a_lock_that_was_read_in_this_session),
        WORLD_TEST(reading_is_over_after_its_time),
        WORLD_TEST(every_wrong_field_is_named),
        WORLD_TEST(all_wrong_fields_are_named_at_once),
        WORLD_TEST(form_takes_nothing_that_the_certificate_tells),
        WORLD_TEST(of_two_who_bind_one_uscc_one_wins_and_the_other_is_told),
        WORLD_TEST(one_lock_confirmed_twice_at_once_is_bound_once),
        WORLD_TEST(record_that_changed_meanwhile_is_checked_again),
        WORLD_TEST(dead_stores_bind_nothing),
    };
    return cmocka_run_group_tests_name("portal/bind", tests, world_prepare, world_forget);
}
