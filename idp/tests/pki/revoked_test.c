/* What was called revoked once: two nodes, one database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "pki/revocation/revoked.h"
#include "store/generation.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

enum { NOW = 1795353600, MANY = 400 };

static struct world {
    char *folder, where[DATABASE_WHERE_MAX];
    struct sql *db, *other_db;
    struct faulty_sql faulty; /* the first node's */
    struct revoked *node, *other;
} w;

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    memset(&w, 0, sizeof(w));
    w.folder = help_temp_folder();
    database_make(database_kind(), w.folder, w.where);
    if (sql_open(w.where, NULL, &w.db) != IDP_OK || migrate_run(w.db) != IDP_OK ||
        sql_open(w.where, NULL, &w.other_db) != IDP_OK)
        return 1;
    faulty_sql_init(&w.faulty, w.db);
    w.node = revoked_new(&w.faulty.sql);
    w.other = revoked_new(w.other_db);
    return w.node == NULL || w.other == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    revoked_free(w.node);
    revoked_free(w.other);
    sql_close(w.db);
    sql_close(w.other_db);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

static int prepare(void **state)
{
    (void)state;
    database_prepare();
    return 0;
}

/* The news about certificate n. */
static struct revoked_news news_of(unsigned n)
{
    struct revoked_news news = {.authority = "windchime",
                                .serial = "01AB",
                                .source = VERDICT_BY_OCSP,
                                .fact = {.revoked_at = NOW - n, .reason = 1},
                                .learned = NOW};
    memset(news.hash, 0x5a, sizeof(news.hash));
    news.hash[0] = news.issuer[0] = (unsigned char)(n >> 8);
    news.hash[DIGEST_SIZE - 1] = news.issuer[1] = (unsigned char)n;
    return news;
}

static enum idp_err learn(struct revoked *node, unsigned n)
{
    const struct revoked_news news = news_of(n);
    return revoked_learn(node, &news);
}

static bool knows(struct revoked *node, unsigned n)
{
    struct revoked_fact fact = {.revoked_at = 0};
    const struct revoked_news news = news_of(n);
    bool known = revoked_find(node, news.hash, &fact);
    if (known)
        assert_int_equal(fact.revoked_at, news.fact.revoked_at);
    return known;
}

static enum idp_err look(struct revoked *node, const struct revoked_news *news, bool *known,
                         struct revoked_fact *out)
{
    const struct revoked_subject subject = {
        .hash = news->hash, .issuer = news->issuer, .serial = news->serial};
    return revoked_look(node, &subject, known, out);
}

static int64_t generation(void)
{
    int64_t generation = 0;
    assert_int_equal(generation_read(w.db, &generation), IDP_OK);
    return generation;
}

static void what_one_node_learns_the_other_takes_over(void **state)
{
    (void)state;
    assert_int_equal(learn(w.node, 1), IDP_OK);
    assert_true(knows(w.node, 1));
    assert_false(knows(w.other, 1));
    assert_int_equal(revoked_renew(w.other), IDP_OK);
    assert_true(knows(w.other, 1));
    assert_int_equal(learn(w.other, 2), IDP_OK);
    assert_int_equal(revoked_renew(w.node), IDP_OK);
    assert_true(knows(w.node, 2));
    assert_false(knows(w.node, 3));
}

static void node_that_starts_knows_what_was_learned_before(void **state)
{
    (void)state;
    assert_int_equal(learn(w.node, 1), IDP_OK);
    revoked_free(w.node);
    w.node = revoked_new(w.db);
    assert_int_equal(revoked_renew(w.node), IDP_OK);
    assert_true(knows(w.node, 1));
}

static void table_is_known_before_the_set_was_renewed(void **state)
{
    (void)state;
    bool known = true;
    struct revoked_fact fact;
    const struct revoked_news news = news_of(1);
    assert_int_equal(look(w.other, &news, &known, &fact), IDP_OK);
    assert_false(known);
    assert_int_equal(learn(w.node, 1), IDP_OK);
    assert_int_equal(look(w.other, &news, &known, &fact), IDP_OK);
    assert_true(known);
    assert_int_equal(fact.revoked_at, NOW - 1);
    assert_int_equal(fact.reason, 1);
    assert_true(knows(w.other, 1)); /* from now on without looking */
}

/* Whoever holds a certificate with an ECDSA signature can write it in another way. */
static void certificate_is_known_by_its_name_under_any_hash(void **state)
{
    (void)state;
    bool known = false;
    struct revoked_fact fact;
    struct revoked_news twin = news_of(1);
    twin.hash[5] ^= 1;
    twin.source = VERDICT_BY_RECORD;
    assert_false(revoked_find_named(w.node, twin.issuer, twin.serial, &fact));
    assert_int_equal(learn(w.node, 1), IDP_OK);
    assert_true(revoked_find_named(w.node, twin.issuer, twin.serial, &fact));
    assert_int_equal(fact.revoked_at, NOW - 1);
    assert_false(revoked_find_named(w.node, twin.issuer, "01AC", &fact));
    assert_false(revoked_find_named(w.node, news_of(2).issuer, twin.serial, &fact));
    assert_false(revoked_find(w.node, twin.hash, &fact));
    assert_int_equal(look(w.other, &twin, &known, &fact), IDP_OK);
    assert_true(known);
    assert_int_equal(revoked_learn(w.other, &twin), IDP_OK); /* what rests on it has to end, too */
    assert_int_equal(revoked_renew(w.node), IDP_OK);
    assert_true(revoked_find(w.node, twin.hash, &fact));
    assert_int_equal(revoked_count(w.node).known, 2);
}

static void each_certificate_is_news_to_the_nodes_once(void **state)
{
    (void)state;
    int64_t before = generation();
    assert_int_equal(learn(w.node, 1), IDP_OK);
    assert_int_equal(generation(), before + 1);
    assert_int_equal(learn(w.node, 1), IDP_OK);
    assert_int_equal(learn(w.other, 1), IDP_OK); /* who has not heard of it yet */
    assert_int_equal(generation(), before + 1);
}

static void what_was_learned_first_stays(void **state)
{
    (void)state;
    struct revoked_news later = news_of(1);
    later.fact.revoked_at = NOW + 9;
    assert_int_equal(learn(w.node, 1), IDP_OK);
    assert_int_equal(revoked_learn(w.other, &later), IDP_OK);
    assert_int_equal(revoked_renew(w.node), IDP_OK);
    assert_true(knows(w.node, 1));
    revoked_free(w.other);
    w.other = revoked_new(w.other_db);
    assert_int_equal(revoked_renew(w.other), IDP_OK);
    assert_true(knows(w.other, 1));
}

static void what_cannot_be_written_counts_at_once_and_is_written_later(void **state)
{
    (void)state;
    w.faulty.transact = IDP_UNAVAILABLE;
    assert_int_equal(learn(w.node, 1), IDP_UNAVAILABLE);
    assert_int_equal(learn(w.node, 2), IDP_UNAVAILABLE);
    assert_true(knows(w.node, 1));
    assert_int_equal(revoked_count(w.node).unwritten, 2);
    assert_int_equal(revoked_write(w.node), IDP_UNAVAILABLE);
    w.faulty.transact = IDP_OK;
    assert_int_equal(revoked_write(w.node), IDP_OK);
    assert_int_equal(revoked_count(w.node).unwritten, 0);
    assert_int_equal(revoked_renew(w.other), IDP_OK);
    assert_true(knows(w.other, 1));
    assert_true(knows(w.other, 2));
}

static void table_that_cannot_be_read_is_not_empty(void **state)
{
    (void)state;
    bool known = false;
    struct revoked_fact fact;
    const struct revoked_news news = news_of(1);
    w.faulty.read = IDP_UNAVAILABLE;
    assert_int_equal(revoked_renew(w.node), IDP_UNAVAILABLE);
    assert_int_equal(look(w.node, &news, &known, &fact), IDP_UNAVAILABLE);
}

static void set_grows(void **state)
{
    (void)state;
    revoked_free(w.node);
    w.node = revoked_new(NULL);
    for (unsigned n = 0; n < MANY; n++)
        assert_int_equal(learn(w.node, n), IDP_OK);
    for (unsigned n = 0; n < MANY; n++)
        assert_true(knows(w.node, n));
    assert_false(knows(w.node, MANY));
    assert_int_equal(revoked_count(w.node).known, MANY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_one_node_learns_the_other_takes_over),
        TEST(node_that_starts_knows_what_was_learned_before),
        TEST(table_is_known_before_the_set_was_renewed),
        TEST(certificate_is_known_by_its_name_under_any_hash),
        TEST(each_certificate_is_news_to_the_nodes_once),
        TEST(what_was_learned_first_stays),
        TEST(what_cannot_be_written_counts_at_once_and_is_written_later),
        TEST(table_that_cannot_be_read_is_not_empty),
        TEST(set_grows),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
