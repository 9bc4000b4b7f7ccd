#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/kv.h"
#include "tests/access/world.h"

static const struct access *access_of_world(void)
{
    return &world.app.access;
}

static enum idp_err find(const char *cookie)
{
    struct session *session = NULL;
    return session_find(access_of_world(), world.arena, cookie, world.now, &session);
}

static void visitors_cookie_is_believed_and_needs_no_store(void **state)
{
    (void)state;
    struct browser browser = visitor();
    world_kv_is_down(true);
    const struct session *session = session_of(&browser);
    assert_non_null(session);
    assert_false(session->signed_in);
    assert_string_equal(session->token, browser.token);
}

static void cookie_that_we_did_not_make_is_no_session(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct browser member_of = signed_in(LOCK_BELL);
    char altered[256];
    const char *const cookies[] = {browser.cookie, member_of.cookie};
    for (size_t k = 0; k < 2; k++) {
        size_t len = strlen(cookies[k]);
        for (size_t i = 0; i <= len; i++) { /* each character changed, and one too many */
            memcpy(altered, cookies[k], len + 1);
            altered[i] = altered[i] == 'A' ? 'B' : 'A';
            altered[len + (i == len)] = '\0';
            assert_int_equal(find(altered), IDP_NOT_FOUND);
        }
        memcpy(altered, cookies[k], len);
        altered[len - 1] = '\0';
        assert_int_equal(find(altered), IDP_NOT_FOUND);
    }
    assert_int_equal(find(NULL), IDP_NOT_FOUND);
    assert_int_equal(find(""), IDP_NOT_FOUND);
    assert_int_equal(find("v"), IDP_NOT_FOUND);
    assert_int_equal(find("s"), IDP_NOT_FOUND);
}

static void who_signed_in_is_found_as_they_proved_themselves(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    assert_non_null(session);
    assert_true(session->signed_in);
    assert_string_equal(session->enterprise, world.holders[LOCK_BELL].enterprise.id);
    assert_string_equal(session->lock, world.holders[LOCK_BELL].lock.id);
    assert_string_equal(session->environment, "test");
    assert_string_equal(session->acr, "urn:tamga:acr:lock");
    assert_string_equal(session->amr, "hwk pin");
    assert_int_equal(session->auth_time, world.now);
    assert_string_equal(session->token, browser.token);
}

static void signing_in_gives_a_new_id_and_leaves_the_old_one_to_be_ended(void **state)
{
    (void)state;
    struct browser old = signed_in(LOCK_BELL);
    struct session *opened = NULL;
    const struct session_proof proof = {
        .holder = &world.holders[LOCK_HARBOUR], .environment = "test", .acr = "a", .amr = "b"};
    assert_int_equal(session_sign_in(access_of_world(), world.arena, session_of(&old), &proof,
                                     world.now, &opened),
                     IDP_OK);
    assert_string_not_equal(opened->id, old.cookie);
    assert_string_not_equal(opened->token, old.token);
    assert_string_not_equal(opened->family, session_of(&old)->family); /* another enterprise */
    assert_int_equal(session_end(access_of_world(), session_of(&old)), IDP_OK);
    assert_int_equal(find(old.cookie), IDP_NOT_FOUND);
    assert_int_equal(find(opened->id), IDP_OK);
}

static void same_enterprise_goes_on_with_its_family(void **state)
{
    (void)state;
    struct browser old = signed_in(LOCK_BELL);
    struct session *opened = NULL;
    const struct session_proof proof = {
        .holder = &world.holders[LOCK_BELL], .environment = "test", .acr = "a", .amr = "b"};
    assert_int_equal(session_sign_in(access_of_world(), world.arena, session_of(&old), &proof,
                                     world.now, &opened),
                     IDP_OK);
    assert_string_equal(opened->family, session_of(&old)->family);
    assert_string_not_equal(opened->hash, opened->family);
}

static void visitors_cookie_is_not_signed_in_by_signing_in(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct session *opened = NULL;
    const struct session_proof proof = {
        .holder = &world.holders[LOCK_BELL], .environment = "test", .acr = "a", .amr = "b"};
    assert_int_equal(session_sign_in(access_of_world(), world.arena, session_of(&browser), &proof,
                                     world.now, &opened),
                     IDP_OK);
    assert_false(session_of(&browser)->signed_in);
}

/* docs/security.md row 27. */
static void session_ends_when_it_was_idle_for_its_time(void **state)
{
    (void)state;
    static const struct {
        int64_t after;
        enum idp_err expected;
    } cases[] = {{1799, IDP_OK}, {1800, IDP_NOT_FOUND}, {1801, IDP_NOT_FOUND}};
    for (size_t i = 0; i < 3; i++) {
        world.now = REGION_NOW;
        struct browser browser = signed_in(LOCK_BELL);
        world.now += cases[i].after;
        assert_int_equal(find(browser.cookie), cases[i].expected);
    }
}

static void session_in_use_lives_until_its_absolute_end(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    for (; world.now < REGION_NOW + 28800 - 1; world.now += 900)
        assert_int_equal(find(browser.cookie), IDP_OK);
    world.now = REGION_NOW + 28800 - 1;
    assert_int_equal(find(browser.cookie), IDP_OK);
    world.now++;
    assert_int_equal(find(browser.cookie), IDP_NOT_FOUND);
    world.now++;
    assert_int_equal(find(browser.cookie), IDP_NOT_FOUND);
}

static void dead_store_is_not_a_session_that_is_over(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    world_kv_is_down(true);
    assert_int_equal(find(browser.cookie), IDP_UNAVAILABLE);
    world_kv_is_down(false);
    world.now += 120; /* now it has to be written as seen */
    world.kv.calls = FAULTY_SWAP;
    world.kv.error = IDP_UNAVAILABLE;
    assert_int_equal(find(browser.cookie), IDP_UNAVAILABLE);
}

static void session_that_ends_while_it_is_seen_stays_ended(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    world.now += 120;
    assert_int_equal(session_end(access_of_world(), session), IDP_OK);
    assert_int_equal(find(browser.cookie), IDP_NOT_FOUND);
    assert_int_equal(session_end(access_of_world(), session), IDP_OK); /* once more is no error */
}

static enum idp_err check_codes(const struct session *session)
{
    return session_check_codes(access_of_world(), world.arena, session->family);
}

static void codes_of_a_session_can_be_closed_before_it_ends(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct browser another = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    assert_int_equal(check_codes(session), IDP_OK);
    assert_int_equal(session_close_codes(access_of_world(), session->family), IDP_OK);
    assert_int_equal(check_codes(session), IDP_DENIED);
    assert_int_equal(find(browser.cookie), IDP_OK);
    assert_int_equal(session_end(access_of_world(), session), IDP_OK);
    assert_int_equal(check_codes(session), IDP_DENIED);
    assert_int_equal(check_codes(session_of(&another)), IDP_OK);
}

static void session_that_was_lost_with_the_store_was_not_ended(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    world_lose_kv();
    assert_int_equal(find(browser.cookie), IDP_NOT_FOUND);
    assert_int_equal(check_codes(session), IDP_OK);
}

static void dead_store_does_not_say_that_a_session_goes_on(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    world_kv_is_down(true);
    assert_int_equal(check_codes(session), IDP_UNAVAILABLE);
    assert_int_equal(session_close_codes(access_of_world(), session->family), IDP_UNAVAILABLE);
    assert_int_equal(session_end(access_of_world(), session), IDP_UNAVAILABLE);
}

static bool holds(struct kv_bytes record, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= record.len; i++)
        if (memcmp((const char *)record.bytes + i, text, len) == 0)
            return true;
    return false;
}

/* A code is taken at the last moment, and its grant is committed after the code would have been
 * over: the mark has to stand when it is looked for then. */
static void closed_codes_stay_closed_for_longer_than_a_code_lives(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    world.app.access.code_s = 0; /* it lives for a millisecond */
    assert_int_equal(session_close_codes(access_of_world(), session->family), IDP_OK);
    for (int64_t end = clock_ticks_ms() + 3; clock_ticks_ms() < end;)
        ;
    assert_int_equal(check_codes(session), IDP_DENIED);
}

static void only_the_hash_of_a_session_is_kept(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    struct kv_bytes record;
    assert_int_equal(
        kv_get(world.app.kv, KV_SESSION, kv_text(browser.cookie), world.arena, &record),
        IDP_NOT_FOUND);
    assert_int_equal(kv_get(world.app.kv, KV_SESSION, kv_text(session->hash), world.arena, &record),
                     IDP_OK);
    assert_false(holds(record, browser.cookie));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(visitors_cookie_is_believed_and_needs_no_store),
        WORLD_TEST(cookie_that_we_did_not_make_is_no_session),
        WORLD_TEST(who_signed_in_is_found_as_they_proved_themselves),
        WORLD_TEST(signing_in_gives_a_new_id_and_leaves_the_old_one_to_be_ended),
        WORLD_TEST(same_enterprise_goes_on_with_its_family),
        WORLD_TEST(visitors_cookie_is_not_signed_in_by_signing_in),
        WORLD_TEST(session_ends_when_it_was_idle_for_its_time),
        WORLD_TEST(session_in_use_lives_until_its_absolute_end),
        WORLD_TEST(dead_store_is_not_a_session_that_is_over),
        WORLD_TEST(session_that_ends_while_it_is_seen_stays_ended),
        WORLD_TEST(codes_of_a_session_can_be_closed_before_it_ends),
        WORLD_TEST(closed_codes_stay_closed_for_longer_than_a_code_lives),
        WORLD_TEST(session_that_was_lost_with_the_store_was_not_ended),
        WORLD_TEST(dead_store_does_not_say_that_a_session_goes_on),
        WORLD_TEST(only_the_hash_of_a_session_is_kept),
    };
    return cmocka_run_group_tests_name("access/session", tests, world_prepare, world_forget);
}
