/*
 * A list is tried on the certificates that were seen lately, beside the list in use. Nothing is
 * changed, and nobody has to have signed the list yet.
 */
#include "ctl/trust_try_commands.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/object.h"
#include "base/text.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/trust_files.h"
#include "evidence/seen_recent.h"
#include "net/net.h"
#include "pki/trust/trial.h"
#include "pki/trust/trial_services.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_rows.h"

enum { DAYS_USUAL = 30, DAYS_MAX = 3650, DAY_S = 86400, SHOWN_MAX = 200 };

/* The trial, and what came of it. */
struct outcome {
    struct trial trial;
    int64_t days;
    struct trial_certificate **list; /* the latest first, until collisions are looked for */
    size_t count;
    size_t changes[TRIAL_CHANGES];
    size_t accepted_before, accepted_after;
    struct trial_collision *collisions;
    size_t collision_count;
    struct trial_service *services;
    size_t service_count;
};

static const char *const change_names[TRIAL_CHANGES] = {
    [TRIAL_SAME] = "as_before",
    [TRIAL_LOST] = "would_be_refused",
    [TRIAL_GAINED] = "would_be_accepted",
    [TRIAL_READ_OTHERWISE] = "read_otherwise",
    [TRIAL_REFUSED_OTHERWISE] = "refused_otherwise",
};

/* --- the trial ------------------------------------------------------------------------------ */

/* "recent" or "recent=DAYS". */
static bool read_days(const char *against, int64_t *out)
{
    static const char word[] = "recent";
    *out = DAYS_USUAL;
    if (against == NULL || strcmp(against, word) == 0)
        return true;
    return text_starts(against, "recent=") &&
           text_to_number(against + sizeof(word), 1, DAYS_MAX, out);
}

/* The list in use, if there is any; signed, for it says where questions may go. */
static int find_present(struct ctl *ctl, struct trust **out)
{
    char *why = NULL;
    struct trust_row row;
    enum idp_err err = trust_row_newest(ctl->db, ctl->arena, &row);
    if (err == IDP_NOT_FOUND)
        return 0;
    if (err == IDP_OK)
        err = trust_row_load(ctl->db, &ctl->config.managers, row.loading, &why, out);
    return err == IDP_OK ? 0 : ctl_complain_why(why, err);
}

static void count(struct outcome *o, const struct trial_certificate *certificate)
{
    o->changes[certificate->change]++;
    o->accepted_before += certificate->before.reason == PKI_REASONS;
    o->accepted_after += certificate->after.reason == PKI_REASONS;
}

static enum idp_err read_all(struct ctl *ctl, struct outcome *o, const struct seen_recent *seen,
                             size_t n)
{
    o->list = arena_alloc(ctl->arena, (n + 1) * sizeof(struct trial_certificate *));
    struct trial_certificate *all = arena_alloc(ctl->arena, (n + 1) * sizeof(*all));
    enum idp_err err = o->list != NULL && all != NULL ? IDP_OK : IDP_FAULT;
    for (; o->count < n && err == IDP_OK; o->count++) {
        const struct seen_recent *row = &seen[o->count];
        struct trial_certificate *each = &all[o->count];
        *each = (struct trial_certificate){
            .hash = row->hash, .serial = row->serial, .der = row->der, .der_len = row->der_len};
        o->list[o->count] = each;
        err = trial_read(&o->trial, ctl->arena, each);
        if (err == IDP_OK)
            count(o, each);
    }
    return err;
}

static enum idp_err ask_services(struct ctl *ctl, struct outcome *o)
{
    struct trial_asking asking = {.trial = &o->trial, .certificates = o->list, .count = o->count};
    enum idp_err err = net_new((const char *const *)ctl->config.allow, &asking.net);
    if (err != IDP_OK)
        return err;
    err = trial_services_ask(&asking, ctl->arena, &o->services, &o->service_count);
    net_free(asking.net);
    return err;
}

static enum idp_err carry_out(struct ctl *ctl, struct outcome *o)
{
    size_t n = 0;
    const struct seen_recent *seen = NULL;
    enum idp_err err = seen_recent_read(ctl->db, ctl->arena, ctl->now - o->days * DAY_S, &seen, &n);
    if (err == IDP_OK)
        err = read_all(ctl, o, seen, n);
    if (err == IDP_OK)
        err = ask_services(ctl, o);
    if (err == IDP_OK)
        err = trial_collisions(ctl->arena, o->list, o->count, &o->collisions, &o->collision_count);
    return err;
}

/* --- as JSON -------------------------------------------------------------------------------- */

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static json_t *describe_reading(const struct trial_reading *reading)
{
    struct object o = object_new();
    bool accepted = reading->reason == PKI_REASONS;
    object_truth(&o, "accepted", accepted);
    object_text(&o, "authority", reading->authority);
    object_text(&o, "reason", accepted ? NULL : pki_reasons[reading->reason].code);
    object_text(&o, "explanation", accepted ? NULL : pki_reasons[reading->reason].operator_note);
    object_text(&o, "field", reading->field);
    object_text(&o, "uscc", or_null(reading->uscc));
    object_text(&o, "name", or_null(reading->name));
    object_text(&o, "key_number", or_null(reading->key_number));
    return object_done(&o);
}

static json_t *describe_certificate(const struct trial_certificate *each)
{
    struct object o = object_new();
    object_text(&o, "certificate", each->hash);
    object_text(&o, "serial", each->serial);
    object_text(&o, "change", change_names[each->change]);
    object_put(&o, "before", describe_reading(&each->before));
    object_put(&o, "after", describe_reading(&each->after));
    return object_done(&o);
}

/* What matters most first: the order of the changes is that of their weight. */
static json_t *describe_changes(const struct outcome *o)
{
    size_t shown = 0;
    json_t *list = json_array();
    for (int change = TRIAL_LOST; change < TRIAL_CHANGES; change++)
        for (size_t i = 0; i < o->count && shown < SHOWN_MAX; i++) {
            const struct trial_certificate *each = o->list[i];
            if ((int)each->change != change)
                continue;
            list = answer_append(list, describe_certificate(each));
            shown++;
        }
    return list;
}

static json_t *describe_collisions(const struct outcome *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < o->collision_count && i < SHOWN_MAX; i++) {
        const struct trial_collision *each = &o->collisions[i];
        struct object of = object_new();
        object_text(&of, "uscc", each->one->after.uscc);
        object_put(&of, "one", describe_certificate(each->one));
        object_put(&of, "other", describe_certificate(each->other));
        list = answer_append(list, object_done(&of));
    }
    return list;
}

static json_t *describe_services(const struct outcome *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < o->service_count; i++) {
        const struct trial_service *each = &o->services[i];
        struct object of = object_new();
        object_text(&of, "authority", each->authority);
        object_text(&of, "kind", each->is_list ? "crl" : "ocsp");
        object_text(&of, "url", each->url);
        object_truth(&of, "good", each->good);
        object_text(&of, "problem", each->problem);
        if (each->asked)
            object_number(&of, "took_ms", each->took_ms);
        if (each->is_list && each->good)
            object_number(&of, "bytes", each->bytes);
        list = answer_append(list, object_done(&of));
    }
    return list;
}

static json_t *describe_list(const struct trust *trust)
{
    struct object o = object_new();
    object_number(&o, "number", trust->number);
    object_text(&o, "version", trust->version);
    return object_done(&o);
}

static json_t *describe_counts(const struct outcome *o)
{
    struct object of = object_new();
    object_number(&of, "certificates", (json_int_t)o->count);
    object_number(&of, "accepted_before", (json_int_t)o->accepted_before);
    object_number(&of, "accepted_after", (json_int_t)o->accepted_after);
    for (int change = 0; change < TRIAL_CHANGES; change++)
        object_number(&of, change_names[change], (json_int_t)o->changes[change]);
    object_number(&of, "collisions", (json_int_t)o->collision_count);
    return object_done(&of);
}

static int answer_json(const struct outcome *o)
{
    struct object of = object_new();
    object_put(&of, "list", describe_list(o->trial.after));
    if (o->trial.before != NULL)
        object_put(&of, "in_use", describe_list(o->trial.before));
    object_number(&of, "days", o->days);
    object_put(&of, "counts", describe_counts(o));
    object_put(&of, "changes", describe_changes(o));
    object_truth(&of, "more_changes", o->count - o->changes[TRIAL_SAME] > SHOWN_MAX);
    object_put(&of, "collisions", describe_collisions(o));
    object_put(&of, "services", describe_services(o));
    return answer(object_done(&of));
}

/* --- for people's eyes ---------------------------------------------------------------------- */

static void print_counts(const struct outcome *o)
{
    static const char *const words[TRIAL_CHANGES] = {
        [TRIAL_SAME] = "as before",
        [TRIAL_LOST] = "accepted now, would be refused",
        [TRIAL_GAINED] = "refused now, would be accepted",
        [TRIAL_READ_OTHERWISE] = "would be read otherwise",
        [TRIAL_REFUSED_OTHERWISE] = "refused now, for another reason then",
    };
    (void)printf("%zu certificates of the last %lld days; %zu are accepted, %zu would be\n",
                 o->count, (long long)o->days, o->accepted_before, o->accepted_after);
    for (int change = 0; change < TRIAL_CHANGES; change++)
        (void)printf("%8zu  %s\n", o->changes[change], words[change]);
    (void)printf("%8zu  different enterprises that would become one\n", o->collision_count);
}

/* "accepted as 91…, Name, key number K of authority x", or why not. */
static void print_reading(const char *when, const struct trial_reading *r)
{
    const char *authority = r->authority != NULL ? r->authority : "no authority";
    if (r->reason == PKI_REASONS)
        (void)printf("    %-6s  %s  %s  %s  (%s)\n", when, r->uscc, r->name, r->key_number,
                     authority);
    else
        (void)printf("    %-6s  %s%s%s: %s (%s)\n", when, pki_reasons[r->reason].code,
                     r->field != NULL ? ", " : "", r->field != NULL ? r->field : "",
                     pki_reasons[r->reason].operator_note, authority);
}

static void print_certificate(const struct trial_certificate *each)
{
    (void)printf("  %s  %s\n", change_names[each->change], each->serial);
    print_reading("now", &each->before);
    print_reading("then", &each->after);
}

static void print_changes(const struct outcome *o)
{
    size_t shown = 0;
    for (int change = TRIAL_LOST; change < TRIAL_CHANGES; change++)
        for (size_t i = 0; i < o->count && shown < SHOWN_MAX; i++)
            if ((int)o->list[i]->change == change) {
                print_certificate(o->list[i]);
                shown++;
            }
}

static void print_collisions(const struct outcome *o)
{
    for (size_t i = 0; i < o->collision_count && i < SHOWN_MAX; i++) {
        (void)printf("  different enterprises, one USCC\n");
        print_certificate(o->collisions[i].one);
        print_certificate(o->collisions[i].other);
    }
}

static void print_services(const struct outcome *o)
{
    for (size_t i = 0; i < o->service_count; i++) {
        const struct trial_service *each = &o->services[i];
        (void)printf("  %-16s %-4s %6lld ms  %-40s %s\n", each->authority,
                     each->is_list ? "crl" : "ocsp", (long long)each->took_ms, each->url,
                     each->problem != NULL ? each->problem : "good");
    }
}

static int print_table(const struct outcome *o)
{
    print_counts(o);
    print_changes(o);
    if (o->count - o->changes[TRIAL_SAME] > SHOWN_MAX)
        (void)printf("  … and more of them\n");
    print_collisions(o);
    print_services(o);
    return answer_printed();
}

/* --- the command ---------------------------------------------------------------------------- */

/* A list that shuts somebody out, or takes two for one, is not for use before somebody has looked.
 */
static bool has_victims(const struct outcome *o)
{
    return o->changes[TRIAL_LOST] > 0 || o->collision_count > 0;
}

static int try_list(struct ctl *ctl, struct outcome *o, bool table)
{
    enum idp_err err = carry_out(ctl, o);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    int code = table ? print_table(o) : answer_json(o);
    return code == 0 && has_victims(o) ? CTL_FAILED : code;
}

int trust_try(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct trust *after = NULL;
    struct trust *before = NULL;
    struct outcome o = {.count = 0};
    if (!read_days(arguments->options[OPTION_AGAINST], &o.days)) {
        (void)ctl_complain("--against: expected recent or recent=DAYS");
        return CTL_USAGE;
    }
    int code = trust_files_read(ctl, arguments->words[0], &after);
    if (code == 0)
        code = find_present(ctl, &before);
    o.trial = (struct trial){.before = before, .after = after, .now = ctl->now};
    if (code == 0)
        code = try_list(ctl, &o, arguments->table);
    trust_free(before);
    trust_free(after);
    return code;
}
