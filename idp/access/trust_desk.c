#include "access/trust_desk.h"

#include <string.h>

#include "access/ending.h"
#include "base/arena.h"
#include "base/json_out.h"
#include "base/text.h"
#include "pki/trust/trust.h"
#include "store/generation.h"
#include "store/sql.h"

enum { DETAIL_MAX = 8192, TRIES = 3 };

static const char loaded_event[] = "trust_list_loaded";
static const char signed_event[] = "trust_list_signed";

/* What the transaction works with; set anew each time its body runs. */
struct loading {
    const struct trust_desk *desk;
    struct arena *arena;
    const struct trust *trust;
    struct sql_rows before; /* id, environment, listed of all authorities ever */
    const char **endings;
    bool mends; /* the present row was this list, and is damaged */
    struct trust_loaded loaded;
};

/* --- the list that counts --------------------------------------------------------------------- */

static enum idp_err mark_as_in_file(struct sql_tx *tx, const struct loading *l)
{
    const struct sql_value params[] = {sql_int(l->loaded.loading)};
    const struct sql_call call = {
        .text = "UPDATE trust_lists SET in_file = 1 WHERE number = $1 AND in_file = 0",
        .params = params,
        .count = 1};
    return l->desk->in_file ? sql_run(tx, NULL, &call, NULL, NULL) : IDP_OK;
}

/* Sets the loading of the present list, 0 for none, and whether it is another one. A row that was
 * damaged is another one, too. */
static enum idp_err look_at_present(struct sql_tx *tx, struct loading *l)
{
    static const struct sql_call call = {
        .text = "SELECT number, version, document FROM trust_lists ORDER BY number DESC LIMIT 1"};
    struct sql_rows rows;
    enum idp_err err = sql_run(tx, l->arena, &call, &rows, NULL);
    if (err != IDP_OK)
        return err;
    const char *version = rows.rows > 0 ? sql_cell_text(&rows, 0, 1) : NULL;
    const char *document = rows.rows > 0 ? sql_cell_text(&rows, 0, 2) : NULL;
    l->loaded.loading = rows.rows > 0 ? sql_cell_int(&rows, 0, 0) : 0;
    l->loaded.changed = document == NULL || strcmp(document, l->trust->document) != 0;
    l->mends = l->loaded.changed && version != NULL && strcmp(version, l->trust->version) == 0;
    return IDP_OK;
}

/* A signed list stays signed for ever: only its number tells that it is an old one. */
static enum idp_err check_number(struct sql_tx *tx, const struct loading *l)
{
    static const struct sql_call call = {
        .text = "SELECT COALESCE(MAX(list_number), 0) FROM trust_lists"};
    struct sql_rows rows;
    if (l->desk->restore || l->mends)
        return IDP_OK;
    enum idp_err err = sql_run(tx, l->arena, &call, &rows, NULL);
    if (err != IDP_OK)
        return err;
    return l->trust->number > sql_cell_int(&rows, 0, 0) ? IDP_OK : IDP_DENIED;
}

static enum idp_err add_row(struct sql_tx *tx, struct loading *l)
{
    const struct sql_value params[] = {
        sql_int(++l->loaded.loading),     sql_int(l->trust->number),
        sql_text(l->trust->version),      sql_text(l->trust->document),
        sql_text(l->trust->signatures),   sql_int(l->desk->now),
        sql_int(l->desk->in_file ? 1 : 0)};
    return sql_run(tx, NULL,
                   &(struct sql_call){"INSERT INTO trust_lists (number, list_number, version, "
                                      "document, signatures, loaded, in_file) "
                                      "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                                      params, 7},
                   NULL, NULL);
}

/* More managers may have signed, and one may have left: a list keeps what was verified last. */
static enum idp_err exchange_signatures(struct sql_tx *tx, struct loading *l)
{
    int64_t changed = 0;
    const struct sql_value params[] = {sql_text(l->trust->signatures), sql_text(l->trust->version),
                                       sql_text(l->trust->document)};
    enum idp_err err =
        sql_run(tx, NULL,
                &(struct sql_call){"UPDATE trust_lists SET signatures = $1 WHERE version = $2 AND "
                                   "document = $3 AND signatures <> $1",
                                   params, 3},
                NULL, &changed);
    l->loaded.signed_anew = changed > 0;
    return err;
}

/* --- authorities ------------------------------------------------------------------------------ */

static enum idp_err add_word(struct arena *arena, const char **list, const char *word)
{
    *list = arena_printf(arena, "%s%s%s", *list, (*list)[0] != '\0' ? " " : "", word);
    return *list != NULL ? IDP_OK : IDP_FAULT;
}

static const char *environment_of(const struct trust *trust, const char *id)
{
    const struct authority *authority = trust_find(trust, id);
    return authority != NULL ? authority->environment : "";
}

/* Ends what rests on an authority that the list before named. */
static enum idp_err end_rights(struct sql_tx *tx, struct loading *l, const char *id)
{
    const struct sql_value params[] = {sql_text(id), sql_int(l->desk->now)};
    struct ending ending = {.of = ENDING_AUTHORITY,
                            .subject = id,
                            .why = "authority_removed",
                            .now = l->desk->now,
                            .by_nodes = true};
    enum idp_err err = sql_run(
        tx, NULL,
        &(struct sql_call){"UPDATE authorities SET listed = 0, rights_ended = $2 WHERE id = $1",
                           params, 2},
        NULL, NULL);
    if (err == IDP_OK)
        err = ending_order(tx, l->arena, &ending);
    if (err == IDP_OK)
        l->endings[l->loaded.endings_count++] = ending.row;
    return err == IDP_OK ? add_word(l->arena, &l->loaded.removed, id) : err;
}

static enum idp_err end_of_those_that_left(struct sql_tx *tx, struct loading *l)
{
    enum idp_err err = IDP_OK;
    for (size_t i = 0; err == IDP_OK && i < l->before.rows; i++) {
        const char *id = sql_cell_text(&l->before, i, 0);
        bool listed = sql_cell_int(&l->before, i, 2) != 0;
        const char *environment = sql_cell_text(&l->before, i, 1);
        if (listed && strcmp(environment, environment_of(l->trust, id)) != 0)
            err = end_rights(tx, l, id);
    }
    return err;
}

static bool was_listed(const struct loading *l, const struct authority *authority)
{
    for (size_t i = 0; i < l->before.rows; i++)
        if (strcmp(sql_cell_text(&l->before, i, 0), authority->id) == 0 &&
            strcmp(sql_cell_text(&l->before, i, 1), authority->environment) == 0)
            return sql_cell_int(&l->before, i, 2) != 0;
    return false;
}

static enum idp_err list_authority(struct sql_tx *tx, struct loading *l,
                                   const struct authority *authority)
{
    const struct sql_value params[] = {sql_text(authority->id), sql_text(authority->environment)};
    if (was_listed(l, authority))
        return IDP_OK;
    enum idp_err err = sql_run(
        tx, NULL,
        &(struct sql_call){"INSERT INTO authorities (id, environment, listed) VALUES ($1, $2, 1) "
                           "ON CONFLICT (id) DO UPDATE SET environment = excluded.environment, "
                           "listed = 1",
                           params, 2},
        NULL, NULL);
    return err == IDP_OK ? add_word(l->arena, &l->loaded.added, authority->id) : err;
}

static enum idp_err exchange_authorities(struct sql_tx *tx, struct loading *l)
{
    static const struct sql_call call = {
        .text = "SELECT id, environment, listed FROM authorities ORDER BY id"};
    l->loaded.added = l->loaded.removed = "";
    enum idp_err err = sql_run(tx, l->arena, &call, &l->before, NULL);
    if (err == IDP_OK)
        l->endings = arena_alloc(l->arena, (l->before.rows + 1) * sizeof(*l->endings));
    if (err == IDP_OK && l->endings == NULL)
        err = IDP_FAULT;
    if (err == IDP_OK)
        err = end_of_those_that_left(tx, l);
    for (size_t i = 0; err == IDP_OK && i < l->trust->count; i++)
        err = list_authority(tx, l, &l->trust->authorities[i]);
    l->loaded.endings = l->endings;
    return err;
}

/* --- the record ------------------------------------------------------------------------------- */

static const char *describe(const struct loading *l)
{
    char *text = arena_alloc(l->arena, DETAIL_MAX);
    if (text == NULL)
        return NULL;
    struct json_out json = json_out_new(text, DETAIL_MAX);
    json_out_object(&json, NULL);
    json_out_text(&json, "actor", l->desk->by.kind);
    json_out_text(&json, "by", l->desk->by.name);
    json_out_number(&json, "number", l->trust->number);
    json_out_number(&json, "loading", l->loaded.loading);
    json_out_text(&json, "version", l->trust->version);
    json_out_truth(&json, "in_file", l->desk->in_file);
    json_out_truth(&json, "restored", l->desk->restore);
    json_out_array(&json, "added");
    json_out_words(&json, l->loaded.added);
    json_out_end_array(&json);
    json_out_array(&json, "removed");
    json_out_words(&json, l->loaded.removed);
    json_out_end_array(&json);
    json_out_end_object(&json);
    return json_out_done(&json) > 0 ? text : NULL;
}

static enum idp_err note(struct sql_tx *tx, const struct loading *l, const char *event)
{
    const struct audit_entry entry = {
        .event = event, .at_ms = l->desk->now * 1000, .detail = describe(l)};
    return entry.detail != NULL ? audit_add(tx, l->arena, &entry) : IDP_FAULT;
}

/* The list that counts already: it may have other signatures now, and stand in the file. */
static enum idp_err keep_present(struct sql_tx *tx, struct loading *l)
{
    enum idp_err err = mark_as_in_file(tx, l);
    if (err == IDP_OK && l->loaded.signed_anew)
        err = note(tx, l, signed_event);
    if (err == IDP_OK && l->loaded.signed_anew)
        err = generation_bump(tx, &l->loaded.generation);
    return err;
}

static enum idp_err load(struct sql_tx *tx, void *with)
{
    struct loading *l = with;
    l->loaded = (struct trust_loaded){.added = "", .removed = ""};
    enum idp_err err = look_at_present(tx, l);
    if (err == IDP_OK)
        err = exchange_signatures(tx, l);
    if (err != IDP_OK)
        return err;
    if (!l->loaded.changed)
        return keep_present(tx, l);
    err = check_number(tx, l);
    if (err == IDP_OK)
        err = exchange_authorities(tx, l);
    if (err == IDP_OK)
        err = add_row(tx, l);
    if (err == IDP_OK)
        err = note(tx, l, loaded_event);
    return err == IDP_OK ? generation_bump(tx, &l->loaded.generation) : err;
}

enum idp_err trust_desk_load(const struct trust_desk *desk, struct arena *arena,
                             const struct trust *trust, struct trust_loaded *out)
{
    struct loading l = {.desk = desk, .arena = arena, .trust = trust};
    enum idp_err err = trust->signatures != NULL ? IDP_CONFLICT : IDP_FAULT;
    /* The number was free when it was looked at: somebody else has loaded a list meanwhile. */
    for (int i = 0; i < TRIES && err == IDP_CONFLICT; i++)
        err = sql_transact(desk->db, load, &l);
    if (err == IDP_OK)
        *out = l.loaded;
    return err;
}

/* --- signatures alone ------------------------------------------------------------------------- */

static enum idp_err sign_anew(struct sql_tx *tx, void *with)
{
    struct loading *l = with;
    l->loaded = (struct trust_loaded){.added = "", .removed = ""};
    enum idp_err err = exchange_signatures(tx, l);
    return err == IDP_OK && l->loaded.signed_anew ? note(tx, l, signed_event) : err;
}

enum idp_err trust_desk_sign(const struct trust_desk *desk, struct arena *arena,
                             const struct trust *trust)
{
    struct loading l = {.desk = desk, .arena = arena, .trust = trust};
    return trust->signatures != NULL ? sql_transact(desk->db, sign_anew, &l) : IDP_FAULT;
}
