#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/lane.h"
#include "client/desk.h"
#include "client/registry.h"
#include "client/rows.h"
#include "client/secret.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "store/generation.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"

/* A database that counts what is read from it, and may be down. */
struct counted {
    struct sql sql;
    struct sql *real;
    atomic_int reads;
    enum idp_err down;
    void (*meanwhile)(void); /* happens between the reading of a row and its use */
};

static struct {
    struct arena *arena;
    char *folder;
    struct sql *db;
    struct counted counted;
    struct master_key *master;
    struct purpose_keys *keys;
    struct client_registry *registry;
    struct client_desk desk;
} w;

static enum idp_err counted_read(struct sql *db, struct arena *arena, const struct sql_call *call,
                                 struct sql_rows *out)
{
    struct counted *counted = (struct counted *)db;
    atomic_fetch_add(&counted->reads, 1);
    if (counted->down != IDP_OK)
        return counted->down;
    enum idp_err err = counted->real->driver->read(counted->real, arena, call, out);
    if (counted->meanwhile != NULL)
        counted->meanwhile();
    return err;
}

static const struct sql_driver counted_driver = {.name = "counted", .read = counted_read};

static int set_up(void **state)
{
    (void)state;
    char *why = NULL;
    char where[DATABASE_WHERE_MAX];
    w.arena = arena_new();
    w.folder = help_temp_folder();
    database_make(database_kind(), w.folder, where);
    assert_int_equal(sql_open(where, &why, &w.db), IDP_OK);
    assert_int_equal(migrate_run(w.db), IDP_OK);
    assert_int_equal(
        master_key_load(arena_printf(w.arena, "%s/master.key", w.folder), &why, &w.master), IDP_OK);
    assert_int_equal(purpose_keys_open(w.db, w.master, 1000, &w.keys), IDP_OK);
    w.counted = (struct counted){.sql = {.driver = &counted_driver}, .real = w.db};
    w.registry = client_registry_new(&w.counted.sql);
    assert_non_null(w.registry);
    w.desk = (struct client_desk){
        .db = w.db, .keys = w.keys, .now = 2000, .detail = "{\"actor\":\"test\"}"};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lane_set_may_wait(true);
    client_registry_free(w.registry);
    purpose_keys_close(w.keys);
    master_key_free(w.master);
    sql_close(w.db);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

#define CLIENT_COLUMNS "(id, standing, environment, secret_hash, metadata, created, changed) "

#define METADATA(id, more)                                                                         \
    "{\"client_id\":\"" id "\",\"client_name\":\"" id                                              \
    "\",\"redirect_uris\":[\"https://a.example/cb\"]" more "}"

static enum idp_err try_add(const char *metadata, struct client_credentials *out)
{
    static const struct address_rules rules = {.development = true};
    struct client client;
    struct metadata_problem problem;
    assert_int_equal(metadata_parse(w.arena, &rules, metadata, strlen(metadata), &problem, &client),
                     IDP_OK);
    return client_add(&w.desk, w.arena, metadata, &client, out);
}

static struct client_credentials add(const char *metadata)
{
    struct client_credentials credentials;
    assert_int_equal(try_add(metadata, &credentials), IDP_OK);
    return credentials;
}

static const struct client *find(const char *id)
{
    const struct client *client = NULL;
    assert_int_equal(client_find(w.registry, w.arena, id, &client), IDP_OK);
    return client;
}

static enum idp_err look_for(const char *id)
{
    const struct client *client = NULL;
    return client_find(w.registry, w.arena, id, &client);
}

static int64_t number(const char *text)
{
    struct sql_rows rows;
    const struct sql_call call = {.text = text};
    assert_int_equal(sql_read_one(w.db, w.arena, &call, &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

/* --- looking up ---------------------------------------------------------------------------- */

static void added_client_is_found_as_it_was_described(void **state)
{
    (void)state;
    add(METADATA("platform", ",\"tamga_group\":\"west\",\"tamga_environment\":\"test\""));
    const struct client *client = find("platform");
    assert_string_equal(client->id, "platform");
    assert_int_equal(client->standing, CLIENT_ACTIVE);
    assert_int_equal(client->environment, CLIENT_TEST);
    assert_int_equal(client->group, CLIENT_WEST);
    assert_string_equal(client->redirect_uris[0], "https://a.example/cb");
    assert_non_null(client->secret_hash);
}

static void second_look_up_reads_nothing(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    (void)find("platform");
    const struct client *again = find("platform");
    assert_ptr_equal(again, find("platform"));
    assert_int_equal(atomic_load(&w.counted.reads), 1);
}

static void network_thread_is_served_from_memory_and_told_to_wait_otherwise(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    lane_set_may_wait(false);
    assert_int_equal(look_for("platform"), IDP_WAIT);
    assert_int_equal(look_for("nobody"), IDP_WAIT);
    lane_set_may_wait(true);
    assert_int_equal(look_for("platform"), IDP_OK);
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    lane_set_may_wait(false);
    assert_int_equal(look_for("platform"), IDP_OK);
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    assert_int_equal(atomic_load(&w.counted.reads), 2);
}

static void dead_store_is_not_an_unknown_client(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    w.counted.down = IDP_UNAVAILABLE;
    assert_int_equal(look_for("platform"), IDP_UNAVAILABLE);
    w.counted.down = IDP_OK;
    assert_int_equal(look_for("platform"), IDP_OK);
    w.counted.down = IDP_UNAVAILABLE;
    assert_int_equal(look_for("platform"), IDP_OK); /* remembered */
}

static void ids_that_cannot_be_are_not_asked_for(void **state)
{
    (void)state;
    assert_int_equal(look_for(""), IDP_NOT_FOUND);
    assert_int_equal(look_for("01234567890123456789012345678901234567890123456789012345678901234"),
                     IDP_NOT_FOUND);
    assert_int_equal(atomic_load(&w.counted.reads), 0);
}

static void strangers_names_do_not_push_out_a_client(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    (void)find("platform");
    for (int i = 0; i < 3000; i++) {
        struct arena *arena = arena_new();
        const struct client *client = NULL;
        const char *id = arena_printf(arena, "stranger-%d", i);
        assert_int_equal(client_find(w.registry, arena, id, &client), IDP_NOT_FOUND);
        arena_free(arena);
    }
    lane_set_may_wait(false);
    assert_int_equal(look_for("platform"), IDP_OK);
}

static int64_t changed_to; /* the generation of the last change of a standing */

static enum idp_err suspend_in(struct sql_tx *tx, void *with)
{
    return client_suspend(tx, &w.desk, w.arena, with, &changed_to);
}

static enum idp_err resume_in(struct sql_tx *tx, void *with)
{
    return client_resume(tx, &w.desk, w.arena, with, &changed_to);
}

static enum idp_err suspend(const char *id)
{
    return sql_transact(w.db, suspend_in, arena_strdup(w.arena, id));
}

static enum idp_err resume(const char *id)
{
    return sql_transact(w.db, resume_in, arena_strdup(w.arena, id));
}

static void refresh_forgets_clients_and_absences(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    (void)find("platform");
    assert_int_equal(look_for("late-comer"), IDP_NOT_FOUND);
    assert_int_equal(suspend("platform"), IDP_OK);
    add(METADATA("late-comer", ""));
    client_registry_refresh(w.registry);
    assert_int_equal(find("platform")->standing, CLIENT_SUSPENDED);
    assert_int_equal(look_for("late-comer"), IDP_OK);
}

static void record_outlives_being_forgotten(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    const struct client *client = find("platform");
    client_registry_refresh(w.registry);
    assert_string_equal(client->id, "platform");
    client_registry_free(w.registry);
    w.registry = NULL;
    assert_string_equal(client->redirect_uris[0], "https://a.example/cb");
}

static void distrusted_registry_asks_each_time(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    (void)find("platform");
    client_registry_distrust(w.registry);
    for (int i = 0; i < 3; i++)
        assert_int_equal(look_for("platform"), IDP_OK);
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    assert_int_equal(atomic_load(&w.counted.reads), 6);
    client_registry_refresh(w.registry);
    (void)find("platform");
    (void)find("platform");
    assert_int_equal(atomic_load(&w.counted.reads), 7);
}

static bool is_set(const void *with)
{
    return *(const bool *)with;
}

static void stale_memory_is_not_used_and_serves_again_afterwards(void **state)
{
    (void)state;
    bool stale = false;
    struct client_list list;
    add(METADATA("platform", ""));
    client_registry_guard(w.registry, is_set, &stale);
    (void)find("platform");
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    assert_int_equal(client_list(w.registry, w.arena, &list), IDP_OK);
    int before = atomic_load(&w.counted.reads);
    stale = true;
    (void)find("platform");
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    assert_int_equal(client_list(w.registry, w.arena, &list), IDP_OK);
    assert_int_equal(atomic_load(&w.counted.reads), before + 3);
    lane_set_may_wait(false);
    assert_int_equal(look_for("platform"), IDP_WAIT);
    stale = false;
    assert_int_equal(look_for("platform"), IDP_OK);
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    assert_int_equal(client_list(w.registry, w.arena, &list), IDP_OK);
}

static void refresh_now(void)
{
    w.counted.meanwhile = NULL;
    client_registry_refresh(w.registry);
}

/* The row was read before the change and arrives after the refresh: it must not stay. */
static void row_read_before_a_refresh_is_not_remembered_after_it(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    w.counted.meanwhile = refresh_now;
    (void)find("platform");
    (void)find("platform");
    assert_int_equal(atomic_load(&w.counted.reads), 2);
    w.counted.meanwhile = refresh_now;
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    assert_int_equal(look_for("nobody"), IDP_NOT_FOUND);
    assert_int_equal(atomic_load(&w.counted.reads), 4);
}

static void more_clients_than_slots_are_all_found(void **state)
{
    (void)state;
    /* Straight into the table: the desk would sync 1,500 times. */
    static const struct sql_call fill = {
        .text =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
            "INSERT INTO clients " CLIENT_COLUMNS "SELECT 'many-' || i, 'active', 'test', NULL, "
            "'{\"client_name\":\"a\",\"redirect_uris\":[\"https://a.example/cb\"]}', 1, 1 "
            "FROM n"};
    assert_int_equal(sql_execute(w.db, &fill, NULL), IDP_OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 1; i <= 1500; i++) {
            const struct client *client = NULL;
            struct arena *arena = arena_new();
            const char *id = arena_printf(arena, "many-%d", i);
            assert_int_equal(client_find(w.registry, arena, id, &client), IDP_OK);
            assert_string_equal(client->id, id);
            arena_free(arena);
        }
    }
}

static void row_that_does_not_decode_is_a_fault(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "INSERT INTO clients " CLIENT_COLUMNS "VALUES ('a', 'active', 'test', NULL, '{', 1, 1)",
        "INSERT INTO clients " CLIENT_COLUMNS
        "VALUES ('b', 'active', 'test', NULL, '{\"x\":1}', 1, 1)",
        "INSERT INTO clients " CLIENT_COLUMNS
        "VALUES ('c', 'king', 'test', NULL, '" METADATA("c", "") "', 1, 1)",
    };
    static const char *const ids[] = {"a", "b", "c"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct sql_call call = {.text = rows[i]};
        assert_int_equal(sql_execute(w.db, &call, NULL), IDP_OK);
        assert_int_equal(look_for(ids[i]), IDP_FAULT);
    }
}

/* --- the list ------------------------------------------------------------------------------ */

static void add_four(void)
{
    add(METADATA("tool", ""));
    add(METADATA("hohhot", ",\"tamga_group\":\"west\",\"tamga_order\":1"));
    add(METADATA("alxa", ",\"tamga_group\":\"west\",\"tamga_order\":2"));
    add("{\"client_id\":\"erenhot\",\"client_name\":\"二连浩特\",\"tamga_group\":\"regional\","
        "\"tamga_joined\":false}");
}

static void list_stands_in_the_order_of_the_chooser(void **state)
{
    (void)state;
    static const char *const wanted[] = {"erenhot", "hohhot", "alxa", "tool"};
    struct client_list list;
    add_four();
    assert_int_equal(client_list(w.registry, w.arena, &list), IDP_OK);
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.clients[i]->id, wanted[i]);
    assert_int_equal(list.clients[0]->standing, CLIENT_ANNOUNCED);
}

static void list_is_remembered_until_a_refresh(void **state)
{
    (void)state;
    struct client_list list;
    lane_set_may_wait(false);
    assert_int_equal(client_list(w.registry, w.arena, &list), IDP_WAIT);
    lane_set_may_wait(true);
    assert_int_equal(client_list(w.registry, w.arena, &list), IDP_OK);
    assert_int_equal(list.count, 0);
    add_four();
    lane_set_may_wait(false);
    assert_int_equal(client_list(w.registry, w.arena, &list), IDP_OK);
    assert_int_equal(list.count, 0);
    lane_set_may_wait(true);
    client_registry_refresh(w.registry);
    assert_int_equal(client_list(w.registry, w.arena, &list), IDP_OK);
    assert_int_equal(list.count, 4);
}

/* --- changes ------------------------------------------------------------------------------- */

static void taken_id_is_a_conflict_and_changes_nothing(void **state)
{
    (void)state;
    struct client_credentials credentials;
    const struct client_credentials first = add(METADATA("platform", ""));
    int64_t generation = number("SELECT value FROM generation");
    assert_int_equal(try_add(METADATA("platform", ",\"tamga_environment\":\"test\""), &credentials),
                     IDP_CONFLICT);
    assert_true(client_secret_check(w.keys, find("platform"), first.secret));
    assert_int_equal(find("platform")->environment, CLIENT_PRODUCTION);
    assert_int_equal(number("SELECT value FROM generation"), generation);
    assert_int_equal(number("SELECT COUNT(*) FROM audit"), 1);
}

static void client_without_an_id_gets_one(void **state)
{
    (void)state;
    static const char text[] =
        "{\"client_name\":\"a\",\"redirect_uris\":[\"https://a.example/cb\"]}";
    const struct client_credentials first = add(text);
    const struct client_credentials second = add(text);
    assert_int_equal(strlen(first.id), 32);
    assert_string_not_equal(first.id, second.id);
    assert_true(client_secret_check(w.keys, find(first.id), first.secret));
    assert_false(client_secret_check(w.keys, find(second.id), first.secret));
}

static void each_change_is_audited_and_moves_the_generation(void **state)
{
    (void)state;
    struct client_credentials credentials;
    int64_t before = number("SELECT value FROM generation");
    assert_int_equal(add(METADATA("platform", "")).generation, before + 1);
    assert_int_equal(suspend("platform"), IDP_OK);
    assert_int_equal(changed_to, before + 2);
    assert_int_equal(resume("platform"), IDP_OK);
    assert_int_equal(changed_to, before + 3);
    assert_int_equal(client_rotate_secret(&w.desk, w.arena, "platform", &credentials), IDP_OK);
    assert_int_equal(credentials.generation, before + 4);
    assert_int_equal(number("SELECT value FROM generation"), before + 4);
    assert_int_equal(
        number("SELECT COUNT(*) FROM audit WHERE client = 'platform' AND at_ms = 2000000 AND "
               "detail = '{\"actor\":\"test\"}' AND event IN ('client_added', 'client_suspended', "
               "'client_resumed', 'client_secret_rotated')"),
        4);
}

static void no_secret_lies_in_the_database(void **state)
{
    (void)state;
    const struct client_credentials credentials = add(METADATA("platform", ""));
    const struct sql_value params[] = {sql_text(credentials.secret)};
    const struct sql_call call = {
        .text = "SELECT (SELECT COUNT(*) FROM clients WHERE replace(secret_hash, $1, '') <> "
                "secret_hash OR replace(metadata, $1, '') <> metadata) + (SELECT COUNT(*) "
                "FROM audit WHERE replace(detail, $1, '') <> detail)",
        .params = params,
        .count = 1};
    struct sql_rows rows;
    assert_int_equal(sql_read_one(w.db, w.arena, &call, &rows), IDP_OK);
    assert_int_equal(sql_cell_int(&rows, 0, 0), 0);
}

static void suspension_is_lifted_to_what_was_before(void **state)
{
    (void)state;
    add_four();
    static const char *const ids[] = {"hohhot", "erenhot"};
    static const enum client_standing standings[] = {CLIENT_ACTIVE, CLIENT_ANNOUNCED};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(suspend(ids[i]), IDP_OK);
        assert_int_equal(suspend(ids[i]), IDP_OK);
        client_registry_refresh(w.registry);
        assert_int_equal(find(ids[i])->standing, CLIENT_SUSPENDED);
        assert_int_equal(resume(ids[i]), IDP_OK);
        client_registry_refresh(w.registry);
        assert_int_equal(find(ids[i])->standing, standings[i]);
    }
}

static void unknown_client_cannot_be_changed(void **state)
{
    (void)state;
    struct client_credentials credentials;
    assert_int_equal(suspend("nobody"), IDP_NOT_FOUND);
    assert_int_equal(resume("nobody"), IDP_NOT_FOUND);
    assert_int_equal(client_rotate_secret(&w.desk, w.arena, "nobody", &credentials), IDP_NOT_FOUND);
    assert_int_equal(number("SELECT COUNT(*) FROM audit"), 0);
}

static void row_keeps_its_metadata_with_the_id(void **state)
{
    (void)state;
    struct client_row row;
    add(METADATA("platform", ",\"contacts\":[\"a@b.example\"]"));
    assert_int_equal(client_row_read(w.db, w.arena, "platform", &row), IDP_OK);
    assert_string_equal(row.metadata, METADATA("platform", ",\"contacts\":[\"a@b.example\"]"));
    assert_int_equal(row.created, 2000);
    assert_int_equal(client_row_read(w.db, w.arena, "nobody", &row), IDP_NOT_FOUND);
}

/* --- secrets ------------------------------------------------------------------------------- */

static void only_the_secret_itself_is_right(void **state)
{
    (void)state;
    const struct client_credentials credentials = add(METADATA("platform", ""));
    const struct client *client = find("platform");
    size_t len = strlen(credentials.secret);
    assert_int_equal(len, 43);
    assert_true(client_secret_check(w.keys, client, credentials.secret));
    for (size_t i = 0; i < len; i++) {
        char *wrong = arena_strdup(w.arena, credentials.secret);
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        assert_false(client_secret_check(w.keys, client, wrong));
        wrong[i] = '\0';
        assert_false(client_secret_check(w.keys, client, wrong));
    }
    assert_false(
        client_secret_check(w.keys, client, arena_printf(w.arena, "%sA", credentials.secret)));
    assert_false(client_secret_check(w.keys, client, client->secret_hash));
}

/* docs/security.md row 16. */
static void empty_secret_counts_as_omitted(void **state)
{
    (void)state;
    add(METADATA("platform", ""));
    assert_false(client_secret_check(w.keys, find("platform"), ""));
    assert_false(client_secret_check(w.keys, find("platform"), NULL));
}

static void client_without_secret_has_no_right_one(void **state)
{
    (void)state;
    struct client_credentials credentials =
        add(METADATA("public", ",\"token_endpoint_auth_method\":\"none\""));
    assert_null(credentials.secret);
    assert_null(find("public")->secret_hash);
    assert_false(client_secret_check(w.keys, find("public"), ""));
    assert_false(client_secret_check(w.keys, find("public"), "x"));
    assert_int_equal(client_rotate_secret(&w.desk, w.arena, "public", &credentials), IDP_DENIED);
}

static void secret_of_one_client_is_not_anothers(void **state)
{
    (void)state;
    const struct client_credentials first = add(METADATA("first", ""));
    struct client borrowed = *find("first");
    assert_true(client_secret_check(w.keys, &borrowed, first.secret));
    borrowed.id = "second"; /* the hash moved to another row */
    assert_false(client_secret_check(w.keys, &borrowed, first.secret));
}

static void damaged_hash_is_never_right(void **state)
{
    (void)state;
    static const char *const bad[] = {"",  ".",     "1.",   "x.y",   "0.AA", "256.AA",
                                      "1", "99.AA", "1.AA", "-1.AA", "1.=",  "0001.AA"};
    const struct client_credentials credentials = add(METADATA("platform", ""));
    struct client client = *find("platform");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        client.secret_hash = bad[i];
        assert_false(client_secret_check(w.keys, &client, credentials.secret));
    }
}

static void rotated_secret_replaces_the_old_one(void **state)
{
    (void)state;
    struct client_credentials fresh;
    const struct client_credentials old = add(METADATA("platform", ""));
    assert_int_equal(client_rotate_secret(&w.desk, w.arena, "platform", &fresh), IDP_OK);
    assert_false(client_secret_check(w.keys, find("platform"), old.secret));
    assert_true(client_secret_check(w.keys, find("platform"), fresh.secret));
}

/* --- several at once ----------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 2000 };

static void *look_up_many(void *with)
{
    bool *good = with;
    for (int i = 0; i < ROUNDS && *good; i++) {
        const struct client *client = NULL;
        struct client_list list;
        struct arena *arena = arena_new();
        *good = client_find(w.registry, arena, i % 2 == 0 ? "hohhot" : "alxa", &client) == IDP_OK &&
                client->group == CLIENT_WEST &&
                client_find(w.registry, arena, "nobody", &client) == IDP_NOT_FOUND &&
                client_list(w.registry, arena, &list) == IDP_OK && list.count == 4;
        arena_free(arena);
    }
    return NULL;
}

static void look_ups_go_on_through_refreshes(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool good[THREADS];
    add_four();
    for (int i = 0; i < THREADS; i++) {
        good[i] = true;
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_many, &good[i]), 0);
    }
    for (int i = 0; i < 200; i++) {
        client_registry_distrust(w.registry);
        client_registry_refresh(w.registry);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(good[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(added_client_is_found_as_it_was_described),
        TEST(second_look_up_reads_nothing),
        TEST(network_thread_is_served_from_memory_and_told_to_wait_otherwise),
        TEST(dead_store_is_not_an_unknown_client),
        TEST(ids_that_cannot_be_are_not_asked_for),
        TEST(strangers_names_do_not_push_out_a_client),
        TEST(refresh_forgets_clients_and_absences),
        TEST(record_outlives_being_forgotten),
        TEST(distrusted_registry_asks_each_time),
        TEST(stale_memory_is_not_used_and_serves_again_afterwards),
        TEST(row_read_before_a_refresh_is_not_remembered_after_it),
        TEST(more_clients_than_slots_are_all_found),
        TEST(row_that_does_not_decode_is_a_fault),
        TEST(list_stands_in_the_order_of_the_chooser),
        TEST(list_is_remembered_until_a_refresh),
        TEST(taken_id_is_a_conflict_and_changes_nothing),
        TEST(client_without_an_id_gets_one),
        TEST(each_change_is_audited_and_moves_the_generation),
        TEST(no_secret_lies_in_the_database),
        TEST(suspension_is_lifted_to_what_was_before),
        TEST(unknown_client_cannot_be_changed),
        TEST(row_keeps_its_metadata_with_the_id),
        TEST(only_the_secret_itself_is_right),
        TEST(empty_secret_counts_as_omitted),
        TEST(client_without_secret_has_no_right_one),
        TEST(secret_of_one_client_is_not_anothers),
        TEST(damaged_hash_is_never_right),
        TEST(rotated_secret_replaces_the_old_one),
        TEST(look_ups_go_on_through_refreshes),
    };
    return cmocka_run_group_tests_name("client/registry", tests, NULL, NULL);
}
