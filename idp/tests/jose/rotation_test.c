/* How signing keys follow one another, at every border, on two nodes that share a database. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "jose/jws.h"
#include "jose/key_work.h"
#include "jose/rotation.h"
#include "jose/sign.h"
#include "jose/signing_keys.h"
#include "store/generation.h"
#include "store/sql.h"
#include "tests/jose/vault.h"

enum { BEGIN = 1000000, CACHE = 20, LONGEST = 30, MARGIN = 5, ROTATE = 120 };
enum { LEAD = 2 * CACHE + MARGIN };

/* A signer of each of two nodes. */
static struct world {
    struct key_policy policy;
    struct signer *nodes[2];
} w;

static int set_up(void **state)
{
    (void)state;
    vault_open(database_kind());
    w = (struct world){
        .policy = {.cache_s = CACHE, .longest_s = LONGEST, .margin_s = MARGIN, .rotate_s = ROTATE}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(signer_open(vault.db, vault.master, &w.policy, BEGIN, &w.nodes[i]),
                         IDP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signer_close(w.nodes[0]);
    signer_close(w.nodes[1]);
    vault_close();
    return 0;
}

static struct key_work at(int64_t now)
{
    return (struct key_work){
        .db = &vault.faulty.sql, .master = vault.master, .policy = &w.policy, .now = now};
}

static struct rotated publish(enum jose_alg alg, int64_t now)
{
    struct rotated done;
    const struct key_work work = at(now);
    assert_int_equal(rotation_publish(&work, alg, vault.arena, &done), IDP_OK);
    return done;
}

static void run_at(int64_t now)
{
    const struct key_work work = at(now);
    assert_int_equal(rotation_run(&work), IDP_OK);
}

static void reload(int node, int64_t now)
{
    assert_int_equal(signer_reload(w.nodes[node], now), IDP_OK);
}

static struct signing_keys rows(void)
{
    struct signing_keys keys;
    assert_int_equal(signing_keys_read(vault.db, vault.arena, &keys), IDP_OK);
    return keys;
}

static size_t count_of(enum jose_alg alg)
{
    struct signing_keys keys = rows();
    size_t n = 0;
    for (size_t i = 0; i < keys.count; i++)
        if (keys.keys[i].alg == alg)
            n++;
    return n;
}

static int64_t generation(void)
{
    int64_t value = 0;
    assert_int_equal(generation_read(vault.db, &value), IDP_OK);
    return value;
}

/* The key that the header of a token names. */
static const char *kid_in(struct arena *arena, const char *token)
{
    char *header = arena_alloc(arena, JOSE_HEADER_MAX + 1);
    size_t len = 0;
    assert_int_equal(base64url_decode(token, strcspn(token, "."), header, JOSE_HEADER_MAX, &len),
                     IDP_OK);
    char *kid = strstr(header, "\"kid\":\"") + strlen("\"kid\":\"");
    kid[strcspn(kid, "\"")] = '\0';
    return kid;
}

/* Which key a node signs with at that time. */
static const char *signs_with(int node, enum jose_alg alg, int64_t now)
{
    const char *token = NULL;
    const struct jose_payload payload = {.typ = "JWT", .bytes = "{}", .len = 2, .now = now};
    assert_int_equal(jose_sign(w.nodes[node], alg, vault.arena, &payload, &token), IDP_OK);
    return kid_in(vault.arena, token);
}

static const char *set_of(int node)
{
    const char *text = NULL;
    assert_int_equal(signer_jwks(w.nodes[node], vault.arena, &text), IDP_OK);
    return text;
}

static bool serves(int node, const char *kid)
{
    return strstr(set_of(node), kid) != NULL;
}

/* --- publishing ------------------------------------------------------------------------------ */

static void successor_signs_after_twice_the_cache_and_the_margin(void **state)
{
    (void)state;
    for (int i = 0; i < JOSE_ALGS; i++) {
        enum jose_alg alg = (enum jose_alg)i;
        const char *old = signs_with(0, alg, BEGIN);
        struct rotated done = publish(alg, BEGIN);
        assert_string_equal(done.replaces, old);
        assert_int_equal(done.published, BEGIN);
        assert_int_equal(done.active_from, BEGIN + LEAD);
        assert_int_equal(done.generation, generation());
        reload(0, BEGIN);
        assert_true(serves(0, old) && serves(0, done.kid));
        assert_string_equal(signs_with(0, alg, BEGIN + LEAD - 1), old);
        assert_string_equal(signs_with(0, alg, BEGIN + LEAD), done.kid);
    }
}

/* A request that began before the change, and another node's clock, may be behind. */
static void one_before_still_signs_for_who_is_behind(void **state)
{
    (void)state;
    const char *old = signs_with(0, JOSE_ES256, BEGIN);
    struct rotated done = publish(JOSE_ES256, BEGIN);
    reload(0, BEGIN + LEAD + SIGNING_KEY_SLACK_S - 1);
    assert_string_equal(signs_with(0, JOSE_ES256, BEGIN + LEAD - 1), old);
    assert_string_equal(signs_with(0, JOSE_ES256, BEGIN + LEAD), done.kid);
}

static void only_one_successor_waits_at_a_time(void **state)
{
    (void)state;
    struct rotated again;
    struct rotated done = publish(JOSE_ES256, BEGIN);
    int64_t before = generation();
    struct key_work work = at(BEGIN + LEAD - 1);
    assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &again), IDP_CONFLICT);
    assert_string_equal(again.kid, done.kid);
    assert_int_equal(again.active_from, BEGIN + LEAD);
    assert_int_equal(generation(), before);
    assert_int_equal(count_of(JOSE_ES256), 2);
    work.now = BEGIN + LEAD;
    assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &again), IDP_OK);
    assert_string_equal(again.replaces, done.kid);
}

static void algorithms_do_not_wait_for_each_other(void **state)
{
    (void)state;
    const char *rs256 = signs_with(0, JOSE_RS256, BEGIN);
    (void)publish(JOSE_ES256, BEGIN);
    reload(0, BEGIN);
    assert_string_equal(signs_with(0, JOSE_RS256, BEGIN + 10 * LEAD), rs256);
    (void)publish(JOSE_RS256, BEGIN);
}

static void keys_of_an_algorithm_are_bounded(void **state)
{
    (void)state;
    struct rotated done;
    struct key_work work = at(BEGIN);
    w.policy.longest_s = 86400;
    for (int i = 1; i < SIGNING_KEYS_MAX; i++, work.now += LEAD)
        assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &done), IDP_OK);
    assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &done), IDP_FULL);
    assert_int_equal(count_of(JOSE_ES256), SIGNING_KEYS_MAX);
    reload(0, work.now);
    assert_string_equal(signs_with(0, JOSE_ES256, work.now), done.kid);
}

/* --- what other nodes promised --------------------------------------------------------------- */

static void longest_cache_of_any_node_decides(void **state)
{
    (void)state;
    const struct key_policy other = {
        .cache_s = 10 * CACHE, .longest_s = LONGEST, .margin_s = MARGIN};
    signer_close(w.nodes[1]);
    assert_int_equal(signer_open(vault.db, vault.master, &other, BEGIN, &w.nodes[1]), IDP_OK);
    assert_int_equal(publish(JOSE_ES256, BEGIN).active_from, BEGIN + 20 * CACHE + MARGIN);
}

static void longest_life_of_any_node_decides(void **state)
{
    (void)state;
    const struct key_policy other = {.cache_s = CACHE, .longest_s = 1000, .margin_s = MARGIN};
    signer_close(w.nodes[1]);
    assert_int_equal(signer_open(vault.db, vault.master, &other, BEGIN, &w.nodes[1]), IDP_OK);
    struct rotated done = publish(JOSE_ES256, BEGIN);
    run_at(BEGIN + LEAD + 1000 + MARGIN - 1);
    reload(0, BEGIN);
    assert_true(serves(0, done.replaces));
    run_at(BEGIN + LEAD + 1000 + MARGIN);
    reload(0, BEGIN);
    assert_false(serves(0, done.replaces));
}

/* A node that reads a new row says what it promises before it serves it. */
static void promises_are_renewed_for_each_new_key(void **state)
{
    (void)state;
    const struct key_policy other = {
        .cache_s = CACHE + 1, .longest_s = LONGEST + 1, .margin_s = MARGIN};
    signer_close(w.nodes[1]);
    assert_int_equal(signer_open(vault.db, vault.master, &other, BEGIN, &w.nodes[1]), IDP_OK);
    (void)publish(JOSE_ES256, BEGIN);
    reload(1, BEGIN);
    struct signing_keys keys = rows();
    for (size_t i = 0; i < keys.count; i++) {
        assert_int_equal(keys.keys[i].cache_s, CACHE + 1);
        assert_int_equal(keys.keys[i].longest_s, LONGEST + 1);
    }
    reload(0, BEGIN); /* and who promises less takes nothing back */
    assert_int_equal(rows().keys[0].cache_s, CACHE + 1);
}

/* --- removing -------------------------------------------------------------------------------- */

static void key_stays_until_the_last_token_it_signed_has_expired(void **state)
{
    (void)state;
    struct rotated done = publish(JOSE_RS256, BEGIN);
    int64_t end = BEGIN + LEAD + LONGEST + MARGIN;
    w.policy.rotate_s = 0;
    run_at(end - 1);
    assert_int_equal(count_of(JOSE_RS256), 2);
    int64_t before = generation();
    run_at(end);
    assert_int_equal(count_of(JOSE_RS256), 1);
    assert_int_equal(generation(), before + 1);
    reload(1, end);
    assert_false(serves(1, done.replaces));
    assert_true(serves(1, done.kid));
    assert_string_equal(signs_with(1, JOSE_RS256, end), done.kid);
}

static void nothing_due_changes_nothing(void **state)
{
    (void)state;
    int64_t before = generation();
    w.policy.rotate_s = 0;
    vault.faulty.transact = IDP_UNAVAILABLE; /* not even a transaction */
    run_at(BEGIN);
    vault.faulty.transact = IDP_OK;
    assert_int_equal(generation(), before);
}

/* --- the schedule ---------------------------------------------------------------------------- */

/* The first keys count as active for a while already. */
enum { DUE = BEGIN - SIGNING_KEY_SLACK_S + 1000 - LEAD };

static void successor_is_published_in_time_for_the_schedule(void **state)
{
    (void)state;
    w.policy.rotate_s = 1000;
    run_at(DUE - 1);
    assert_int_equal(rows().count, JOSE_ALGS);
    run_at(DUE);
    for (int alg = 0; alg < JOSE_ALGS; alg++)
        assert_int_equal(count_of((enum jose_alg)alg), 2);
    struct signing_keys keys = rows();
    assert_int_equal(keys.keys[0].active_from, BEGIN - SIGNING_KEY_SLACK_S + 1000);
    run_at(DUE + 1);
    assert_int_equal(rows().count, 2 * JOSE_ALGS);
}

static void without_a_schedule_nothing_is_published(void **state)
{
    (void)state;
    w.policy.rotate_s = 0;
    run_at(BEGIN + 1000 * (int64_t)ROTATE);
    assert_int_equal(rows().count, JOSE_ALGS);
}

static void *run_job(void *with)
{
    const struct key_work *work = with;
    return rotation_run(work) == IDP_OK ? NULL : with;
}

static void two_jobs_at_once_publish_one_successor(void **state)
{
    (void)state;
    enum { JOBS = 4 };
    pthread_t threads[JOBS];
    struct key_work work = at(BEGIN + ROTATE);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &work), 0);
    for (int i = 0; i < JOBS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    for (int alg = 0; alg < JOSE_ALGS; alg++)
        assert_int_equal(count_of((enum jose_alg)alg), 2);
}

static void overdue_key_is_told(void **state)
{
    (void)state;
    struct signing_figure figures[SIGNING_KEYS_ALL];
    int64_t end = BEGIN - SIGNING_KEY_SLACK_S + ROTATE + MARGIN;
    assert_int_equal(signer_figures(w.nodes[0], end, figures, 1), 1);
    assert_false(figures[0].overdue);
    assert_int_equal(signer_figures(w.nodes[0], end + 1, figures, SIGNING_KEYS_ALL), JOSE_ALGS);
    assert_true(figures[0].overdue && figures[1].overdue);
    struct rotated done = publish(JOSE_ES256, end + 1);
    reload(0, end + 1);
    size_t n = signer_figures(w.nodes[0], end + 1, figures, SIGNING_KEYS_ALL);
    assert_int_equal(n, 3);
    assert_string_equal(figures[0].kid, done.kid);
    assert_int_equal(figures[0].state, SIGNING_KEY_PUBLISHED);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(figures[i].overdue, figures[i].alg == JOSE_RS256);
}

/* --- by force -------------------------------------------------------------------------------- */

static void forced_key_is_the_only_one_and_signs_at_once(void **state)
{
    (void)state;
    struct rotated forced;
    const struct key_work work = at(BEGIN + 1);
    const char *rs256 = signs_with(0, JOSE_RS256, BEGIN);
    struct rotated done = publish(JOSE_ES256, BEGIN);
    assert_int_equal(rotation_force(&work, done.kid, vault.arena, &forced), IDP_OK);
    assert_string_equal(forced.kid, done.kid);
    assert_string_equal(forced.replaces, done.replaces);
    assert_int_equal(forced.removed, 1);
    assert_int_equal(forced.generation, generation());
    reload(1, BEGIN + 1);
    assert_false(serves(1, done.replaces));
    /* also by a clock that is behind, and for a request that began before */
    assert_string_equal(signs_with(1, JOSE_ES256, BEGIN + 1 - SIGNING_KEY_SLACK_S), done.kid);
    assert_string_equal(signs_with(1, JOSE_RS256, BEGIN + 1), rs256);
}

static void key_that_is_gone_or_going_is_not_forced(void **state)
{
    (void)state;
    struct rotated forced;
    const struct key_work work = at(BEGIN);
    struct rotated done = publish(JOSE_ES256, BEGIN);
    assert_int_equal(rotation_force(&work, "unknown", vault.arena, &forced), IDP_NOT_FOUND);
    assert_int_equal(rotation_force(&work, done.replaces, vault.arena, &forced), IDP_NOT_FOUND);
    assert_int_equal(count_of(JOSE_ES256), 2);
}

/* --- who is told ----------------------------------------------------------------------------- */

static char told[1024];

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
    enum idp_err says = IDP_OK;
    struct rotated done, forced;
    const struct key_witness witness = {.write = write_down, .with = &says};
    struct key_work work = at(BEGIN);
    work.witness = &witness;
    told[0] = '\0';
    assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &done), IDP_OK);
    assert_int_equal(rotation_force(&work, done.kid, vault.arena, &forced), IDP_OK);
    assert_string_equal(told, arena_printf(vault.arena,
                                           "signing_key_published %s\n"
                                           "signing_key_forced %s\n"
                                           "signing_key_removed %s\n",
                                           done.kid, done.kid, done.replaces));
    says = IDP_UNAVAILABLE;
    assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &done), IDP_UNAVAILABLE);
    assert_int_equal(count_of(JOSE_ES256), 1);
}

static void first_key_of_an_algorithm_signs_at_once(void **state)
{
    (void)state;
    vault_execute("DELETE FROM signing_keys WHERE algorithm = 'ES256'");
    struct rotated done = publish(JOSE_ES256, BEGIN);
    assert_null(done.replaces);
    reload(0, BEGIN);
    assert_string_equal(signs_with(0, JOSE_ES256, BEGIN), done.kid);
}

/* --- failures -------------------------------------------------------------------------------- */

static void dead_database_is_told(void **state)
{
    (void)state;
    struct rotated done;
    const struct key_work work = at(BEGIN);
    vault.faulty.read = vault.faulty.transact = IDP_UNAVAILABLE;
    assert_int_equal(rotation_run(&work), IDP_UNAVAILABLE);
    assert_int_equal(rotation_publish(&work, JOSE_ES256, vault.arena, &done), IDP_UNAVAILABLE);
    assert_int_equal(rotation_force(&work, "x", vault.arena, &done), IDP_UNAVAILABLE);
}

/* Fails each statement in turn until one change goes through. Returns how many there were. */
static int fail_each_statement(enum idp_err (*change)(void))
{
    int n = 0;
    size_t before = rows().count;
    int64_t began = generation();
    for (;; n++) {
        vault.faulty.statement = IDP_UNAVAILABLE;
        vault.faulty.statements_left = n;
        enum idp_err err = change();
        vault.faulty.statement = IDP_OK;
        if (err == IDP_OK)
            return n;
        assert_int_equal(err, IDP_UNAVAILABLE);
        assert_int_equal(rows().count, before);
        assert_int_equal(generation(), began);
        assert_int_equal(rows().keys[rows().count - 1].retired, rows().keys[0].retired);
    }
}

static enum idp_err publish_one(void)
{
    struct rotated done;
    const struct key_work work = at(BEGIN);
    return rotation_publish(&work, JOSE_ES256, vault.arena, &done);
}

static void half_a_publication_does_not_happen(void **state)
{
    (void)state;
    assert_int_equal(fail_each_statement(publish_one), 5);
}

static enum idp_err remove_one(void)
{
    const struct key_work work = at(BEGIN + LEAD + LONGEST + MARGIN);
    return rotation_run(&work);
}

static void half_a_removal_does_not_happen(void **state)
{
    (void)state;
    w.policy.rotate_s = 0;
    (void)publish(JOSE_ES256, BEGIN);
    (void)publish(JOSE_RS256, BEGIN);
    for (int n = 0; n < 4; n++) {
        vault.faulty.statement = IDP_UNAVAILABLE;
        vault.faulty.statements_left = n;
        assert_int_equal(remove_one(), IDP_UNAVAILABLE);
        vault.faulty.statement = IDP_OK;
        assert_int_equal(rows().count, 2 * JOSE_ALGS);
    }
    assert_int_equal(remove_one(), IDP_OK);
    assert_int_equal(rows().count, JOSE_ALGS);
}

static void half_a_forcing_does_not_happen(void **state)
{
    (void)state;
    struct rotated forced;
    const struct key_work work = at(BEGIN);
    struct rotated done = publish(JOSE_ES256, BEGIN);
    for (int n = 0; n < 4; n++) {
        vault.faulty.statement = IDP_UNAVAILABLE;
        vault.faulty.statements_left = n;
        assert_int_equal(rotation_force(&work, done.kid, vault.arena, &forced), IDP_UNAVAILABLE);
        vault.faulty.statement = IDP_OK;
        assert_int_equal(count_of(JOSE_ES256), 2);
        assert_int_equal(rows().keys[0].active_from, BEGIN + LEAD);
    }
    assert_int_equal(rotation_force(&work, done.kid, vault.arena, &forced), IDP_OK);
}

/* --- the whole, for a long time --------------------------------------------------------------- */

enum { SECONDS = 6000, KEPT = 2 * CACHE, TOKENS = 2 * LONGEST };

/* A node as clients see it: its clock, what it has read, whether it can. */
struct node {
    int64_t skew, reached, last_read, lost_until;
};

/* A set that a client keeps until then. */
struct kept {
    const char *text;
    int64_t until;
};

struct token {
    const char *kid;
    int64_t expires; /* by the clock of the node that signed */
};

static struct simulation {
    struct arena *arena;
    struct node nodes[2];
    struct kept kept[2][KEPT];
    struct token tokens[2][TOKENS];
    unsigned chance;
    int rotations;
} sim;

static unsigned dice(unsigned sides)
{
    sim.chance = sim.chance * 1103515245u + 12345u;
    return (sim.chance >> 16) % sides;
}

static bool is_fresh(const struct node *node, int64_t t)
{
    return t - node->last_read < GENERATION_LEASE_MS / 1000;
}

/* Reads the generation where it can; now and then the database is out of reach for a while. */
static void let_node_read(int i, int64_t t)
{
    struct node *node = &sim.nodes[i];
    if (t >= node->lost_until && dice(200) == 0)
        node->lost_until = t + 1 + dice(150);
    if (t < node->lost_until)
        return;
    if (generation() != node->reached)
        reload(i, t + node->skew);
    node->reached = generation();
    node->last_read = t;
}

static void keep_set(int i, int64_t t)
{
    int64_t until = is_fresh(&sim.nodes[i], t) ? t + CACHE : t - 1;
    sim.kept[i][t % KEPT] =
        (struct kept){.text = arena_strdup(sim.arena, set_of(i)), .until = until};
}

/* Whoever keeps a set can verify what is signed now, by whichever node. */
static void check_kept(const char *kid, int64_t t)
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < KEPT; j++) {
            const struct kept *kept = &sim.kept[i][j];
            if (kept->text != NULL && t <= kept->until && strstr(kept->text, kid) == NULL)
                fail_msg("second %lld: a set kept until %lld lacks the key", (long long)t - BEGIN,
                         (long long)kept->until - BEGIN);
        }
}

static void let_node_sign(int i, int64_t t)
{
    int64_t now = t + sim.nodes[i].skew;
    if (!is_fresh(&sim.nodes[i], t))
        return;
    const char *kid = arena_strdup(sim.arena, signs_with(i, JOSE_ES256, now));
    sim.tokens[i][t % TOKENS] = (struct token){.kid = kid, .expires = now + LONGEST};
    check_kept(kid, t);
}

/* Whoever reads the set now can verify what was signed before and has not expired. A node that
 * could not read for so long that a key may have begun to sign serves no set (oauth/jwks.c). */
static void check_tokens(int i, int64_t t)
{
    for (int j = 0; j < 2 * TOKENS && t - sim.nodes[i].last_read < 2 * CACHE; j++) {
        const struct token *token = &sim.tokens[j % 2][j / 2];
        if (token->kid != NULL && t < token->expires && !serves(i, token->kid))
            fail_msg("second %lld: node %d does not serve the key of a token that lives",
                     (long long)t - BEGIN, i);
    }
}

static void second(int64_t t)
{
    struct arena *own = vault.arena;
    vault.arena = arena_new();
    for (int i = 0; i < 2; i++)
        let_node_read(i, t);
    if (t % 5 == 0) {
        size_t before = rows().count;
        run_at(t + sim.nodes[t / 5 % 2].skew); /* the lease goes from one to the other */
        sim.rotations += rows().count > before;
    }
    for (int i = 0; i < 2; i++) {
        keep_set(i, t);
        let_node_sign(i, t);
    }
    for (int i = 0; i < 2; i++)
        check_tokens(i, t);
    arena_free(vault.arena);
    vault.arena = own;
}

/* Nodes whose clocks differ by nearly the margin and that lose the database now and then; clients
 * that keep each set for as long as they may. */
static void nobody_with_a_kept_set_meets_a_key_it_lacks(void **state)
{
    (void)state;
    vault_execute("DELETE FROM signing_keys WHERE algorithm = 'RS256'");
    sim = (struct simulation){.arena = arena_new(), .chance = 7};
    sim.nodes[0] = (struct node){.skew = 2, .reached = -1, .last_read = BEGIN - 10};
    sim.nodes[1] = (struct node){.skew = -2, .reached = -1, .last_read = BEGIN - 10};
    for (int64_t t = BEGIN; t < BEGIN + SECONDS; t++)
        second(t);
    assert_true(sim.rotations > 30);
    assert_true(count_of(JOSE_ES256) <= 3);
    arena_free(sim.arena);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(successor_signs_after_twice_the_cache_and_the_margin),
        TEST(one_before_still_signs_for_who_is_behind),
        TEST(only_one_successor_waits_at_a_time),
        TEST(algorithms_do_not_wait_for_each_other),
        TEST(keys_of_an_algorithm_are_bounded),
        TEST(longest_cache_of_any_node_decides),
        TEST(longest_life_of_any_node_decides),
        TEST(promises_are_renewed_for_each_new_key),
        TEST(key_stays_until_the_last_token_it_signed_has_expired),
        TEST(nothing_due_changes_nothing),
        TEST(successor_is_published_in_time_for_the_schedule),
        TEST(without_a_schedule_nothing_is_published),
        TEST(two_jobs_at_once_publish_one_successor),
        TEST(overdue_key_is_told),
        TEST(forced_key_is_the_only_one_and_signs_at_once),
        TEST(key_that_is_gone_or_going_is_not_forced),
        TEST(every_change_has_a_witness),
        TEST(first_key_of_an_algorithm_signs_at_once),
        TEST(dead_database_is_told),
        TEST(half_a_publication_does_not_happen),
        TEST(half_a_removal_does_not_happen),
        TEST(half_a_forcing_does_not_happen),
    };
    static const struct CMUnitTest long_test[] = {
        TEST(nobody_with_a_kept_set_meets_a_key_it_lacks),
    };
    int failed = cmocka_run_group_tests_name("jose/rotation", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("jose/rotation, for long", long_test, NULL, NULL);
}
