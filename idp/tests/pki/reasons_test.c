#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"
#include "pki/reasons.h"

static const char *const facts[] = {"authority_zh", "authority_en", "phone", "since",
                                    "field_zh",     "field_en",     "retry", "support"};
enum { FACTS = sizeof(facts) / sizeof(*facts) };

static void every_reason_is_told_in_both_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < PKI_REASONS; i++) {
        const struct reason *reason = &pki_reasons[i];
        assert_true(text_starts(reason->code, "lock."));
        assert_true(reason->status >= 400 && reason->status <= 503);
        assert_non_null(reason->operator_note);
        const char *const texts[] = {reason->zh, reason->zh_next, reason->en, reason->en_next};
        for (size_t j = 0; j < 4; j++) {
            assert_non_null(texts[j]);
            assert_true(text_is_clean_utf8(texts[j], strlen(texts[j])));
        }
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(reason->code, pki_reasons[j].code);
    }
}

/* How many {names} a text has that are none of the facts. */
static size_t unknown_facts(const char *text)
{
    size_t unknown = 0;
    for (const char *at = text; (at = strchr(at, '{')) != NULL; at++) {
        bool known = false;
        for (size_t i = 0; i < FACTS; i++) {
            size_t len = strlen(facts[i]);
            known = known || (strncmp(at + 1, facts[i], len) == 0 && at[1 + len] == '}');
        }
        unknown += known ? 0 : 1;
    }
    return unknown;
}

static void no_text_speaks_of_a_fact_that_nobody_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < PKI_REASONS; i++) {
        const struct reason *reason = &pki_reasons[i];
        assert_int_equal(unknown_facts(reason->zh) + unknown_facts(reason->zh_next), 0);
        assert_int_equal(unknown_facts(reason->en) + unknown_facts(reason->en_next), 0);
    }
}

static void text_is_filled_in(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct refusal refusal = {.count = 0};
    refusal_fact(&refusal, "since", "2026-11-22 21:18");
    refusal_fact(&refusal, "authority_zh", "示例认证中心");
    refusal_fact(&refusal, "phone", "0471-000-0000");
    assert_string_equal(refusal_text(&refusal, arena, pki_reasons[PKI_EXPIRED].zh),
                        "证书已于 2026-11-22 21:18（北京时间）过期。");
    assert_string_equal(refusal_text(&refusal, arena, pki_reasons[PKI_EXPIRED].zh_next),
                        "请联系签发机构示例认证中心（电话 0471-000-0000）办理续期。");
    arena_free(arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_is_told_in_both_languages),
        cmocka_unit_test(no_text_speaks_of_a_fact_that_nobody_gives),
        cmocka_unit_test(text_is_filled_in),
    };
    return cmocka_run_group_tests_name("pki/reasons", tests, NULL, NULL);
}
