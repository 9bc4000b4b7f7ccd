#include "tests/access/world.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "access/access_token.h"
#include "access/claims.h"
#include "base/base64.h"
#include "base/lane.h"
#include "base/log.h"
#include "client/desk.h"
#include "client/metadata.h"
#include "client/registry.h"
#include "enterprise/binding.h"
#include "evidence/kept.h"
#include "evidence/objects.h"
#include "evidence/refusals.h"
#include "evidence/seen.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/sign.h"
#include "net/fetch.h"
#include "pki/crl/crl_renew.h"
#include "pki/crl/crls.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_signatures.h"
#include "store/kv.h"
#include "store/memory.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"

struct world world;

/* Made once: keys take long. */
static struct region_authority authorities[WORLD_AUTHORITIES];
static struct region_holder locks[WORLD_LOCKS];
static struct {
    char *folder;
    char where[DATABASE_WHERE_MAX]; /* its database */
    struct arena *arena;
    struct holder holders[WORLD_LOCKS];
    const char *secrets[WORLD_CLIENTS];
} template;

static const char *const authority_ids[WORLD_AUTHORITIES] = {"one", "two", "production"};

static const struct lock_wanted wanted_locks[WORLD_LOCKS] = {
    [LOCK_BELL] = {OF_ONE, "风铃建设有限公司", REGION_USCC, "KEY0001", NULL},
    [LOCK_HARBOUR] = {OF_ONE, "海港物资有限公司", "91150200MA0TEAT2YN", "KEY0002", NULL},
    [LOCK_NEW] = {OF_ONE, "新草原招标有限公司", "91150300MA0TEAT3XR", "KEY0003", NULL},
    [LOCK_BELL_OTHER] = {OF_ONE, "风铃建设有限公司", REGION_USCC, "KEY0009", NULL},
    [LOCK_BELL_TWO] = {OF_TWO, "风铃建设有限公司", REGION_USCC, "KEY0001", NULL},
    [LOCK_PRODUCTION] = {OF_PRODUCTION, "真实贸易有限公司", "91150400MA0TEAT4X0", "K1", NULL},
};

static bool is_bound(size_t lock)
{
    return lock == LOCK_BELL || lock == LOCK_HARBOUR || lock == LOCK_PRODUCTION;
}

#define METADATA(id, more)                                                                         \
    "{\"client_id\":\"" id "\",\"client_name#zh-CN\":\"" id "平台\",\"client_name#en\":\"" id      \
    "\",\"tamga_environment\":" more "}"
#define REDIRECT(id) ",\"redirect_uris\":[\"https://" id ".example/cb\"]"
#define LAUNCH(id)                                                                                 \
    ",\"client_uri\":\"https://" id ".example/\""                                                  \
    ",\"initiate_login_uri\":\"https://" id ".example/login\",\"tamga_group\":\"west\""            \
    ",\"tamga_city\":\"hohhot\",\"tamga_phone\":\"0471-222-3333\""

static const struct client_wanted {
    const char *id, *redirect_uri, *metadata;
} clients[WORLD_CLIENTS] = {
    [CLIENT_PLATFORM] = {"platform", "https://platform.example/cb",
                         METADATA("platform",
                                  "\"test\",\"scope\":\"openid enterprise lock email phone "
                                  "address offline_access\",\"grant_types\":["
                                  "\"authorization_code\",\"refresh_token\"]" REDIRECT("platform")
                                      LAUNCH("platform"))},
    [CLIENT_OTHER] = {"other", "https://other.example/cb",
                      METADATA("other", "\"test\"" REDIRECT("other") LAUNCH("other"))},
    [CLIENT_POST] = {"post", "https://post.example/cb?from=tamga",
                     METADATA("post", "\"test\",\"redirect_uris\":[\"https://post.example/"
                                      "cb?from=tamga\"],\"token_endpoint_auth_method\":"
                                      "\"client_secret_post\","
                                      "\"id_token_signed_response_alg\":\"RS256\"")},
    [CLIENT_PUBLIC] =
        {"public", "https://public.example/cb",
         METADATA("public",
                  "\"test\",\"scope\":\"openid enterprise offline_access\",\"grant_types\":["
                  "\"authorization_code\",\"refresh_token\"],"
                  "\"token_endpoint_auth_method\":\"none\"" REDIRECT("public"))},
    [CLIENT_GATEWAY] = {"gateway", "https://gateway.example/cb",
                        METADATA("gateway",
                                 "\"test\",\"tamga_introspect\":\"all\"" REDIRECT("gateway"))},
    [CLIENT_REAL] = {"real", "https://real.example/cb",
                     METADATA("real", "\"production\"" REDIRECT("real") LAUNCH("real"))},
    [CLIENT_SOON] = {"soon", NULL,
                     METADATA("soon", "\"test\",\"tamga_joined\":false,\"tamga_group\":\"east\"")},
    [CLIENT_SERVICE] = {"service-of-one", NULL,
                        METADATA("service-of-one",
                                 "\"test\",\"grant_types\":[\"client_credentials\"],"
                                 "\"scope\":\"service\"")},
};

/* --- the pieces ------------------------------------------------------------------------------ */

static void make_lock_of(const struct lock_wanted *wanted, struct region_holder *out)
{
    char uscc[64];
    char key_number[64];
    struct region_pair extensions[16] = {{NULL, NULL}};
    const struct region_pair subject[] = {
        {"C", "CN"}, {"O", wanted->name}, {"CN", wanted->name}, {NULL, NULL}};
    (void)snprintf(uscc, sizeof(uscc), "ASN1:PRINTABLESTRING:%s", wanted->uscc);
    (void)snprintf(key_number, sizeof(key_number), "ASN1:PRINTABLESTRING:%s", wanted->key_number);
    for (size_t i = 0; region_extensions[i].name != NULL; i++) {
        extensions[i] = region_extensions[i];
        if (strcmp(extensions[i].name, "1.2.156.10260.4.1.4") == 0)
            extensions[i].value = uscc;
        if (strcmp(extensions[i].name, "1.3.6.1.4.1.32473.1.3") == 0)
            extensions[i].value = key_number;
    }
    const struct region_authority *authority = &authorities[wanted->authority];
    if (wanted->key_of == NULL) {
        region_lock_make(authority,
                         &(struct region_lock){.subject = subject, .extensions = extensions}, out);
        return;
    }
    assert_int_equal(EVP_PKEY_up_ref(wanted->key_of->key), 1);
    out->key = wanted->key_of->key;
    out->certificate = region_issue(&(struct region_certificate){
        .key = out->key,
        .issuer = authority->certificate,
        .issuer_key = authority->key,
        .subject = subject,
        .extensions = extensions,
        .from = REGION_NOW - REGION_DAY,
        .to = REGION_NOW + 800 * (int64_t)REGION_DAY,
    });
    out->der = region_der(out->certificate, &out->der_len);
}

static void drop_lock(void *lock)
{
    region_lock_clear(lock);
}

const struct region_holder *make_lock(const struct lock_wanted *wanted)
{
    struct region_holder *lock = arena_alloc(world.arena, sizeof(*lock));
    assert_non_null(lock);
    make_lock_of(wanted, lock);
    assert_non_null(arena_own(world.arena, lock, drop_lock));
    return lock;
}

/* Each authority answers at an address of its own, by which it is known here. */
static json_t *entry_of(size_t i)
{
    char url[64];
    json_t *entry = region_entry(&authorities[i]);
    (void)snprintf(url, sizeof(url), "http://127.0.0.5%zu:8500/ocsp", i);
    json_t *ocsp = json_object_get(json_object_get(entry, "revocation"), "ocsp");
    assert_int_equal(json_object_set_new(json_array_get(ocsp, 0), "url", json_string(url)), 0);
    if (world.degraded_until != NULL)
        assert_int_equal(json_object_set_new(json_object_get(entry, "revocation"), "degraded",
                                             json_pack("{s:s, s:i}", "until", world.degraded_until,
                                                       "max_age_s", 7200)),
                         0);
    if (i == OF_PRODUCTION)
        assert_int_equal(json_object_set_new(entry, "environment", json_string("production")), 0);
    return entry;
}

struct trust *world_trust_of(json_t *list)
{
    char *why = NULL;
    struct trust *trust = NULL;
    char *text = json_dumps(list, 0);
    assert_non_null(text);
    char *signatures = region_signatures(text);
    const struct trust_signatures document = {"signatures", signatures, strlen(signatures)};
    if (trust_parse("trust-list.json", text, strlen(text), &why, &trust) != IDP_OK ||
        trust_signatures_demand(region_managers(), &document, trust, &why) != IDP_OK)
        fail_msg("%s", why);
    free(signatures);
    free(text);
    return trust;
}

struct trust *world_trust_numbered(int64_t number, enum world_authority left_out)
{
    json_t *entries[WORLD_AUTHORITIES + 1] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < WORLD_AUTHORITIES; i++)
        if (i != left_out)
            entries[n++] = entry_of(i);
    json_t *list = region_trust_list(entries);
    assert_int_equal(json_object_set_new(list, "number", json_integer(number)), 0);
    struct trust *trust = world_trust_of(list);
    json_decref(list);
    return trust;
}

struct trust *world_trust_without(enum world_authority left_out)
{
    return world_trust_numbered(++world.lists, left_out);
}

static enum idp_err answer_question(void *context, struct arena *arena,
                                    const struct net_request *request, struct net_answer *out)
{
    size_t len = 0;
    (void)context;
    world.ocsp_packets++;
    if (world.ocsp_sent != IDP_OK)
        return world.ocsp_sent;
    const struct region_authority *authority =
        &authorities[request->url[strlen("http://127.0.0.5")] - '0'];
    const struct region_status status = {.key = authority->responder_key,
                                         .signer = authority->responder,
                                         .issuer = authority->certificate,
                                         .send_signer = true,
                                         .status = world.ocsp_status,
                                         .revoked_at = world.now - REGION_DAY,
                                         .this_update = world.now,
                                         .next_update = world.now + 3600,
                                         .copies = 1};
    unsigned char *bytes = region_answer(&status, request->body, request->body_len, &len);
    *out =
        (struct net_answer){.status = 200, .body = arena_copy(arena, bytes, len), .body_len = len};
    free(bytes);
    return IDP_OK;
}

static struct region_way way = {answer_question};

/* --- opening and closing --------------------------------------------------------------------- */

static void fill_config(struct config *config)
{
    *config = (struct config){
        .issuer = REGION_ORIGIN,
        .origin = REGION_ORIGIN,
        .development = true,
        .assistant_address = "http://127.0.0.1:17681",
        .assistant_minimum_version = "0.1.0",
        .support_phone = "0471-111-2222",
        .challenge_s = 180,
        .interaction_s = 900,
        .code_s = 60,
        .session_idle_s = 1800,
        .session_absolute_s = 28800,
        .access_token_s = 600,
        .id_token_s = 300,
        .launch_s = 120,
        .refresh_family_s = 2592000,
        .refresh_grace_s = 10,
        .jwks_cache_s = 900,
        .clock_margin_s = 60,
    };
}

static void fill_access(struct app *app)
{
    app->access = (struct access){.db = app->db,
                                  .kv = app->kv,
                                  .keys = app->keys,
                                  .issuer = app->config.issuer,
                                  .challenge_s = app->config.challenge_s,
                                  .interaction_s = app->config.interaction_s,
                                  .code_s = app->config.code_s,
                                  .session_idle_s = app->config.session_idle_s,
                                  .session_absolute_s = app->config.session_absolute_s,
                                  .access_token_s = app->config.access_token_s,
                                  .launch_s = app->config.launch_s,
                                  .refresh_family_s = app->config.refresh_family_s,
                                  .refresh_grace_s = app->config.refresh_grace_s};
}

static const char *in_folder(const char *kind, const char *name)
{
    const char *text = arena_printf(world.arena, "%s%s/%s", kind, world.folder, name);
    assert_non_null(text);
    return text;
}

static void open_stores(struct app *app, const char *where)
{
    char *why = NULL;
    struct sql *db = NULL;
    struct kv *kv = NULL;
    if (sql_open(where, &why, &db) != IDP_OK)
        fail_msg("%s", why);
    assert_int_equal(migrate_run(db), IDP_OK);
    assert_int_equal(kv_memory_open(NULL, NULL, &kv), IDP_OK);
    faulty_sql_init(&world.sql, db);
    faulty_kv_init(&world.kv, kv);
    app->db = &world.sql.sql;
    app->kv = &world.kv.kv;
    assert_int_equal(master_key_load(in_folder("", "master.key"), &why, &app->master), IDP_OK);
    assert_int_equal(purpose_keys_open(app->db, app->master, REGION_NOW, &app->keys), IDP_OK);
    app->key_policy = (struct key_policy){.cache_s = app->config.jwks_cache_s,
                                          .longest_s = app->config.id_token_s,
                                          .margin_s = app->config.clock_margin_s};
    assert_int_equal(signer_open(app->db, app->master, &app->key_policy, REGION_NOW, &app->signer),
                     IDP_OK);
    app->clients = client_registry_new(app->db);
    app->kept = kept_new();
    app->seen = seen_new();
    app->refusals = refusals_new(app->seen);
    assert_true(app->clients != NULL && app->kept != NULL);
    assert_true(app->seen != NULL && app->refusals != NULL);
}

static enum idp_err read_archive(void *db, struct arena *arena, const unsigned char *hash,
                                 const unsigned char **der, size_t *len)
{
    return evidence_object_read(db, arena, hash, der, len);
}

static void open_world(const char *where)
{
    world.arena = arena_new();
    assert_non_null(world.arena);
    world.now = REGION_NOW;
    world.authorities = authorities;
    world.locks = locks;
    fill_config(&world.app.config);
    open_stores(&world.app, where);
    fill_access(&world.app);
    assert_int_equal(crls_new(NULL, &world.app.crls), IDP_OK);
    world.app.lists = crl_renew_new(NULL, world.app.crls);
    assert_non_null(world.app.lists);
    const struct pki_settings settings = {.trust = world_trust_without(WORLD_AUTHORITIES),
                                          .lists = pki_lists_of(world.app.crls),
                                          .kv = world.app.kv,
                                          .db = world.app.db,
                                          .fetch = {&way, region_race},
                                          .archive = {world.app.db, read_archive}};
    assert_int_equal(pki_new(&settings, &world.app.pki), IDP_OK);
    world.app.access.pki = world.app.pki;
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        world.client_ids[i] = clients[i].id;
        world.redirect_uris[i] = clients[i].redirect_uri;
        world.secrets[i] = template.secrets[i];
    }
    memcpy(world.holders, template.holders, sizeof(world.holders));
}

static void close_world(void)
{
    lane_set_may_wait(true);
    arena_free(world.arena);
    crl_renew_free(world.app.lists);
    pki_free(world.app.pki);
    crls_free(world.app.crls);
    refusals_free(world.app.refusals);
    seen_free(world.app.seen);
    kept_free(world.app.kept);
    client_registry_free(world.app.clients);
    signer_close(world.app.signer);
    purpose_keys_close(world.app.keys);
    master_key_free(world.app.master);
    kv_close(world.kv.real);
    sql_close(world.sql.real);
}

/* --- the template ----------------------------------------------------------------------------- */

/* As loading the trust list does. */
static void list_authority(size_t i)
{
    const char *environment = i == OF_PRODUCTION ? "production" : "test";
    const struct sql_value params[] = {sql_text(authority_ids[i]), sql_text(environment)};
    assert_int_equal(
        sql_execute(
            world.app.db,
            &(struct sql_call){
                "INSERT INTO authorities (id, environment, listed) VALUES ($1, $2, 1)", params, 2},
            NULL),
        IDP_OK);
}

static void add_client(size_t i)
{
    static const struct address_rules rules = {.development = true};
    struct client client;
    struct metadata_problem problem;
    struct client_credentials credentials;
    const struct client_desk desk = {.db = world.app.db,
                                     .keys = world.app.keys,
                                     .now = REGION_NOW,
                                     .detail = "{\"actor\":\"test\"}"};
    const char *text = clients[i].metadata;
    if (metadata_parse(world.arena, &rules, text, strlen(text), &problem, &client) != IDP_OK)
        fail_msg("%s: %s %s", clients[i].id, problem.field, problem.problem);
    assert_int_equal(client_add(&desk, world.arena, text, &client, &credentials), IDP_OK);
    template.secrets[i] = arena_strdup(template.arena, credentials.secret);
}

struct binding_of {
    const struct lock_identity *identity;
    struct holder *out;
};

static enum idp_err bind_lock(struct sql_tx *tx, void *with)
{
    static const struct binding_form form = {.city = "hohhot",
                                             .legal_representative = "张三",
                                             .phone = "0471-555-6666",
                                             .address = "呼和浩特市新城区一号",
                                             .email = "office@bidder.example",
                                             .entity_types = "bidder supplier"};
    const struct binding_of *binding = with;
    return binding_make(tx, template.arena, binding->identity, &form, REGION_NOW - REGION_DAY,
                        binding->out);
}

static void bind_in_template(size_t lock)
{
    const struct lock_identity identity = identity_of(&locks[lock]);
    struct holder made;
    struct binding_of binding = {.identity = &identity, .out = &made};
    assert_int_equal(sql_transact(world.app.db, bind_lock, &binding), IDP_OK);
    /* its texts belong to the identity's arena: read it from the row into the template's */
    const struct holder *read = NULL;
    assert_int_equal(holder_find(world.app.db, world.app.kv, template.arena, made.lock.id, &read),
                     IDP_OK);
    template.holders[lock] = *read;
}

static void make_certificates(void)
{
    for (size_t i = 0; i < WORLD_AUTHORITIES; i++)
        region_authority_make(&authorities[i], authority_ids[i], "P-256");
    for (size_t i = 0; i < WORLD_LOCKS; i++)
        make_lock_of(&wanted_locks[i], &locks[i]);
}

int world_prepare(void **state)
{
    (void)state;
    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC)); /* refusals are what tests are about */
    make_certificates();
    template.folder = help_temp_folder();
    template.arena = arena_new();
    assert_non_null(template.arena);
    world = (struct world){.folder = template.folder};
    database_make(database_kind(), template.folder, template.where);
    open_world(template.where);
    for (size_t i = 0; i < WORLD_AUTHORITIES; i++)
        list_authority(i);
    for (size_t i = 0; i < WORLD_CLIENTS; i++)
        add_client(i);
    for (size_t i = 0; i < WORLD_LOCKS; i++)
        if (is_bound(i))
            bind_in_template(i);
    close_world();
    return 0;
}

int world_forget(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORLD_LOCKS; i++)
        region_lock_clear(&locks[i]);
    for (size_t i = 0; i < WORLD_AUTHORITIES; i++)
        region_authority_clear(&authorities[i]);
    help_remove_folder(template.folder);
    free(template.folder);
    arena_free(template.arena);
    return 0;
}

static void copy_file(const char *name)
{
    char from[4200];
    char to[4200];
    size_t len = 0;
    (void)snprintf(from, sizeof(from), "%s/%s", template.folder, name);
    (void)snprintf(to, sizeof(to), "%s/%s", world.folder, name);
    char *bytes = help_read_file(from, &len);
    assert_non_null(bytes);
    help_write_file(to, bytes, len);
    free(bytes);
}

int world_set_up(void **state)
{
    (void)state;
    char key[4200];
    world = (struct world){.folder = help_temp_folder()};
    database_copy(template.where, world.folder, world.where);
    copy_file("master.key");
    (void)snprintf(key, sizeof(key), "%s/master.key", world.folder);
    assert_int_equal(chmod(key, 0600), 0);
    open_world(world.where);
    return 0;
}

int world_tear_down(void **state)
{
    (void)state;
    close_world();
    help_remove_folder(world.folder);
    free(world.folder);
    return 0;
}

/* --- stores ----------------------------------------------------------------------------------- */

void world_sql(const char *statement)
{
    assert_int_equal(sql_execute(world.sql.real, &(struct sql_call){.text = statement}, NULL),
                     IDP_OK);
}

static struct sql_rows first_row(const char *query)
{
    struct sql_rows rows = {0};
    assert_int_equal(
        sql_read_one(world.sql.real, world.arena, &(struct sql_call){.text = query}, &rows),
        IDP_OK);
    return rows;
}

int64_t world_number(const char *query)
{
    const struct sql_rows rows = first_row(query);
    return sql_cell_int(&rows, 0, 0);
}

const char *world_text(const char *query)
{
    const struct sql_rows rows = first_row(query);
    return sql_cell_text(&rows, 0, 0);
}

void world_kv_is_down(bool down)
{
    world.kv.error = down ? IDP_UNAVAILABLE : IDP_OK;
    world.kv.calls = FAULTY_ALL;
    world.kv.kinds = 0;
}

void world_sql_is_down(bool down)
{
    world.sql.read = world.sql.transact = down ? IDP_UNAVAILABLE : IDP_OK;
}

void world_lose_kv(void)
{
    kv_close(world.kv.real);
    assert_int_equal(kv_memory_open(NULL, NULL, &world.kv.real), IDP_OK);
}

void world_forget_holder(enum world_lock lock)
{
    (void)kv_take(world.kv.real, KV_HOLDER, kv_text(world.holders[lock].lock.id), NULL, NULL);
}

void world_forget_clients(void)
{
    client_registry_refresh(world.app.clients);
}

/* --- requests --------------------------------------------------------------------------------- */

static void free_arena(void *arena)
{
    arena_free(arena);
}

static void drop_json(void *json)
{
    json_decref(json);
}

static struct request *make_request(const struct sent *sent)
{
    struct arena *arena = arena_new();
    assert_non_null(arena);
    assert_non_null(arena_own(world.arena, arena, free_arena));
    struct request *rq = arena_alloc(arena, sizeof(*rq));
    const char *type = sent->route->body == HTTP_BODY_JSON ? "application/json"
                                                           : "application/x-www-form-urlencoded";
    assert_non_null(rq);
    *rq = (struct request){
        .arena = arena,
        .app = &world.app,
        .route = sent->route,
        .now = world.now,
        .id = "0123456789abcdef",
        .address = sent->address != NULL ? sent->address : "192.0.2.7",
        .network = sent->address != NULL ? sent->address : "192.0.2.7",
        .method = sent->body != NULL ? HTTP_POST : HTTP_GET,
        .path = sent->path != NULL ? sent->path : sent->route->path,
        .authorization = sent->authorization,
        .cookie = sent->cookie,
        .origin = sent->origin,
        .portal_token = sent->token,
        .content_type = sent->type != NULL   ? sent->type
                        : sent->body != NULL ? type
                                             : NULL,
        .query = sent->query,
    };
    return rq;
}

/* As the server does: on a thread that may not wait first, unless the route always waits. */
static void dispatch(struct request *rq, struct response *rs)
{
    lane_set_may_wait(rq->route->waits == HTTP_WAITS_ALWAYS);
    bool done = http_dispatch(rq, rs);
    lane_set_may_wait(true);
    if (done)
        return;
    assert_int_equal(rq->route->waits, HTTP_WAITS_ON_MISS);
    assert_true(http_dispatch(rq, rs));
}

static const char *header_of(const struct response *rs, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < rs->header_count; i++) {
        if (strcmp(rs->headers[i].name, name) != 0)
            continue;
        assert_null(found);
        found = rs->headers[i].value;
    }
    return found;
}

static void read_body(struct answer *a)
{
    a->body = arena_strndup(world.arena, a->rs.body != NULL ? a->rs.body : "", a->rs.body_len);
    if (a->rs.type == NULL || strcmp(a->rs.type, "application/json") != 0)
        return;
    a->json = json_loadb(a->body, a->rs.body_len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(a->json); /* what calls itself JSON is JSON */
    assert_non_null(arena_own(world.arena, a->json, drop_json));
}

/* The body goes in a block of exactly its size, so that ASan sees a byte too many read. */
static void free_body(void *body)
{
    free(body);
}

static void put_body(struct request *rq, const char *body)
{
    if (body == NULL)
        return;
    rq->body_len = strlen(body);
    char *exact = malloc(rq->body_len + (rq->body_len == 0));
    assert_non_null(exact);
    memcpy(exact, body, rq->body_len);
    assert_non_null(arena_own(rq->arena, exact, free_body));
    rq->body = exact;
}

static const struct answer *make_answer(const struct response *rs)
{
    struct answer *a = arena_alloc(world.arena, sizeof(*a));
    assert_non_null(a);
    *a = (struct answer){.status = rs->status,
                         .location = header_of(rs, "Location"),
                         .set_cookie = header_of(rs, "Set-Cookie"),
                         .www_authenticate = header_of(rs, "WWW-Authenticate"),
                         .retry_after = header_of(rs, "Retry-After"),
                         .rs = *rs};
    read_body(a);
    return a;
}

const struct answer *world_send(const struct sent *sent)
{
    struct response rs = {0};
    struct request *rq = make_request(sent);
    put_body(rq, sent->body);
    dispatch(rq, &rs);
    return make_answer(&rs);
}

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    struct request *rq;
    struct response rs;
};

static void *run_racer(void *with)
{
    struct racer *racer = with;
    (void)pthread_barrier_wait(racer->start);
    (void)http_dispatch(racer->rq, &racer->rs);
    return NULL;
}

void world_send_at_once(const struct sent *sent, size_t count, const struct answer **out)
{
    pthread_barrier_t start;
    struct racer *racers = arena_alloc(world.arena, count * sizeof(*racers));
    assert_non_null(racers);
    assert_int_equal(pthread_barrier_init(&start, NULL, (unsigned)count), 0);
    for (size_t i = 0; i < count; i++) {
        racers[i] = (struct racer){.start = &start, .rq = make_request(&sent[i])};
        put_body(racers[i].rq, sent[i].body);
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&racers[i].thread, NULL, run_racer, &racers[i]), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
    (void)pthread_barrier_destroy(&start);
    for (size_t i = 0; i < count; i++)
        out[i] = make_answer(&racers[i].rs);
}

void expect_json(const struct answer *answer, int status, const char *json)
{
    json_t *wanted = json_loads(json, 0, NULL);
    assert_non_null(wanted);
    if (answer->status != status || !json_equal(wanted, answer->json))
        fail_msg("%d %s\ninstead of %d %s", answer->status, answer->body, status, json);
    json_decref(wanted);
}

void expect_error(const struct answer *answer, int status, const char *code)
{
    const char *found = member_text(answer, "error.code");
    if (found == NULL)
        found = member_text(answer, "error");
    if (answer->status != status || found == NULL || strcmp(found, code) != 0)
        fail_msg("%d %s\ninstead of %d %s", answer->status, answer->body, status, code);
}

const json_t *member(const struct answer *answer, const char *path)
{
    char name[64];
    const json_t *at = answer->json;
    while (*path != '\0') {
        size_t len = strcspn(path, ".");
        assert_true(len < sizeof(name));
        memcpy(name, path, len);
        name[len] = '\0';
        at = json_object_get(at, name);
        path += len + (path[len] == '.');
    }
    return at;
}

const char *member_text(const struct answer *answer, const char *path)
{
    return json_string_value(member(answer, path));
}

const char *query_value(const char *uri, const char *name)
{
    const struct param params[] = {{.name = name, .max = 65536}, {.name = NULL}};
    const char *values[HTTP_PARAMS_MAX] = {NULL};
    const char *query = uri != NULL ? strchr(uri, '?') : NULL;
    if (query == NULL)
        return NULL;
    assert_int_equal(http_form_parse(world.arena, query + 1, strlen(query + 1), params, values),
                     IDP_OK);
    return values[0];
}

static char *put_encoded(char *at, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL)
            *at++ = *text;
        else
            at += snprintf(at, 4, "%%%02X", (unsigned)(unsigned char)*text);
    }
    return at;
}

const char *form_of(const char *const pairs[])
{
    size_t size = 1;
    for (size_t i = 0; pairs[i] != NULL; i++)
        size += 3 * strlen(pairs[i]) + 1;
    char *form = arena_alloc(world.arena, size + 4);
    char *at = form;
    assert_non_null(form);
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        if (at != form)
            *at++ = '&';
        at = put_encoded(at, pairs[i]);
        *at++ = '=';
        at = put_encoded(at, pairs[i + 1]);
    }
    *at = '\0';
    return form;
}

/* --- browsers --------------------------------------------------------------------------------- */

static void keep_cookie(struct browser *browser, const struct answer *answer)
{
    const size_t name = strlen(session_cookie) + 1;
    if (answer->set_cookie == NULL)
        return;
    const char *value = answer->set_cookie + name;
    assert_true(strncmp(answer->set_cookie, "__Host-tamga=", name) == 0);
    assert_non_null(strstr(value, "; Path=/; Secure; HttpOnly; SameSite=Lax"));
    size_t len = strcspn(value, ";");
    browser->cookie = len > 0 ? arena_strndup(world.arena, value, len) : NULL;
}

static void keep_token(struct browser *browser, const struct answer *answer)
{
    const char *token = member_text(answer, "token");
    if (token != NULL)
        browser->token = token;
}

static const char *cookie_line(const struct browser *browser)
{
    if (browser->cookie == NULL)
        return NULL;
    return arena_printf(world.arena, "other=1; %s=%s", session_cookie, browser->cookie);
}

const struct answer *browse(struct browser *browser, const struct route *route, const char *query)
{
    const struct answer *answer =
        world_send(&(struct sent){.route = route, .query = query, .cookie = cookie_line(browser)});
    keep_cookie(browser, answer);
    keep_token(browser, answer);
    return answer;
}

struct sent posted(const struct browser *browser, const struct route *route, const char *json)
{
    return (struct sent){.route = route,
                         .body = json,
                         .cookie = cookie_line(browser),
                         .origin = REGION_ORIGIN,
                         .token = browser->token};
}

const struct answer *post_json(struct browser *browser, const struct route *route, const char *json)
{
    const struct sent sent = posted(browser, route, json);
    const struct answer *answer = world_send(&sent);
    keep_cookie(browser, answer);
    keep_token(browser, answer);
    return answer;
}

struct browser visitor(void)
{
    struct session *session = NULL;
    assert_int_equal(session_visit(&world.app.access, world.arena, &session), IDP_OK);
    return (struct browser){.cookie = session->id, .token = session->token};
}

struct browser signed_in(enum world_lock lock)
{
    struct session *from = NULL;
    struct session *session = NULL;
    const struct session_proof proof = {.holder = &world.holders[lock],
                                        .environment =
                                            lock == LOCK_PRODUCTION ? "production" : "test",
                                        .acr = "urn:tamga:acr:lock",
                                        .amr = "hwk pin"};
    assert_int_equal(session_visit(&world.app.access, world.arena, &from), IDP_OK);
    assert_int_equal(
        session_sign_in(&world.app.access, world.arena, from, &proof, world.now, &session), IDP_OK);
    return (struct browser){.cookie = session->id, .token = session->token};
}

struct session *session_of(const struct browser *browser)
{
    struct session *session = NULL;
    enum idp_err err =
        session_find(&world.app.access, world.arena, browser->cookie, world.now, &session);
    return err == IDP_OK ? session : NULL;
}

/* Some consent, where there is none: without it there is no grant. */
static void agree_to_something(const struct session *session, const char *client)
{
    const struct sql_value params[] = {sql_text(session->enterprise), sql_text(client)};
    assert_int_equal(
        sql_execute(world.sql.real,
                    &(struct sql_call){"INSERT INTO consents (enterprise, client, scope, "
                                       "claims_hash, given) VALUES ($1, $2, '', '', 0) "
                                       "ON CONFLICT (enterprise, client) DO NOTHING",
                                       params, 2},
                    NULL),
        IDP_OK);
}

static struct grant *make_grant(enum world_client client, const struct browser *browser,
                                bool offline)
{
    static unsigned made;
    const struct session *session = session_of(browser);
    const struct client *row = NULL;
    if (session == NULL)
        abort(); /* the compiler does not know that an assertion ends the test */
    assert_int_equal(client_find(world.app.clients, world.arena, world.client_ids[client], &row),
                     IDP_OK);
    if (row == NULL)
        abort();
    struct grant grant = {.client = row->id,
                          .enterprise = session->enterprise,
                          .lock = session->lock,
                          .authority = session->authority,
                          .session = session->family,
                          .scope = row->scope,
                          .claims = {.userinfo = claims_of_scope(row->scope)},
                          .auth_time = session->auth_time,
                          .created = world.now,
                          .acr = session->acr,
                          .amr = session->amr,
                          .offline = offline};
    const struct grant_code code = {.hash = arena_printf(world.arena, "code hash %u", made++),
                                    .issued = world.now};
    agree_to_something(session, row->id);
    assert_int_equal(grant_make(&world.app.access, world.arena, &grant, &code), IDP_OK);
    return arena_copy(world.arena, &grant, sizeof(grant));
}

struct grant *granted(enum world_client client, const struct browser *browser)
{
    return make_grant(client, browser, false);
}

struct grant *granted_offline(enum world_client client, const struct browser *browser)
{
    return make_grant(client, browser, true);
}

const char *token_of(const struct grant *grant)
{
    const char *text = NULL;
    struct access_token token = {.scopes = ACCESS_TOKEN_ALL_SCOPES};
    memcpy(token.grant, grant->id, GRANT_ID_SIZE);
    assert_int_equal(access_token_make(&world.app.access, world.arena, &token, world.now, &text),
                     IDP_OK);
    return text;
}

/* --- locks ------------------------------------------------------------------------------------ */

const char *answer_signed(const struct region_holder *lock, const struct region_signing *signing)
{
    size_t len = 0;
    unsigned char *signature = region_sign(lock->key, signing, &len);
    char *certificate_text = arena_alloc(world.arena, lock->der_len * 2 + 8);
    char *signature_text = arena_alloc(world.arena, len * 2 + 8);
    assert_true(certificate_text != NULL && signature_text != NULL);
    base64_encode(lock->der, lock->der_len, certificate_text);
    base64_encode(signature, len, signature_text);
    free(signature);
    return arena_printf(world.arena,
                        "{\"format\":\"tamga-lock:1\",\"algorithm\":\"%s\",\"certificate\":\"%s\","
                        "\"signature\":\"%s\",\"agentVersion\":\"0.1.0\"}",
                        signing->algorithm, certificate_text, signature_text);
}

const char *answer_of(enum world_lock lock, const char *challenge)
{
    return answer_signed(&locks[lock],
                         &(struct region_signing){.algorithm = "ES256",
                                                  .origin = REGION_ORIGIN,
                                                  .challenge = challenge,
                                                  .certificate = locks[lock].der,
                                                  .certificate_len = locks[lock].der_len});
}

struct lock_identity identity_of(const struct region_holder *lock)
{
    const struct region_signing signing = {.algorithm = "ES256",
                                           .origin = REGION_ORIGIN,
                                           .challenge = REGION_CHALLENGE,
                                           .certificate = lock->der,
                                           .certificate_len = lock->der_len};
    const struct lock_question question = {
        .origin = REGION_ORIGIN, .challenge = REGION_CHALLENGE, .now = world.now};
    struct lock_answer answer;
    struct lock_identity identity;
    struct refusal why = {.count = 0};
    json_t *json = json_loads(answer_signed(lock, &signing), 0, NULL);
    assert_non_null(json);
    assert_int_equal(lock_answer_read(world.arena, json, &why, &answer), IDP_OK);
    json_decref(json);
    enum idp_err err = lock_verify(world.app.pki, world.arena, &question, &answer, &why, &identity);
    if (err != IDP_OK)
        fail_msg("%s", why.reason != NULL ? why.reason->code : "no verdict");
    return identity;
}
