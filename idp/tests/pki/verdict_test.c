#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pki/revocation/verdict.h"
#include "tests/pki/truth.h"

enum { NOW = 1795353600, HOUR = 3600, DAY = 86400 };

static const char *const policies[TRUTH_POLICIES] = {"ocsp", "ocsp-else-crl", "crl",
                                                     "crl-else-ocsp"};

/* --- what the sources say -------------------------------------------------------------------- */

static const struct ocsp_answer services[O_KINDS] = {
    [O_GOOD] = {.verdict = STATUS_GOOD, .this_update = NOW, .reason = -1},
    [O_REVOKED] = {.verdict = STATUS_REVOKED, .revoked_at = NOW - HOUR, .reason = 1},
    [O_UNKNOWN] = {.verdict = STATUS_UNKNOWN},
    [O_ERROR] = {.fault = FAULT_DECLINED, .problem = "the service says it cannot answer"},
    [O_NO_URL] = {.fault = FAULT_NOT_ASKED, .problem = "no address"},
    [O_SLOW] = {.fault = FAULT_SILENT, .problem = "no answer came in time"},
};

#define FULL(this, next) .full = {.number = "07", .this_update = (this), .next_update = (next)}
#define DELTA(this, next) .delta = {.number = "08", .this_update = (this), .next_update = (next)}
#define FRESH FULL(NOW - HOUR, NOW + HOUR)
#define OVER FULL(NOW - 2 * HOUR, NOW - HOUR)

static const struct crl_finding lists[L_KINDS] = {
    [L_GOOD] = {.present = true, .reason = -1, FRESH},
    [L_REVOKED] =
        {.present = true, .entry = CRL_LISTED, .revoked_at = NOW - DAY, .reason = 4, FRESH},
    [L_STALE] = {.present = true, .reason = -1, OVER},
    [L_MISSING] = {.present = false, .reason = -1},
    [L_WRONG_SIGNER] = {.present = false, .reason = -1},
    [L_OLDER_THAN_HELD] = {.present = true, .reason = -1, FRESH},
};

static struct revocation policy_of(int policy)
{
    return (struct revocation){.policy = policy, .crl_max_age_s = DAY};
}

/* --- the truth table (SECURITY row 34) ------------------------------------------------------- */

static char sign_of(const struct verdict *verdict)
{
    switch (verdict->says) {
    case VERDICT_ASK:
        return 'A';
    case VERDICT_GOOD:
        return verdict->source == VERDICT_BY_OCSP ? 'o' : 'l';
    case VERDICT_REVOKED:
        return 'R';
    case VERDICT_ISSUER_REVOKED:
        return 'I';
    case VERDICT_ON_HOLD:
        return 'H';
    case VERDICT_UNKNOWN:
        return '?';
    case VERDICT_UNAVAILABLE:
    default:
        return '-';
    }
}

static char decide(int policy, const struct ocsp_answer *ocsp, const struct crl_finding *list)
{
    const struct revocation rules = policy_of(policy);
    const struct verdict_facts facts = {.rules = &rules, .list = list, .ocsp = ocsp, .now = NOW};
    struct verdict verdict = verdict_decide(&facts);
    assert_false(verdict.degraded);
    assert_int_equal(verdict.says == VERDICT_UNAVAILABLE, verdict.problem != NULL);
    return sign_of(&verdict);
}

static void expect_cell(int policy, const struct ocsp_answer *ocsp, int list, const char *row)
{
    char said = decide(policy, ocsp, &lists[list]);
    if (said != row[list])
        fail_msg("%s, service %s, list %d: %c instead of %c", policies[policy],
                 ocsp == NULL ? "not asked" : ocsp->problem, list, said, row[list]);
}

static void each_cell_of_the_truth_table_has_one_verdict(void **state)
{
    (void)state;
    for (int policy = 0; policy < TRUTH_POLICIES; policy++)
        for (int service = 0; service < O_KINDS; service++)
            for (int list = 0; list < L_KINDS; list++)
                expect_cell(policy, &services[service], list, truth[policy][service]);
}

static void service_is_asked_only_where_its_word_decides(void **state)
{
    (void)state;
    for (int policy = 0; policy < TRUTH_POLICIES; policy++)
        for (int list = 0; list < L_KINDS; list++)
            expect_cell(policy, NULL, list, truth_unasked[policy]);
}

static void nothing_that_a_revoked_authority_issued_counts(void **state)
{
    (void)state;
    for (int policy = 0; policy < TRUTH_POLICIES; policy++) {
        const struct revocation rules = policy_of(policy);
        for (int service = 0; service < O_KINDS; service++)
            for (int list = 0; list < L_KINDS; list++) {
                const struct verdict_facts facts = {.rules = &rules,
                                                    .issuer_revoked = true,
                                                    .list = &lists[list],
                                                    .ocsp = &services[service],
                                                    .now = NOW};
                struct verdict verdict = verdict_decide(&facts);
                assert_int_equal(sign_of(&verdict), 'I');
            }
    }
}

/* --- revoked --------------------------------------------------------------------------------- */

static void what_was_revoked_once_is_revoked_whatever_is_said_now(void **state)
{
    (void)state;
    const struct revoked_fact known = {.revoked_at = NOW - 9 * DAY, .reason = 1};
    for (int policy = 0; policy < TRUTH_POLICIES; policy++) {
        const struct revocation rules = policy_of(policy);
        const struct verdict_facts facts = {.rules = &rules,
                                            .known = &known,
                                            .list = &lists[L_GOOD],
                                            .ocsp = &services[O_GOOD],
                                            .now = NOW};
        struct verdict verdict = verdict_decide(&facts);
        assert_int_equal(verdict.says, VERDICT_REVOKED);
        assert_int_equal(verdict.source, VERDICT_BY_RECORD);
        assert_int_equal(verdict.since, known.revoked_at);
    }
}

static void old_list_that_names_the_certificate_still_says_revoked(void **state)
{
    (void)state;
    const struct crl_finding old = {.present = true,
                                    .entry = CRL_LISTED,
                                    .revoked_at = NOW - 90 * DAY,
                                    FULL(NOW - 60 * DAY, NOW - 30 * DAY)};
    for (int policy = 0; policy < TRUTH_POLICIES; policy++)
        assert_int_equal(decide(policy, &services[O_GOOD], &old), 'R');
}

static void revoked_carries_who_said_so_when_and_why(void **state)
{
    (void)state;
    const struct revocation rules = policy_of(POLICY_CRL);
    struct verdict_facts facts = {.rules = &rules, .list = &lists[L_REVOKED], .now = NOW};
    struct verdict verdict = verdict_decide(&facts);
    assert_int_equal(verdict.source, VERDICT_BY_CRL);
    assert_int_equal(verdict.since, NOW - DAY);
    assert_int_equal(verdict.reason, 4);
    facts.ocsp = &services[O_REVOKED];
    verdict = verdict_decide(&facts);
    assert_int_equal(verdict.source, VERDICT_BY_OCSP);
    assert_int_equal(verdict.since, NOW - HOUR);
    assert_int_equal(verdict.reason, 1);
}

/* --- on hold --------------------------------------------------------------------------------- */

static void hold_refuses_while_its_source_counts(void **state)
{
    (void)state;
    const struct ocsp_answer hold = {.verdict = STATUS_ON_HOLD, .revoked_at = NOW - HOUR};
    const struct crl_finding listed = {.present = true, .entry = CRL_LISTED_ON_HOLD, FRESH};
    const struct crl_finding was_listed = {.present = true, .entry = CRL_LISTED_ON_HOLD, OVER};
    for (int policy = 0; policy < TRUTH_POLICIES; policy++) {
        assert_int_equal(decide(policy, &hold, &lists[L_GOOD]), 'H');
        assert_int_equal(decide(policy, &hold, &lists[L_REVOKED]), 'R');
        assert_int_equal(decide(policy, &services[O_GOOD], &listed), 'H');
    }
    assert_int_equal(decide(POLICY_OCSP, &services[O_GOOD], &was_listed), 'o');
    assert_int_equal(decide(POLICY_CRL, NULL, &was_listed), '-');
}

/* --- how old a list may be ------------------------------------------------------------------- */

struct span {
    int64_t this_update, next_update;
    int grace, max_age;
    char says;
};

static void expect_list(const struct crl_finding *list, int grace, int max_age, char says)
{
    struct revocation rules = policy_of(POLICY_CRL);
    rules.crl_grace_s = grace;
    rules.crl_max_age_s = max_age;
    const struct verdict_facts facts = {.rules = &rules, .list = list, .now = NOW};
    struct verdict verdict = verdict_decide(&facts);
    assert_int_equal(sign_of(&verdict), says);
}

static void list_counts_until_its_dates_and_the_policy_end_it(void **state)
{
    static const struct span spans[] = {
        {NOW - HOUR, NOW + 1, 0, DAY, 'l'},
        {NOW - HOUR, NOW, 0, DAY, '-'},
        {NOW - HOUR, NOW - 59, 60, DAY, 'l'},
        {NOW - HOUR, NOW - 60, 60, DAY, '-'},
        {NOW - DAY + 1, NOW + DAY, 0, DAY, 'l'},
        {NOW - DAY, NOW + DAY, 0, DAY, '-'},
        {NOW - DAY, NOW + DAY, 7 * DAY, DAY, '-'}, /* grace makes nothing younger */
        {NOW + OCSP_SKEW_S, NOW + DAY, 0, DAY, 'l'},
        {NOW + OCSP_SKEW_S + 1, NOW + DAY, 0, DAY, '-'},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
        const struct span *s = &spans[i];
        const struct crl_finding list = {.present = true, FULL(s->this_update, s->next_update)};
        expect_list(&list, s->grace, s->max_age, s->says);
    }
}

static void delta_makes_its_full_list_younger_while_both_are_in_time(void **state)
{
    (void)state;
    const struct crl_finding renewed = {
        .present = true, FULL(NOW - 2 * DAY, NOW + DAY), DELTA(NOW - HOUR, NOW + HOUR)};
    const struct crl_finding delta_over = {
        .present = true, FULL(NOW - 2 * DAY, NOW + DAY), DELTA(NOW - HOUR, NOW - 1)};
    const struct crl_finding full_over = {
        .present = true, FULL(NOW - 2 * DAY, NOW - 1), DELTA(NOW - HOUR, NOW + HOUR)};
    const struct crl_finding full_young = {
        .present = true, FULL(NOW - HOUR, NOW + DAY), DELTA(NOW - HOUR / 2, NOW - 1)};
    expect_list(&renewed, 0, DAY, 'l');
    expect_list(&delta_over, 0, DAY, '-');
    expect_list(&full_over, 0, DAY, '-');
    expect_list(&full_young, 0, DAY, 'l');
}

/* --- the degraded mode ----------------------------------------------------------------------- */

static const struct ocsp_answer two_hours_old = {.verdict = STATUS_GOOD,
                                                 .this_update = NOW - 2 * HOUR};

/* With the answer above as the older one. Good is degraded, and nothing else is. */
static char degrade(int policy, const struct degraded *degraded, const struct ocsp_answer *ocsp,
                    const struct crl_finding *list)
{
    struct revocation rules = policy_of(policy);
    rules.degraded = *degraded;
    const struct verdict_facts facts = {
        .rules = &rules, .list = list, .ocsp = ocsp, .old = &two_hours_old, .now = NOW};
    struct verdict verdict = verdict_decide(&facts);
    assert_int_equal(verdict.degraded, verdict.says == VERDICT_GOOD);
    return sign_of(&verdict);
}

static void degraded_mode_takes_an_older_good_word_when_no_source_can_be_had(void **state)
{
    (void)state;
    const struct degraded on = {.until = NOW + 1, .max_age_s = 3 * HOUR};
    const struct crl_finding *missing = &lists[L_MISSING];
    assert_int_equal(degrade(POLICY_OCSP, &on, &services[O_SLOW], missing), 'o');
    assert_int_equal(degrade(POLICY_OCSP_ELSE_CRL, &on, &services[O_SLOW], missing), 'o');
    assert_int_equal(degrade(POLICY_CRL, &on, NULL, &lists[L_STALE]), 'l');
    assert_int_equal(degrade(POLICY_CRL, &on, NULL, missing), '-');
    assert_int_equal(degrade(POLICY_CRL_ELSE_OCSP, &on, &services[O_SLOW], missing), 'o');
}

static void degraded_mode_is_off_ends_and_is_bounded(void **state)
{
    (void)state;
    const struct degraded off = {.until = 0};
    const struct degraded ended = {.until = NOW, .max_age_s = 3 * HOUR};
    const struct degraded strict = {.until = NOW + 1, .max_age_s = 2 * HOUR};
    const struct crl_finding *stale = &lists[L_STALE];
    assert_int_equal(degrade(POLICY_OCSP, &off, &services[O_SLOW], stale), '-');
    assert_int_equal(degrade(POLICY_OCSP, &ended, &services[O_SLOW], stale), '-');
    assert_int_equal(degrade(POLICY_OCSP, &strict, &services[O_SLOW], stale), '-');
    assert_int_equal(degrade(POLICY_CRL, &off, NULL, stale), '-');
    assert_int_equal(degrade(POLICY_CRL, &ended, NULL, stale), '-');
    assert_int_equal(degrade(POLICY_CRL, &strict, NULL, stale), '-');
}

static void degraded_mode_overrules_nobody_who_speaks(void **state)
{
    (void)state;
    const struct degraded on = {.until = NOW + 1, .max_age_s = DAY};
    const struct crl_finding hold = {.present = true, .entry = CRL_LISTED_ON_HOLD, OVER};
    const struct ocsp_answer held = {.verdict = STATUS_ON_HOLD};
    for (int policy = 0; policy < TRUTH_POLICIES; policy++) {
        assert_int_equal(degrade(policy, &on, &services[O_UNKNOWN], &lists[L_STALE]), '?');
        assert_int_equal(degrade(policy, &on, &services[O_REVOKED], &lists[L_STALE]), 'R');
        assert_int_equal(degrade(policy, &on, &held, &lists[L_STALE]), 'H');
        assert_int_equal(degrade(policy, &on, &services[O_SLOW], &lists[L_REVOKED]), 'R');
        assert_int_equal(degrade(policy, &on, &services[O_SLOW], &hold), '-');
    }
}

static void degraded_mode_is_for_services_that_are_down_not_for_those_that_lie(void **state)
{
    (void)state;
    const struct degraded on = {.until = NOW + 1, .max_age_s = DAY};
    for (int fault = 0; fault < FAULTS; fault++) {
        const struct ocsp_answer said = ocsp_unusable((enum ocsp_fault)fault, "so it is");
        bool down = fault == FAULT_SILENT || fault == FAULT_HTTP || fault == FAULT_DECLINED;
        assert_int_equal(degrade(POLICY_OCSP, &on, &said, &lists[L_MISSING]), down ? 'o' : '-');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cell_of_the_truth_table_has_one_verdict),
        cmocka_unit_test(service_is_asked_only_where_its_word_decides),
        cmocka_unit_test(nothing_that_a_revoked_authority_issued_counts),
        cmocka_unit_test(what_was_revoked_once_is_revoked_whatever_is_said_now),
        cmocka_unit_test(old_list_that_names_the_certificate_still_says_revoked),
        cmocka_unit_test(revoked_carries_who_said_so_when_and_why),
        cmocka_unit_test(hold_refuses_while_its_source_counts),
        cmocka_unit_test(list_counts_until_its_dates_and_the_policy_end_it),
        cmocka_unit_test(delta_makes_its_full_list_younger_while_both_are_in_time),
        cmocka_unit_test(degraded_mode_takes_an_older_good_word_when_no_source_can_be_had),
        cmocka_unit_test(degraded_mode_is_off_ends_and_is_bounded),
        cmocka_unit_test(degraded_mode_overrules_nobody_who_speaks),
        cmocka_unit_test(degraded_mode_is_for_services_that_are_down_not_for_those_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
