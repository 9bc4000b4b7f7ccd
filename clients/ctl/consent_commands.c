#include "ctl/consent_commands.h"

#include <stdio.h>

#include "access/consent.h"
#include "access/revoke.h"
#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/order.h"
#include "ctl/whose.h"
#include "enterprise/rows.h"

static json_t *describe(const struct consent_row *row)
{
    struct object o = object_new();
    object_text(&o, "client_id", row->client);
    object_text(&o, "scope", row->scope);
    object_number(&o, "given", row->given);
    object_number(&o, "since", row->since);
    return object_done(&o);
}

static int print_table(const struct consent_rows *rows)
{
    (void)printf("%-24s  %-10s  %s\n", "CLIENT", "GIVEN", "SCOPE");
    for (size_t i = 0; i < rows->count; i++)
        (void)printf("%-24s  %-10lld  %s\n", rows->rows[i].client, (long long)rows->rows[i].given,
                     rows->rows[i].scope);
    return answer_printed();
}

static int list(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct enterprise_row whose;
    struct consent_rows rows;
    int code = whose_find(ctl, arguments->words[0], &whose);
    if (code != 0)
        return code;
    enum idp_err err = consent_list(ctl->db, ctl->arena, whose.enterprise.id, &rows);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    if (arguments->table)
        return print_table(&rows);
    json_t *json = json_array();
    for (size_t i = 0; i < rows.count; i++)
        json = answer_append(json, describe(&rows.rows[i]));
    return answer(json);
}

static int withdraw(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct enterprise_row whose;
    const char *client = arguments->words[1];
    struct revoke_order order = order_new(ctl);
    const struct access access = order_access(ctl);
    int code = whose_find(ctl, arguments->words[0], &whose);
    if (code != 0)
        return code;
    enum idp_err err = revoke_consent(&access, &order, whose.enterprise.id, client);
    if (err == IDP_NOT_FOUND)
        return ctl_complain("%s has agreed to nothing with a client %s", arguments->words[0],
                            client);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    struct object o = object_new();
    object_text(&o, "enterprise", whose.enterprise.id);
    object_text(&o, "client_id", client);
    object_number(&o, "withdrawn", ctl->now);
    return order_answer(ctl, object_done(&o), &order);
}

const struct command consent_commands[] = {
    {"list", {"USCC|ID"}, "what an enterprise agreed to", list},
    {"withdraw", {"USCC|ID", "CLIENT"}, "the platform's rights end at once", withdraw},
    {NULL, {NULL}, NULL, NULL},
};
