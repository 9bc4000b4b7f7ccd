#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/challenge.h"

#define PART "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123-_9"

static void known_purposes_are_read(void **state)
{
    (void)state;
    static const char *const good[] = {"login." PART, "bind." PART, "activate." PART,
                                       "approve." PART};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        const struct challenge_purpose *purpose = challenge_read(good[i]);
        assert_non_null(purpose);
        assert_memory_equal(purpose->name, good[i], strlen(purpose->name));
    }
}

static void statement_may_follow(void **state)
{
    (void)state;
    assert_non_null(challenge_read("approve." PART "." PART));
}

/* Attack: whoever has the provider's pages lets two trust managers sign a list while they believe
 * that they sign in. */
static void no_page_has_a_trust_list_signed(void **state)
{
    (void)state;
    assert_null(challenge_read("trust." PART "." PART));
    assert_null(challenge_read("trust." PART));
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ".",
        "login",
        "login.",
        PART,
        "Login." PART,
        "logi." PART,
        "loginx." PART,
        "." PART,
        " login." PART,
        "login." PART " ",
        "login." PART "\n",
        "login." PART "x",
        "login.abc",
        "login." PART ".",
        "login." PART "." PART ".",
        "login." PART "." PART "." PART,
        "login.+bcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123-_9",
        "login./bcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123-_9",
        "login.abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123-_=",
        "login..bcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123-_9",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (challenge_read(bad[i]) != NULL)
            fail_msg("\"%s\" passed", bad[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_purposes_are_read),
        cmocka_unit_test(statement_may_follow),
        cmocka_unit_test(no_page_has_a_trust_list_signed),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests_name("assistant/challenge", tests, NULL, NULL);
}
