#include "access/ending.h"

#include <stddef.h>
#include <string.h>

#include "access/access.h"
#include "access/grant.h"
#include "access/session.h"
#include "base/arena.h"
#include "base/text.h"
#include "enterprise/holder.h"
#include "store/sql.h"

enum {
    BATCH = 500,              /* as in the statements below */
    CALENDARS_S = 60,         /* by which nodes' clocks may differ */
    TOKEN_LIFE_MOST_S = 86400 /* the longest life that the settings allow an access token */
};

/*
 * $1 when it was caused, $2 why, $3 id to go on behind, $4 not before, $5 not after, $6 of whom,
 * $7 and of which client. A grant without refresh tokens is over with its access tokens; it is left
 * as it is when none can be left.
 */
#define END_WHERE(whose)                                                                           \
    "UPDATE grants SET ended = $1, ended_why = $2 WHERE id IN "                                    \
    "(SELECT id FROM grants WHERE " whose " AND id > $3 AND ended IS NULL AND created <= $5 "      \
    "AND (created >= $4 OR offline = 1 OR enterprise IS NULL) ORDER BY id LIMIT 500) RETURNING id"

/* Those whose tokens may still live somewhere in a copy. $1 ended since, $2 id to go on behind,
 * $3 not before, $4 the same in milliseconds, $5 of whom, $6 and of which client. */
#define LIST_WHERE(whose)                                                                          \
    "SELECT id FROM grants WHERE " whose " AND id > $2 AND ended >= $1 AND (created >= $3 "        \
    "OR enterprise IS NULL OR EXISTS (SELECT 1 FROM refresh_families f WHERE f.grant_id = "        \
    "grants.id AND f.rotated_ms >= $4)) ORDER BY id LIMIT 500"

static const struct selection {
    const char *name; /* in the outbox row */
    const char *end, *list;
} selections[] = {
    [ENDING_CLIENT] = {"client", END_WHERE("client = $6"), LIST_WHERE("client = $5")},
    [ENDING_ENTERPRISE] = {"enterprise", END_WHERE("enterprise = $6"),
                           LIST_WHERE("enterprise = $5")},
    [ENDING_LOCK] = {"lock", END_WHERE("lock = $6"), LIST_WHERE("lock = $5")},
    [ENDING_CONSENT] = {"consent", END_WHERE("enterprise = $6 AND client = $7"),
                        LIST_WHERE("enterprise = $5 AND client = $6")},
    [ENDING_AUTHORITY] = {"authority", END_WHERE("authority = $6"), LIST_WHERE("authority = $5")},
    [ENDING_SESSION] = {"session", END_WHERE("session = $6"), LIST_WHERE("session = $5")},
    [ENDING_SIGN_OUT] = {"sign_out", END_WHERE("session = $6 AND offline = 0"),
                         LIST_WHERE("session = $5 AND offline = 0")},
};

enum { SELECTIONS = sizeof(selections) / sizeof(*selections) };

/* Where a walk stands: the id it goes on behind, and how many the last step found. */
struct walk {
    const struct ending *ending;
    struct arena *arena;
    unsigned char behind[GRANT_ID_SIZE];
    unsigned char from[GRANT_ID_SIZE]; /* what behind was before the step: a body may run again */
    struct sql_rows rows;
};

/* The statement's order is not the rows' order: RETURNING promises none. */
static enum idp_err step_on(struct walk *walk)
{
    memcpy(walk->behind, walk->from, GRANT_ID_SIZE);
    for (size_t i = 0; i < walk->rows.rows; i++) {
        const struct sql_value *id = sql_cell(&walk->rows, i, 0);
        if (id == NULL || id->len != GRANT_ID_SIZE)
            return IDP_FAULT;
        if (memcmp(id->bytes, walk->behind, GRANT_ID_SIZE) > 0)
            memcpy(walk->behind, id->bytes, GRANT_ID_SIZE);
    }
    return IDP_OK;
}

static enum idp_err end_batch(struct sql_tx *tx, void *with)
{
    struct walk *walk = with;
    const struct ending *e = walk->ending;
    const struct sql_value params[] = {
        sql_int(e->now),
        sql_text(e->why),
        sql_blob(walk->from, GRANT_ID_SIZE),
        sql_int(e->now - TOKEN_LIFE_MOST_S),
        sql_int(e->now + CALENDARS_S),
        sql_text(e->subject),
        sql_text(e->client),
    };
    const struct sql_call call = {selections[e->of].end, params, e->client != NULL ? 7 : 6};
    enum idp_err err = sql_run(tx, walk->arena, &call, &walk->rows, NULL);
    return err == IDP_OK ? step_on(walk) : err;
}

static const char *target_of(struct arena *arena, const struct ending *e)
{
    const char *name = selections[e->of].name;
    if (e->client != NULL)
        return arena_printf(arena, "%s %s %s", name, e->subject, e->client);
    return arena_printf(arena, "%s %s", name, e->subject);
}

enum idp_err ending_batch(struct sql_tx *tx, struct arena *arena, struct ending *ending)
{
    struct walk walk = {.ending = ending, .arena = arena};
    enum idp_err err = end_batch(tx, &walk);
    ending->whole = walk.rows.rows < BATCH;
    return err;
}

enum idp_err ending_order(struct sql_tx *tx, struct arena *arena, struct ending *ending)
{
    const struct outbox_entry entry = {.kind = &ending_kind,
                                       .target = target_of(arena, ending),
                                       .body = ending->why,
                                       .now = ending->now,
                                       .at_once = ending->by_nodes};
    if (entry.target == NULL)
        return IDP_FAULT;
    enum idp_err err = outbox_add(tx, arena, &entry, &ending->row);
    return err == IDP_OK ? ending_batch(tx, arena, ending) : err;
}

/* --- the rest -------------------------------------------------------------------------------- */

/* One step of a walk, with memory of its own. *found is how many it came by. */
static enum idp_err take_step(const struct access *access, struct walk *walk,
                              enum idp_err (*step)(const struct access *, struct walk *),
                              size_t *found)
{
    walk->arena = arena_new();
    memcpy(walk->from, walk->behind, GRANT_ID_SIZE);
    enum idp_err err = walk->arena != NULL ? step(access, walk) : IDP_FAULT;
    *found = err == IDP_OK ? walk->rows.rows : 0;
    arena_free(walk->arena);
    return err;
}

/* Takes steps until one finds less than a batch. *found is how many all came by. */
static enum idp_err walk_through(const struct access *access, const struct ending *ending,
                                 enum idp_err (*step)(const struct access *, struct walk *),
                                 size_t *found)
{
    struct walk walk = {.ending = ending};
    size_t n = BATCH;
    enum idp_err err = IDP_OK;
    for (*found = 0; err == IDP_OK && n == BATCH; *found += n)
        err = take_step(access, &walk, step, &n);
    return err;
}

static enum idp_err end_step(const struct access *access, struct walk *walk)
{
    return sql_transact(access->db, end_batch, walk);
}

/*
 * A walk that ended something is followed by another: the last one finds nothing and has read all
 * there is in one transaction, which is what a serialisable database needs to see a grant that is
 * being made beside it.
 */
enum idp_err ending_rest(const struct access *access, const struct ending *ending)
{
    size_t found = 1;
    enum idp_err err = IDP_OK;
    while (err == IDP_OK && found > 0)
        err = walk_through(access, ending, end_step, &found);
    return err;
}

static enum idp_err bury_step(const struct access *access, struct walk *walk)
{
    const struct ending *e = walk->ending;
    const int64_t since = e->now - TOKEN_LIFE_MOST_S;
    const struct sql_value params[] = {
        sql_int(since),       sql_blob(walk->from, GRANT_ID_SIZE),
        sql_int(since),       sql_int(since * 1000),
        sql_text(e->subject), sql_text(e->client),
    };
    const struct sql_call call = {selections[e->of].list, params, e->client != NULL ? 6 : 5};
    enum idp_err err = sql_read(access->db, walk->arena, &call, &walk->rows);
    if (err == IDP_OK)
        err = step_on(walk);
    for (size_t i = 0; err == IDP_OK && i < walk->rows.rows; i++)
        err = grant_bury(access, sql_cell(&walk->rows, i, 0)->bytes);
    return err;
}

/* Marks come before the walk: a code that is redeemed beside it finds the mark, or its grant is
 * among those that end. */
static enum idp_err put_marks(const struct access *access, const struct ending *e)
{
    if (e->of == ENDING_SESSION)
        return session_end_family(access, e->subject);
    return e->of == ENDING_SIGN_OUT ? session_close_codes(access, e->subject) : IDP_OK;
}

static enum idp_err put_copies(const struct access *access, const struct ending *e)
{
    if (e->of == ENDING_ENTERPRISE)
        return holders_refresh(access->db, access->kv, e->subject);
    return e->of == ENDING_LOCK ? holder_refresh(access->db, access->kv, e->subject) : IDP_OK;
}

/* Also those that an earlier call ended, which may have failed before their tombstones stood. */
static enum idp_err put_all(const struct access *access, const struct ending *e)
{
    size_t buried = 0;
    enum idp_err err = walk_through(access, e, bury_step, &buried);
    return err == IDP_OK ? put_copies(access, e) : err;
}

enum idp_err ending_finish(const struct access *access, const struct ending *ending)
{
    enum idp_err err = access->kv != NULL ? put_marks(access, ending) : IDP_OK;
    if (err == IDP_OK && !ending->whole)
        err = ending_rest(access, ending);
    return err == IDP_OK && access->kv != NULL ? put_all(access, ending) : err;
}

/* --- as an outbox row ------------------------------------------------------------------------ */

static const char *next_word(struct arena *arena, const char **at)
{
    size_t len = 0;
    const char *word = text_list_next(at, &len);
    return word != NULL ? arena_strndup(arena, word, len) : NULL;
}

static enum idp_err read_target(struct arena *arena, const char *target, struct ending *out)
{
    const char *name = next_word(arena, &target);
    for (int i = 0; name != NULL && i < SELECTIONS; i++) {
        if (strcmp(selections[i].name, name) != 0)
            continue;
        out->of = (enum ending_of)i;
        out->subject = next_word(arena, &target);
        out->client = next_word(arena, &target);
        bool fits = out->subject != NULL && (out->client != NULL) == (i == ENDING_CONSENT);
        return fits ? IDP_OK : IDP_FAULT;
    }
    return IDP_FAULT;
}

/*
 * Nothing is known of what its writer came to do: everything is done again. A session was alive
 * until now, and unlike a standing it is never good again, so what it gave meanwhile ends as well.
 */
static enum idp_err deliver(const struct access *access, const struct outbox_row *row)
{
    struct ending ending = {.why = row->body, .now = row->created};
    struct arena *arena = arena_new();
    enum idp_err err = arena != NULL ? read_target(arena, row->target, &ending) : IDP_FAULT;
    if (ending.of == ENDING_SESSION)
        ending.now = row->now;
    if (err == IDP_OK)
        err = ending_finish(access, &ending);
    arena_free(arena);
    return err;
}

const struct outbox_kind ending_kind = {
    .name = "ending",
    .queue = OUTBOX_TOMBSTONES,
    .head_start_ms = 2000,
    .deliver = deliver,
};
