#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/interaction.h"
#include "tests/access/world.h"

static struct interaction usual(const struct browser *browser)
{
    return (struct interaction){.session = session_of(browser)->hash,
                                .client = "platform",
                                .redirect_uri = "https://platform.example/cb",
                                .scope = "openid enterprise",
                                .state = "a state",
                                .nonce = "a nonce",
                                .code_challenge = "a challenge",
                                .claims = {.userinfo = CLAIM_NAME, .id_token = CLAIM_USCC},
                                .began = world.now,
                                .signed_in_since = world.now - 60,
                                .ask_sign_in = true,
                                .ask_consent = true};
}

static const char *begin(struct interaction *in)
{
    assert_int_equal(interaction_begin(&world.app.access, world.arena, in), IDP_OK);
    return in->id;
}

static enum idp_err find(const char *id, const struct browser *browser,
                         const struct interaction **out)
{
    return interaction_find(&world.app.access, world.arena, id, session_of(browser), world.now,
                            out);
}

static void interaction_is_found_as_it_began(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct interaction in = usual(&browser);
    const struct interaction *found = NULL;
    assert_int_equal(find(begin(&in), &browser, &found), IDP_OK);
    assert_string_equal(found->id, in.id);
    assert_string_equal(found->session, in.session);
    assert_string_equal(found->client, in.client);
    assert_string_equal(found->redirect_uri, in.redirect_uri);
    assert_string_equal(found->scope, in.scope);
    assert_string_equal(found->state, in.state);
    assert_string_equal(found->nonce, in.nonce);
    assert_string_equal(found->code_challenge, in.code_challenge);
    assert_int_equal(found->claims.userinfo, CLAIM_NAME);
    assert_int_equal(found->claims.id_token, CLAIM_USCC);
    assert_int_equal(found->began, in.began);
    assert_int_equal(found->signed_in_since, in.signed_in_since);
    assert_true(found->ask_sign_in && found->ask_consent);
}

static void what_was_not_sent_stays_absent(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct interaction in = usual(&browser);
    const struct interaction *found = NULL;
    in.state = in.nonce = NULL;
    in.ask_sign_in = in.ask_consent = false;
    assert_int_equal(find(begin(&in), &browser, &found), IDP_OK);
    assert_null(found->state);
    assert_null(found->nonce);
    assert_false(found->ask_sign_in || found->ask_consent);
}

/* docs/security.md row 23. */
static void interaction_of_another_session_is_not_found(void **state)
{
    (void)state;
    struct browser ours = visitor();
    struct browser theirs = visitor();
    struct interaction in = usual(&ours);
    const struct interaction *found = NULL;
    assert_int_equal(find(begin(&in), &theirs, &found), IDP_NOT_FOUND);
    assert_int_equal(find(in.id, &ours, &found), IDP_OK);
}

static void interaction_moves_to_the_session_that_signed_in(void **state)
{
    (void)state;
    struct browser before = visitor();
    struct browser after = signed_in(LOCK_BELL);
    struct interaction in = usual(&before);
    const struct interaction *found = NULL;
    (void)begin(&in);
    assert_int_equal(interaction_move(&world.app.access, &in, session_of(&after), world.now + 10),
                     IDP_OK);
    assert_int_equal(find(in.id, &before, &found), IDP_NOT_FOUND);
    assert_int_equal(find(in.id, &after, &found), IDP_OK);
    assert_false(found->ask_sign_in); /* it was the answer to that */
    assert_true(found->ask_consent);
    assert_int_equal(found->began, in.began);
}

/* docs/security.md row 27. */
static void interaction_is_over_after_its_time(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct interaction in = usual(&browser);
    const struct interaction *found = NULL;
    (void)begin(&in);
    world.now = REGION_NOW + 899;
    assert_int_equal(find(in.id, &browser, &found), IDP_OK);
    world.now++;
    assert_int_equal(find(in.id, &browser, &found), IDP_NOT_FOUND);
    world.now++;
    assert_int_equal(find(in.id, &browser, &found), IDP_NOT_FOUND);
}

static void interaction_ends_once(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct interaction in = usual(&browser);
    const struct interaction *found = NULL;
    (void)begin(&in);
    assert_int_equal(interaction_end(&world.app.access, in.id), IDP_OK);
    assert_int_equal(interaction_end(&world.app.access, in.id), IDP_NOT_FOUND);
    assert_int_equal(find(in.id, &browser, &found), IDP_NOT_FOUND);
}

/* docs/security.md row 5. */
static void what_is_something_else_is_no_interaction(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct interaction *found = NULL;
    const char *long_id = arena_printf(world.arena, "%0200d", 1);
    const char *const ids[] = {
        "", "x", browser.cookie, browser.token, session_of(&browser)->hash, long_id};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
        assert_int_equal(find(ids[i], &browser, &found), IDP_NOT_FOUND);
}

/* As long as any request can make it: every part at its limit. */
static void longest_interaction_is_kept_whole(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct interaction in = usual(&browser);
    const struct interaction *found = NULL;
    in.redirect_uri = arena_printf(world.arena, "%02048d", 1);
    in.state = arena_printf(world.arena, "%02048d", 2);
    in.nonce = arena_printf(world.arena, "%0512d", 3);
    assert_int_equal(find(begin(&in), &browser, &found), IDP_OK);
    assert_string_equal(found->state, in.state);
}

static void dead_store_is_not_an_interaction_that_is_gone(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct interaction in = usual(&browser);
    const struct interaction *found = NULL;
    (void)begin(&in);
    world_kv_is_down(true);
    assert_int_equal(find(in.id, &browser, &found), IDP_UNAVAILABLE);
    assert_int_equal(interaction_begin(&world.app.access, world.arena, &in), IDP_UNAVAILABLE);
    assert_int_equal(interaction_end(&world.app.access, in.id), IDP_UNAVAILABLE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(interaction_is_found_as_it_began),
        WORLD_TEST(what_was_not_sent_stays_absent),
        WORLD_TEST(interaction_of_another_session_is_not_found),
        WORLD_TEST(interaction_moves_to_the_session_that_signed_in),
        WORLD_TEST(interaction_is_over_after_its_time),
        WORLD_TEST(interaction_ends_once),
        WORLD_TEST(what_is_something_else_is_no_interaction),
        WORLD_TEST(longest_interaction_is_kept_whole),
        WORLD_TEST(dead_store_is_not_an_interaction_that_is_gone),
    };
    return cmocka_run_group_tests_name("access/interaction", tests, world_prepare, world_forget);
}
