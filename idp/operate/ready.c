/*
 * Whether requests should be sent here: every part that they need is asked now. 200 when all are
 * well, 503 when one is not; which one stands in the answer either way.
 */
#include "operate/ready.h"

#include <stdatomic.h>

#include "app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/object.h"
#include "http/http.h"
#include "jose/sign.h"
#include "operate/fail.h"
#include "pki/pki.h"
#include "store/generation.h"
#include "store/kv.h"
#include "store/sql.h"

static const char well[] = "well";

static const char *state_of_sql(struct request *rq)
{
    struct sql_rows rows;
    const struct sql_call call = {.text = "SELECT 1"};
    return sql_read(rq->app->db, rq->arena, &call, &rows) == IDP_OK ? well : "does not answer";
}

static const char *state_of_kv(struct request *rq)
{
    struct kv_bytes found;
    const struct kv_bytes key = {.bytes = "ready", .len = 5};
    enum idp_err err = kv_get(rq->app->kv, KV_COUNTER, key, rq->arena, &found);
    return err == IDP_OK || err == IDP_NOT_FOUND ? well : "does not answer";
}

/* One that signs for each algorithm. */
static const char *state_of_keys(struct request *rq)
{
    struct signing_figure figures[SIGNING_KEYS_ALL];
    bool active[JOSE_ALGS] = {false};
    size_t count = signer_figures(rq->app->signer, rq->now, figures, SIGNING_KEYS_ALL);
    for (size_t i = 0; i < count; i++)
        if (figures[i].state == SIGNING_KEY_ACTIVE)
            active[figures[i].alg] = true;
    for (size_t i = 0; i < JOSE_ALGS; i++)
        if (!active[i])
            return "no key is active";
    return well;
}

static const char *state_of_trust_list(struct request *rq)
{
    if (pki_trust(rq->app->pki, rq->arena) == NULL)
        return "is not there";
    return atomic_load(&rq->app->trust_damaged) ? "is damaged" : well;
}

static const char *state_of_generation(struct request *rq)
{
    return generation_stale(rq->app->watch) ? "is stale" : well;
}

static const char *state_of_schema(struct request *rq)
{
    return atomic_load(&rq->app->left_behind) ? "is not this program's" : well;
}

static const char *state_of_server(struct request *rq)
{
    return atomic_load(&rq->app->draining) ? "is draining" : well;
}

static const struct part {
    const char *name;
    const char *(*state)(struct request *rq);
} parts[] = {
    {"sql", state_of_sql},
    {"kv", state_of_kv},
    {"keys", state_of_keys},
    {"trust_list", state_of_trust_list},
    {"generation", state_of_generation},
    {"schema", state_of_schema},
    {"server", state_of_server},
};

static enum idp_err ready(struct request *rq, struct response *rs)
{
    bool all_well = true;
    struct object states = object_new();
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        const char *state = parts[i].state(rq);
        all_well = all_well && state == well;
        object_text(&states, parts[i].name, state);
    }
    struct object answer = object_new();
    object_put(&answer, "ready", json_boolean(all_well));
    object_put(&answer, "parts", object_done(&states));
    return http_respond_json(rq, rs, all_well ? 200 : 503, object_done(&answer));
}

const struct route operate_ready_route = {
    .spec = "docs/decisions/operating.md",
    .methods = HTTP_GET,
    .path = "/readyz",
    .waits = HTTP_WAITS_ALWAYS,
    .handle = ready,
    .fail = operate_fail,
};
