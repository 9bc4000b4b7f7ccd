/* What the keys of this room have made stays good when they are replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/access_token.h"
#include "access/code.h"
#include "access/refresh.h"
#include "client/client.h"
#include "client/registry.h"
#include "client/secret.h"
#include "jose/key_work.h"
#include "jose/purpose_keys.h"
#include "jose/purpose_rotation.h"
#include "tests/access/world.h"

/* Replaces the key and lets this node know of it. */
static void rotate(enum purpose purpose)
{
    struct purpose_rotated done;
    const struct key_work work = {.db = world.app.db, .master = world.app.master, .now = world.now};
    assert_int_equal(purpose_publish(&work, purpose, &done), IDP_OK);
    assert_int_equal(purpose_activate(&work, purpose, done.id, &done), IDP_OK);
    assert_int_equal(purpose_keys_reload(world.app.keys), IDP_OK);
}

/* Another node has replaced the key, and later removes the old one, which is all that this test
 * takes of it: something made by a key that this node has never seen. */
static void forget_key_of(const char *name, enum purpose purpose)
{
    rotate(purpose);
    world_sql(arena_printf(world.arena,
                           "DELETE FROM purpose_keys WHERE purpose = '%s' AND retired IS NOT NULL",
                           name));
    assert_int_equal(purpose_keys_reload(world.app.keys), IDP_OK);
}

static bool says_stale(const void *with)
{
    (void)with;
    return true;
}

static enum idp_err read_token(const char *text)
{
    struct access_token token;
    return access_token_read(&world.app.access, text, world.now, &token);
}

static const char *some_token(void)
{
    struct browser browser = signed_in(LOCK_BELL);
    return token_of(granted(CLIENT_PLATFORM, &browser));
}

static const char *some_code(void)
{
    const char *text = NULL;
    const struct code code = {.client = "platform",
                              .redirect_uri = "https://platform.example/cb",
                              .code_challenge = "a challenge",
                              .scope = "openid",
                              .enterprise = "an enterprise",
                              .lock = "a lock",
                              .session = "a session",
                              .acr = "an acr",
                              .amr = "hwk",
                              .expires = world.now + 60};
    assert_int_equal(code_issue(&world.app.access, world.arena, &code, &text), IDP_OK);
    return text;
}

static const char *some_refresh_token(void)
{
    const char *text = NULL;
    const struct grant grant = {.id = {1}};
    assert_int_equal(refresh_first(&world.app.access, world.arena, &grant, &text), IDP_OK);
    return text;
}

static enum idp_err read_refresh_token(const char *text)
{
    struct refresh_token token;
    return refresh_read(&world.app.access, text, &token);
}

static void tokens_and_codes_outlive_the_change_of_their_key(void **state)
{
    (void)state;
    const char *token = some_token();
    const char *code = some_code();
    rotate(PURPOSE_TOKEN);
    assert_int_equal(read_token(token), IDP_OK);
    assert_int_equal(code_check(&world.app.access, code), IDP_OK);
    const char *refresh = some_refresh_token();
    rotate(PURPOSE_REFRESH);
    assert_int_equal(read_refresh_token(refresh), IDP_OK);
    const char *fresh = some_token();
    assert_int_equal(read_token(fresh), IDP_OK);
    assert_int_not_equal(strncmp(fresh, token, 2), 0); /* the first byte is the key's id */
}

/* A node that has lost the database may lack a key that others use: what it does not know is not
 * for that reason made up. */
static void unknown_key_is_a_refusal_only_when_all_keys_are_known(void **state)
{
    (void)state;
    const char *token = some_token();
    const char *code = some_code();
    const char *refresh = some_refresh_token();
    forget_key_of("refresh", PURPOSE_REFRESH);
    forget_key_of("token", PURPOSE_TOKEN);
    assert_int_equal(read_refresh_token(refresh), IDP_BAD_TOKEN);
    assert_int_equal(read_token(token), IDP_BAD_TOKEN);
    assert_int_equal(code_check(&world.app.access, code), IDP_BAD_GRANT);
    purpose_keys_guard(world.app.keys, says_stale, NULL);
    assert_int_equal(read_token(token), IDP_UNAVAILABLE);
    assert_int_equal(code_check(&world.app.access, code), IDP_UNAVAILABLE);
    assert_int_equal(read_refresh_token(refresh), IDP_UNAVAILABLE);
    assert_int_equal(read_token(some_token()), IDP_OK);
    assert_int_equal(read_token("made up"), IDP_BAD_TOKEN);
}

static enum idp_err find(const char *cookie)
{
    struct session *session = NULL;
    return session_find(&world.app.access, world.arena, cookie, world.now, &session);
}

static enum idp_err check_token(const struct browser *browser, const char *token)
{
    return session_token_check(&world.app.access, session_of(browser), token);
}

static void visitors_and_open_pages_outlive_the_change_of_the_cookie_key(void **state)
{
    (void)state;
    const struct browser browsers[] = {visitor(), signed_in(LOCK_BELL)};
    rotate(PURPOSE_COOKIE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(find(browsers[i].cookie), IDP_OK);
        assert_int_equal(check_token(&browsers[i], browsers[i].token), IDP_OK);
        assert_int_equal(check_token(&browsers[i], session_of(&browsers[i])->token), IDP_OK);
        assert_string_not_equal(session_of(&browsers[i])->token, browsers[i].token);
        assert_int_equal(check_token(&browsers[i], browsers[1 - i].token), IDP_DENIED);
        assert_int_equal(check_token(&browsers[i], ""), IDP_DENIED);
    }
}

static void unknown_cookie_key_is_a_stranger_only_when_all_keys_are_known(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct browser member = signed_in(LOCK_BELL);
    forget_key_of("cookie", PURPOSE_COOKIE);
    assert_int_equal(find(browser.cookie), IDP_NOT_FOUND);
    assert_int_equal(check_token(&member, member.token), IDP_DENIED);
    purpose_keys_guard(world.app.keys, says_stale, NULL);
    assert_int_equal(find(browser.cookie), IDP_UNAVAILABLE);
    assert_int_equal(check_token(&member, member.token), IDP_UNAVAILABLE);
}

static void secrets_outlive_the_change_of_their_key(void **state)
{
    (void)state;
    const struct client *client = NULL;
    rotate(PURPOSE_SECRET);
    assert_int_equal(
        client_find(world.app.clients, world.arena, world.client_ids[CLIENT_PLATFORM], &client),
        IDP_OK);
    assert_true(client_secret_check(world.app.keys, client, world.secrets[CLIENT_PLATFORM]));
    assert_false(client_secret_check(world.app.keys, client, world.secrets[CLIENT_OTHER]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(tokens_and_codes_outlive_the_change_of_their_key),
        WORLD_TEST(unknown_key_is_a_refusal_only_when_all_keys_are_known),
        WORLD_TEST(visitors_and_open_pages_outlive_the_change_of_the_cookie_key),
        WORLD_TEST(unknown_cookie_key_is_a_stranger_only_when_all_keys_are_known),
        WORLD_TEST(secrets_outlive_the_change_of_their_key),
    };
    return cmocka_run_group_tests_name("access/rotated keys", tests, world_prepare, world_forget);
}
