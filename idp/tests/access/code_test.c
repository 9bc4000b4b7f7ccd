#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/code.h"
#include "store/kv.h"
#include "tests/access/world.h"

static struct code usual(void)
{
    return (struct code){.client = "platform",
                         .redirect_uri = "https://platform.example/cb",
                         .code_challenge = "a challenge",
                         .nonce = "a nonce",
                         .scope = "openid enterprise",
                         .claims = {.userinfo = CLAIM_NAME, .id_token = CLAIM_USCC},
                         .enterprise = "an enterprise",
                         .lock = "a lock",
                         .session = "a session",
                         .acr = "an acr",
                         .amr = "hwk pin",
                         .auth_time = world.now - 5,
                         .issued = world.now,
                         .expires = world.now + 60};
}

static const char *issue(const struct code *code)
{
    const char *text = NULL;
    assert_int_equal(code_issue(&world.app.access, world.arena, code, &text), IDP_OK);
    return text;
}

static enum idp_err take(const char *text, const struct code **out)
{
    return code_take(&world.app.access, world.arena, code_hash(world.arena, text), world.now, out);
}

static void code_stands_for_what_it_was_issued_for(void **state)
{
    (void)state;
    const struct code code = usual();
    const struct code *taken = NULL;
    const char *text = issue(&code);
    assert_int_equal(strlen(text), 44);
    assert_int_equal(take(text, &taken), IDP_OK);
    assert_string_equal(taken->client, code.client);
    assert_string_equal(taken->redirect_uri, code.redirect_uri);
    assert_string_equal(taken->code_challenge, code.code_challenge);
    assert_string_equal(taken->nonce, code.nonce);
    assert_string_equal(taken->scope, code.scope);
    assert_int_equal(taken->claims.userinfo, CLAIM_NAME);
    assert_int_equal(taken->claims.id_token, CLAIM_USCC);
    assert_string_equal(taken->enterprise, code.enterprise);
    assert_string_equal(taken->lock, code.lock);
    assert_string_equal(taken->session, code.session);
    assert_string_equal(taken->acr, code.acr);
    assert_string_equal(taken->amr, code.amr);
    assert_int_equal(taken->auth_time, code.auth_time);
    assert_int_equal(taken->expires, code.expires);
}

static void code_without_nonce_has_none(void **state)
{
    (void)state;
    struct code code = usual();
    const struct code *taken = NULL;
    code.nonce = NULL;
    assert_int_equal(take(issue(&code), &taken), IDP_OK);
    assert_null(taken->nonce);
}

static void code_is_taken_once(void **state)
{
    (void)state;
    const struct code code = usual();
    const struct code *taken = NULL;
    const char *text = issue(&code);
    assert_int_equal(take(text, &taken), IDP_OK);
    assert_int_equal(take(text, &taken), IDP_NOT_FOUND);
}

/* docs/security.md row 27. */
static void code_is_over_at_its_expiry(void **state)
{
    (void)state;
    for (int64_t after = 59; after <= 61; after++) {
        const struct code *taken = NULL;
        world.now = REGION_NOW;
        const struct code code = usual();
        const char *text = issue(&code);
        world.now += after;
        assert_int_equal(take(text, &taken), after < 60 ? IDP_OK : IDP_NOT_FOUND);
    }
}

static void only_the_hash_of_a_code_is_kept(void **state)
{
    (void)state;
    const struct code code = usual();
    struct kv_bytes record;
    const char *text = issue(&code);
    assert_int_equal(kv_get(world.app.kv, KV_CODE, kv_text(text), world.arena, &record),
                     IDP_NOT_FOUND);
}

/* As long as any request can make it: every part at its limit. */
static void longest_code_is_kept_whole(void **state)
{
    (void)state;
    struct code code = usual();
    const struct code *taken = NULL;
    char uri[2049];
    char nonce[513];
    memset(uri, 'u', sizeof(uri) - 1);
    memset(nonce, 'n', sizeof(nonce) - 1);
    uri[sizeof(uri) - 1] = nonce[sizeof(nonce) - 1] = '\0';
    code.redirect_uri = uri;
    code.nonce = nonce;
    assert_int_equal(take(issue(&code), &taken), IDP_OK);
    assert_string_equal(taken->redirect_uri, uri);
    assert_string_equal(taken->nonce, nonce);
}

static void dead_store_is_not_an_unknown_code(void **state)
{
    (void)state;
    const struct code code = usual();
    const struct code *taken = NULL;
    const char *text = issue(&code);
    world_kv_is_down(true);
    assert_int_equal(take(text, &taken), IDP_UNAVAILABLE);
    assert_int_equal(code_issue(&world.app.access, world.arena, &code, &text), IDP_UNAVAILABLE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(code_stands_for_what_it_was_issued_for),
        WORLD_TEST(code_without_nonce_has_none),
        WORLD_TEST(code_is_taken_once),
        WORLD_TEST(code_is_over_at_its_expiry),
        WORLD_TEST(only_the_hash_of_a_code_is_kept),
        WORLD_TEST(longest_code_is_kept_whole),
        WORLD_TEST(dead_store_is_not_an_unknown_code),
    };
    return cmocka_run_group_tests_name("access/code", tests, world_prepare, world_forget);
}
