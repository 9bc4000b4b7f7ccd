#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/challenge.h"
#include "base/text.h"
#include "store/kv.h"
#include "tests/access/world.h"

static struct challenge_place place_of(const struct browser *browser,
                                       enum challenge_purpose purpose, const char *interaction)
{
    return (struct challenge_place){
        .session = session_of(browser), .purpose = purpose, .interaction = interaction};
}

static const char *issue(const struct challenge_place *place)
{
    const char *text = NULL;
    assert_int_equal(challenge_issue(&world.app.access, world.arena, place, world.now, &text),
                     IDP_OK);
    return text;
}

static enum idp_err take(const struct challenge_place *place, const char **out)
{
    struct challenge taken = {.text = NULL};
    enum idp_err err = challenge_take(&world.app.access, world.arena, place, world.now, &taken);
    *out = taken.text;
    return err;
}

static void expect_gone(const struct challenge_place *place)
{
    const char *text = NULL;
    assert_int_equal(take(place, &text), IDP_NOT_FOUND);
}

static void challenge_names_its_purpose_and_is_random(void **state)
{
    (void)state;
    struct browser browser = visitor();
    const struct challenge_place login = place_of(&browser, CHALLENGE_LOGIN, NULL);
    const struct challenge_place bind = place_of(&browser, CHALLENGE_BIND, NULL);
    const char *first = issue(&login);
    assert_int_equal(strlen(first), strlen("login.") + 43);
    assert_true(text_starts(first, "login."));
    assert_true(text_starts(issue(&bind), "bind."));
    assert_string_not_equal(first, issue(&login));
}

static void challenge_is_taken_once(void **state)
{
    (void)state;
    struct browser browser = visitor();
    const struct challenge_place place = place_of(&browser, CHALLENGE_LOGIN, NULL);
    const char *issued = issue(&place);
    const char *taken = NULL;
    assert_int_equal(take(&place, &taken), IDP_OK);
    assert_string_equal(taken, issued);
    expect_gone(&place);
}

static void challenge_remembers_when_it_was_issued(void **state)
{
    (void)state;
    struct browser browser = visitor();
    const struct challenge_place place = place_of(&browser, CHALLENGE_LOGIN, NULL);
    struct challenge taken = {.text = NULL};
    (void)issue(&place);
    assert_int_equal(challenge_take(&world.app.access, world.arena, &place, world.now + 7, &taken),
                     IDP_OK);
    assert_int_equal(taken.issued, world.now);
}

static void new_challenge_takes_the_place_of_the_old(void **state)
{
    (void)state;
    struct browser browser = visitor();
    const struct challenge_place place = place_of(&browser, CHALLENGE_LOGIN, NULL);
    const char *taken = NULL;
    (void)issue(&place);
    const char *second = issue(&place);
    assert_int_equal(take(&place, &taken), IDP_OK);
    assert_string_equal(taken, second);
    expect_gone(&place);
}

static void challenge_belongs_to_session_purpose_and_interaction(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct browser another = visitor();
    const struct challenge_place place = place_of(&browser, CHALLENGE_LOGIN, "an interaction");
    const struct challenge_place others[] = {
        place_of(&another, CHALLENGE_LOGIN, "an interaction"),
        place_of(&browser, CHALLENGE_BIND, "an interaction"),
        place_of(&browser, CHALLENGE_LOGIN, "another interaction"),
        place_of(&browser, CHALLENGE_LOGIN, NULL),
    };
    (void)issue(&place);
    for (size_t i = 0; i < 4; i++)
        expect_gone(&others[i]);
    const char *taken = NULL;
    assert_int_equal(take(&place, &taken), IDP_OK); /* none of them touched it */
}

/* docs/security.md row 27. */
static void challenge_is_over_after_its_time(void **state)
{
    (void)state;
    struct browser browser = visitor();
    const struct challenge_place place = place_of(&browser, CHALLENGE_LOGIN, NULL);
    for (int64_t after = 179; after <= 181; after++) {
        const char *taken = NULL;
        world.now = REGION_NOW;
        (void)issue(&place);
        world.now += after;
        assert_int_equal(take(&place, &taken), after < 180 ? IDP_OK : IDP_NOT_FOUND);
    }
}

static void unknown_purpose_is_refused(void **state)
{
    (void)state;
    enum challenge_purpose purpose = CHALLENGE_LOGIN;
    assert_int_equal(challenge_purpose_of("bind", &purpose), IDP_OK);
    assert_int_equal(purpose, CHALLENGE_BIND);
    static const char *const bad[] = {"", "LOGIN", "login ", "activate", "login.x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(challenge_purpose_of(bad[i], &purpose), IDP_BAD_REQUEST);
}

static void dead_store_is_not_a_challenge_that_is_gone(void **state)
{
    (void)state;
    struct browser browser = visitor();
    const struct challenge_place place = place_of(&browser, CHALLENGE_LOGIN, NULL);
    const char *text = NULL;
    (void)issue(&place);
    world_kv_is_down(true);
    assert_int_equal(take(&place, &text), IDP_UNAVAILABLE);
    assert_int_equal(challenge_issue(&world.app.access, world.arena, &place, world.now, &text),
                     IDP_UNAVAILABLE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(challenge_names_its_purpose_and_is_random),
        WORLD_TEST(challenge_is_taken_once),
        WORLD_TEST(challenge_remembers_when_it_was_issued),
        WORLD_TEST(new_challenge_takes_the_place_of_the_old),
        WORLD_TEST(challenge_belongs_to_session_purpose_and_interaction),
        WORLD_TEST(challenge_is_over_after_its_time),
        WORLD_TEST(unknown_purpose_is_refused),
        WORLD_TEST(dead_store_is_not_a_challenge_that_is_gone),
    };
    return cmocka_run_group_tests_name("access/challenge", tests, world_prepare, world_forget);
}
