/* A program that ends in order, and starts again with the same stores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/revoke.h"
#include "app.h"
#include "base/arena.h"
#include "base/log.h"
#include "restart.h"
#include "routes.h"
#include "setup.h"
#include "store/kv.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/pki_region.h"

static struct {
    struct arena *arena;
    char *folder;
    const char *file;
    struct app app;
    struct kv_bytes out;
} w;

static void start(void)
{
    char *why = NULL;
    if (setup_open_stores(&w.app, &why) != IDP_OK)
        fail_msg("%s", why);
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    w.arena = arena_new();
    w.folder = help_temp_folder();
    w.file = arena_printf(w.arena, "%s/t.db.kv", w.folder);
    w.app = (struct app){
        .routes = idp_routes,
        .config = {.issuer = REGION_ORIGIN,
                   .origin = REGION_ORIGIN,
                   .sql = arena_printf(w.arena, "sqlite:%s/t.db", w.folder),
                   .kv = "memory:",
                   .master_key_file = arena_printf(w.arena, "%s/master.key", w.folder),
                   .jwks_cache_s = 900},
    };
    start();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    setup_close(&w.app);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

static void put_session(void)
{
    assert_int_equal(kv_put(w.app.kv, KV_SESSION, kv_text("session"), kv_text("signed in"), 60000),
                     IDP_OK);
}

static enum idp_err get_session(void)
{
    return kv_get(w.app.kv, KV_SESSION, kv_text("session"), w.arena, &w.out);
}

static void stop_in_order(void)
{
    restart_keep(&w.app);
    setup_close(&w.app);
}

static void start_again(void)
{
    start();
    restart_return(&w.app);
}

static void sessions_survive_a_clean_restart(void **state)
{
    (void)state;
    put_session();
    stop_in_order();
    start_again();
    assert_int_equal(get_session(), IDP_OK);
    assert_string_equal(w.out.bytes, "signed in");
    stop_in_order();
    start_again();
    assert_int_equal(get_session(), IDP_OK);
}

/* As tamgactl does it, which has no way to the key-value store. */
static void an_operator_ends_a_session_while_nobody_runs(const char *family)
{
    struct access access = w.app.access;
    struct revoke_order order = {.arena = w.arena, .by = {"operator", "test"}, .now = 1795353600};
    access.kv = NULL;
    assert_int_equal(revoke_family(&access, &order, "enterprise", family), IDP_OK);
    assert_non_null(order.row);
}

static void what_was_ended_while_nobody_ran_is_over_before_anybody_is_let_in(void **state)
{
    (void)state;
    put_session();
    stop_in_order();
    start();
    w.app.access.session_absolute_s = 28800;
    an_operator_ends_a_session_while_nobody_runs("family");
    setup_close(&w.app);
    start();
    w.app.access.session_absolute_s = 28800;
    restart_return(&w.app);
    assert_int_equal(get_session(), IDP_OK);
    assert_int_equal(kv_get(w.app.kv, KV_SESSION, kv_text("ended:family"), w.arena, &w.out),
                     IDP_OK);
}

/* Whose session was to end is not known: nobody's comes back. */
static void nobody_is_let_in_while_an_end_waits(void **state)
{
    (void)state;
    static const struct sql_call order = {
        .text = "INSERT INTO outbox (id, queue, kind, target, body, created, due_ms, attempts) "
                "VALUES ('row', 'tombstones', 'ending', 'of a later version', '', 1, 1, 0)"};
    put_session();
    stop_in_order();
    start();
    assert_int_equal(sql_execute(w.app.db, &order, NULL), IDP_OK);
    restart_return(&w.app);
    assert_int_equal(get_session(), IDP_NOT_FOUND);
}

static void after_a_crash_there_is_nothing(void **state)
{
    (void)state;
    put_session();
    stop_in_order();
    start_again();
    setup_close(&w.app); /* without keeping */
    start_again();
    assert_int_equal(get_session(), IDP_NOT_FOUND);
}

static void a_copy_of_the_file_is_no_use_a_second_time(void **state)
{
    (void)state;
    size_t len = 0;
    put_session();
    stop_in_order();
    char *copy = help_read_file(w.file, &len);
    assert_non_null(copy);
    start_again();
    assert_int_equal(kv_take(w.app.kv, KV_SESSION, kv_text("session"), NULL, NULL), IDP_OK);
    setup_close(&w.app); /* a crash */
    help_write_file(w.file, copy, len);
    start_again();
    assert_int_equal(get_session(), IDP_NOT_FOUND);
    assert_int_equal(access(w.file, F_OK), -1);
    stop_in_order(); /* with another key */
    help_write_file(w.file, copy, len);
    start_again();
    assert_int_equal(get_session(), IDP_NOT_FOUND);
    assert_int_equal(access(w.file, F_OK), -1);
    free(copy);
}

static void a_damaged_file_is_passed_over(void **state)
{
    (void)state;
    put_session();
    stop_in_order();
    help_write_file(w.file, "rubbish", 7);
    start_again();
    assert_int_equal(get_session(), IDP_NOT_FOUND);
    assert_int_equal(access(w.file, F_OK), -1);
    put_session(); /* and all goes on */
    stop_in_order();
    start_again();
    assert_int_equal(get_session(), IDP_OK);
}

static void the_key_is_gone_before_the_file_is_read(void **state)
{
    (void)state;
    struct sql_rows rows;
    put_session();
    stop_in_order();
    start();
    assert_int_equal(sql_read(w.app.db, w.arena,
                              &(struct sql_call){"SELECT wrapped FROM snapshots", NULL, 0}, &rows),
                     IDP_OK);
    assert_int_equal(rows.rows, 1);
    restart_return(&w.app);
    assert_int_equal(sql_read(w.app.db, w.arena,
                              &(struct sql_call){"SELECT wrapped FROM snapshots", NULL, 0}, &rows),
                     IDP_OK);
    assert_int_equal(rows.rows, 0);
}

static void a_wrapped_key_that_was_changed_opens_nothing(void **state)
{
    (void)state;
    put_session();
    stop_in_order();
    start();
    assert_int_equal(
        sql_execute(w.app.db, &(struct sql_call){"UPDATE snapshots SET wrapped = 'AAAA'", NULL, 0},
                    NULL),
        IDP_OK);
    restart_return(&w.app);
    assert_int_equal(get_session(), IDP_NOT_FOUND);
    assert_int_equal(access(w.file, F_OK), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(sessions_survive_a_clean_restart),
        TEST(what_was_ended_while_nobody_ran_is_over_before_anybody_is_let_in),
        TEST(nobody_is_let_in_while_an_end_waits),
        TEST(after_a_crash_there_is_nothing),
        TEST(a_copy_of_the_file_is_no_use_a_second_time),
        TEST(a_damaged_file_is_passed_over),
        TEST(the_key_is_gone_before_the_file_is_read),
        TEST(a_wrapped_key_that_was_changed_opens_nothing),
    };
    return cmocka_run_group_tests_name("top/restart", tests, NULL, NULL);
}
