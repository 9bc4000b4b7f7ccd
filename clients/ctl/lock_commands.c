#include "ctl/lock_commands.h"

#include <stdio.h>

#include "access/revoke.h"
#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/order.h"
#include "ctl/whose.h"
#include "enterprise/rows.h"

static json_t *describe(const struct lock_row *row)
{
    const struct lock *l = &row->lock;
    struct object o = object_new();
    object_text(&o, "lock", l->id);
    object_text(&o, "enterprise", row->enterprise);
    object_text(&o, "authority", l->authority);
    object_text(&o, "serial", l->serial);
    object_text(&o, "key_number", l->key_number);
    object_number(&o, "not_after", l->not_after);
    object_text(&o, "role", l->primary ? "primary" : "secondary");
    object_number(&o, "bound", row->bound);
    if (l->unbound)
        object_number(&o, "unbound", row->unbound);
    return object_done(&o);
}

static int print_table(const struct lock_rows *rows)
{
    (void)printf("%-22s  %-12s  %-9s  %-7s  %s\n", "LOCK", "AUTHORITY", "ROLE", "STATE", "SERIAL");
    for (size_t i = 0; i < rows->count; i++) {
        const struct lock *l = &rows->rows[i].lock;
        (void)printf("%-22s  %-12s  %-9s  %-7s  %s\n", l->id, l->authority,
                     l->primary ? "primary" : "secondary", l->unbound ? "unbound" : "bound",
                     l->serial);
    }
    return answer_printed();
}

static int list(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct enterprise_row whose;
    struct lock_rows rows;
    int code = whose_find(ctl, arguments->words[0], &whose);
    if (code != 0)
        return code;
    enum idp_err err = lock_rows_read(ctl->db, ctl->arena, whose.enterprise.id, &rows);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    if (arguments->table)
        return print_table(&rows);
    json_t *json = json_array();
    for (size_t i = 0; i < rows.count; i++)
        json = answer_append(json, describe(&rows.rows[i]));
    return answer(json);
}

static int unbind(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct lock_row row;
    struct revoke_order order = order_new(ctl);
    const struct access access = order_access(ctl);
    const char *id = arguments->words[0];
    enum idp_err err = revoke_lock(&access, &order, id);
    if (err == IDP_OK)
        err = lock_row_find(ctl->db, ctl->arena, id, &row);
    if (err == IDP_NOT_FOUND)
        return ctl_complain("there is no lock %s", id);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    return order_answer(ctl, describe(&row), &order);
}

const struct command lock_commands[] = {
    {"list", {"USCC|ID"}, "the locks of an enterprise", list},
    {"unbind", {"LOCK"}, "it signs in nowhere; the rights it gave end at once", unbind},
    {NULL, {NULL}, NULL, NULL},
};
