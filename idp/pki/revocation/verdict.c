#include "pki/revocation/verdict.h"

#include <stddef.h>

/* --- the list ------------------------------------------------------------------------------- */

static bool has_delta(const struct crl_finding *list)
{
    return list->delta.number[0] != '\0';
}

static bool is_over(const struct verdict_facts *facts, const struct crl_name *name)
{
    return facts->now >= name->next_update + facts->rules->crl_grace_s;
}

/* As of when the list speaks. A delta that is over adds what it says, but nothing to the age. */
static int64_t spoken_at(const struct verdict_facts *facts)
{
    const struct crl_finding *list = facts->list;
    bool by_delta = has_delta(list) && list->delta.this_update > list->full.this_update &&
                    !is_over(facts, &list->delta);
    return by_delta ? list->delta.this_update : list->full.this_update;
}

/* Why the list counts for nothing but what it calls revoked, or NULL. */
static const char *check_list(const struct verdict_facts *facts)
{
    if (!facts->list->present)
        return "there is no list";
    if (spoken_at(facts) > facts->now + OCSP_SKEW_S)
        return "the list comes from the future";
    if (is_over(facts, &facts->list->full))
        return "the list is over";
    if (facts->now >= spoken_at(facts) + facts->rules->crl_max_age_s)
        return "the list is too old";
    return NULL;
}

static bool is_listed_as(const struct verdict_facts *facts, enum crl_entry entry)
{
    return facts->list->present && facts->list->entry == entry;
}

/* --- verdicts ------------------------------------------------------------------------------- */

static struct verdict good_by(enum verdict_source source)
{
    return (struct verdict){.says = VERDICT_GOOD, .source = source, .reason = -1};
}

static struct verdict by_list(const struct verdict_facts *facts, enum verdict_says says)
{
    return (struct verdict){.says = says,
                            .source = VERDICT_BY_CRL,
                            .since = facts->list->revoked_at,
                            .reason = facts->list->reason};
}

static struct verdict by_ocsp(const struct verdict_facts *facts, enum verdict_says says)
{
    return (struct verdict){.says = says,
                            .source = VERDICT_BY_OCSP,
                            .since = facts->ocsp->revoked_at,
                            .reason = facts->ocsp->reason};
}

/* What speaks against it under every policy. */
static bool is_against(const struct verdict_facts *facts, bool list_counts, struct verdict *out)
{
    enum status_verdict said = facts->ocsp != NULL ? facts->ocsp->verdict : STATUS_UNUSABLE;
    if (facts->known != NULL)
        *out = (struct verdict){.says = VERDICT_REVOKED,
                                .source = VERDICT_BY_RECORD,
                                .since = facts->known->revoked_at,
                                .reason = facts->known->reason};
    else if (facts->issuer_revoked)
        *out = (struct verdict){
            .says = VERDICT_ISSUER_REVOKED, .source = VERDICT_BY_CRL, .reason = -1};
    else if (said == STATUS_REVOKED)
        *out = by_ocsp(facts, VERDICT_REVOKED);
    else if (is_listed_as(facts, CRL_LISTED))
        *out = by_list(facts, VERDICT_REVOKED);
    else if (said == STATUS_ON_HOLD)
        *out = by_ocsp(facts, VERDICT_ON_HOLD);
    else if (list_counts && is_listed_as(facts, CRL_LISTED_ON_HOLD))
        *out = by_list(facts, VERDICT_ON_HOLD);
    else if (said == STATUS_UNKNOWN)
        *out = by_ocsp(facts, VERDICT_UNKNOWN);
    else
        return false;
    return true;
}

/* --- by policy ------------------------------------------------------------------------------ */

static bool uses_ocsp(int policy)
{
    return policy != POLICY_CRL;
}

static bool uses_list(int policy)
{
    return policy != POLICY_OCSP;
}

/* Says whether the service is out of reach, or says itself that it is out of order. One that lies,
 * or that nobody could be asked for a reason of our own, is not down. */
static bool is_down(const struct ocsp_answer *answer)
{
    return answer->fault == FAULT_SILENT || answer->fault == FAULT_HTTP ||
           answer->fault == FAULT_DECLINED;
}

/* Neither source can be had: the newest word that is not too old for the degraded mode. */
static struct verdict fall_back(const struct verdict_facts *facts, const char *problem)
{
    const struct degraded *degraded = &facts->rules->degraded;
    int64_t oldest = facts->now - degraded->max_age_s;
    const struct crl_finding *list = facts->list;
    bool listed = list->present && list->entry != CRL_NOT_LISTED;
    struct verdict verdict = {
        .says = VERDICT_UNAVAILABLE, .source = VERDICT_BY_NOBODY, .reason = -1, .problem = problem};
    if (facts->now >= degraded->until || listed || (facts->ocsp != NULL && !is_down(facts->ocsp)))
        return verdict;
    if (uses_ocsp(facts->rules->policy) && facts->old != NULL && facts->old->this_update > oldest)
        verdict = good_by(VERDICT_BY_OCSP);
    else if (uses_list(facts->rules->policy) && list->present && spoken_at(facts) > oldest &&
             spoken_at(facts) <= facts->now + OCSP_SKEW_S)
        verdict = good_by(VERDICT_BY_CRL);
    verdict.degraded = verdict.says == VERDICT_GOOD;
    return verdict;
}

struct verdict verdict_decide(const struct verdict_facts *facts)
{
    struct verdict verdict;
    int policy = facts->rules->policy;
    const char *against_list = check_list(facts);
    if (is_against(facts, against_list == NULL, &verdict))
        return verdict;
    bool list_first = policy == POLICY_CRL || policy == POLICY_CRL_ELSE_OCSP;
    bool is_good = facts->ocsp != NULL && facts->ocsp->verdict == STATUS_GOOD;
    if (list_first && against_list == NULL)
        return good_by(VERDICT_BY_CRL);
    if (uses_ocsp(policy) && facts->ocsp == NULL)
        return (struct verdict){.says = VERDICT_ASK, .reason = -1};
    if (uses_ocsp(policy) && is_good)
        return good_by(VERDICT_BY_OCSP);
    if (uses_list(policy) && against_list == NULL)
        return good_by(VERDICT_BY_CRL);
    return fall_back(facts, uses_ocsp(policy) ? facts->ocsp->problem : against_list);
}
