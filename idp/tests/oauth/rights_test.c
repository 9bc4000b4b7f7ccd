/*
 * docs/security.md row 9: every cause that ends rights, against every use of a right, while it
 * lasts and after it was lifted; each with the copies warm, with an empty key-value store, and
 * ordered from elsewhere (docs/decisions/rights.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/consent.h"
#include "access/outbox.h"
#include "access/resume.h"
#include "access/revoke.h"
#include "access/revoked_locks.h"
#include "access/trust_desk.h"
#include "enterprise/binding.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_rows.h"
#include "store/sql.h"
#include "tests/oauth/asking.h"

/* What a bidder let a platform have before anything happened. */
static struct {
    struct browser browser;
    const char *plain, *offline; /* access tokens, the second of a grant with offline access */
    const char *refresh;
    const char *codes[2]; /* that were not redeemed: one for while it lasts, one for after it */
} had;

static const char plain_scope[] = "openid enterprise";
static const char offline_scope[] = "openid enterprise offline_access";

static const struct answer *redeem_code(const char *code)
{
    const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code);
    return redeem(&redeeming);
}

static void get_rights(void)
{
    had.browser = signed_in(LOCK_BELL);
    had.plain = member_text(redeem_code(agreed_code(CLIENT_PLATFORM, &had.browser, plain_scope)),
                            "access_token");
    const struct answer *answer =
        redeem_code(agreed_code(CLIENT_PLATFORM, &had.browser, offline_scope));
    had.offline = member_text(answer, "access_token");
    had.refresh = member_text(answer, "refresh_token");
    for (size_t i = 0; i < 2; i++)
        had.codes[i] = agreed_code(CLIENT_PLATFORM, &had.browser, offline_scope);
}

/* --- causes, and how they are lifted ---------------------------------------------------------- */

static struct access order_from; /* kv NULL: from elsewhere */

static struct revoke_order order_now(void)
{
    return (struct revoke_order){
        .arena = world.arena, .by = {.kind = "operator", .name = "alice"}, .now = world.now};
}

static const char *bell(void)
{
    return world.holders[LOCK_BELL].enterprise.id;
}

static enum idp_err suspend_client(void)
{
    struct revoke_order order = order_now();
    return revoke_client(&order_from, &order, "platform");
}

static enum idp_err lift_client(void)
{
    struct revoke_order order = order_now();
    return resume_client(&order_from, &order, "platform");
}

static enum idp_err suspend_enterprise(void)
{
    struct revoke_order order = order_now();
    return revoke_enterprise(&order_from, &order, bell());
}

static enum idp_err lift_enterprise(void)
{
    struct revoke_order order = order_now();
    return resume_enterprise(&order_from, &order, bell());
}

static enum idp_err unbind_lock(void)
{
    struct revoke_order order = order_now();
    return revoke_lock(&order_from, &order, world.holders[LOCK_BELL].lock.id);
}

static enum idp_err bind_in(struct sql_tx *tx, void *with)
{
    static const struct binding_form form = {.city = "hohhot",
                                             .legal_representative = "张三",
                                             .phone = "0471-555-6666",
                                             .address = "一号",
                                             .email = "office@bidder.example",
                                             .entity_types = "bidder"};
    const struct lock_identity identity = identity_of(&world.locks[LOCK_BELL]);
    return binding_make(tx, world.arena, &identity, &form, world.now, with);
}

/* As the portal does: the same lock is bound anew, and keeps its id. */
static enum idp_err bind_anew(void)
{
    struct holder holder;
    enum idp_err err = sql_transact(world.app.db, bind_in, &holder);
    if (err != IDP_OK)
        return err;
    assert_string_equal(holder.lock.id, world.holders[LOCK_BELL].lock.id);
    return holder_remember(world.app.kv, &holder);
}

static enum idp_err withdraw_consent(void)
{
    struct revoke_order order = order_now();
    return revoke_consent(&order_from, &order, bell(), "platform");
}

static enum idp_err agree_again(void)
{
    agree(LOCK_BELL, CLIENT_PLATFORM);
    return IDP_OK;
}

static enum idp_err end_session(void)
{
    struct revoke_order order = order_now();
    const char *family = world_text("SELECT session FROM grants LIMIT 1");
    return revoke_family(&order_from, &order, bell(), family);
}

static enum idp_err sign_out(void)
{
    return revoke_session(&world.app.access, world.arena, session_of(&had.browser), "signed_out",
                          world.now);
}

static enum idp_err nothing(void)
{
    return IDP_OK;
}

static enum idp_err load_list(enum world_authority without)
{
    struct trust *trust = world_trust_without(without);
    struct trust_loaded loaded;
    const struct trust_desk desk = {
        .db = world.app.db, .by = {.kind = "operator"}, .now = world.now};
    enum idp_err err = trust_desk_load(&desk, world.arena, trust, &loaded);
    trust_free(trust);
    return err;
}

static enum idp_err remove_authority(void)
{
    return load_list(OF_ONE);
}

static enum idp_err list_authority_again(void)
{
    return load_list(WORLD_AUTHORITIES);
}

/* By whichever node, and whatever this one has heard. */
static void call_revoked(void)
{
    world_sql(arena_printf(world.arena,
                           "INSERT INTO revoked (number, certificate, authority, issuer, serial, "
                           "revoked_at, reason, source, learned) "
                           "SELECT 1, certificate_hash, authority, '', serial, 0, 1, 'ocsp', 0 "
                           "FROM locks WHERE id = '%s'",
                           world.holders[LOCK_BELL].lock.id));
}

static enum idp_err revoke_certificate(void)
{
    call_revoked();
    return revoked_locks_end(&order_from, world.now);
}

static enum idp_err renew_in(struct sql_tx *tx, void *with)
{
    return lock_renew(tx, with);
}

/* As a sign-in with the new certificate does. */
static enum idp_err renew_certificate(void)
{
    struct lock lock = world.holders[LOCK_BELL].lock;
    lock.certificate_hash = "bmV3";
    enum idp_err err = sql_transact(world.app.db, renew_in, &lock);
    return err == IDP_OK ? holder_refresh(world.app.db, world.app.kv, lock.id) : err;
}

/* --- the table -------------------------------------------------------------------------------- */

enum outcome {
    LIVES,
    DEAD,      /* {"active":false} · 401 invalid_token · 400 invalid_grant */
    NO_CLIENT, /* 401 invalid_client: the client cannot even ask */
};

static const struct cause {
    const char *name;
    enum idp_err (*happens)(void);
    enum idp_err (*lifts)(void);
    enum outcome plain, offline; /* introspect and userinfo, with an access token of each grant */
    enum outcome refresh, code;  /* while it lasts */
    enum outcome refresh_afterwards; /* a code is dead in any case */
} causes[] = {
    {"client suspended", suspend_client, lift_client, DEAD, DEAD, NO_CLIENT, NO_CLIENT, DEAD},
    {"enterprise suspended", suspend_enterprise, lift_enterprise, DEAD, DEAD, DEAD, DEAD, DEAD},
    {"lock unbound", unbind_lock, bind_anew, DEAD, DEAD, DEAD, DEAD, DEAD},
    {"consent withdrawn", withdraw_consent, agree_again, DEAD, DEAD, DEAD, DEAD, DEAD},
    {"session ended", end_session, nothing, DEAD, DEAD, DEAD, DEAD, DEAD},
    {"signed out", sign_out, nothing, DEAD, LIVES, LIVES, DEAD, LIVES},
    {"certificate revoked", revoke_certificate, renew_certificate, DEAD, DEAD, DEAD, DEAD, DEAD},
    {"CA removed", remove_authority, list_authority_again, DEAD, DEAD, DEAD, DEAD, DEAD},
};

enum { CAUSES = sizeof(causes) / sizeof(*causes) };

/* How the cause comes about, and what the node knows of it. */
static enum way {
    WARM,      /* in this process; every copy is there, caches have not heard of it */
    EMPTY,     /* the same, and then the key-value store restarts empty and caches have heard */
    ELSEWHERE, /* by a program without key-value store; then the outbox delivers */
} way;

static void expect_outcome(const char *cause, const char *use, bool good)
{
    if (!good)
        fail_msg("%s × %s, way %d", cause, use, (int)way);
}

static bool is_no_client(const struct answer *answer)
{
    return answer->status == 401 && strcmp(member_text(answer, "error"), "invalid_client") == 0;
}

static void check_token(const struct cause *cause, const char *token, enum outcome wanted)
{
    const struct answer *told = introspect(token);
    bool active = json_is_true(json_object_get(told->json, "active"));
    bool whole = active || json_object_size(told->json) == 1;
    expect_outcome(cause->name, "introspect",
                   told->status == 200 && whole && active == (wanted == LIVES));
    const struct answer *who = userinfo(token);
    const char *error = member_text(who, "error");
    bool refused = who->status == 401 && error != NULL && strcmp(error, "invalid_token") == 0;
    expect_outcome(cause->name, "userinfo", wanted == LIVES ? who->status == 200 : refused);
}

static void check_grant(const struct cause *cause, const char *use, const struct answer *answer,
                        enum outcome wanted)
{
    const char *error = member_text(answer, "error");
    bool dead = answer->status == 400 && error != NULL && strcmp(error, "invalid_grant") == 0;
    expect_outcome(cause->name, use,
                   wanted == LIVES  ? answer->status == 200
                   : wanted == DEAD ? dead
                                    : is_no_client(answer));
}

/* A node that has not heard of the suspension lets the client in, and gives it nothing. */
static enum outcome heard(enum outcome outcome)
{
    return outcome == NO_CLIENT && way != EMPTY ? DEAD : outcome;
}

static void check_refresh(const struct cause *cause, enum outcome wanted)
{
    const struct answer *answer = refresh(CLIENT_PLATFORM, had.refresh, NULL);
    check_grant(cause, "refresh", answer, wanted);
    if (wanted == LIVES)
        had.refresh = member_text(answer, "refresh_token");
    else if (wanted == DEAD)
        expect_outcome(cause->name, "introspect the refresh token",
                       !json_is_true(json_object_get(
                           introspect_as(CLIENT_PLATFORM, had.refresh)->json, "active")));
}

static void check_while_it_lasts(const struct cause *cause)
{
    check_token(cause, had.plain, cause->plain);
    check_token(cause, had.offline, cause->offline);
    check_refresh(cause, heard(cause->refresh));
    check_grant(cause, "code", redeem_code(had.codes[0]), heard(cause->code));
}

/* What was ended stays ended; what begins anew is good. */
static void check_afterwards(const struct cause *cause)
{
    check_token(cause, had.plain, cause->plain);
    check_token(cause, had.offline, cause->offline);
    check_refresh(cause, cause->refresh_afterwards);
    check_grant(cause, "code", redeem_code(had.codes[1]), DEAD);
    world.now++;
    get_rights();
    check_token(cause, had.plain, LIVES);
    check_token(cause, had.offline, LIVES);
    check_refresh(cause, LIVES);
    check_grant(cause, "code", redeem_code(had.codes[0]), LIVES);
}

/* --- ways ------------------------------------------------------------------------------------- */

static void deliver(void)
{
    assert_int_equal(outbox_deliver(&world.app.access, OUTBOX_TOMBSTONES, world.now * 1000),
                     IDP_OK);
}

/* This node hears of the newest records. */
static void hear(void)
{
    char *why = NULL;
    struct trust_row row;
    struct trust *trust = NULL;
    world_forget_clients();
    if (trust_row_newest(world.app.db, world.arena, &row) != IDP_OK)
        return; /* no list was loaded */
    assert_int_equal(trust_row_load(world.app.db, region_managers(), row.loading, &why, &trust),
                     IDP_OK);
    assert_int_equal(pki_exchange(world.app.pki, trust), IDP_OK);
}

static void go_through(const struct cause *cause)
{
    assert_int_equal(load_list(WORLD_AUTHORITIES), IDP_OK);
    get_rights();
    check_token(cause, had.plain, LIVES); /* and the copies are there */
    check_token(cause, had.offline, LIVES);
    order_from = world.app.access;
    if (way == ELSEWHERE)
        order_from.kv = NULL;
    assert_int_equal(cause->happens(), IDP_OK);
    deliver();
    if (way == EMPTY) {
        world_lose_kv();
        hear();
    }
    check_while_it_lasts(cause);
    world.now++;
    assert_int_equal(cause->lifts(), IDP_OK);
    deliver();
    hear();
    check_afterwards(cause);
}

/* Each cause in a world of its own. */
static void go_through_all(enum way by)
{
    way = by;
    for (size_t i = 0; i < CAUSES; i++) {
        if (i > 0) {
            assert_int_equal(world_tear_down(NULL), 0);
            assert_int_equal(world_set_up(NULL), 0);
        }
        go_through(&causes[i]);
    }
}

static void every_cause_against_every_use_with_warm_copies(void **state)
{
    (void)state;
    go_through_all(WARM);
}

static void every_cause_against_every_use_from_an_empty_store(void **state)
{
    (void)state;
    go_through_all(EMPTY);
}

static void every_cause_against_every_use_ordered_from_elsewhere(void **state)
{
    (void)state;
    go_through_all(ELSEWHERE);
}

/* --- what is not a cell ----------------------------------------------------------------------- */

/* A browser that was signed in before the lock was unbound is not signed in after it is bound anew:
 * its lock has to prove itself. One of a suspended enterprise pauses. */
static void session_from_before_the_unbinding_does_not_count(void **state)
{
    (void)state;
    static const struct {
        size_t cause;
        bool counts;
    } cases[] = {{1, true}, {2, false}, {3, true}};
    for (size_t i = 0; i < 3; i++) {
        order_from = world.app.access;
        get_rights();
        const struct asking asking = asking_of(CLIENT_PLATFORM);
        world.now++;
        assert_int_equal(causes[cases[i].cause].happens(), IDP_OK);
        const char *while_it_lasts = authorize(&had.browser, &asking)->location;
        assert_non_null(strstr(while_it_lasts, cases[i].cause == 3 ? "/consent?" : "/sign-in?"));
        world.now++;
        assert_int_equal(causes[cases[i].cause].lifts(), IDP_OK);
        const char *afterwards = authorize(&had.browser, &asking)->location;
        assert_int_equal(strstr(afterwards, "/sign-in?") == NULL, cases[i].counts);
    }
}

/* Between the cause and its tombstones a crash: nothing is half-revoked for long, and what is asked
 * of SQL is right at once. */
static void ending_that_stopped_half_way_shows_nowhere_when_there_are_no_copies(void **state)
{
    (void)state;
    get_rights();
    world_sql("UPDATE enterprises SET standing = 'suspended'");
    world_lose_kv();
    check_token(&causes[1], had.plain, DEAD);
    check_token(&causes[1], had.offline, DEAD);
    check_refresh(&causes[1], DEAD);
}

/* docs/security.md row 40: each use looks at what is held of the lock, whether or not the job that
 * ends its rights came by. */
static void revoked_lock_is_refused_before_its_rights_were_ended(void **state)
{
    (void)state;
    const struct cause dead = {.name = "revoked just now"};
    get_rights();
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    assert_null(strstr(authorize(&had.browser, &asking)->location, "/sign-in?"));
    call_revoked();
    check_grant(&dead, "refresh", refresh(CLIENT_PLATFORM, had.refresh, NULL), DEAD);
    check_grant(&dead, "code", redeem_code(had.codes[0]), DEAD);
    assert_int_equal(pki_renew_revoked(world.app.pki), IDP_OK); /* within half a second */
    assert_non_null(strstr(authorize(&had.browser, &asking)->location, "/sign-in?"));
    assert_int_equal(userinfo(had.plain)->status, 401);
    assert_int_equal(userinfo(had.offline)->status, 401);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(every_cause_against_every_use_with_warm_copies),
        WORLD_TEST(every_cause_against_every_use_from_an_empty_store),
        WORLD_TEST(every_cause_against_every_use_ordered_from_elsewhere),
        WORLD_TEST(session_from_before_the_unbinding_does_not_count),
        WORLD_TEST(ending_that_stopped_half_way_shows_nowhere_when_there_are_no_copies),
        WORLD_TEST(revoked_lock_is_refused_before_its_rights_were_ended),
    };
    return cmocka_run_group_tests_name("oauth/rights", tests, world_prepare, world_forget);
}
