#include "trust_list.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/trust_desk.h"
#include "app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_rows.h"
#include "pki/trust/trust_signatures.h"
#include "store/sql.h"

enum { WHY_MAX = 4096 };

/* --- the file ------------------------------------------------------------------------------- */

static enum idp_err read_file(const struct app *app, char **why, struct trust **out)
{
    char *said = NULL;
    const struct trust_managers *managers = &app->config.managers;
    enum idp_err err = trust_signatures_load(managers, app->config.trust_list, &said, out);
    if (err != IDP_OK && said != NULL && (*why = malloc(WHY_MAX)) != NULL)
        (void)snprintf(*why, WHY_MAX, "trust_list: %s", said);
    free(said);
    return err;
}

enum idp_err trust_list_read(struct app *app, char **why)
{
    bool is_source = text_starts(app->config.sql, "sqlite:"); /* no store is open yet */
    if (!is_source || app->config.trust_list == NULL)
        return IDP_OK;
    return read_file(app, why, &app->trust_file);
}

static void log_loaded(const struct trust *trust, const struct trust_loaded *loaded)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, loaded->changed ? "trust_list_loaded" : "trust_list_unchanged");
    log_number(&line, "number", trust->number);
    log_number(&line, "loading", loaded->loading);
    log_text(&line, "version", trust->version);
    log_text(&line, "added", loaded->added);
    log_text(&line, "removed", loaded->removed);
    log_end(&line);
}

static struct trust_desk desk_of(const struct app *app)
{
    return (struct trust_desk){
        .db = app->db, .by = {.kind = "node"}, .now = clock_now(), .in_file = true};
}

/* An old list has come back into the file. */
static enum idp_err explain_number(const struct app *app, const struct trust *trust, char **why)
{
    int64_t highest = 0;
    enum idp_err err = trust_rows_highest(app->db, &highest);
    if (err != IDP_OK)
        return err;
    *why = malloc(WHY_MAX);
    if (*why == NULL)
        return IDP_FAULT;
    (void)snprintf(*why, WHY_MAX,
                   "trust_list: %s: number: expected one above %lld, which was loaded before, not "
                   "%lld; tamgactl trust restore makes an earlier list count again",
                   app->config.trust_list, (long long)highest, (long long)trust->number);
    return IDP_DENIED;
}

/* Makes the file's list the one that counts. Rights of authorities that left are ended by the node
 * that delivers the outbox. */
static enum idp_err load_file(const struct app *app, struct arena *arena, const struct trust *trust,
                              char **why)
{
    struct trust_loaded loaded;
    const struct trust_desk desk = desk_of(app);
    enum idp_err err = trust_desk_load(&desk, arena, trust, &loaded);
    if (err == IDP_DENIED)
        return explain_number(app, trust, why);
    if (err == IDP_OK)
        log_loaded(trust, &loaded);
    return err;
}

/* A file that is as it was when it was last read does not undo what tamgactl did since. Its
 * signatures may be others now. */
static enum idp_err load_changed_file(const struct app *app, const struct trust *trust, char **why)
{
    bool as_before = false;
    const struct trust_desk desk = desk_of(app);
    struct arena *arena = arena_new();
    if (arena == NULL)
        return IDP_FAULT;
    enum idp_err err = trust_row_was_in_file(app->db, trust->version, &as_before);
    if (err == IDP_OK)
        err = as_before ? trust_desk_sign(&desk, arena, trust) : load_file(app, arena, trust, why);
    arena_free(arena);
    return err;
}

/* --- at the start --------------------------------------------------------------------------- */

static enum idp_err bring_file(struct app *app, bool none_loaded, char **why)
{
    if (app->config.trust_list == NULL || (!app->db->driver->embedded && !none_loaded))
        return IDP_OK;
    enum idp_err err = IDP_OK;
    if (app->trust_file == NULL)
        err = read_file(app, why, &app->trust_file);
    return err == IDP_OK ? load_changed_file(app, app->trust_file, why) : err;
}

/* The list of a row: the file that was read already, where it is that. */
static enum idp_err take_list(struct app *app, const struct trust_row *row, char **why,
                              struct trust **out)
{
    if (app->trust_file == NULL || strcmp(app->trust_file->version, row->version) != 0)
        return trust_row_load(app->db, &app->config.managers, row->loading, why, out);
    enum idp_err err = trust_row_add_ends(app->db, app->trust_file);
    if (err != IDP_OK)
        return err;
    *out = app->trust_file;
    (*out)->loading = row->loading;
    app->trust_file = NULL;
    return IDP_OK;
}

static enum idp_err find_list(struct app *app, struct arena *arena, char **why, struct trust **out)
{
    struct trust_row row;
    enum idp_err err = trust_row_newest(app->db, arena, &row);
    if (err == IDP_OK || err == IDP_NOT_FOUND)
        err = bring_file(app, err == IDP_NOT_FOUND, why);
    if (err == IDP_OK)
        err = trust_row_newest(app->db, arena, &row);
    if (err == IDP_OK)
        err = take_list(app, &row, why, out);
    if (err == IDP_OK)
        app->trust_loading = row.loading;
    return err;
}

enum idp_err trust_list_open(struct app *app, char **why, struct trust **out)
{
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? find_list(app, arena, why, out) : IDP_FAULT;
    arena_free(arena);
    trust_free(app->trust_file); /* what counts is another one */
    app->trust_file = NULL;
    if (err == IDP_NOT_FOUND && *why == NULL)
        *why = strdup("trust_list: is missing, and the database holds none; tamgactl trust load "
                      "brings one there");
    else if (err != IDP_OK && *why == NULL)
        *why = strdup("store.sql: the trust list cannot be read or brought there");
    return err;
}

/* --- while running -------------------------------------------------------------------------- */

/* Lists are only ever added. One that is older than what is in use has come to count because the
 * newer ones were taken away, which no command does. */
static enum idp_err refuse_to_go_back(char **why)
{
    *why = strdup("the list in use is gone from the database, which has gone back to an older one");
    return *why != NULL ? IDP_BAD_REQUEST : IDP_FAULT;
}

static enum idp_err exchange(struct app *app, int64_t loading, char **why)
{
    if (loading < app->trust_loading)
        return refuse_to_go_back(why);
    struct log_line line;
    struct trust *trust = NULL;
    enum idp_err err = trust_row_load(app->db, &app->config.managers, loading, why, &trust);
    if (err != IDP_OK)
        return err;
    log_begin(&line, LOG_INFO, "trust_list_in_use");
    log_number(&line, "number", trust->number);
    log_number(&line, "loading", loading);
    log_text(&line, "version", trust->version);
    err = pki_exchange(app->pki, trust);
    if (err != IDP_OK) {
        trust_free(trust);
        return err;
    }
    app->trust_loading = loading;
    log_end(&line);
    return IDP_OK;
}

/* Says so once, until a list could be used again. */
static void note_damage(struct app *app, const char *why)
{
    if (!atomic_exchange(&app->trust_damaged, true))
        log_event(LOG_ERROR, "trust_list_damaged", "reason",
                  why != NULL ? why : "the database holds none any more");
}

enum idp_err trust_list_renew(struct app *app)
{
    char *why = NULL;
    struct trust_row row;
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? trust_row_newest(app->db, arena, &row) : IDP_FAULT;
    if (err == IDP_OK && row.loading != app->trust_loading)
        err = exchange(app, row.loading, &why);
    arena_free(arena);
    if (err == IDP_OK)
        atomic_store(&app->trust_damaged, false);
    bool damaged = err == IDP_BAD_REQUEST || err == IDP_NOT_FOUND;
    if (damaged)
        note_damage(app, why);
    free(why);
    return damaged ? IDP_FAULT : err;
}

enum idp_err trust_list_reload(struct app *app, char **why)
{
    struct trust *trust = NULL;
    if (app->config.trust_list == NULL || !app->db->driver->embedded)
        return IDP_NOT_FOUND;
    enum idp_err err = read_file(app, why, &trust);
    if (err == IDP_OK)
        err = load_changed_file(app, trust, why);
    trust_free(trust);
    if (err != IDP_OK && *why == NULL)
        *why = strdup("trust_list: it could not be brought into the database");
    return err == IDP_NOT_FOUND ? IDP_FAULT : err;
}
