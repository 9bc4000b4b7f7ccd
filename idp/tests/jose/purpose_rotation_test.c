/* How symmetric keys follow one another, on nodes that share a database. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/digest.h"
#include "jose/key_work.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/purpose_rotation.h"
#include "store/generation.h"
#include "store/sql.h"
#include "tests/jose/vault.h"

enum { NOW = 1000000, DAY = 86400 };

/* The keys as each of two nodes knows them. */
static struct world {
    struct purpose_keys *nodes[2];
} w;

static int set_up(void **state)
{
    (void)state;
    vault_open(database_kind());
    for (int i = 0; i < 2; i++)
        assert_int_equal(purpose_keys_open(vault.db, vault.master, NOW, &w.nodes[i]), IDP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    purpose_keys_close(w.nodes[0]);
    purpose_keys_close(w.nodes[1]);
    vault_close();
    return 0;
}

static struct key_work at(int64_t now)
{
    return (struct key_work){.db = &vault.faulty.sql, .master = vault.master, .now = now};
}

static int active(int node, enum purpose purpose)
{
    unsigned char id = 0;
    assert_non_null(purpose_key_active(w.nodes[node], purpose, &id));
    return id;
}

static bool knows(int node, enum purpose purpose, int64_t id)
{
    return purpose_key_by_id(w.nodes[node], purpose, (unsigned char)id) != NULL;
}

static void reload(int node)
{
    assert_int_equal(purpose_keys_reload(w.nodes[node]), IDP_OK);
}

static struct purpose_rotated publish(enum purpose purpose)
{
    struct purpose_rotated done;
    const struct key_work work = at(NOW);
    assert_int_equal(purpose_publish(&work, purpose, &done), IDP_OK);
    return done;
}

static struct purpose_rotated activate(enum purpose purpose, int64_t id, int64_t now)
{
    struct purpose_rotated done;
    const struct key_work work = at(now);
    assert_int_equal(purpose_activate(&work, purpose, id, &done), IDP_OK);
    return done;
}

/* Both steps. Returns the new key's id. */
static int64_t rotate(enum purpose purpose, int64_t now)
{
    int64_t id = publish(purpose).id;
    (void)activate(purpose, id, now);
    return id;
}

static size_t remove_at(int64_t now)
{
    size_t removed = 0;
    const struct key_work work = at(now);
    assert_int_equal(purpose_remove_old(&work, &removed), IDP_OK);
    return removed;
}

static int64_t generation(void)
{
    return vault_number("SELECT value FROM generation");
}

/* --- the two steps --------------------------------------------------------------------------- */

static void new_key_is_known_before_it_is_used(void **state)
{
    (void)state;
    int old = active(0, PURPOSE_TOKEN);
    struct purpose_rotated done = publish(PURPOSE_TOKEN);
    assert_int_equal(done.replaces, old);
    assert_int_equal(done.generation, generation());
    reload(0);
    assert_true(knows(0, PURPOSE_TOKEN, done.id));
    assert_int_equal(active(0, PURPOSE_TOKEN), old);
    assert_false(knows(1, PURPOSE_TOKEN, done.id));
}

static void used_key_takes_the_place_and_the_old_one_stays_known(void **state)
{
    (void)state;
    int old = active(0, PURPOSE_TOKEN);
    int cookie = active(0, PURPOSE_COOKIE);
    int64_t id = publish(PURPOSE_TOKEN).id;
    struct purpose_rotated done = activate(PURPOSE_TOKEN, id, NOW);
    assert_int_equal(done.id, id);
    assert_int_equal(done.replaces, old);
    assert_int_equal(done.generation, generation());
    reload(0);
    assert_int_equal(active(0, PURPOSE_TOKEN), id);
    assert_true(knows(0, PURPOSE_TOKEN, old));
    assert_int_equal(active(0, PURPOSE_COOKIE), cookie);
    assert_int_equal(active(1, PURPOSE_TOKEN), old); /* until it reads, too */
}

/* Whoever publishes may die before the key is used. */
static void key_that_waits_already_is_gone_on_with(void **state)
{
    (void)state;
    struct purpose_rotated first = publish(PURPOSE_REFRESH);
    struct purpose_rotated again = publish(PURPOSE_REFRESH);
    assert_int_equal(again.id, first.id);
    assert_true(again.generation > first.generation); /* so that it can be waited for */
    assert_int_equal(vault_number("SELECT COUNT(*) FROM purpose_keys WHERE purpose = 'refresh'"),
                     2);
}

static void key_that_does_not_wait_is_not_used(void **state)
{
    (void)state;
    const struct key_work work = at(NOW);
    struct purpose_rotated done;
    int64_t id = rotate(PURPOSE_TOKEN, NOW);
    int64_t before = generation();
    assert_int_equal(purpose_activate(&work, PURPOSE_TOKEN, id, &done), IDP_NOT_FOUND);
    id = publish(PURPOSE_TOKEN).id;
    assert_int_equal(purpose_activate(&work, PURPOSE_COOKIE, id, &done), IDP_NOT_FOUND);
    assert_int_equal(purpose_activate(&work, PURPOSE_TOKEN, id + 1, &done), IDP_NOT_FOUND);
    assert_int_equal(generation(), before + 1);
}

static void all_keys_are_listed_the_active_one_first(void **state)
{
    (void)state;
    const struct mac_key *list[PURPOSE_KEYS_MAX];
    int64_t first = active(0, PURPOSE_COOKIE);
    int64_t second = rotate(PURPOSE_COOKIE, NOW);
    int64_t third = publish(PURPOSE_COOKIE).id;
    reload(0);
    assert_int_equal(purpose_key_list(w.nodes[0], PURPOSE_COOKIE, list), 3);
    assert_ptr_equal(list[0], purpose_key_by_id(w.nodes[0], PURPOSE_COOKIE, (unsigned char)second));
    assert_ptr_equal(list[1], purpose_key_by_id(w.nodes[0], PURPOSE_COOKIE, (unsigned char)first));
    assert_ptr_equal(list[2], purpose_key_by_id(w.nodes[0], PURPOSE_COOKIE, (unsigned char)third));
}

static void keys_are_the_same_on_both_nodes(void **state)
{
    (void)state;
    unsigned char tags[2][DIGEST_SIZE];
    const struct digest_piece pieces[] = {{.bytes = "x", .len = 1}, {.bytes = NULL}};
    (void)rotate(PURPOSE_TOKEN, NOW);
    for (int i = 0; i < 2; i++) {
        unsigned char id = 0;
        reload(i);
        assert_int_equal(mac(purpose_key_active(w.nodes[i], PURPOSE_TOKEN, &id), pieces, tags[i]),
                         IDP_OK);
    }
    assert_memory_equal(tags[0], tags[1], DIGEST_SIZE);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void keys_of_a_purpose_are_bounded(void **state)
{
    (void)state;
    const struct key_work work = at(NOW);
    struct purpose_rotated done;
    for (int i = 1; i < PURPOSE_KEYS_MAX; i++)
        (void)rotate(PURPOSE_DOCUMENT, NOW);
    assert_int_equal(purpose_publish(&work, PURPOSE_DOCUMENT, &done), IDP_FULL);
    (void)publish(PURPOSE_TOKEN);
}

/* An id stands in one byte. When all were used once, those that are free are used again, and a node
 * that remembers the key before is not deceived. */
static void ids_are_used_again_when_they_have_run_out(void **state)
{
    (void)state;
    const struct key_work work = at(NOW + 2 * DAY);
    unsigned char before[DIGEST_SIZE], after[DIGEST_SIZE];
    const struct digest_piece pieces[] = {{.bytes = "x", .len = 1}, {.bytes = NULL}};
    int old = active(0, PURPOSE_TOKEN);
    (void)rotate(PURPOSE_TOKEN, NOW);
    reload(0);
    assert_int_equal(
        mac(purpose_key_by_id(w.nodes[0], PURPOSE_TOKEN, (unsigned char)old), pieces, before),
        IDP_OK);
    assert_int_equal(remove_at(NOW + 2 * DAY), 1);
    vault_execute("UPDATE purpose_keys SET id = 255 WHERE purpose = 'document'");
    vault_execute("DELETE FROM purpose_keys WHERE purpose = 'document'");
    vault_execute("INSERT INTO purpose_keys (id, purpose, wrapped, created) "
                  "VALUES (255, 'later', 'x', 1)"); /* of a later version of the program */
    struct purpose_rotated done;
    assert_int_equal(purpose_publish(&work, PURPOSE_TOKEN, &done), IDP_OK);
    assert_int_equal(done.id, old);
    vault_execute("DELETE FROM purpose_keys WHERE id = 255");
    purpose_keys_close(w.nodes[1]); /* makes the missing one */
    assert_int_equal(purpose_keys_open(vault.db, vault.master, NOW, &w.nodes[1]), IDP_OK);
    reload(0);
    assert_int_equal(
        mac(purpose_key_by_id(w.nodes[0], PURPOSE_TOKEN, (unsigned char)old), pieces, after),
        IDP_OK);
    assert_memory_not_equal(before, after, DIGEST_SIZE);
}

/* --- removing -------------------------------------------------------------------------------- */

static void old_key_stays_as_long_as_what_it_made_may_live(void **state)
{
    (void)state;
    static const struct {
        enum purpose purpose;
        int64_t kept;
    } cases[] = {{PURPOSE_TOKEN, 2 * DAY}, {PURPOSE_COOKIE, 8 * DAY}, {PURPOSE_REFRESH, 400 * DAY}};
    for (size_t i = 0; i < 3; i++) {
        int64_t old = active(0, cases[i].purpose);
        (void)rotate(cases[i].purpose, NOW);
        assert_int_equal(remove_at(NOW + cases[i].kept - 1), 0);
        int64_t before = generation();
        assert_int_equal(remove_at(NOW + cases[i].kept), 1);
        assert_int_equal(generation(), before + 1);
        reload(0);
        assert_false(knows(0, cases[i].purpose, old));
    }
}

/* Keys that got out: what they made is worth nothing from here on. */
static void retired_keys_can_be_forgotten_at_once(void **state)
{
    (void)state;
    struct purpose_rotated done;
    const struct key_work work = at(NOW);
    int64_t old = active(0, PURPOSE_TOKEN);
    int64_t cookie = active(0, PURPOSE_COOKIE);
    int64_t fresh = rotate(PURPOSE_TOKEN, NOW);
    (void)rotate(PURPOSE_COOKIE, NOW);
    assert_int_equal(purpose_forget(&work, PURPOSE_TOKEN, &done), IDP_OK);
    assert_int_equal(done.removed, 1);
    assert_int_equal(done.generation, generation());
    reload(0);
    assert_false(knows(0, PURPOSE_TOKEN, old));
    assert_int_equal(active(0, PURPOSE_TOKEN), fresh);
    assert_true(knows(0, PURPOSE_COOKIE, cookie));
    assert_int_equal(purpose_forget(&work, PURPOSE_TOKEN, &done), IDP_OK);
    assert_int_equal(done.removed, 0);
}

/* --- who is told ------------------------------------------------------------------------------ */

static char told[512];

static enum idp_err write_down(struct sql_tx *tx, struct arena *arena, const void *with,
                               const char *event, const char *key)
{
    (void)tx, (void)arena;
    size_t len = strlen(told);
    (void)snprintf(told + len, sizeof(told) - len, "%s %s\n", event, key);
    return *(const enum idp_err *)with;
}

static void every_change_has_a_witness(void **state)
{
    (void)state;
    size_t removed = 0;
    enum idp_err says = IDP_OK;
    struct purpose_rotated done;
    const struct key_witness witness = {.write = write_down, .with = &says};
    struct key_work work = at(NOW);
    work.witness = &witness;
    told[0] = '\0';
    int old = active(0, PURPOSE_TOKEN);
    assert_int_equal(purpose_publish(&work, PURPOSE_TOKEN, &done), IDP_OK);
    assert_int_equal(purpose_activate(&work, PURPOSE_TOKEN, done.id, &done), IDP_OK);
    work.now += 2 * DAY;
    assert_int_equal(purpose_remove_old(&work, &removed), IDP_OK);
    assert_string_equal(told, arena_printf(vault.arena,
                                           "purpose_key_used token %lld\n"
                                           "purpose_key_removed token %d\n",
                                           (long long)done.id, old));
    /* without one there is no change */
    says = IDP_UNAVAILABLE;
    int64_t id = publish(PURPOSE_TOKEN).id;
    assert_int_equal(purpose_activate(&work, PURPOSE_TOKEN, id, &done), IDP_UNAVAILABLE);
    reload(0);
    assert_int_not_equal(active(0, PURPOSE_TOKEN), id);
}

static void keys_of_documents_are_kept_for_ever(void **state)
{
    (void)state;
    (void)rotate(PURPOSE_DOCUMENT, NOW);
    assert_int_equal(remove_at(NOW + 100000 * (int64_t)DAY), 0);
}

static void put_client(const char *secret_hash)
{
    const struct sql_value params[] = {sql_text(secret_hash)};
    const struct sql_call call = {
        .text = "INSERT INTO clients (id, standing, environment, secret_hash, metadata, created, "
                "changed) VALUES ('c', 'active', 'test', $1, '{}', 1, 1)",
        .params = params,
        .count = 1};
    assert_int_equal(sql_execute(vault.db, &call, NULL), IDP_OK);
}

static void key_of_secrets_stays_while_a_client_has_one(void **state)
{
    (void)state;
    int64_t old = active(0, PURPOSE_SECRET);
    (void)rotate(PURPOSE_SECRET, NOW);
    put_client(arena_printf(vault.arena, "%lld.hash", (long long)old));
    assert_int_equal(remove_at(NOW + 1000 * (int64_t)DAY), 0);
    vault_execute("UPDATE clients SET secret_hash = '1' || secret_hash"); /* another key's */
    assert_int_equal(remove_at(NOW + DAY - 1), 0);
    assert_int_equal(remove_at(NOW + DAY), 1);
    reload(0);
    assert_false(knows(0, PURPOSE_SECRET, old));
}

static void nothing_to_remove_costs_no_transaction(void **state)
{
    (void)state;
    const struct key_work work = at(NOW);
    size_t removed = 1;
    (void)rotate(PURPOSE_TOKEN, NOW);
    vault.faulty.transact = IDP_UNAVAILABLE;
    assert_int_equal(purpose_remove_old(&work, &removed), IDP_OK);
    assert_int_equal(removed, 0);
}

/* --- failures -------------------------------------------------------------------------------- */

static void dead_database_is_told_and_the_keys_stay(void **state)
{
    (void)state;
    const struct key_work work = at(NOW);
    struct purpose_rotated done;
    size_t removed = 0;
    struct purpose_keys *keys = NULL;
    assert_int_equal(purpose_keys_open(&vault.faulty.sql, vault.master, NOW, &keys), IDP_OK);
    vault.faulty.read = vault.faulty.transact = IDP_UNAVAILABLE;
    assert_int_equal(purpose_keys_reload(keys), IDP_UNAVAILABLE);
    unsigned char id = 0;
    assert_non_null(purpose_key_active(keys, PURPOSE_TOKEN, &id));
    assert_int_equal(purpose_publish(&work, PURPOSE_TOKEN, &done), IDP_UNAVAILABLE);
    assert_int_equal(purpose_activate(&work, PURPOSE_TOKEN, 1, &done), IDP_UNAVAILABLE);
    assert_int_equal(purpose_remove_old(&work, &removed), IDP_UNAVAILABLE);
    purpose_keys_close(keys);
}

static void half_a_step_does_not_happen(void **state)
{
    (void)state;
    const struct key_work work = at(NOW);
    struct purpose_rotated done;
    int64_t before = generation();
    int old = active(0, PURPOSE_TOKEN);
    vault.faulty.statement = IDP_UNAVAILABLE;
    for (int n = 0; n < 5; n++) {
        vault.faulty.statements_left = n;
        assert_int_equal(purpose_publish(&work, PURPOSE_TOKEN, &done), IDP_UNAVAILABLE);
        reload(0);
        assert_int_equal(generation(), before);
        assert_int_equal(vault_number("SELECT COUNT(*) FROM purpose_keys"), PURPOSES);
    }
    vault.faulty.statement = IDP_OK;
    int64_t id = publish(PURPOSE_TOKEN).id;
    vault.faulty.statement = IDP_UNAVAILABLE;
    for (int n = 0; n < 4; n++) {
        vault.faulty.statements_left = n;
        assert_int_equal(purpose_activate(&work, PURPOSE_TOKEN, id, &done), IDP_UNAVAILABLE);
        reload(0);
        assert_int_equal(active(0, PURPOSE_TOKEN), old);
    }
}

static bool says_stale(const void *with)
{
    return *(const bool *)with;
}

static void keys_are_stale_when_the_guard_says_so(void **state)
{
    (void)state;
    bool stale = true;
    assert_false(purpose_keys_stale(w.nodes[0]));
    purpose_keys_guard(w.nodes[0], says_stale, &stale);
    assert_true(purpose_keys_stale(w.nodes[0]));
    stale = false;
    assert_false(purpose_keys_stale(w.nodes[0]));
}

/* --- under load ------------------------------------------------------------------------------ */

static atomic_bool over, wrong;

/* What the active key makes, the key with its id makes, too. */
static void *use_keys(void *with)
{
    const struct digest_piece pieces[] = {{.bytes = "x", .len = 1}, {.bytes = NULL}};
    (void)with;
    while (!atomic_load(&over)) {
        unsigned char id = 0, made[DIGEST_SIZE], again[DIGEST_SIZE];
        const struct mac_key *key = purpose_key_active(w.nodes[0], PURPOSE_TOKEN, &id);
        const struct mac_key *same = purpose_key_by_id(w.nodes[0], PURPOSE_TOKEN, id);
        if (same == NULL || mac(key, pieces, made) != IDP_OK ||
            mac(same, pieces, again) != IDP_OK || memcmp(made, again, sizeof(made)) != 0)
            atomic_store(&wrong, true);
    }
    return NULL;
}

static void keys_are_used_while_they_are_swapped(void **state)
{
    (void)state;
    enum { THREADS = 2, ROUNDS = 12 };
    pthread_t threads[THREADS];
    atomic_store(&over, false);
    atomic_store(&wrong, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_keys, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        (void)rotate(PURPOSE_TOKEN, NOW);
        reload(0);
    }
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(atomic_load(&wrong));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(new_key_is_known_before_it_is_used),
        TEST(used_key_takes_the_place_and_the_old_one_stays_known),
        TEST(key_that_waits_already_is_gone_on_with),
        TEST(key_that_does_not_wait_is_not_used),
        TEST(all_keys_are_listed_the_active_one_first),
        TEST(keys_are_the_same_on_both_nodes),
        TEST(keys_of_a_purpose_are_bounded),
        TEST(ids_are_used_again_when_they_have_run_out),
        TEST(old_key_stays_as_long_as_what_it_made_may_live),
        TEST(retired_keys_can_be_forgotten_at_once),
        TEST(every_change_has_a_witness),
        TEST(keys_of_documents_are_kept_for_ever),
        TEST(key_of_secrets_stays_while_a_client_has_one),
        TEST(nothing_to_remove_costs_no_transaction),
        TEST(dead_database_is_told_and_the_keys_stay),
        TEST(half_a_step_does_not_happen),
        TEST(keys_are_stale_when_the_guard_says_so),
        TEST(keys_are_used_while_they_are_swapped),
    };
    return cmocka_run_group_tests_name("jose/purposes", tests, NULL, NULL);
}
