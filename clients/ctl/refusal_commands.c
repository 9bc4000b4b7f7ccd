#include "ctl/refusal_commands.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/day.h"
#include "enterprise/reasons.h"
#include "evidence/refusal_rows.h"
#include "evidence/refusals.h"
#include "pki/certificate_time.h"
#include "pki/reasons.h"

/* What is asked, and what was found. */
struct report {
    const char *word; /* since when, as it was said */
    char since[DAY_TEXT_SIZE];
    struct refusal_query of;
    const struct refusal_sum *sums;
    size_t count;
    const struct refused_row *certificates; /* NULL: not wanted */
    size_t certificates_count;
};

/* What a reason means to an operator; NULL: it is not one of the lock's. */
static const char *explain(const char *code)
{
    static const struct reason *const others[] = {
        &enterprise_not_bound,
        &enterprise_already_bound,
        &enterprise_uscc_has_lock,
        &enterprise_other_authority,
        &enterprise_renewal_unproved,
        &enterprise_suspended,
        NULL,
    };
    for (size_t i = 0; i < PKI_REASONS; i++)
        if (strcmp(pki_reasons[i].code, code) == 0)
            return pki_reasons[i].operator_note;
    for (size_t i = 0; others[i] != NULL; i++)
        if (strcmp(others[i]->code, code) == 0)
            return others[i]->operator_note;
    return NULL;
}

/* --- sentences ------------------------------------------------------------------------------ */

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* Where the sums of the next authority begin. */
static size_t end_of_group(const struct report *r, size_t first)
{
    size_t end = first + 1;
    while (end < r->count && strcmp(r->sums[end].authority, r->sums[first].authority) == 0)
        end++;
    return end;
}

/* "lock.personal, a personal lock (3 certificates)" */
static const char *tell_reason(struct arena *arena, const struct refusal_sum *sum)
{
    const char *note = explain(sum->reason);
    const char *named = sum->certificates == 0
                            ? ""
                            : arena_printf(arena, " (%lld certificate%s)",
                                           (long long)sum->certificates, plural(sum->certificates));
    return arena_printf(arena, "%s%s%s%s", sum->reason, note != NULL ? ", " : "",
                        note != NULL ? note : "", named != NULL ? named : "");
}

/* "17 refusals from authority x since Monday, all for …", or how many for which reason. */
static const char *tell_group(struct arena *arena, const struct report *r, size_t first, size_t end)
{
    int64_t total = 0;
    for (size_t i = first; i < end; i++)
        total += r->sums[i].count;
    const char *who = r->sums[first].authority;
    const char *since = strcmp(r->word, r->since) == 0
                            ? r->since
                            : arena_printf(arena, "%s (%s)", r->word, r->since);
    const char *text = arena_printf(
        arena, "%lld refusal%s from %s%s since %s, ", (long long)total, plural(total),
        who[0] != '\0' ? "authority " : "no recognised authority", who, since != NULL ? since : "");
    for (size_t i = first; i < end && text != NULL; i++) {
        const char *reason = tell_reason(arena, &r->sums[i]);
        if (end - first == 1)
            text = arena_printf(arena, "%s%sfor %s", text, total == 1 ? "" : "all ", reason);
        else
            text = arena_printf(arena, "%s%s%lld for %s", text, i > first ? "; " : "",
                                (long long)r->sums[i].count, reason);
    }
    return text;
}

/* --- as JSON -------------------------------------------------------------------------------- */

static json_t *describe_sum(const struct refusal_sum *sum)
{
    struct object o = object_new();
    object_text(&o, "reason", sum->reason);
    object_text(&o, "explanation", explain(sum->reason));
    object_number(&o, "refusals", sum->count);
    object_number(&o, "certificates", sum->certificates);
    object_number(&o, "last", sum->last);
    return object_done(&o);
}

static json_t *describe_group(struct arena *arena, const struct report *r, size_t first, size_t end)
{
    struct object o = object_new();
    json_t *reasons = json_array();
    const char *who = r->sums[first].authority;
    for (size_t i = first; i < end; i++)
        reasons = answer_append(reasons, describe_sum(&r->sums[i]));
    object_text(&o, "authority", who[0] != '\0' ? who : NULL);
    object_text(&o, "says", tell_group(arena, r, first, end));
    object_put(&o, "reasons", reasons);
    return object_done(&o);
}

static json_t *describe_certificate(const struct refused_row *row)
{
    struct object o = object_new();
    object_text(&o, "certificate", row->certificate);
    object_text(&o, "authority", row->authority);
    object_text(&o, "reason", row->reason);
    object_text(&o, "uscc", row->uscc);
    object_text(&o, "serial", row->serial);
    object_number(&o, "refusals", row->count);
    object_number(&o, "last", row->last);
    return object_done(&o);
}

static json_t *describe_certificates(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->certificates_count; i++)
        list = answer_append(list, describe_certificate(&r->certificates[i]));
    return list;
}

static int answer_json(struct ctl *ctl, const struct report *r)
{
    struct object o = object_new();
    json_t *groups = json_array();
    object_text(&o, "since", r->since);
    for (size_t i = 0; i < r->count; i = end_of_group(r, i))
        groups = answer_append(groups, describe_group(ctl->arena, r, i, end_of_group(r, i)));
    object_put(&o, "refusals", groups);
    if (r->certificates != NULL)
        object_put(&o, "certificates", describe_certificates(r));
    return answer(object_done(&o));
}

/* --- for people's eyes ---------------------------------------------------------------------- */

static void print_certificates(const struct report *r)
{
    (void)printf("\n%-18s  %-40s  %-16s  %-8s  %-24s  %s\n", "USCC", "SERIAL", "LAST (UTC+8)",
                 "REFUSALS", "REASON", "AUTHORITY");
    for (size_t i = 0; i < r->certificates_count; i++) {
        const struct refused_row *row = &r->certificates[i];
        char last[TIME_TEXT_SIZE];
        certificate_time_text(row->last, last);
        (void)printf("%-18s  %-40s  %-16s  %-8lld  %-24s  %s\n", row->uscc != NULL ? row->uscc : "",
                     row->serial != NULL ? row->serial : "", last, (long long)row->count,
                     row->reason, row->authority);
    }
}

static int print_table(struct ctl *ctl, const struct report *r)
{
    if (r->count == 0)
        (void)printf("no refusals since %s\n", r->since);
    for (size_t i = 0; i < r->count; i = end_of_group(r, i)) {
        const char *line = tell_group(ctl->arena, r, i, end_of_group(r, i));
        if (line == NULL)
            return ctl_complain_of(IDP_FAULT);
        (void)printf("%s\n", line);
    }
    if (r->certificates_count > 0)
        print_certificates(r);
    return answer_printed();
}

/* --- the command ---------------------------------------------------------------------------- */

static enum idp_err find(struct ctl *ctl, bool list, struct report *r)
{
    enum idp_err err = refusal_sums_read(ctl->db, ctl->arena, &r->of, &r->sums, &r->count);
    if (err == IDP_OK && list)
        err = refused_rows_read(ctl->db, ctl->arena, &r->of, &r->certificates,
                                &r->certificates_count);
    return err;
}

int refusal_list(struct ctl *ctl, const struct command_arguments *arguments)
{
    const char *since = arguments->options[OPTION_SINCE];
    struct report r = {.word = since != NULL ? since : "Monday",
                       .of = {.authority = arguments->options[OPTION_AUTHORITY]}};
    if (!day_of(r.word, refusals_day(ctl->now), &r.of.since)) {
        (void)ctl_complain("--since: expected a day like 2026-11-22, Monday or 7d");
        return CTL_USAGE;
    }
    day_text(r.of.since, r.since);
    enum idp_err err = find(ctl, arguments->options[OPTION_LIST] != NULL, &r);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    return arguments->table ? print_table(ctl, &r) : answer_json(ctl, &r);
}
