#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/trust_desk.h"
#include "app.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_rows.h"
#include "routes.h"
#include "setup.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/pki_region.h"
#include "trust_list.h"

/* One list names the first, another the second, the third both. */
static struct region_authority first, second;
enum wanted { FIRST = 1, SECOND = 2, BOTH = 3 };

static struct {
    struct arena *arena;
    char *folder;
    struct app app;
    struct sql_driver shared;
    char *why;
    int64_t number; /* of the list that is made next */
} w;

static const char *path(const char *name)
{
    const char *text = arena_printf(w.arena, "%s/%s", w.folder, name);
    assert_non_null(text);
    return text;
}

static void put(const char *name, const char *text)
{
    help_write_file(path(name), text, strlen(text));
}

/* Each with the number that stands in w.number. */
static const char *text_of(enum wanted wanted)
{
    json_t *entries[3] = {NULL};
    size_t n = 0;
    if ((wanted & FIRST) != 0)
        entries[n++] = region_entry(&first);
    if ((wanted & SECOND) != 0)
        entries[n++] = region_entry(&second);
    json_t *list = region_trust_list(entries);
    assert_int_equal(json_object_set_new(list, "number", json_integer(w.number)), 0);
    char *text = json_dumps(list, 0);
    const char *kept = arena_strdup(w.arena, text);
    free(text);
    json_decref(list);
    return kept;
}

/* The settings' file, with the managers' signatures beside it. */
static void put_signed(const char *text)
{
    char *signatures = region_signatures(text);
    put("trust-list.json", text);
    put("trust-list.json.signatures", signatures);
    free(signatures);
}

/* A list that is newer than all before. */
static const char *newer(enum wanted wanted)
{
    w.number++;
    return text_of(wanted);
}

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.folder = help_temp_folder();
    w.why = NULL;
    w.number = 1;
    put_signed(text_of(FIRST));
    assert_int_equal(mkdir(path("pages"), 0700), 0);
    put("pages/index.html", "<!doctype html>");
    w.app = (struct app){
        .routes = idp_routes,
        .config = {.issuer = REGION_ORIGIN,
                   .origin = REGION_ORIGIN,
                   .sql = arena_printf(w.arena, "sqlite:%s/t.db", w.folder),
                   .kv = "memory:",
                   .master_key_file = path("master.key"),
                   .trust_list = path("trust-list.json"),
                   .pages = path("pages"),
                   .managers = *region_managers(),
                   .jwks_cache_s = 900},
    };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    setup_close(&w.app);
    free(w.why);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

static enum idp_err start(void)
{
    free(w.why);
    w.why = NULL;
    enum idp_err err = setup_open_files(&w.app, &w.why);
    if (err == IDP_OK)
        err = setup_open_stores(&w.app, &w.why);
    return err == IDP_OK ? setup_open_server(&w.app, &w.why) : err;
}

static void start_anew(void)
{
    setup_close(&w.app);
    if (start() != IDP_OK)
        fail_msg("%s", w.why);
}

/* The database is one that several nodes share, from here on. */
static void start_with_shared_database(enum idp_err wanted)
{
    if (setup_open_stores(&w.app, &w.why) != IDP_OK)
        fail_msg("%s", w.why);
    w.shared = *w.app.db->driver;
    w.shared.embedded = false;
    w.app.db->driver = &w.shared;
    assert_int_equal(setup_open_server(&w.app, &w.why), wanted);
}

/* As the command line does. */
static void load(enum wanted wanted)
{
    struct trust *trust = NULL;
    struct trust_loaded loaded;
    const char *text = newer(wanted);
    char *signatures = region_signatures(text);
    const struct trust_signatures document = {"signatures", signatures, strlen(signatures)};
    const struct trust_desk desk = {.db = w.app.db, .by = {.kind = "operator"}, .now = clock_now()};
    assert_int_equal(trust_parse("list", text, strlen(text), &w.why, &trust), IDP_OK);
    assert_int_equal(trust_signatures_demand(region_managers(), &document, trust, &w.why), IDP_OK);
    free(signatures);
    assert_int_equal(trust_desk_load(&desk, w.arena, trust, &loaded), IDP_OK);
    trust_free(trust);
}

static int64_t number(const char *query)
{
    struct sql_rows rows;
    assert_int_equal(sql_read_one(w.app.db, w.arena, &(struct sql_call){.text = query}, &rows),
                     IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

static int64_t rows(void)
{
    return number("SELECT COUNT(*) FROM trust_lists");
}

static void expect_in_use(enum wanted wanted)
{
    assert_int_equal(pki_lists(w.app.pki, "first", NULL, clock_now() + 1), (wanted & FIRST) != 0);
    assert_int_equal(pki_lists(w.app.pki, "second", NULL, clock_now() + 1), (wanted & SECOND) != 0);
}

static void damage_newest(void)
{
    static const struct sql_call call = {
        .text = "UPDATE trust_lists SET document = '{' WHERE number = (SELECT max(number) FROM "
                "trust_lists)"};
    assert_int_equal(sql_execute(w.app.db, &call, NULL), IDP_OK);
}

/* --- at the start --------------------------------------------------------------------------- */

static void first_start_brings_the_file_into_the_database(void **state)
{
    (void)state;
    start_anew();
    expect_in_use(FIRST);
    assert_int_equal(rows(), 1);
    assert_int_equal(number("SELECT in_file FROM trust_lists"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM audit WHERE event = 'trust_list_loaded' AND "
                            "detail LIKE '{\"actor\":\"node\",%'"),
                     1);
    start_anew();
    expect_in_use(FIRST);
    assert_int_equal(rows(), 1);
}

static void file_that_did_not_change_does_not_undo_what_was_loaded_since(void **state)
{
    (void)state;
    start_anew();
    load(BOTH);
    start_anew();
    expect_in_use(BOTH);
    assert_int_equal(rows(), 2);
}

static void file_that_changed_counts(void **state)
{
    (void)state;
    start_anew();
    load(BOTH);
    put_signed(newer(SECOND));
    start_anew();
    expect_in_use(SECOND);
    assert_int_equal(rows(), 3);
}

static void without_a_file_the_list_in_the_database_counts(void **state)
{
    (void)state;
    start_anew();
    w.app.config.trust_list = NULL;
    start_anew();
    expect_in_use(FIRST);
}

/* docs/security.md row 36. */
static void without_any_list_there_is_no_start(void **state)
{
    (void)state;
    w.app.config.trust_list = NULL;
    assert_int_not_equal(start(), IDP_OK);
    assert_non_null(strstr(w.why, "trust_list: is missing, and the database holds none"));
    assert_null(w.app.pki);
}

static void damaged_list_refuses_to_start(void **state)
{
    (void)state;
    start_anew();
    damage_newest();
    setup_close(&w.app);
    w.app.config.trust_list = NULL; /* the file would say what was in it */
    assert_int_not_equal(start(), IDP_OK);
    assert_non_null(strstr(w.why, "trust list 1 in the database"));
}

static void shared_database_takes_the_file_only_while_it_holds_none(void **state)
{
    (void)state;
    start_with_shared_database(IDP_OK);
    expect_in_use(FIRST);
    put("trust-list.json", "not even JSON");
    setup_close(&w.app);
    start_with_shared_database(IDP_OK);
    expect_in_use(FIRST);
    assert_int_equal(rows(), 1);
    assert_int_equal(trust_list_reload(&w.app, &w.why), IDP_NOT_FOUND);
    assert_null(w.why);
}

static void shared_database_without_a_list_needs_a_file_that_is_good(void **state)
{
    (void)state;
    put("trust-list.json", "{\"version\":1,\"authorities\":[]}");
    start_with_shared_database(IDP_BAD_REQUEST);
    assert_non_null(strstr(w.why, path("trust-list.json")));
}

/* --- while running -------------------------------------------------------------------------- */

static void list_that_was_loaded_is_taken_over(void **state)
{
    (void)state;
    start_anew();
    load(SECOND);
    expect_in_use(FIRST); /* not heard of yet */
    assert_int_equal(trust_list_renew(&w.app), IDP_OK);
    expect_in_use(SECOND);
    assert_int_equal(w.app.trust_loading, 2);
    assert_int_equal(trust_list_renew(&w.app), IDP_OK);
    assert_false(atomic_load(&w.app.trust_damaged));
}

static void damaged_list_leaves_the_one_before_and_says_so(void **state)
{
    (void)state;
    start_anew();
    load(SECOND);
    damage_newest();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(trust_list_renew(&w.app), IDP_FAULT);
        assert_true(atomic_load(&w.app.trust_damaged));
        expect_in_use(FIRST);
    }
    load(BOTH);
    assert_int_equal(trust_list_renew(&w.app), IDP_OK);
    assert_false(atomic_load(&w.app.trust_damaged));
    expect_in_use(BOTH);
}

static void database_that_lost_its_lists_leaves_the_one_in_use(void **state)
{
    (void)state;
    start_anew();
    assert_int_equal(
        sql_execute(w.app.db, &(struct sql_call){.text = "DELETE FROM trust_lists"}, NULL), IDP_OK);
    assert_int_equal(trust_list_renew(&w.app), IDP_FAULT);
    assert_true(atomic_load(&w.app.trust_damaged));
    expect_in_use(FIRST);
}

/* docs/security.md row 36: whoever writes to the database alone brings no old list back. */
static void database_that_goes_back_leaves_the_list_in_use(void **state)
{
    (void)state;
    start_anew();
    load(SECOND);
    assert_int_equal(trust_list_renew(&w.app), IDP_OK);
    assert_int_equal(
        sql_execute(w.app.db,
                    &(struct sql_call){.text = "DELETE FROM trust_lists WHERE number = 2"}, NULL),
        IDP_OK);
    assert_int_equal(trust_list_renew(&w.app), IDP_FAULT);
    assert_true(atomic_load(&w.app.trust_damaged));
    expect_in_use(SECOND);
}

/* docs/security.md row 36. */
static void file_that_managers_did_not_sign_does_not_count(void **state)
{
    (void)state;
    static const char *const signatures[] = {
        "", "{\"format\":\"tamga-trust-signatures:1\",\"signatures\":[]}"};
    start_anew();
    for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++) {
        put("trust-list.json", newer(SECOND));
        assert_int_equal(trust_list_reload(&w.app, &w.why),
                         IDP_BAD_REQUEST); /* of the one before */
        free(w.why);
        put("trust-list.json.signatures", signatures[i]);
        assert_int_equal(trust_list_reload(&w.app, &w.why), IDP_BAD_REQUEST);
        assert_non_null(strstr(w.why, path("trust-list.json.signatures")));
        free(w.why);
        w.why = NULL;
        setup_close(&w.app);
        assert_int_equal(start(), IDP_BAD_REQUEST);
        assert_non_null(strstr(w.why, path("trust-list.json.signatures")));
        setup_close(&w.app);
        w.number = 0;
        put_signed(newer(FIRST));
        start_anew();
    }
    assert_int_equal(rows(), 1);
}

static void file_of_an_older_list_does_not_count_and_says_why(void **state)
{
    (void)state;
    start_anew();
    put_signed(newer(SECOND));
    assert_int_equal(trust_list_reload(&w.app, &w.why), IDP_OK);
    w.number = 1;
    put_signed(text_of(BOTH));
    assert_int_equal(trust_list_reload(&w.app, &w.why), IDP_DENIED);
    assert_non_null(strstr(w.why, "expected one above 2, which was loaded before, not 1"));
    assert_non_null(strstr(w.why, "tamgactl trust restore"));
    assert_int_equal(rows(), 2);
}

/* A manager left, or one more has signed: the list is the same, and needs no other number. */
static void signatures_of_the_file_are_taken_over(void **state)
{
    (void)state;
    start_anew();
    put_signed(text_of(FIRST));
    assert_int_equal(trust_list_reload(&w.app, &w.why), IDP_OK);
    assert_int_equal(rows(), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM audit WHERE event = 'trust_list_signed'"), 1);
}

static void reload_brings_a_file_that_changed(void **state)
{
    (void)state;
    start_anew();
    assert_int_equal(trust_list_reload(&w.app, &w.why), IDP_OK);
    assert_int_equal(rows(), 1);
    put_signed(newer(BOTH));
    assert_int_equal(trust_list_reload(&w.app, &w.why), IDP_OK);
    assert_int_equal(rows(), 2);
    assert_int_equal(trust_list_renew(&w.app), IDP_OK);
    expect_in_use(BOTH);
}

static void reload_of_a_wrong_file_keeps_the_list_and_tells_why(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "{", "{\"version\":1,\"authorities\":[]}"};
    start_anew();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        put("trust-list.json", wrong[i]);
        assert_int_equal(trust_list_reload(&w.app, &w.why), IDP_BAD_REQUEST);
        assert_non_null(strstr(w.why, "trust_list: "));
        assert_non_null(strstr(w.why, path("trust-list.json")));
        assert_null(strchr(w.why, '\n'));
        free(w.why);
        w.why = NULL;
    }
    assert_int_equal(rows(), 1);
    assert_int_equal(trust_list_renew(&w.app), IDP_OK);
    expect_in_use(FIRST);
}

static int make_authorities(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&first, "first", "P-256");
    region_authority_make(&second, "second", "P-256");
    return 0;
}

static int free_authorities(void **state)
{
    (void)state;
    region_authority_clear(&first);
    region_authority_clear(&second);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(first_start_brings_the_file_into_the_database),
        TEST(file_that_did_not_change_does_not_undo_what_was_loaded_since),
        TEST(file_that_changed_counts),
        TEST(without_a_file_the_list_in_the_database_counts),
        TEST(without_any_list_there_is_no_start),
        TEST(damaged_list_refuses_to_start),
        TEST(shared_database_takes_the_file_only_while_it_holds_none),
        TEST(shared_database_without_a_list_needs_a_file_that_is_good),
        TEST(list_that_was_loaded_is_taken_over),
        TEST(damaged_list_leaves_the_one_before_and_says_so),
        TEST(database_that_lost_its_lists_leaves_the_one_in_use),
        TEST(database_that_goes_back_leaves_the_list_in_use),
        TEST(file_that_managers_did_not_sign_does_not_count),
        TEST(file_of_an_older_list_does_not_count_and_says_why),
        TEST(signatures_of_the_file_are_taken_over),
        TEST(reload_brings_a_file_that_changed),
        TEST(reload_of_a_wrong_file_keeps_the_list_and_tells_why),
    };
    return cmocka_run_group_tests_name("top/trust_list", tests, make_authorities, free_authorities);
}
