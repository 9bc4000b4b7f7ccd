#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "portal/bind.h"
#include "portal/challenge.h"
#include "portal/consent.h"
#include "portal/interaction.h"
#include "portal/platforms.h"
#include "portal/session.h"
#include "portal/shared/browser.h"
#include "portal/sign_in.h"
#include "tests/portal/visiting.h"

/* --- the session -------------------------------------------------------------------------------
 */

static void first_visit_gets_a_session_and_is_told_where_the_assistant_is(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    const struct answer *answer = browse(&browser, &portal_session_route, NULL);
    expect_json(answer, 200,
                arena_printf(world.arena,
                             "{\"token\":\"%s\",\"signed_in\":false,\"assistant\":{\"address\":"
                             "\"http://127.0.0.1:17681\",\"minimum_version\":\"0.1.0\"}}",
                             browser.token));
    assert_non_null(answer->set_cookie);
    answer = browse(&browser, &portal_session_route, NULL);
    assert_null(answer->set_cookie);
}

static void who_is_signed_in_is_shown(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct holder *bell = &world.holders[LOCK_BELL];
    const struct answer *answer = browse(&browser, &portal_session_route, NULL);
    expect_json(
        answer, 200,
        arena_printf(
            world.arena,
            "{\"token\":\"%s\",\"signed_in\":true,\"assistant\":{\"address\":"
            "\"http://127.0.0.1:17681\",\"minimum_version\":\"0.1.0\"},"
            "\"enterprise\":{\"name\":\"风铃建设有限公司\",\"uscc\":\"" REGION_USCC
            "\",\"entity_types\":[\"bidder\",\"supplier\"]},"
            "\"lock\":{\"authority\":{\"zh\":\"示例认证中心\",\"en\":\"Example Authority\"},"
            "\"serial\":\"%s\",\"not_after\":%lld,\"key_number\":\"KEY0001\",\"primary\":true},"
            "\"auth_time\":%lld}",
            browser.token, bell->lock.serial, (long long)bell->lock.not_after,
            (long long)world.now));
}

static void holder_in_bad_standing_is_not_signed_in_any_more(void **state)
{
    (void)state;
    static const char *const changes[] = {"UPDATE locks SET unbound = 1",
                                          "UPDATE enterprises SET standing = 'suspended'"};
    for (size_t i = 0; i < 2; i++) {
        struct browser browser = signed_in(LOCK_BELL);
        const char *before = browser.cookie;
        world_sql(changes[i]);
        world_forget_holder(LOCK_BELL);
        const struct answer *answer = browse(&browser, &portal_session_route, NULL);
        assert_true(json_is_false(member(answer, "signed_in")));
        assert_string_not_equal(browser.cookie, before);
    }
}

static void dead_store_is_not_a_first_visit(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    world_kv_is_down(true);
    const struct answer *answer = browse(&browser, &portal_session_route, NULL);
    expect_error(answer, 503, "server.unavailable");
    assert_non_null(answer->retry_after);
    assert_null(answer->set_cookie);
}

/* --- signing out --------------------------------------------------------------------------------
 */

static int64_t open_grants(void)
{
    return world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL");
}

static void sign_out_ends_session_and_grants(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct browser before = browser;
    (void)granted(CLIENT_PLATFORM, &browser);
    (void)granted(CLIENT_OTHER, &browser);
    expect_json(post_json(&browser, &portal_sign_out_route, "{}"), 200, "{}");
    assert_null(browser.cookie);
    assert_null(session_of(&before));
    assert_int_equal(open_grants(), 0);
}

static void visitor_may_sign_out_too(void **state)
{
    (void)state;
    struct browser browser = visitor();
    world_sql_is_down(true);
    assert_int_equal(post_json(&browser, &portal_sign_out_route, "{}")->status, 200);
}

/* docs/security.md row 8: whatever fails, the caller hears it, and can sign out again. */
static void sign_out_that_failed_can_be_tried_again(void **state)
{
    (void)state;
    static const unsigned calls[] = {FAULTY_PUT, FAULTY_TAKE};
    struct browser browser = signed_in(LOCK_BELL);
    (void)granted(CLIENT_PLATFORM, &browser);
    world.sql.transact = IDP_UNAVAILABLE;
    expect_error(post_json(&browser, &portal_sign_out_route, "{}"), 503, "server.unavailable");
    world.sql.transact = IDP_OK;
    assert_int_equal(open_grants(), 1);
    assert_non_null(session_of(&browser));
    for (size_t i = 0; i < 2; i++) {
        world.kv.error = IDP_UNAVAILABLE;
        world.kv.calls = calls[i];
        expect_error(post_json(&browser, &portal_sign_out_route, "{}"), 503, "server.unavailable");
        world.kv.error = IDP_OK;
        assert_non_null(session_of(&browser));
    }
    assert_int_equal(post_json(&browser, &portal_sign_out_route, "{}")->status, 200);
    assert_int_equal(open_grants(), 0);
}

/* --- who may call (docs/security.md row 24)
 * --------------------------------------------------------------- */

/* Every call that changes something, with a body of the right shape. */
static const struct change {
    const struct route *route;
    const char *body;
} changes[] = {
    {&portal_sign_out_route, "{}"},
    {&portal_challenge_route, "{\"purpose\":\"login\"}"},
    {&portal_certificate_route, "{\"certificate\":\"AAAA\"}"},
    {&portal_sign_in_route, "{\"answer\":{}}"},
    {&portal_continue_route, "{\"interaction\":\"x\"}"},
    {&portal_consent_route, "{\"interaction\":\"x\",\"decision\":\"allow\"}"},
    {&portal_launch_route, "{\"client\":\"platform\"}"},
    {&portal_bind_read_route, "{\"answer\":{}}"},
    {&portal_bind_confirm_route, good_form},
};

enum { CHANGES = sizeof(changes) / sizeof(*changes) };

static void expect_refused(const struct sent *sent, int status, const char *code)
{
    const struct answer *answer = world_send(sent);
    expect_error(answer, status, code);
    assert_null(answer->set_cookie);
    assert_non_null(member_text(answer, "error.message.zh"));
    assert_non_null(member_text(answer, "error.message.en"));
    assert_non_null(member_text(answer, "error.next.zh"));
    assert_non_null(member_text(answer, "error.next.en"));
    assert_string_equal(member_text(answer, "error.request"), "0123456789abcdef");
}

static void no_change_without_our_own_origin(void **state)
{
    (void)state;
    static const char *const origins[] = {NULL,
                                          "",
                                          "null",
                                          "http://127.0.0.1:8081",
                                          "http://127.0.0.1",
                                          "https://127.0.0.1:8080",
                                          "http://localhost:8080",
                                          "http://127.0.0.1:8080/",
                                          "http://127.0.0.1:8080 ",
                                          "HTTP://127.0.0.1:8080",
                                          "http://127.0.0.1:8080.evil.example",
                                          "http://evil.example"};
    struct browser browser = signed_in(LOCK_BELL);
    for (size_t i = 0; i < CHANGES; i++) {
        for (size_t k = 0; k < sizeof(origins) / sizeof(*origins); k++) {
            struct sent sent = posted(&browser, changes[i].route, changes[i].body);
            sent.origin = origins[k];
            expect_refused(&sent, 403, "request.origin");
        }
    }
    assert_non_null(session_of(&browser)); /* nobody was signed out by it */
}

static void no_change_without_the_sessions_token(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct browser another = signed_in(LOCK_BELL);
    struct browser stranger = visitor();
    const char *const tokens[] = {NULL, "", "x", another.token, stranger.token, browser.cookie};
    for (size_t i = 0; i < CHANGES; i++) {
        struct sent sent = posted(&browser, changes[i].route, changes[i].body);
        for (size_t k = 0; k < sizeof(tokens) / sizeof(*tokens); k++) {
            sent.token = tokens[k];
            expect_refused(&sent, 403, "request.token");
        }
        sent.token = browser.token;
        sent.cookie = NULL;
        expect_refused(&sent, 403, "request.token");
        sent.cookie = arena_printf(world.arena, "__Host-tamga=%s; __Host-tamga=%s", browser.cookie,
                                   another.cookie);
        expect_refused(&sent, 403, "request.token");
        sent.cookie = arena_printf(world.arena, "__Host-tamga=%s", another.cookie);
        expect_refused(&sent, 403, "request.token");
    }
    assert_non_null(session_of(&browser));
}

static void no_change_but_as_json(void **state)
{
    (void)state;
    static const char *const types[] = {
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "",           "application/json; charset=gbk",     "application/jsonp"};
    struct browser browser = signed_in(LOCK_BELL);
    for (size_t i = 0; i < CHANGES; i++) {
        struct sent sent = posted(&browser, changes[i].route, changes[i].body);
        for (size_t k = 0; k < sizeof(types) / sizeof(*types); k++) {
            sent.type = types[k];
            expect_refused(&sent, 400, "request.shape");
        }
    }
    assert_non_null(session_of(&browser));
}

static void bodies_of_another_shape_are_refused(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    for (size_t i = 0; i < CHANGES; i++) {
        const char *body = changes[i].body;
        const char *unknown = strcmp(body, "{}") == 0
                                  ? "{\"x\":1}"
                                  : arena_printf(world.arena, "{\"x\":1,%s", body + 1);
        const char *const bad[] = {"",
                                   "[]",
                                   "null",
                                   "{",
                                   unknown,
                                   arena_printf(world.arena, "%s%s", body, body),
                                   arena_printf(world.arena, "%s x", body)};
        for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
            struct sent sent = posted(&browser, changes[i].route, bad[k]);
            expect_refused(&sent, 400, "request.shape");
        }
    }
}

/* docs/security.md row 3. */
static void member_that_comes_twice_is_refused(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    for (size_t i = 0; i < CHANGES; i++) {
        size_t len = strlen(changes[i].body) - 2;
        if (len == 0)
            continue;
        struct sent sent = posted(&browser, changes[i].route,
                                  arena_printf(world.arena, "{%.*s,%.*s}", (int)len,
                                               changes[i].body + 1, (int)len, changes[i].body + 1));
        expect_refused(&sent, 400, "request.shape");
    }
}

static void dead_store_is_busy_for_every_change(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    world_kv_is_down(true);
    for (size_t i = 0; i < CHANGES; i++) {
        struct sent sent = posted(&browser, changes[i].route, changes[i].body);
        expect_refused(&sent, 503, "server.unavailable");
    }
}

static void some_changes_need_somebody_signed_in(void **state)
{
    (void)state;
    static const struct route *const members[] = {&portal_continue_route, &portal_consent_route,
                                                  &portal_launch_route};
    struct browser browser = visitor();
    for (size_t i = 0; i < CHANGES; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct sent sent = posted(&browser, changes[i].route, changes[i].body);
            if (changes[i].route == members[k])
                expect_refused(&sent, 401, "session.gone");
        }
    }
}

/* --- the errors
 * ------------------------------------------------------------------------------------ */

static enum idp_err answered;

static enum idp_err answer_with(struct request *rq, struct response *rs)
{
    (void)rs;
    refusal_fact(&rq->refusal, "name", "<img onerror=alert(1)>\"");
    return answered;
}

static const struct route failing_route = {
    .methods = HTTP_GET, .path = "/failing", .handle = answer_with, .fail = portal_fail};

static void every_error_has_a_code_and_whole_texts(void **state)
{
    (void)state;
    for (int err = IDP_BAD_REQUEST; err <= IDP_FAULT; err++) {
        if (err == IDP_WAIT)
            continue;
        answered = (enum idp_err)err;
        const struct answer *answer = world_send(&(struct sent){.route = &failing_route});
        assert_true(answer->status >= 400);
        assert_string_equal(answer->rs.type, "application/json");
        assert_string_equal(member_text(answer, "error.code"), answer->rs.error_code);
        assert_null(strchr(member_text(answer, "error.next.en"), '{'));
        assert_string_equal(member_text(answer, "error.facts.support"), "0471-111-2222");
        assert_string_equal(member_text(answer, "error.facts.name"), "<img onerror=alert(1)>\"");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(first_visit_gets_a_session_and_is_told_where_the_assistant_is),
        WORLD_TEST(who_is_signed_in_is_shown),
        WORLD_TEST(holder_in_bad_standing_is_not_signed_in_any_more),
        WORLD_TEST(dead_store_is_not_a_first_visit),
        WORLD_TEST(sign_out_ends_session_and_grants),
        WORLD_TEST(visitor_may_sign_out_too),
        WORLD_TEST(sign_out_that_failed_can_be_tried_again),
        WORLD_TEST(no_change_without_our_own_origin),
        WORLD_TEST(no_change_without_the_sessions_token),
        WORLD_TEST(no_change_but_as_json),
        WORLD_TEST(bodies_of_another_shape_are_refused),
        WORLD_TEST(member_that_comes_twice_is_refused),
        WORLD_TEST(dead_store_is_busy_for_every_change),
        WORLD_TEST(some_changes_need_somebody_signed_in),
        WORLD_TEST(every_error_has_a_code_and_whole_texts),
    };
    return cmocka_run_group_tests_name("portal/session", tests, world_prepare, world_forget);
}
