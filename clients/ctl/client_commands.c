#include "ctl/client_commands.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "access/resume.h"
#include "access/revoke.h"
#include "base/arena.h"
#include "base/object.h"
#include "client/desk.h"
#include "client/metadata.h"
#include "client/rows.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/order.h"

static struct client_desk desk_of(const struct ctl *ctl)
{
    return (struct client_desk){
        .db = ctl->db, .keys = ctl->keys, .now = ctl->now, .detail = ctl->detail};
}

static int complain_about(const char *id, enum idp_err err)
{
    if (err == IDP_NOT_FOUND)
        return ctl_complain("there is no client %s", id);
    if (err == IDP_CONFLICT)
        return ctl_complain("client_id: %s is taken", id);
    if (err == IDP_DENIED)
        return ctl_complain("client %s has no secret (token_endpoint_auth_method none)", id);
    return ctl_complain_of(err);
}

/* --- add ----------------------------------------------------------------------------------- */

/* What the owner has to know, then the metadata as they were registered (RFC 7591 section 3.2.1,
 * where a secret that does not expire says so with 0). */
static json_t *describe_new(const struct ctl *ctl, const struct client_credentials *credentials,
                            const char *metadata)
{
    struct object o = object_new();
    object_text(&o, "client_id", credentials->id);
    object_text(&o, "client_secret", credentials->secret);
    if (credentials->secret != NULL)
        object_number(&o, "client_secret_expires_at", 0);
    object_number(&o, "client_id_issued_at", ctl->now);
    json_t *json = object_done(&o);
    json_t *given = json_loads(metadata, 0, NULL);
    if (json != NULL && json_object_update_missing(json, given) != 0) {
        json_decref(json);
        json = NULL;
    }
    json_decref(given);
    return json;
}

static int complain_of_metadata(const char *file, enum idp_err err,
                                const struct metadata_problem *problem)
{
    if (err != IDP_BAD_REQUEST)
        return ctl_complain_of(err);
    const char *name = strcmp(file, "-") == 0 ? "standard input" : file;
    if (problem->field[0] == '\0')
        return ctl_complain("%s: %s", name, problem->problem);
    return ctl_complain("%s: %s %s", name, problem->field, problem->problem);
}

static int add(struct ctl *ctl, const struct command_arguments *arguments)
{
    size_t len = 0;
    struct client client;
    struct metadata_problem problem;
    struct client_credentials credentials;
    const struct address_rules rules = {.development = ctl->config.development};
    const struct client_desk desk = desk_of(ctl);
    const char *text = NULL;
    int code = answer_input(ctl, arguments->words[0], METADATA_TEXT_MAX, &text, &len);
    if (code != 0)
        return code;
    enum idp_err err = metadata_parse(ctl->arena, &rules, text, len, &problem, &client);
    if (err != IDP_OK)
        return complain_of_metadata(arguments->words[0], err, &problem);
    err = client_add(&desk, ctl->arena, text, &client, &credentials);
    if (err != IDP_OK)
        return complain_about(client.id, err);
    return answer_and_wait(ctl, describe_new(ctl, &credentials, text), credentials.generation);
}

/* --- list, show ---------------------------------------------------------------------------- */

/* What list and show have in common. */
static struct object begin_row(const struct client_row *row)
{
    const struct client *client = &row->client;
    struct object o = object_new();
    object_text(&o, "client_id", client->id);
    object_text(&o, "standing", client_standing_name(client->standing));
    object_text(&o, "environment", client_environment_name(client->environment));
    object_put(&o, "name", json_pack("{s:s,s:s}", "zh", client->name_zh, "en", client->name_en));
    object_text(&o, "group", client_group_name(client->group));
    object_number(&o, "created", row->created);
    object_number(&o, "changed", row->changed);
    return o;
}

static void print_table(const struct client_rows *rows)
{
    (void)printf("%-24s %-10s %-12s %-9s %s\n", "CLIENT", "STANDING", "ENVIRONMENT", "GROUP",
                 "NAME");
    for (size_t i = 0; i < rows->count; i++) {
        const struct client *client = &rows->rows[i].client;
        const char *group = client_group_name(client->group);
        (void)printf("%-24s %-10s %-12s %-9s %s\n", client->id,
                     client_standing_name(client->standing),
                     client_environment_name(client->environment), group != NULL ? group : "-",
                     client->name_zh);
    }
}

static int list(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct client_rows rows;
    enum idp_err err = client_rows_read(ctl->db, ctl->arena, &rows);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    if (arguments->table) {
        print_table(&rows);
        return answer_printed();
    }
    json_t *json = json_array();
    for (size_t i = 0; i < rows.count; i++) {
        struct object o = begin_row(&rows.rows[i]);
        if (json_array_append_new(json, object_done(&o)) != 0) {
            json_decref(json);
            return ctl_complain_of(IDP_FAULT);
        }
    }
    return answer(json);
}

static int show(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct client_row row;
    enum idp_err err = client_row_read(ctl->db, ctl->arena, arguments->words[0], &row);
    if (err != IDP_OK)
        return complain_about(arguments->words[0], err);
    struct object o = begin_row(&row);
    object_truth(&o, "has_secret", row.client.secret_hash != NULL);
    object_put(&o, "metadata", json_loads(row.metadata, 0, NULL));
    return answer(object_done(&o));
}

/* --- changes ------------------------------------------------------------------------------- */

typedef enum idp_err change_standing(const struct access *access, struct revoke_order *order,
                                     const char *id);

static int change(struct ctl *ctl, const char *id, change_standing *what)
{
    struct client_row row;
    struct revoke_order order = order_new(ctl);
    const struct access access = order_access(ctl);
    enum idp_err err = what(&access, &order, id);
    if (err == IDP_OK)
        err = client_row_read(ctl->db, ctl->arena, id, &row);
    if (err != IDP_OK)
        return complain_about(id, err);
    struct object o = object_new();
    object_text(&o, "client_id", id);
    object_text(&o, "standing", client_standing_name(row.client.standing));
    return order_answer(ctl, object_done(&o), &order);
}

static int suspend(struct ctl *ctl, const struct command_arguments *arguments)
{
    return change(ctl, arguments->words[0], revoke_client);
}

static int resume(struct ctl *ctl, const struct command_arguments *arguments)
{
    return change(ctl, arguments->words[0], resume_client);
}

static int rotate_secret(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct client_credentials credentials;
    const struct client_desk desk = desk_of(ctl);
    enum idp_err err = client_rotate_secret(&desk, ctl->arena, arguments->words[0], &credentials);
    if (err != IDP_OK)
        return complain_about(arguments->words[0], err);
    struct object o = object_new();
    object_text(&o, "client_id", credentials.id);
    object_text(&o, "client_secret", credentials.secret);
    object_number(&o, "client_secret_expires_at", 0);
    return answer_and_wait(ctl, object_done(&o), credentials.generation);
}

const struct command client_commands[] = {
    {"add", {"FILE"}, "register a client; FILE holds its metadata as JSON", add},
    {"list", {NULL}, "all clients", list},
    {"show", {"ID"}, "one client, whole", show},
    {"suspend", {"ID"}, "it can sign nobody in any more", suspend},
    {"resume", {"ID"}, "it can again", resume},
    {"rotate-secret", {"ID"}, "a new secret; the old one ends at once", rotate_secret},
    {NULL, {NULL}, NULL, NULL},
};
