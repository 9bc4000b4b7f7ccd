#include "access/mail.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/object.h"
#include "client/rows.h"
#include "notify/mailer.h"
#include "notify/news.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "store/sql.h"

/* --- writing the row ------------------------------------------------------------------------- */

/* What both statements below give. */
enum { EMAIL, NAME, STANDING, AUTHORITY, SERIAL, ROLE, UNBOUND };

static enum idp_err look_up(struct sql_tx *tx, struct arena *arena, const struct mail_cause *cause,
                            struct sql_rows *out)
{
    const struct sql_value lock = sql_text(cause->lock);
    const struct sql_value enterprise = sql_text(cause->enterprise);
    if (cause->lock != NULL)
        return sql_run(tx, arena,
                       &(struct sql_call){"SELECT e.email, e.name, e.standing, l.authority, "
                                          "l.serial, l.role, l.unbound FROM locks l "
                                          "JOIN enterprises e ON e.id = l.enterprise "
                                          "WHERE l.id = $1",
                                          &lock, 1},
                       out, NULL);
    return sql_run(tx, arena,
                   &(struct sql_call){"SELECT email, name, standing, NULL, NULL, NULL, NULL "
                                      "FROM enterprises WHERE id = $1",
                                      &enterprise, 1},
                   out, NULL);
}

/* What is said twice is no news. */
static bool is_known(const struct mail_cause *cause, const struct sql_rows *rows)
{
    bool suspended = strcmp(sql_cell_text(rows, 0, STANDING), "suspended") == 0;
    if (cause->news == &news_enterprise_suspended)
        return suspended;
    if (cause->news == &news_enterprise_resumed)
        return !suspended;
    return cause->news == &news_lock_unbound && sql_cell(rows, 0, UNBOUND) != NULL;
}

/* Names that can be looked up later are left to the time when it is sent. */
static const char *describe(struct arena *arena, const struct mail_cause *cause,
                            const struct sql_rows *rows)
{
    struct object o = object_new();
    object_text(&o, "news", cause->news->id);
    object_text(&o, "name", sql_cell_text(rows, 0, NAME));
    bool strange = cause->authority != NULL;
    object_text(&o, "authority", strange ? cause->authority : sql_cell_text(rows, 0, AUTHORITY));
    object_text(&o, "serial", strange ? cause->serial : sql_cell_text(rows, 0, SERIAL));
    object_text(&o, "role", sql_cell_text(rows, 0, ROLE));
    object_text(&o, "client", cause->client);
    json_t *json = object_done(&o);
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    const char *kept = text != NULL ? arena_strdup(arena, text) : NULL;
    free(text);
    json_decref(json);
    return kept;
}

static enum idp_err add_row(struct sql_tx *tx, struct arena *arena, const char *to,
                            const struct outbox_entry *entry)
{
    const char *id = NULL;
    struct outbox_entry addressed = *entry;
    addressed.target = to;
    return to != NULL && *to != '\0' ? outbox_add(tx, arena, &addressed, &id) : IDP_OK;
}

enum idp_err mail_add(const struct access *access, struct sql_tx *tx, struct arena *arena,
                      const struct mail_cause *cause)
{
    struct sql_rows rows;
    if (!access->tells)
        return IDP_OK;
    enum idp_err err = look_up(tx, arena, cause, &rows);
    if (err != IDP_OK || rows.rows == 0 || is_known(cause, &rows))
        return err;
    const char *email = sql_cell_text(&rows, 0, EMAIL);
    const struct outbox_entry entry = {
        .kind = &mail_kind, .body = describe(arena, cause, &rows), .now = cause->now};
    if (entry.body == NULL)
        return IDP_FAULT;
    err = add_row(tx, arena, email, &entry);
    if (err == IDP_OK && cause->former != NULL && strcmp(cause->former, email) != 0)
        err = add_row(tx, arena, cause->former, &entry);
    return err;
}

enum idp_err mail_address(struct sql_tx *tx, struct arena *arena, const char *uscc,
                          const char **out)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(uscc);
    enum idp_err err = sql_run(
        tx, arena, &(struct sql_call){"SELECT email FROM enterprises WHERE uscc = $1", &param, 1},
        &rows, NULL);
    if (err == IDP_OK)
        *out = rows.rows > 0 ? sql_cell_text(&rows, 0, 0) : NULL;
    return err;
}

/* --- sending it ------------------------------------------------------------------------------ */

static const char *member(const json_t *body, const char *name)
{
    return json_string_value(json_object_get(body, name));
}

/* Names as they are now; an id has to do for what is gone. */
static enum idp_err name_things(const struct access *access, struct arena *arena,
                                const json_t *body, struct news_facts *facts)
{
    struct client_row client;
    const char *id = member(body, "client");
    const struct trust *trust = pki_trust(access->pki, arena);
    if (trust == NULL)
        return IDP_FAULT;
    facts->authority_zh = facts->authority_en = member(body, "authority");
    facts->platform_zh = facts->platform_en = id;
    if (facts->authority_zh != NULL && trust_find(trust, facts->authority_zh) != NULL) {
        const struct authority *authority = trust_find(trust, facts->authority_zh);
        facts->authority_zh = authority->name_zh;
        facts->authority_en = authority->name_en;
    }
    enum idp_err err = id != NULL ? client_row_read(access->db, arena, id, &client) : IDP_NOT_FOUND;
    if (err == IDP_OK) {
        facts->platform_zh = client.client.name_zh;
        facts->platform_en = client.client.name_en;
    }
    return err == IDP_UNAVAILABLE ? err : IDP_OK;
}

static enum idp_err send_news(const struct access *access, struct arena *arena,
                              const struct outbox_row *row, const json_t *body)
{
    const char *id = member(body, "news");
    const struct news *news = id != NULL ? news_find(id) : NULL;
    struct news_text text;
    struct news_facts facts = {.name = member(body, "name"),
                               .role = member(body, "role"),
                               .serial = member(body, "serial"),
                               .support = access->support_phone,
                               .at = row->created};
    if (news == NULL)
        return IDP_FAULT; /* a newer program's */
    enum idp_err err = name_things(access, arena, body, &facts);
    if (err == IDP_OK)
        err = news_write(arena, news, &facts, &text);
    if (err != IDP_OK)
        return err;
    const struct letter letter = {.to = row->target,
                                  .subject = text.subject,
                                  .body = text.body,
                                  .id = row->id,
                                  .at = row->created};
    return mailer_send(access->mailer, arena, &letter);
}

static enum idp_err deliver(const struct access *access, const struct outbox_row *row)
{
    if (access->mailer == NULL)
        return IDP_UNAVAILABLE; /* the settings had mail when the row was written */
    struct arena *arena = arena_new();
    json_t *body = json_loads(row->body, JSON_REJECT_DUPLICATES, NULL);
    enum idp_err err =
        arena != NULL && body != NULL ? send_news(access, arena, row, body) : IDP_FAULT;
    json_decref(body);
    arena_free(arena);
    return err;
}

const struct outbox_kind mail_kind = {
    .name = "mail",
    .queue = OUTBOX_MESSAGES,
    .deliver = deliver,
};
