#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/access.h"
#include "access/grant.h"
#include "access/outbox.h"
#include "access/resume.h"
#include "access/revoke.h"
#include "enterprise/holder.h"
#include "store/kv.h"
#include "tests/access/world.h"

/* The grants of each test: Bell's to two platforms, and Harbour's. */
static struct rights {
    struct browser bell, harbour;
    const struct grant *platform, *other, *offline, *harbours;
} rights;

static void make_rights(void)
{
    rights.bell = signed_in(LOCK_BELL);
    rights.harbour = signed_in(LOCK_HARBOUR);
    rights.platform = granted(CLIENT_PLATFORM, &rights.bell);
    rights.other = granted(CLIENT_OTHER, &rights.bell);
    rights.offline = granted_offline(CLIENT_OTHER, &rights.bell);
    rights.harbours = granted(CLIENT_PLATFORM, &rights.harbour);
}

static bool lives(const struct grant *grant)
{
    const struct grant *found = NULL;
    assert_int_equal(grant_find(&world.app.access, world.arena, grant->id, &found), IDP_OK);
    return !found->ended;
}

static struct revoke_order order_of(void)
{
    return (struct revoke_order){
        .arena = world.arena, .by = {.kind = "operator", .name = "alice"}, .now = world.now};
}

/* An access like that of tamgactl. */
static struct access elsewhere(void)
{
    struct access access = world.app.access;
    access.kv = NULL;
    return access;
}

static const char *bell(void)
{
    return world.holders[LOCK_BELL].enterprise.id;
}

static enum idp_err end_client(const struct access *access, struct revoke_order *order)
{
    return revoke_client(access, order, "platform");
}

static enum idp_err end_enterprise(const struct access *access, struct revoke_order *order)
{
    return revoke_enterprise(access, order, bell());
}

static enum idp_err end_lock(const struct access *access, struct revoke_order *order)
{
    return revoke_lock(access, order, world.holders[LOCK_BELL].lock.id);
}

static enum idp_err end_consent(const struct access *access, struct revoke_order *order)
{
    return revoke_consent(access, order, bell(), "platform");
}

static enum idp_err end_family(const struct access *access, struct revoke_order *order)
{
    return revoke_family(access, order, bell(), rights.platform->session);
}

static const struct cause {
    enum idp_err (*end)(const struct access *access, struct revoke_order *order);
    const char *event;
    bool platform, other, offline, harbours; /* what lives afterwards */
} causes[] = {
    {end_client, "client_suspended", false, true, true, false},
    {end_enterprise, "enterprise_suspended", false, false, false, true},
    {end_lock, "lock_unbound", false, false, false, true},
    {end_consent, "consent_withdrawn", false, true, true, true},
    {end_family, "session_ended", false, false, false, true},
};

enum { CAUSES = sizeof(causes) / sizeof(*causes) };

static void expect_ended(const struct cause *cause)
{
    assert_int_equal(lives(rights.platform), cause->platform);
    assert_int_equal(lives(rights.other), cause->other);
    assert_int_equal(lives(rights.offline), cause->offline);
    assert_int_equal(lives(rights.harbours), cause->harbours);
}

/* Each cause in a world of its own. */
static void for_each_cause(void (*check)(const struct cause *cause))
{
    for (size_t i = 0; i < CAUSES; i++) {
        if (i > 0) {
            assert_int_equal(world_tear_down(NULL), 0);
            assert_int_equal(world_set_up(NULL), 0);
        }
        make_rights();
        check(&causes[i]);
    }
}

static void end_and_look(const struct cause *cause)
{
    struct revoke_order order = order_of();
    assert_int_equal(cause->end(&world.app.access, &order), IDP_OK);
    expect_ended(cause);
    world_lose_kv();
    expect_ended(cause);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL"), 0);
}

static void cause_ends_what_rests_on_it_and_nothing_else(void **state)
{
    (void)state;
    for_each_cause(end_and_look);
}

static void end_and_read_audit(const struct cause *cause)
{
    struct revoke_order order = order_of();
    assert_int_equal(cause->end(&world.app.access, &order), IDP_OK);
    const struct sql_value event = sql_text(cause->event);
    struct sql_rows rows;
    assert_int_equal(
        sql_read(world.sql.real, world.arena,
                 &(struct sql_call){"SELECT detail FROM audit WHERE event = $1", &event, 1}, &rows),
        IDP_OK);
    assert_int_equal(rows.rows, 1);
    assert_non_null(strstr(sql_cell_text(&rows, 0, 0), "{\"actor\":\"operator\",\"by\":\"alice\""));
    assert_string_equal(world_text("SELECT DISTINCT ended_why FROM grants WHERE ended IS NOT NULL"),
                        cause->event);
}

static void audit_says_who_ended_what(void **state)
{
    (void)state;
    for_each_cause(end_and_read_audit);
}

/* --- stores that fail (docs/security.md row 8) ------------------------------------------------ */

static void fail_in_database(const struct cause *cause)
{
    struct revoke_order order = order_of();
    world_sql_is_down(true);
    assert_int_equal(cause->end(&world.app.access, &order), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NOT NULL"), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox"), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM clients WHERE standing = 'suspended'"), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM enterprises WHERE standing = 'suspended'"),
                     0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM locks WHERE unbound IS NOT NULL"), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM consents"), 3);
}

static void database_that_fails_changes_nothing(void **state)
{
    (void)state;
    for_each_cause(fail_in_database);
}

static void fail_in_kv(const struct cause *cause)
{
    struct revoke_order order = order_of();
    world.kv.error = IDP_UNAVAILABLE;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_GRANT;
    assert_int_equal(cause->end(&world.app.access, &order), IDP_UNAVAILABLE);
    world_kv_is_down(false);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000 + 2000),
                     IDP_OK);
    expect_ended(cause);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL"), 0);
}

static void outbox_goes_on_where_the_key_value_store_failed(void **state)
{
    (void)state;
    for_each_cause(fail_in_kv);
}

/* --- ordered from elsewhere ------------------------------------------------------------------- */

static void order_elsewhere(const struct cause *cause)
{
    struct revoke_order order = order_of();
    const struct access access = elsewhere();
    assert_int_equal(cause->end(&access, &order), IDP_OK);
    assert_non_null(order.row);
    assert_true(lives(rights.platform)); /* its copy says so */
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000),
                     IDP_OK);
    expect_ended(cause);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL"), 0);
}

static void order_from_elsewhere_is_due_at_once_and_delivered_by_a_node(void **state)
{
    (void)state;
    for_each_cause(order_elsewhere);
}

/* A code of the session is redeemed after the order and before its mark stands. */
static void grant_made_before_the_mark_ends_with_it(void **state)
{
    (void)state;
    make_rights();
    struct revoke_order order = order_of();
    const struct access access = elsewhere();
    assert_int_equal(end_family(&access, &order), IDP_OK);
    const struct grant *late = granted(CLIENT_POST, &rights.bell);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000),
                     IDP_OK);
    assert_false(lives(late));
}

/* Delivered late: until then the session was alive. */
static void session_gives_nothing_that_outlives_its_end(void **state)
{
    (void)state;
    make_rights();
    struct revoke_order order = order_of();
    const struct access access = elsewhere();
    assert_int_equal(end_family(&access, &order), IDP_OK);
    world.now += 300;
    const struct grant *late = granted_offline(CLIENT_POST, &rights.bell);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000),
                     IDP_OK);
    assert_false(lives(late));
    assert_false(lives(rights.offline));
    assert_true(lives(rights.harbours));
}

static void session_that_was_ended_is_no_session_in_any_browser(void **state)
{
    (void)state;
    make_rights();
    struct revoke_order order = order_of();
    assert_int_equal(end_family(&world.app.access, &order), IDP_OK);
    assert_null(session_of(&rights.bell));
    assert_non_null(session_of(&rights.harbour));
    world.now += world.app.access.session_idle_s - 1;
    assert_null(session_of(&rights.bell));
}

static void signing_out_leaves_what_has_offline_access(void **state)
{
    (void)state;
    make_rights();
    assert_int_equal(revoke_session(&world.app.access, world.arena, session_of(&rights.bell),
                                    "signed_out", world.now),
                     IDP_OK);
    assert_false(lives(rights.platform));
    assert_false(lives(rights.other));
    assert_true(lives(rights.offline));
    assert_true(lives(rights.harbours));
}

/* --- many ------------------------------------------------------------------------------------- */

enum { MANY = 1203 };

static enum idp_err insert_many(struct sql_tx *tx, void *with)
{
    (void)with;
    enum idp_err err = IDP_OK;
    unsigned char id[GRANT_ID_SIZE] = {[GRANT_ID_SIZE - 1] = 1};
    const struct sql_value param = sql_blob(id, sizeof(id));
    for (unsigned i = 0; err == IDP_OK && i < MANY; i++) {
        id[0] = (unsigned char)(i >> 8);
        id[1] = (unsigned char)i;
        err = sql_run(tx, NULL,
                      &(struct sql_call){
                          "INSERT INTO grants (id, client, enterprise, authority, scope, "
                          "auth_time, acr, amr, created) VALUES ($1, 'platform', 'many', 'one', "
                          "'openid', 0, 'a', 'b', 1795353600)",
                          &param, 1},
                      NULL, NULL);
    }
    return err;
}

static void make_many(void)
{
    assert_int_equal(sql_transact(world.sql.real, insert_many, NULL), IDP_OK);
}

static int64_t many_living(void)
{
    return world_number("SELECT COUNT(*) FROM grants WHERE enterprise = 'many' AND ended IS NULL");
}

static void expect_tombstones(void)
{
    struct sql_rows rows;
    assert_int_equal(
        sql_read(world.sql.real, world.arena,
                 &(struct sql_call){.text = "SELECT id FROM grants WHERE enterprise = 'many'"},
                 &rows),
        IDP_OK);
    assert_int_equal(rows.rows, MANY);
    world_sql_is_down(true);
    for (size_t i = 0; i < rows.rows; i++) {
        struct grant grant;
        memcpy(grant.id, sql_cell(&rows, i, 0)->bytes, GRANT_ID_SIZE);
        assert_false(lives(&grant));
    }
    world_sql_is_down(false);
}

static void more_than_a_batch_ends_as_a_whole(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    make_many();
    assert_int_equal(many_living(), MANY);
    assert_int_equal(end_client(&world.app.access, &order), IDP_OK);
    assert_int_equal(many_living(), 0);
    expect_tombstones();
}

static void what_stopped_half_way_is_finished_by_the_outbox(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    make_many();
    world.sql.transact = IDP_UNAVAILABLE;
    world.sql.transactions_left = 2;
    assert_int_equal(end_client(&world.app.access, &order), IDP_UNAVAILABLE);
    world.sql.transact = IDP_OK;
    assert_int_equal(many_living(), MANY - 1000);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000 + 2000),
                     IDP_OK);
    assert_int_equal(many_living(), 0);
    expect_tombstones();
}

/* A grant without refresh tokens, made long ago: it has no token that could live. */
static void what_is_over_is_left_as_it_is(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    make_rights();
    world_sql("UPDATE grants SET created = created - 86401");
    assert_int_equal(end_enterprise(&world.app.access, &order), IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NOT NULL"), 1);
    assert_int_equal(world_number("SELECT offline FROM grants WHERE ended IS NOT NULL"), 1);
}

/* --- copies of the holder --------------------------------------------------------------------- */

static bool holder_is_good(void)
{
    const struct holder *holder = NULL;
    assert_int_equal(holder_find(world.app.db, world.app.kv, world.arena,
                                 world.holders[LOCK_BELL].lock.id, &holder),
                     IDP_OK);
    return holder_in_good_standing(holder);
}

static void copies_of_the_holder_follow_at_once(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    assert_true(holder_is_good());
    assert_int_equal(end_enterprise(&world.app.access, &order), IDP_OK);
    assert_false(holder_is_good());
    assert_int_equal(resume_enterprise(&world.app.access, &order, bell()), IDP_OK);
    assert_true(holder_is_good());
    assert_int_equal(end_lock(&world.app.access, &order), IDP_OK);
    assert_false(holder_is_good());
}

static void copies_of_the_holder_follow_an_order_from_elsewhere(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    const struct access access = elsewhere();
    assert_true(holder_is_good());
    assert_int_equal(end_enterprise(&access, &order), IDP_OK);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000),
                     IDP_OK);
    assert_false(holder_is_good());
    assert_int_equal(resume_enterprise(&access, &order, bell()), IDP_OK);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000),
                     IDP_OK);
    assert_true(holder_is_good());
}

/* --- resuming --------------------------------------------------------------------------------- */

static void what_was_ended_stays_ended_after_a_resume(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    make_rights();
    assert_int_equal(end_client(&world.app.access, &order), IDP_OK);
    assert_int_equal(resume_client(&world.app.access, &order, "platform"), IDP_OK);
    expect_ended(&causes[0]);
    world_lose_kv();
    expect_ended(&causes[0]);
}

/* The suspension had not come to them when it stopped. */
static void resume_ends_what_the_suspension_left(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    make_many();
    world_sql("UPDATE clients SET standing = 'suspended' WHERE id = 'platform'");
    assert_int_equal(resume_client(&world.app.access, &order, "platform"), IDP_OK);
    assert_int_equal(many_living(), 0);
    assert_string_equal(world_text("SELECT standing FROM clients WHERE id = 'platform'"), "active");
}

static void resume_of_what_is_not_suspended_ends_nothing(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    make_rights();
    assert_int_equal(resume_client(&world.app.access, &order, "platform"), IDP_OK);
    assert_int_equal(resume_enterprise(&world.app.access, &order, bell()), IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NOT NULL"), 0);
}

static void unknown_things_are_not_found(void **state)
{
    (void)state;
    struct revoke_order order = order_of();
    const struct access *access = &world.app.access;
    assert_int_equal(revoke_client(access, &order, "nobody"), IDP_NOT_FOUND);
    assert_int_equal(revoke_enterprise(access, &order, "nobody"), IDP_NOT_FOUND);
    assert_int_equal(revoke_lock(access, &order, "nothing"), IDP_NOT_FOUND);
    assert_int_equal(revoke_consent(access, &order, bell(), "platform"), IDP_NOT_FOUND);
    assert_int_equal(resume_client(access, &order, "nobody"), IDP_NOT_FOUND);
    assert_int_equal(resume_enterprise(access, &order, "nobody"), IDP_NOT_FOUND);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox"), 0);
}

static void row_that_names_nothing_is_never_delivered(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts) "
        "VALUES ('a', 'ending', 'client', 'x', 0, 0, 0)",
        "INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts) "
        "VALUES ('b', 'ending', 'planet earth', 'x', 0, 0, 0)",
        "INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts) "
        "VALUES ('c', 'ending', 'consent one', 'x', 0, 0, 0)",
        "INSERT INTO outbox (id, kind, target, body, created, due_ms, attempts) "
        "VALUES ('d', 'ending', 'client a b', 'x', 0, 0, 0)"};
    for (size_t i = 0; i < 4; i++)
        world_sql(targets[i]);
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000),
                     IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM outbox WHERE delivered IS NULL"), 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(cause_ends_what_rests_on_it_and_nothing_else),
        WORLD_TEST(audit_says_who_ended_what),
        WORLD_TEST(database_that_fails_changes_nothing),
        WORLD_TEST(outbox_goes_on_where_the_key_value_store_failed),
        WORLD_TEST(order_from_elsewhere_is_due_at_once_and_delivered_by_a_node),
        WORLD_TEST(grant_made_before_the_mark_ends_with_it),
        WORLD_TEST(session_gives_nothing_that_outlives_its_end),
        WORLD_TEST(session_that_was_ended_is_no_session_in_any_browser),
        WORLD_TEST(signing_out_leaves_what_has_offline_access),
        WORLD_TEST(more_than_a_batch_ends_as_a_whole),
        WORLD_TEST(what_stopped_half_way_is_finished_by_the_outbox),
        WORLD_TEST(what_is_over_is_left_as_it_is),
        WORLD_TEST(copies_of_the_holder_follow_at_once),
        WORLD_TEST(copies_of_the_holder_follow_an_order_from_elsewhere),
        WORLD_TEST(what_was_ended_stays_ended_after_a_resume),
        WORLD_TEST(resume_ends_what_the_suspension_left),
        WORLD_TEST(resume_of_what_is_not_suspended_ends_nothing),
        WORLD_TEST(unknown_things_are_not_found),
        WORLD_TEST(row_that_names_nothing_is_never_delivered),
    };
    return cmocka_run_group_tests_name("access/ending", tests, world_prepare, world_forget);
}
