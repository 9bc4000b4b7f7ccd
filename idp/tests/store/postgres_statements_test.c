#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/postgres_statements.h"

enum { MANY = 2000, PLACES = 256 };

static struct postgres_statements *statements;
static char forgotten[POSTGRES_NAME_MAX];

static int set_up(void **state)
{
    (void)state;
    statements = postgres_statements_new();
    return statements == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    postgres_statements_free(statements);
    return 0;
}

static void statement_is_found_by_its_text(void **state)
{
    (void)state;
    static const char text[] = "SELECT 1";
    assert_null(postgres_statements_find(statements, text));
    struct postgres_statement *made = postgres_statements_add(statements, text, forgotten);
    assert_non_null(made);
    assert_string_equal(forgotten, "");
    assert_ptr_equal(postgres_statements_find(statements, text), made);
}

static void another_text_at_the_same_place_is_another_statement(void **state)
{
    (void)state;
    char text[] = "SELECT 1";
    char name[POSTGRES_NAME_MAX];
    struct postgres_statement *one = postgres_statements_add(statements, text, forgotten);
    assert_non_null(one);
    memcpy(name, one->name, sizeof(name));
    text[sizeof(text) - 2] = '2';
    assert_null(postgres_statements_find(statements, text));
    const struct postgres_statement *two = postgres_statements_add(statements, text, forgotten);
    assert_non_null(two);
    assert_string_not_equal(two->name, name);
    assert_ptr_equal(postgres_statements_find(statements, text), two);
}

/* What is not named to be forgotten stays at the server for ever. */
static void who_loses_its_place_is_named_once(void **state)
{
    (void)state;
    static char texts[MANY][16];
    static bool gone[MANY];
    size_t lost = 0;
    memset(gone, 0, sizeof(gone));
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "SELECT %u", i);
        assert_non_null(postgres_statements_add(statements, texts[i], forgotten));
        if (*forgotten == '\0')
            continue;
        unsigned long number = strtoul(forgotten + 1, NULL, 10);
        assert_true(number < i && !gone[number]);
        gone[number] = true;
        lost++;
    }
    assert_true(MANY - lost <= PLACES);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(postgres_statements_find(statements, texts[i]) == NULL, gone[i]);
}

static void one_that_could_not_be_prepared_is_not_found(void **state)
{
    (void)state;
    static const char text[] = "SELEKT";
    struct postgres_statement *made = postgres_statements_add(statements, text, forgotten);
    assert_non_null(made);
    postgres_statements_drop(statements, made);
    assert_null(postgres_statements_find(statements, text));
    assert_non_null(postgres_statements_add(statements, text, forgotten));
    assert_string_equal(forgotten, "");
}

static void what_changes_transaction_or_session_is_not_for_callers(void **state)
{
    (void)state;
    static const char *const good[] = {
        "SELECT 1",     "select(1)",         "INSERT INTO t VALUES (1)",
        "UPDATE t ...", "DELETE\nFROM t",    "WITH n AS (SELECT 1) ...",
        "VALUES (1)",   "CREATE TABLE t ()", "LOCK TABLE t"};
    static const char *const bad[] = {"",
                                      "COMMIT",
                                      "commit",
                                      "ROLLBACK;",
                                      "BEGIN",
                                      "END",
                                      "ABORT",
                                      "SAVEPOINT a",
                                      "RELEASE a",
                                      "START TRANSACTION",
                                      " SELECT 1",
                                      "SET x=1",
                                      "RESET ALL",
                                      "DISCARD ALL",
                                      "DEALLOCATE ALL",
                                      "PREPARE a AS SELECT 1",
                                      "-- \nCOMMIT",
                                      "/**/COMMIT",
                                      "COPY t TO STDOUT",
                                      "LISTEN a",
                                      "DO $$ $$",
                                      "SELECTION",
                                      "PREPARETRANSACTIONS"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!postgres_statement_is_allowed(good[i]))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (postgres_statement_is_allowed(bad[i]))
            fail_msg("%s", bad[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(statement_is_found_by_its_text),
        TEST(another_text_at_the_same_place_is_another_statement),
        TEST(who_loses_its_place_is_named_once),
        TEST(one_that_could_not_be_prepared_is_not_found),
        TEST(what_changes_transaction_or_session_is_not_for_callers),
    };
    return cmocka_run_group_tests_name("store/postgres_statements", tests, NULL, NULL);
}
