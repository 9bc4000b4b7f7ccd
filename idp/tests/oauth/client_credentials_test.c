#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/resume.h"
#include "access/revoke.h"
#include "oauth/token.h"
#include "store/kv.h"
#include "tests/oauth/asking.h"

static struct sent asking_for(enum world_client client, const char *scope)
{
    const char *const with_scope[] = {"grant_type", "client_credentials", "scope", scope, NULL};
    const char *const without[] = {"grant_type", "client_credentials", NULL};
    return (struct sent){.route = &oauth_token_route,
                         .body = form_of(scope != NULL ? with_scope : without),
                         .authorization = basic(client)};
}

static const struct answer *ask(enum world_client client, const char *scope)
{
    const struct sent sent = asking_for(client, scope);
    return world_send(&sent);
}

static const char *token(void)
{
    const struct answer *answer = ask(CLIENT_SERVICE, NULL);
    assert_int_equal(answer->status, 200);
    return member_text(answer, "access_token");
}

static bool is_active(const char *text)
{
    return json_is_true(member(introspect(text), "active"));
}

static void client_gets_a_token_in_its_own_name(void **state)
{
    (void)state;
    const struct answer *answer = ask(CLIENT_SERVICE, "service");
    assert_int_equal(answer->status, 200);
    assert_int_equal(json_object_size(answer->json), 4);
    assert_string_equal(member_text(answer, "token_type"), "Bearer");
    assert_int_equal(json_integer_value(member(answer, "expires_in")), 600);
    assert_string_equal(member_text(answer, "scope"), "service");
    json_t *wanted = json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "active", 1, "iss",
                               REGION_ORIGIN, "client_id", "service-of-one", "sub",
                               "service-of-one", "scope", "service", "token_type", "Bearer", "iat",
                               (json_int_t)REGION_NOW, "exp", (json_int_t)REGION_NOW + 600);
    const struct answer *told = introspect(member_text(answer, "access_token"));
    bool same = json_equal(wanted, told->json);
    json_decref(wanted);
    assert_true(same);
}

static void one_grant_stands_behind_all_tokens_of_a_list_of_scopes(void **state)
{
    (void)state;
    const char *first = token();
    world.sql.transact = IDP_UNAVAILABLE; /* nothing is written any more */
    assert_string_not_equal(token(), first);
    assert_int_equal(ask(CLIENT_SERVICE, "service")->status, 200);
    world.sql.transact = IDP_OK;
    const struct answer *bare = ask(CLIENT_SERVICE, "nonsense");
    assert_int_equal(bare->status, 200);
    assert_null(member(bare, "scope"));
    assert_null(member(introspect(member_text(bare, "access_token")), "scope"));
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants"), 2);
}

static void of_many_who_come_first_one_makes_the_grant(void **state)
{
    (void)state;
    enum { MANY = 16 };
    struct sent sent[MANY];
    const struct answer *answers[MANY];
    for (size_t i = 0; i < MANY; i++)
        sent[i] = asking_for(CLIENT_SERVICE, NULL);
    world_send_at_once(sent, MANY, answers);
    for (size_t i = 0; i < MANY; i++)
        assert_true(is_active(member_text(answers[i], "access_token")));
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants"), 1);
}

static void it_lives_through_a_store_that_restarted_empty(void **state)
{
    (void)state;
    const char *text = token();
    world_lose_kv();
    assert_true(is_active(text));
    world_sql_is_down(true);
    assert_true(is_active(text)); /* from the copy */
}

/* RFC 6750 section 3.1. */
static void userinfo_is_not_for_it(void **state)
{
    (void)state;
    expect_error(userinfo(token()), 403, "insufficient_scope");
}

/* docs/security.md row 11. */
static void scopes_about_enterprises_and_those_not_registered_are_refused(void **state)
{
    (void)state;
    static const char *const scopes[] = {"openid", "service enterprise", "offline_access"};
    for (size_t i = 0; i < 3; i++)
        expect_error(ask(CLIENT_SERVICE, scopes[i]), 400, "invalid_scope");
    world_sql("UPDATE clients SET metadata = replace(metadata, '\"service\"', '\"other\"') "
              "WHERE id = 'service-of-one'");
    world_forget_clients();
    expect_error(ask(CLIENT_SERVICE, "service"), 400, "invalid_scope");
    assert_int_equal(ask(CLIENT_SERVICE, NULL)->status, 200);
}

static void client_that_is_not_registered_for_it_is_refused(void **state)
{
    (void)state;
    expect_error(ask(CLIENT_PLATFORM, NULL), 400, "unauthorized_client");
    const char *const form[] = {"grant_type", "client_credentials", "client_id", "public", NULL};
    expect_error(world_send(&(struct sent){.route = &oauth_token_route, .body = form_of(form)}),
                 400, "unauthorized_client");
    const char *const nobody[] = {"grant_type", "client_credentials", "client_id", "service-of-one",
                                  NULL};
    expect_error(world_send(&(struct sent){.route = &oauth_token_route, .body = form_of(nobody)}),
                 401, "invalid_client");
}

/* And it cannot send anybody through the browser. */
static void client_for_itself_gets_no_code(void **state)
{
    (void)state;
    const struct redeeming redeeming = {.grant_type = "authorization_code",
                                        .code = "x",
                                        .redirect_uri = "https://service.example/cb",
                                        .authorization = basic(CLIENT_SERVICE)};
    expect_error(redeem(&redeeming), 400, "unauthorized_client");
}

/* docs/security.md row 9. */
static void suspension_ends_it_and_a_resume_does_not_bring_it_back(void **state)
{
    (void)state;
    struct revoke_order order = {.arena = world.arena, .now = world.now};
    const char *text = token();
    assert_true(is_active(text));
    assert_int_equal(revoke_client(&world.app.access, &order, "service-of-one"), IDP_OK);
    assert_false(is_active(text));
    expect_error(ask(CLIENT_SERVICE, NULL), 401, "invalid_client"); /* also not heard of yet */
    world_forget_clients();
    expect_error(ask(CLIENT_SERVICE, NULL), 401, "invalid_client");
    assert_int_equal(resume_client(&world.app.access, &order, "service-of-one"), IDP_OK);
    world_forget_clients();
    assert_false(is_active(text));
    assert_true(is_active(token()));
}

static void giving_it_back_ends_it_and_the_next_is_good(void **state)
{
    (void)state;
    const char *text = token();
    assert_int_equal(give_back(CLIENT_SERVICE, text)->status, 200);
    assert_false(is_active(text));
    assert_true(is_active(token()));
}

static void dead_stores_are_not_a_refusal(void **state)
{
    (void)state;
    (void)token();
    world_sql_is_down(true);
    expect_error(ask(CLIENT_SERVICE, NULL), 503, "temporarily_unavailable");
    world_sql_is_down(false);
    world.sql.transact = IDP_UNAVAILABLE;
    expect_error(ask(CLIENT_SERVICE, "nonsense"), 503, "temporarily_unavailable");
    world.sql.transact = IDP_OK;
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants"), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(client_gets_a_token_in_its_own_name),
        WORLD_TEST(one_grant_stands_behind_all_tokens_of_a_list_of_scopes),
        WORLD_TEST(of_many_who_come_first_one_makes_the_grant),
        WORLD_TEST(it_lives_through_a_store_that_restarted_empty),
        WORLD_TEST(userinfo_is_not_for_it),
        WORLD_TEST(scopes_about_enterprises_and_those_not_registered_are_refused),
        WORLD_TEST(client_that_is_not_registered_for_it_is_refused),
        WORLD_TEST(client_for_itself_gets_no_code),
        WORLD_TEST(suspension_ends_it_and_a_resume_does_not_bring_it_back),
        WORLD_TEST(giving_it_back_ends_it_and_the_next_is_good),
        WORLD_TEST(dead_stores_are_not_a_refusal),
    };
    return cmocka_run_group_tests_name("oauth/client_credentials", tests, world_prepare,
                                       world_forget);
}
