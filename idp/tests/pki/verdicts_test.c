/* How long a lock that was refused stays refused without asking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/ocsp/verdicts.h"

static struct verdicts verdicts;
static const unsigned char hash[DIGEST_SIZE] = {1, 2, 3}, other[DIGEST_SIZE] = {1, 2, 4};

static void expect_life(enum status_verdict verdict, int64_t life)
{
    const struct ocsp_answer answer = {.verdict = verdict, .revoked_at = 7};
    memset(&verdicts, 0, sizeof(verdicts));
    verdicts_keep(&verdicts, hash, &answer, 1000);
    assert_null(verdicts_find(&verdicts, hash, 1000 + life));
    if (life == 0)
        return;
    const struct ocsp_answer *found = verdicts_find(&verdicts, hash, 1000 + life - 1);
    assert_non_null(found);
    assert_int_equal(found->verdict, verdict);
    assert_int_equal(found->revoked_at, 7);
}

static void each_verdict_has_its_life(void **state)
{
    (void)state;
    expect_life(STATUS_GOOD, 0);
    expect_life(STATUS_REVOKED, VERDICTS_REVOKED_MS);
    expect_life(STATUS_ON_HOLD, VERDICTS_REVOKED_MS);
    expect_life(STATUS_UNKNOWN, VERDICTS_UNKNOWN_MS);
    expect_life(STATUS_UNUSABLE, VERDICTS_UNUSABLE_MS);
}

static void verdict_is_about_one_lock_only(void **state)
{
    (void)state;
    const struct ocsp_answer answer = {.verdict = STATUS_REVOKED};
    memset(&verdicts, 0, sizeof(verdicts));
    assert_null(verdicts_find(&verdicts, hash, 0));
    verdicts_keep(&verdicts, hash, &answer, 1000);
    assert_null(verdicts_find(&verdicts, other, 1000));
    verdicts_keep(&verdicts, other, &answer, 1000); /* of the same slot */
    assert_null(verdicts_find(&verdicts, hash, 1000));
    assert_non_null(verdicts_find(&verdicts, other, 1000));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verdict_has_its_life),
        cmocka_unit_test(verdict_is_about_one_lock_only),
    };
    return cmocka_run_group_tests_name("pki/verdicts", tests, NULL, NULL);
}
