#include "ctl/enterprise_commands.h"

#include <stdio.h>

#include "access/resume.h"
#include "access/revoke.h"
#include "base/arena.h"
#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/order.h"
#include "ctl/whose.h"
#include "enterprise/rows.h"

static const char *standing_of(const struct enterprise_row *row)
{
    return row->enterprise.suspended ? "suspended" : "active";
}

/* What list and show have in common. */
static struct object begin_row(const struct enterprise_row *row)
{
    const struct enterprise *e = &row->enterprise;
    struct object o = object_new();
    object_text(&o, "enterprise", e->id);
    object_text(&o, "uscc", e->uscc);
    object_text(&o, "name", e->name);
    object_text(&o, "standing", standing_of(row));
    object_text(&o, "city", e->city);
    object_number(&o, "locks", row->locks);
    object_number(&o, "created", row->created);
    object_number(&o, "changed", row->changed);
    return o;
}

/* --- list ---------------------------------------------------------------------------------- */

static bool print_row(const struct enterprise_row *row, bool first)
{
    const struct enterprise *e = &row->enterprise;
    if (first)
        (void)printf("%-18s  %-22s  %-9s  %-10s  %5s  %s\n", "USCC", "ENTERPRISE", "STANDING",
                     "CITY", "LOCKS", "NAME");
    return printf("%-18s  %-22s  %-9s  %-10s  %5lld  %s\n", e->uscc, e->id, standing_of(row),
                  e->city, (long long)row->locks, e->name) > 0;
}

static bool write_row(const struct enterprise_row *row, bool first)
{
    struct object o = begin_row(row);
    json_t *json = object_done(&o);
    bool good = printf("%s", first ? "[\n" : ",\n") > 0 && json != NULL &&
                json_dumpf(json, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0;
    json_decref(json);
    return good;
}

/* Page by page, for there may be more than one result holds. */
static int list_all(struct ctl *ctl, bool (*show)(const struct enterprise_row *, bool),
                    size_t *count)
{
    struct enterprise_rows page = {.count = ENTERPRISE_PAGE};
    char after[64] = "";
    while (page.count == ENTERPRISE_PAGE) {
        struct arena *arena = arena_new();
        enum idp_err err =
            arena != NULL ? enterprise_rows_read(ctl->db, arena, after, &page) : IDP_FAULT;
        bool good = err == IDP_OK;
        for (size_t i = 0; good && i < page.count; i++) {
            good = show(&page.rows[i], *count + i == 0);
            (void)snprintf(after, sizeof(after), "%s", page.rows[i].enterprise.uscc);
        }
        arena_free(arena);
        if (err != IDP_OK)
            return ctl_complain_of(err);
        if (!good)
            return ctl_complain("the answer could not be written");
        *count += page.count;
    }
    return 0;
}

static int list(struct ctl *ctl, const struct command_arguments *arguments)
{
    size_t count = 0;
    int code = list_all(ctl, arguments->table ? print_row : write_row, &count);
    if (code == 0 && !arguments->table)
        (void)printf(count > 0 ? "\n]\n" : "[]\n");
    return code == 0 ? answer_printed() : code;
}

/* --- the others ---------------------------------------------------------------------------- */

static int show(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct enterprise_row row;
    int code = whose_find(ctl, arguments->words[0], &row);
    if (code != 0)
        return code;
    const struct enterprise *e = &row.enterprise;
    struct object o = begin_row(&row);
    object_text(&o, "entity_types", e->entity_types);
    object_text(&o, "legal_representative", e->legal_representative);
    object_text(&o, "phone", e->phone);
    object_text(&o, "address", e->address);
    object_text(&o, "email", e->email);
    if (row.rights_ended > 0)
        object_number(&o, "rights_ended", row.rights_ended);
    return answer(object_done(&o));
}

typedef enum idp_err change_standing(const struct access *access, struct revoke_order *order,
                                     const char *id);

static int change(struct ctl *ctl, const char *name, change_standing *what)
{
    struct enterprise_row row;
    struct revoke_order order = order_new(ctl);
    const struct access access = order_access(ctl);
    int code = whose_find(ctl, name, &row);
    if (code != 0)
        return code;
    enum idp_err err = what(&access, &order, row.enterprise.id);
    if (err == IDP_OK)
        err = enterprise_row_find(ctl->db, ctl->arena, row.enterprise.id, &row);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    struct object o = object_new();
    object_text(&o, "enterprise", row.enterprise.id);
    object_text(&o, "uscc", row.enterprise.uscc);
    object_text(&o, "standing", standing_of(&row));
    return order_answer(ctl, object_done(&o), &order);
}

static int suspend(struct ctl *ctl, const struct command_arguments *arguments)
{
    return change(ctl, arguments->words[0], revoke_enterprise);
}

static int resume(struct ctl *ctl, const struct command_arguments *arguments)
{
    return change(ctl, arguments->words[0], resume_enterprise);
}

const struct command enterprise_commands[] = {
    {"list", {NULL}, "all enterprises, by USCC", list},
    {"show", {"USCC|ID"}, "one enterprise, whole", show},
    {"suspend", {"USCC|ID"}, "it can sign in nowhere; its rights end at once", suspend},
    {"resume", {"USCC|ID"}, "it can again; what was ended stays so", resume},
    {NULL, {NULL}, NULL, NULL},
};
