/* The master key of a database: opened, and changed under nodes that run. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "jose/jws.h"
#include "jose/key_work.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/purpose_rotation.h"
#include "jose/rotation.h"
#include "jose/sign.h"
#include "jose/wrapped.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/jose/vault.h"

enum { NOW = 1000000, KEYS = PURPOSES + JOSE_ALGS };

static const struct key_policy policy = {
    .cache_s = 20, .longest_s = 30, .margin_s = 5, .rotate_s = 5000};

/* A node that knows the first master key only, as all do before a change. */
static struct world {
    struct purpose_keys *keys;
    struct signer *signer;
} w;

static int set_up(void **state)
{
    (void)state;
    vault_open(database_kind());
    w = (struct world){.keys = NULL};
    assert_int_equal(purpose_keys_open(vault.db, vault.master, NOW, &w.keys), IDP_OK);
    assert_int_equal(signer_open(vault.db, vault.master, &policy, NOW, &w.signer), IDP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signer_close(w.signer);
    purpose_keys_close(w.keys);
    vault_close();
    return 0;
}

/* Whether every key opens with these master keys. */
static enum idp_err open_all_with(const struct master_key *masters)
{
    struct purpose_keys *keys = NULL;
    struct signer *signer = NULL;
    enum idp_err err = purpose_keys_open(vault.db, masters, NOW, &keys);
    if (err == IDP_OK)
        err = signer_open(vault.db, masters, &policy, NOW, &signer);
    purpose_keys_close(keys);
    signer_close(signer);
    return err;
}

static void expect_wrapped_with(const struct master_key *one, const struct master_key *not_this)
{
    assert_int_equal(open_all_with(one), IDP_OK);
    assert_int_equal(open_all_with(not_this), IDP_DENIED);
    assert_int_equal(open_all_with(vault.both), IDP_OK);
}

static struct key_work with(struct sql *db, const struct master_key *masters)
{
    return (struct key_work){.db = db, .master = masters, .policy = &policy, .now = NOW};
}

static enum idp_err change(struct sql *db, struct rewrapped *done)
{
    const struct key_work work = with(db, vault.both);
    return wrapped_change(&work, master_key_next(vault.both), vault.arena, done);
}

static void tag(const struct purpose_keys *keys, unsigned char out[DIGEST_SIZE])
{
    unsigned char id = 0;
    const struct digest_piece pieces[] = {{.bytes = "x", .len = 1}, {.bytes = NULL}};
    assert_int_equal(mac(purpose_key_active(keys, PURPOSE_TOKEN, &id), pieces, out), IDP_OK);
}

static const char *sign(struct signer *signer)
{
    const char *token = NULL;
    const struct jose_payload payload = {.typ = "JWT", .bytes = "{}", .len = 2, .now = NOW};
    assert_int_equal(jose_sign(signer, JOSE_ES256, vault.arena, &payload, &token), IDP_OK);
    return token;
}

static bool is_good(struct signer *signer, const char *token)
{
    struct jwk_set set;
    struct jose_jws jws;
    assert_int_equal(signer_public_keys(signer, vault.arena, &set), IDP_OK);
    return jose_jws_verify(&set, vault.arena, token, strlen(token), &jws) == IDP_OK;
}

/* --- changing -------------------------------------------------------------------------------- */

static void every_key_opens_with_the_new_one_alone_and_is_the_same(void **state)
{
    (void)state;
    struct rewrapped done;
    unsigned char before[DIGEST_SIZE], after[DIGEST_SIZE];
    struct purpose_keys *keys = NULL;
    struct signer *signer = NULL;
    tag(w.keys, before);
    const char *token = sign(w.signer);
    expect_wrapped_with(vault.master, vault.next);
    assert_int_equal(change(vault.db, &done), IDP_OK);
    assert_int_equal(done.keys, KEYS);
    assert_int_equal(done.generation, vault_number("SELECT value FROM generation"));
    expect_wrapped_with(vault.next, vault.master);
    assert_int_equal(purpose_keys_open(vault.db, vault.next, NOW, &keys), IDP_OK);
    assert_int_equal(signer_open(vault.db, vault.next, &policy, NOW, &signer), IDP_OK);
    tag(keys, after);
    assert_memory_equal(before, after, sizeof(before));
    assert_true(is_good(signer, token));
    purpose_keys_close(keys);
    signer_close(signer);
}

static void change_can_be_repeated_and_undone(void **state)
{
    (void)state;
    struct rewrapped done;
    assert_int_equal(change(vault.db, &done), IDP_OK);
    assert_int_equal(change(vault.db, &done), IDP_OK);
    expect_wrapped_with(vault.next, vault.master);
    const struct key_work work = with(vault.db, vault.both);
    assert_int_equal(wrapped_change(&work, vault.both, vault.arena, &done), IDP_OK);
    expect_wrapped_with(vault.master, vault.next);
}

static void node_with_both_goes_on_through_the_change(void **state)
{
    (void)state;
    struct rewrapped done;
    struct signer *signer = NULL;
    struct purpose_keys *keys = NULL;
    assert_int_equal(purpose_keys_open(vault.db, vault.both, NOW, &keys), IDP_OK);
    assert_int_equal(signer_open(vault.db, vault.both, &policy, NOW, &signer), IDP_OK);
    const char *token = sign(signer);
    assert_int_equal(change(vault.db, &done), IDP_OK);
    assert_int_equal(purpose_keys_reload(keys), IDP_OK);
    assert_int_equal(signer_reload(signer, NOW), IDP_OK);
    assert_true(is_good(signer, token));
    /* the one that was not told of the new key is not left with nothing, but with what it had */
    assert_int_equal(signer_reload(w.signer, NOW), IDP_DENIED);
    assert_int_equal(purpose_keys_reload(w.keys), IDP_DENIED);
    assert_true(is_good(w.signer, sign(w.signer)));
    signer_close(signer);
    purpose_keys_close(keys);
}

static void key_that_opens_with_neither_stops_the_change(void **state)
{
    (void)state;
    struct rewrapped done;
    vault_execute("UPDATE purpose_keys SET wrapped = 'AAAA' WHERE purpose = 'cookie'");
    assert_int_equal(change(vault.db, &done), IDP_DENIED);
    vault_execute("DELETE FROM purpose_keys WHERE purpose = 'cookie'");
    expect_wrapped_with(vault.master, vault.next);
}

/* --- what is made meanwhile ------------------------------------------------------------------ */

static void make_new_keys(struct sql *db, const struct master_key *masters)
{
    struct rotated rotated;
    struct purpose_rotated purpose;
    const struct key_work work = with(db, masters);
    assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &rotated), IDP_OK);
    assert_int_equal(purpose_publish(&work, PURPOSE_TOKEN, &purpose), IDP_OK);
}

/* Nodes name their master keys in this order or that; the database has one. */
static void new_keys_are_wrapped_as_the_others_are(void **state)
{
    (void)state;
    struct rewrapped done;
    const struct master_key *found = NULL;
    assert_int_equal(change(vault.db, &done), IDP_OK);
    make_new_keys(vault.db, vault.both);
    expect_wrapped_with(vault.next, vault.master);
    assert_int_equal(wrapped_with_now(vault.db, vault.arena, vault.both, &found), IDP_OK);
    assert_ptr_equal(found, master_key_next(vault.both));
}

static void node_that_lacks_the_key_makes_none(void **state)
{
    (void)state;
    struct rewrapped done;
    struct rotated rotated;
    struct purpose_rotated purpose;
    const struct key_work work = with(vault.db, vault.master);
    assert_int_equal(change(vault.db, &done), IDP_OK);
    assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &rotated), IDP_DENIED);
    assert_int_equal(purpose_publish(&work, PURPOSE_TOKEN, &purpose), IDP_DENIED);
    expect_wrapped_with(vault.next, vault.master);
}

static void *change_on_a_thread(void *out)
{
    struct rewrapped done;
    struct arena *arena = arena_new();
    enum idp_err *err = out;
    const struct key_work work = with(vault.db, vault.both);
    *err = wrapped_change(&work, master_key_next(vault.both), arena, &done);
    arena_free(arena);
    return NULL;
}

static void change_and_new_keys_at_once_end_with_one_master_key(void **state)
{
    (void)state;
    pthread_t thread;
    enum idp_err changed = IDP_FAULT;
    assert_int_equal(pthread_create(&thread, NULL, change_on_a_thread, &changed), 0);
    make_new_keys(vault.db, vault.both);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(changed, IDP_OK);
    expect_wrapped_with(vault.next, vault.master);
}

/* --- who would be left behind ---------------------------------------------------------------- */

static void put_node(const char *name, int64_t lease_until_ms, const char *holds)
{
    const struct sql_value params[] = {sql_text(name), sql_int(lease_until_ms), sql_text(holds)};
    const struct sql_call call = {
        .text = "INSERT INTO nodes (id, generation, lease_until_ms, holds) VALUES ($1, 1, $2, $3)",
        .params = params,
        .count = 3};
    assert_int_equal(sql_execute(vault.db, &call, NULL), IDP_OK);
}

static void node_without_the_new_key_stops_the_change(void **state)
{
    (void)state;
    struct rewrapped done;
    int64_t now_ms = clock_now_ms();
    put_node("ready", now_ms + 1000, wrapped_holds(vault.both, vault.arena));
    put_node("behind", now_ms + 1000, wrapped_holds(vault.master, vault.arena));
    put_node("dead", now_ms - 3600000, "");
    assert_int_equal(change(vault.db, &done), IDP_CONFLICT);
    assert_string_equal(done.node, "behind");
    expect_wrapped_with(vault.master, vault.next);
    vault_execute("DELETE FROM nodes WHERE id = 'behind'");
    assert_int_equal(change(vault.db, &done), IDP_OK);
}

/* Its row ran out a moment ago, by our clock. */
static void node_that_may_live_stops_the_change(void **state)
{
    (void)state;
    struct rewrapped done;
    put_node("silent", clock_now_ms() - 1000, wrapped_holds(vault.master, vault.arena));
    assert_int_equal(change(vault.db, &done), IDP_CONFLICT);
    assert_string_equal(done.node, "silent");
}

static void node_says_which_keys_it_holds(void **state)
{
    (void)state;
    const char *holds = wrapped_holds(vault.both, vault.arena);
    assert_non_null(strstr(holds, master_key_id(vault.master)));
    assert_non_null(strstr(holds, master_key_id(vault.next)));
    assert_int_equal(strlen(holds), 2 * MASTER_ID_LEN + 1);
}

/* --- failures -------------------------------------------------------------------------------- */

static void half_a_change_does_not_happen(void **state)
{
    (void)state;
    struct rewrapped done;
    int n = 0;
    for (;; n++) {
        vault.faulty.statement = IDP_UNAVAILABLE;
        vault.faulty.statements_left = n;
        enum idp_err err = change(&vault.faulty.sql, &done);
        vault.faulty.statement = IDP_OK;
        if (err == IDP_OK)
            break;
        assert_int_equal(err, IDP_UNAVAILABLE);
        expect_wrapped_with(vault.master, vault.next);
    }
    assert_int_equal(n, 1 + 1 + KEYS + 1); /* nodes, keys, each key, generation */
    expect_wrapped_with(vault.next, vault.master);
}

static void die(void)
{
    (void)raise(SIGKILL);
}

/* Changes it in a program of its own, which is killed at the nth statement. */
static void change_and_be_killed(int n)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rewrapped done;
        struct faulty_sql faulty;
        faulty_sql_init(&faulty, vault_connect());
        faulty.statement = IDP_UNAVAILABLE;
        faulty.statements_left = n;
        faulty.at_statement = die;
        _exit(change(&faulty.sql, &done) == IDP_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void program_that_is_killed_leaves_the_old_key(void **state)
{
    (void)state;
    struct rewrapped done;
    for (int n = 0; n < 1 + 1 + KEYS + 1; n += 3) {
        change_and_be_killed(n);
        expect_wrapped_with(vault.master, vault.next);
    }
    assert_int_equal(change(vault.db, &done), IDP_OK);
    expect_wrapped_with(vault.next, vault.master);
}

/* --- opening --------------------------------------------------------------------------------- */

static void lost_key_is_not_made_anew(void **state)
{
    (void)state;
    char *why = NULL;
    struct master_key *key = NULL;
    const char *file = arena_printf(vault.arena, "%s/lost.key", vault.folder);
    const struct master_places places = {.file = file, .may_make = true};
    assert_int_equal(wrapped_open_master(vault.db, &places, &why, &key), IDP_DENIED);
    assert_non_null(strstr(why, "lost.key: is missing"));
    assert_null(key);
    assert_int_not_equal(access(file, F_OK), 0);
    free(why);
}

static void key_is_made_where_nothing_was_wrapped(void **state)
{
    (void)state;
    char *why = NULL;
    struct master_key *key = NULL;
    const char *file = arena_printf(vault.arena, "%s/new.key", vault.folder);
    const struct master_places places = {.file = file};
    vault_execute("DELETE FROM purpose_keys");
    vault_execute("DELETE FROM signing_keys");
    assert_int_equal(wrapped_open_master(vault.db, &places, &why, &key), IDP_OK);
    assert_int_equal(access(file, F_OK), 0);
    master_key_free(key);
}

static void dead_database_makes_no_master_key(void **state)
{
    (void)state;
    char *why = NULL;
    struct master_key *key = NULL;
    const char *file = arena_printf(vault.arena, "%s/new.key", vault.folder);
    const struct master_places places = {.file = file};
    vault.faulty.read = IDP_UNAVAILABLE;
    assert_int_equal(wrapped_open_master(&vault.faulty.sql, &places, &why, &key), IDP_UNAVAILABLE);
    assert_null(why);
    assert_int_not_equal(access(file, F_OK), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_key_opens_with_the_new_one_alone_and_is_the_same),
        TEST(change_can_be_repeated_and_undone),
        TEST(node_with_both_goes_on_through_the_change),
        TEST(key_that_opens_with_neither_stops_the_change),
        TEST(new_keys_are_wrapped_as_the_others_are),
        TEST(node_that_lacks_the_key_makes_none),
        TEST(change_and_new_keys_at_once_end_with_one_master_key),
        TEST(node_without_the_new_key_stops_the_change),
        TEST(node_that_may_live_stops_the_change),
        TEST(node_says_which_keys_it_holds),
        TEST(half_a_change_does_not_happen),
        TEST(program_that_is_killed_leaves_the_old_key),
        TEST(lost_key_is_not_made_anew),
        TEST(key_is_made_where_nothing_was_wrapped),
        TEST(dead_database_makes_no_master_key),
    };
    return cmocka_run_group_tests_name("jose/wrapped", tests, NULL, NULL);
}
