#include "ctl/session_commands.h"

#include <stdio.h>

#include "access/revoke.h"
#include "access/session_list.h"
#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/order.h"
#include "ctl/whose.h"
#include "enterprise/rows.h"

/* Before this, a session is over in any case. */
static int64_t since(const struct ctl *ctl)
{
    return ctl->now - ctl->config.session_absolute_s;
}

static json_t *describe(const struct session_seen *s)
{
    struct object o = object_new();
    object_text(&o, "session", s->family);
    object_text(&o, "lock", s->lock);
    object_number(&o, "first_sign_in", s->first);
    object_number(&o, "last_sign_in", s->last);
    object_truth(&o, "signed_out", s->over);
    object_number(&o, "grants", s->grants);
    object_number(&o, "offline", s->offline);
    object_text(&o, "clients", s->clients);
    return object_done(&o);
}

static int print_table(const struct sessions_seen *found)
{
    (void)printf("%-43s  %-10s  %-7s  %6s  %7s  %s\n", "SESSION", "SIGNED IN", "STATE", "GRANTS",
                 "OFFLINE", "CLIENTS");
    for (size_t i = 0; i < found->count; i++) {
        const struct session_seen *s = &found->sessions[i];
        (void)printf("%-43s  %-10lld  %-7s  %6lld  %7lld  %s\n", s->family, (long long)s->last,
                     s->over ? "left" : "open", (long long)s->grants, (long long)s->offline,
                     s->clients);
    }
    return answer_printed();
}

static int list(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct enterprise_row whose;
    struct sessions_seen found;
    int code = whose_find(ctl, arguments->words[0], &whose);
    if (code != 0)
        return code;
    enum idp_err err = session_list(ctl->db, ctl->arena, whose.enterprise.id, since(ctl), &found);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    if (arguments->table)
        return print_table(&found);
    json_t *json = json_array();
    for (size_t i = 0; i < found.count; i++)
        json = answer_append(json, describe(&found.sessions[i]));
    return answer(json);
}

static int end(struct ctl *ctl, const struct command_arguments *arguments)
{
    const char *family = arguments->words[0];
    const char *enterprise = NULL;
    struct revoke_order order = order_new(ctl);
    const struct access access = order_access(ctl);
    enum idp_err err = session_owner(ctl->db, ctl->arena, family, since(ctl), &enterprise);
    if (err == IDP_NOT_FOUND)
        return ctl_complain("there is no session %s", family);
    if (err == IDP_OK)
        err = revoke_family(&access, &order, enterprise, family);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    struct object o = object_new();
    object_text(&o, "session", family);
    object_text(&o, "enterprise", enterprise);
    object_number(&o, "ended", ctl->now);
    return order_answer(ctl, object_done(&o), &order);
}

const struct command session_commands[] = {
    {"list", {"USCC|ID"}, "the sessions of an enterprise that may be open", list},
    {"end", {"SESSION"}, "it is over in its browser, and so are all rights it gave", end},
    {NULL, {NULL}, NULL, NULL},
};
