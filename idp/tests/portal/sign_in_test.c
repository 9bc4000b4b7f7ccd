#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ocsp.h>

#include "access/interaction.h"
#include "access/revoke.h"
#include "base/base64.h"
#include "evidence/refusals.h"
#include "pki/lock/verify.h"
#include "portal/challenge.h"
#include "portal/session.h"
#include "portal/sign_in.h"
#include "store/sql.h"
#include "tests/portal/visiting.h"

/* --- challenges --------------------------------------------------------------------------------
 */

static void challenge_is_issued_for_three_minutes(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct answer *answer =
        post_json(&browser, &portal_challenge_route, "{\"purpose\":\"login\"}");
    assert_int_equal(answer->status, 200);
    assert_int_equal(json_object_size(answer->json), 2);
    assert_int_equal(strlen(member_text(answer, "challenge")), 49);
    assert_int_equal(json_integer_value(member(answer, "expires_in")), 180);
}

static void bad_challenge_requests_are_refused(void **state)
{
    (void)state;
    struct browser browser = visit();
    struct browser another = visit();
    const char *theirs = pending(&another, CLIENT_PLATFORM);
    expect_error(post_json(&browser, &portal_challenge_route, "{}"), 400, "request.shape");
    expect_error(post_json(&browser, &portal_challenge_route, "{\"purpose\":\"\"}"), 400,
                 "request.shape");
    expect_error(post_json(&browser, &portal_challenge_route, "{\"purpose\":\"activate\"}"), 400,
                 "request.shape");
    expect_error(post_json(&browser, &portal_challenge_route,
                           "{\"purpose\":\"login\",\"interaction\":\"made up\"}"),
                 404, "interaction.gone");
    expect_error(post_json(&browser, &portal_challenge_route,
                           arena_printf(world.arena,
                                        "{\"purpose\":\"login\",\"interaction\":\"%s\"}", theirs)),
                 404, "interaction.gone");
}

static void address_that_asks_for_challenges_too_often_is_told_so(void **state)
{
    (void)state;
    struct browser browser = visit();
    world.app.config.rate_challenge = 2;
    for (int i = 0; i < 2; i++)
        (void)challenge_for(&browser, "login", NULL);
    const struct answer *answer =
        post_json(&browser, &portal_challenge_route, "{\"purpose\":\"login\"}");
    expect_error(answer, 429, "rate.limited");
    assert_string_equal(answer->retry_after, "60");
}

/* The answer is the same whatever the certificate is. */
static void certificate_sent_ahead_is_answered_the_same_whatever_it_is(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *const bodies[] = {"{\"certificate\":\"AAAA\"}", "{\"certificate\":\"!\"}",
                                  "{\"certificate\":\"MIIB\"}", "{\"certificate\":\"x\"}"};
    for (size_t i = 0; i < 4; i++)
        expect_json(post_json(&browser, &portal_certificate_route, bodies[i]), 200, "{}");
    const char *longest = arena_printf(world.arena, "{\"certificate\":\"%05464d\"}", 0);
    expect_json(post_json(&browser, &portal_certificate_route, longest), 200, "{}");
    longest = arena_printf(world.arena, "{\"certificate\":\"%05465d\"}", 0);
    expect_error(post_json(&browser, &portal_certificate_route, longest), 400, "request.shape");
    assert_int_equal(world.ocsp_packets, 0);
}

/* --- good --------------------------------------------------------------------------------------
 */

static void bound_lock_signs_in(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct holder *bell = &world.holders[LOCK_BELL];
    const struct answer *answer = sign_in(&browser, LOCK_BELL, NULL);
    expect_json(
        answer, 200,
        arena_printf(
            world.arena,
            "{\"token\":\"%s\",\"certificate\":{\"name\":\"风铃建设有限公司\",\"uscc\":"
            "\"" REGION_USCC
            "\",\"authority\":{\"zh\":\"示例认证中心\",\"en\":\"Example Authority\"},"
            "\"serial\":\"%s\",\"not_before\":%lld,\"not_after\":%lld,\"key_number\":\"KEY0001\","
            "\"algorithm\":\"ES256\",\"primary\":true},"
            "\"enterprise\":{\"name\":\"风铃建设有限公司\",\"uscc\":\"" REGION_USCC
            "\",\"entity_types\":[\"bidder\",\"supplier\"]}}",
            browser.token, bell->lock.serial, (long long)REGION_NOW - 100 * (int64_t)REGION_DAY,
            (long long)bell->lock.not_after));
    const struct session *session = session_of(&browser);
    assert_true(session->signed_in);
    assert_string_equal(session->enterprise, bell->enterprise.id);
    assert_string_equal(session->lock, bell->lock.id);
    assert_string_equal(session->acr, "urn:tamga:acr:lock");
    assert_string_equal(session->amr, "hwk pin");
    assert_string_equal(session->environment, "test");
    assert_int_equal(session->auth_time, world.now);
}

/* docs/security.md row 23. */
static void sign_in_changes_the_session_and_the_old_cookie_is_not_signed_in(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct browser before = browser;
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    assert_string_not_equal(browser.cookie, before.cookie);
    assert_string_not_equal(browser.token, before.token);
    assert_false(session_of(&before)->signed_in);
}

static void signing_in_again_ends_the_session_before(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct browser before = browser;
    assert_int_equal(sign_in(&browser, LOCK_HARBOUR, NULL)->status, 200);
    assert_null(session_of(&before));
    assert_string_equal(session_of(&browser)->enterprise,
                        world.holders[LOCK_HARBOUR].enterprise.id);
}

static void platforms_request_goes_on_in_the_new_session(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct browser before = browser;
    const struct interaction *in = NULL;
    const char *id = pending(&browser, CLIENT_PLATFORM);
    assert_int_equal(sign_in(&browser, LOCK_BELL, id)->status, 200);
    assert_int_equal(
        interaction_find(&world.app.access, world.arena, id, session_of(&browser), world.now, &in),
        IDP_OK);
    assert_int_equal(
        interaction_find(&world.app.access, world.arena, id, session_of(&before), world.now, &in),
        IDP_NOT_FOUND);
    assert_string_equal(world_text("SELECT client FROM audit WHERE event = 'signed_in'"),
                        "platform");
}

static void sign_in_anew(void)
{
    struct browser browser = visit();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
}

static void lock_that_signs_in_is_among_those_seen_lately(void **state)
{
    (void)state;
    const struct lock *lock = &world.holders[LOCK_BELL].lock;
    const char *seen = arena_printf(
        world.arena,
        "SELECT seen FROM certificates WHERE hash = '%s' AND authority = 'one' AND serial = '%s' "
        "AND uscc = '" REGION_USCC "' AND not_after = %lld AND reason IS NULL",
        lock->certificate_hash, lock->serial, (long long)lock->not_after);
    sign_in_anew();
    assert_int_equal(world_number(seen), REGION_NOW);
    world.now += 3599; /* within the hour nothing is written */
    sign_in_anew();
    assert_int_equal(world_number(seen), REGION_NOW);
    world.now += 1;
    sign_in_anew();
    assert_int_equal(world_number(seen), REGION_NOW + 3600);
}

static const char *text_in(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    assert_non_null(text);
    return text;
}

static const char *kind_of(const char *hash)
{
    return world_text(
        arena_printf(world.arena, "SELECT kind FROM evidence_objects WHERE hash = '%s'", hash));
}

/* Everything that a proof names is an object. */
static void expect_objects(const json_t *detail)
{
    const json_t *chain = json_object_get(detail, "chain");
    assert_int_equal(json_array_size(chain), 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(kind_of(json_string_value(json_array_get(chain, i))), "certificate");
    assert_string_equal(kind_of(text_in(json_object_get(detail, "status"), "ocsp")), "ocsp");
}

static void what_the_sign_in_rested_on_is_kept(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *id = pending(&browser, CLIENT_PLATFORM);
    const char *challenge = challenge_for(&browser, "login", id);
    const char *answer = answer_of(LOCK_BELL, challenge);
    world.now += 5;
    assert_int_equal(post_json(&browser, &portal_sign_in_route, sign_in_body(answer, id))->status,
                     200);
    json_t *detail =
        json_loads(world_text("SELECT detail FROM audit WHERE event = 'signed_in'"), 0, NULL);
    assert_non_null(detail);
    assert_string_equal(text_in(detail, "challenge"), challenge);
    assert_string_equal(text_in(detail, "origin"), REGION_ORIGIN);
    assert_string_equal(text_in(detail, "certificate"),
                        world.holders[LOCK_BELL].lock.certificate_hash);
    assert_string_equal(text_in(detail, "platform"), "platform");
    assert_string_equal(text_in(detail, "session"), session_of(&browser)->family);
    assert_int_equal(json_integer_value(json_object_get(detail, "asked")), REGION_NOW);
    assert_int_equal(json_integer_value(json_object_get(detail, "decided")), REGION_NOW + 5);
    expect_objects(detail);
    json_decref(detail);
}

/* --- replay and mixing (none of these locks is let in) -------------------------------------------
 */

static const struct answer *present(struct browser *browser, const char *answer)
{
    return post_json(browser, &portal_sign_in_route, sign_in_body(answer, NULL));
}

static void answer_works_once(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *answer = answer_of(LOCK_BELL, challenge_for(&browser, "login", NULL));
    assert_int_equal(present(&browser, answer)->status, 200);
    expect_error(present(&browser, answer), 403, "challenge.gone");
    struct browser same = visit();
    (void)challenge_for(&same, "login", NULL);
    expect_error(present(&same, answer), 403, "lock.not_accepted");
}

static void challenge_is_gone_after_a_failure_too(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *challenge = challenge_for(&browser, "login", NULL);
    expect_error(present(&browser, answer_of(LOCK_BELL, "login.of-my-own")), 403,
                 "lock.not_accepted");
    expect_error(present(&browser, answer_of(LOCK_BELL, challenge)), 403, "challenge.gone");
}

static void challenge_of_another_session_is_none(void **state)
{
    (void)state;
    struct browser browser = visit();
    struct browser another = visit();
    const char *answer = answer_of(LOCK_BELL, challenge_for(&another, "login", NULL));
    expect_error(present(&browser, answer), 403, "challenge.gone");
    (void)challenge_for(&browser, "login", NULL);
    expect_error(present(&browser, answer), 403, "lock.not_accepted");
}

static void signature_for_another_purpose_is_not_accepted(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *bind = challenge_for(&browser, "bind", NULL);
    expect_error(present(&browser, answer_of(LOCK_BELL, bind)), 403, "challenge.gone");
    (void)challenge_for(&browser, "login", NULL);
    expect_error(present(&browser, answer_of(LOCK_BELL, bind)), 403, "lock.not_accepted");
}

static void challenge_for_another_interaction_is_none(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *one = pending(&browser, CLIENT_PLATFORM);
    const char *two = pending(&browser, CLIENT_OTHER);
    const char *answer = answer_of(LOCK_BELL, challenge_for(&browser, "login", one));
    expect_error(present(&browser, answer), 403, "challenge.gone");
    expect_error(post_json(&browser, &portal_sign_in_route, sign_in_body(answer, two)), 403,
                 "challenge.gone");
    assert_int_equal(post_json(&browser, &portal_sign_in_route, sign_in_body(answer, one))->status,
                     200);
}

static void signature_for_another_origin_or_certificate_is_not_accepted(void **state)
{
    (void)state;
    const struct region_holder *bell = &world.locks[LOCK_BELL];
    const struct region_holder *harbour = &world.locks[LOCK_HARBOUR];
    for (int i = 0; i < 3; i++) {
        struct browser browser = visit();
        struct region_signing signing = {.algorithm = "ES256",
                                         .origin = REGION_ORIGIN,
                                         .challenge = challenge_for(&browser, "login", NULL),
                                         .certificate = bell->der,
                                         .certificate_len = bell->der_len};
        struct region_holder shown = *bell;
        if (i == 0)
            signing.origin = "http://127.0.0.1:8081";
        if (i == 1) { /* Bell's lock signed, Harbour's certificate is shown */
            shown.der = harbour->der;
            shown.der_len = harbour->der_len;
        }
        if (i == 2) /* what was signed names another certificate than is shown */
            signing.certificate = harbour->der, signing.certificate_len = harbour->der_len;
        expect_error(present(&browser, answer_signed(&shown, &signing)), 403, "lock.not_accepted");
        assert_false(session_of(&browser)->signed_in);
    }
}

/* docs/security.md row 27. */
static void challenge_is_over_after_its_time(void **state)
{
    (void)state;
    for (int64_t after = 179; after <= 181; after++) {
        world.now = REGION_NOW;
        struct browser browser = visit();
        const char *answer = answer_of(LOCK_BELL, challenge_for(&browser, "login", NULL));
        world.now += after;
        assert_int_equal(present(&browser, answer)->status, after < 180 ? 200 : 403);
    }
}

/* docs/security.md row 23. */
static void interaction_of_another_browser_cannot_be_signed_in_to(void **state)
{
    (void)state;
    struct browser browser = visit();
    struct browser attacker = visit();
    const char *theirs = pending(&attacker, CLIENT_PLATFORM);
    const char *answer = answer_of(LOCK_BELL, challenge_for(&browser, "login", NULL));
    expect_error(post_json(&browser, &portal_sign_in_route, sign_in_body(answer, theirs)), 404,
                 "interaction.gone");
    assert_int_equal(present(&browser, answer)->status, 200); /* the challenge was not used up */
}

/* --- refusals of the lock ------------------------------------------------------------------------
 */

static void expect_lock_refused(enum world_lock lock, int status, const char *code)
{
    struct browser browser = visit();
    const struct browser before = browser;
    const struct answer *answer = sign_in(&browser, lock, NULL);
    expect_error(answer, status, code);
    assert_null(answer->set_cookie);
    assert_string_equal(browser.cookie, before.cookie);
    assert_false(session_of(&browser)->signed_in);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'signed_in'"), 0);
}

static const char *hash_of(enum world_lock lock)
{
    unsigned char hash[32];
    char text[64];
    const struct region_holder *holder = &world.locks[lock];
    assert_int_equal(EVP_Digest(holder->der, holder->der_len, hash, NULL, EVP_sha256(), NULL), 1);
    base64url_encode(hash, sizeof(hash), text);
    return arena_strdup(world.arena, text);
}

/* How often a certificate was refused for a reason, as the table has it. */
static int64_t refused(const char *authority, const char *reason, const char *certificate)
{
    return world_number(
        arena_printf(world.arena,
                     "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM refusals WHERE authority "
                     "= '%s' AND reason = '%s' AND certificate = '%s'",
                     authority, reason, certificate));
}

static void refused_lock_is_counted_and_kept(void **state)
{
    (void)state;
    const char *bell = hash_of(LOCK_BELL);
    struct browser browser = visit();
    (void)sign_in(&browser, LOCK_NEW, NULL); /* refused by what the record says … */
    world.ocsp_status = V_OCSP_CERTSTATUS_REVOKED;
    for (int i = 0; i < 3; i++)
        (void)sign_in(&browser, LOCK_BELL, NULL);              /* … and by its authority */
    assert_int_equal(refused("one", "lock.revoked", bell), 0); /* that waits for its job */
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    assert_int_equal(refused("one", "lock.revoked", bell), 3);
    assert_int_equal(refused("one", "lock.not_bound", hash_of(LOCK_NEW)), 1);
    assert_string_equal(
        world_text(
            arena_printf(world.arena, "SELECT reason FROM certificates WHERE hash = '%s'", bell)),
        "lock.revoked");
    assert_string_equal(
        world_text(
            arena_printf(world.arena, "SELECT kind FROM evidence_objects WHERE hash = '%s'", bell)),
        "refused");
}

/* docs/security.md row 30: strangers fill no table. */
static void stranger_only_counts(void **state)
{
    (void)state;
    struct browser browser = visit();
    (void)challenge_for(&browser, "login", NULL);
    expect_error(present(&browser, answer_of(LOCK_BELL, "login.of-my-own")), 403,
                 "lock.not_accepted");
    expect_error(present(&browser, "{}"), 400, "lock.shape");
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    assert_int_equal(refused("", "lock.not_accepted", ""), 1);
    assert_int_equal(refused("", "lock.shape", ""), 1);
    assert_int_equal(world_number("SELECT COUNT(*) FROM certificates"), 0);
    assert_int_equal(world_number("SELECT COUNT(*) FROM evidence_objects"), 0);
}

/* What is told to somebody who shows a certificate without its key, but for the request's id. */
static const char *told_to_a_stranger(enum world_lock lock)
{
    struct browser browser = visit();
    (void)challenge_for(&browser, "login", NULL);
    const struct answer *answer = present(&browser, answer_of(lock, "login.of-my-own"));
    json_t *error = json_object_get(answer->json, "error");
    assert_int_equal(answer->status, 403);
    assert_int_equal(json_object_set_new(error, "request", json_string("")), 0);
    char *text = json_dumps(error, JSON_SORT_KEYS);
    const char *kept = arena_strdup(world.arena, text);
    free(text);
    return kept;
}

/* Attack 28: whether a company is bound, suspended, or of another authority is its own business. */
static void stranger_learns_the_same_of_every_lock(void **state)
{
    (void)state;
    const char *bound = told_to_a_stranger(LOCK_BELL);
    assert_non_null(strstr(bound, "lock.not_accepted"));
    assert_string_equal(told_to_a_stranger(LOCK_NEW), bound);
    assert_string_equal(told_to_a_stranger(LOCK_BELL_OTHER), bound);
    assert_string_equal(told_to_a_stranger(LOCK_BELL_TWO), bound);
    assert_string_equal(told_to_a_stranger(LOCK_PRODUCTION), bound);
    world_sql("UPDATE enterprises SET standing = 'suspended'");
    assert_string_equal(told_to_a_stranger(LOCK_BELL), bound);
    world.ocsp_status = V_OCSP_CERTSTATUS_REVOKED;
    assert_string_equal(told_to_a_stranger(LOCK_HARBOUR), bound);
    assert_int_equal(world.ocsp_packets, 0);
}

static void lock_that_was_refused_and_gets_in_counts_as_accepted_again(void **state)
{
    (void)state;
    const char *reason =
        arena_printf(world.arena, "SELECT COALESCE(reason, '') FROM certificates WHERE hash = '%s'",
                     hash_of(LOCK_BELL));
    struct browser browser = visit();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    world_sql("UPDATE enterprises SET standing = 'suspended'");
    expect_error(sign_in(&browser, LOCK_BELL, NULL), 403, "enterprise.suspended");
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    assert_string_equal(world_text(reason), "enterprise.suspended");
    world_sql("UPDATE enterprises SET standing = 'active'");
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    assert_string_equal(world_text(reason), "");
}

/* The object that was kept for a refusal is a proof's from then on. */
static void certificate_of_a_refusal_becomes_evidence_when_it_is_let_in(void **state)
{
    (void)state;
    const char *kind = arena_printf(
        world.arena, "SELECT kind FROM evidence_objects WHERE hash = '%s'", hash_of(LOCK_BELL));
    struct browser browser = visit();
    world_sql("UPDATE enterprises SET standing = 'suspended'");
    expect_error(sign_in(&browser, LOCK_BELL, NULL), 403, "enterprise.suspended");
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    assert_string_equal(world_text(kind), "refused");
    world_sql("UPDATE enterprises SET standing = 'active'");
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    assert_string_equal(world_text(kind), "certificate");
}

static void store_that_is_down_changes_no_refusal_and_loses_none(void **state)
{
    (void)state;
    struct browser browser = visit();
    world.ocsp_status = V_OCSP_CERTSTATUS_REVOKED;
    world_sql_is_down(true);
    expect_error(sign_in(&browser, LOCK_BELL, NULL), 403, "lock.revoked");
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_UNAVAILABLE);
    expect_error(sign_in(&browser, LOCK_BELL, NULL), 403, "lock.revoked");
    world_sql_is_down(false);
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    assert_int_equal(refused("one", "lock.revoked", hash_of(LOCK_BELL)), 2);
}

static void lock_that_is_not_bound_is_told_to_bind(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct answer *answer = sign_in(&browser, LOCK_NEW, NULL);
    expect_error(answer, 403, "lock.not_bound");
    assert_string_equal(member_text(answer, "error.action"), "bind");
}

static void other_lock_of_a_bound_company_is_told_so(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct answer *answer = sign_in(&browser, LOCK_BELL_OTHER, NULL);
    expect_error(answer, 409, "lock.uscc_has_lock");
    assert_non_null(strstr(member_text(answer, "error.message.zh"), REGION_USCC));
    assert_non_null(strstr(member_text(answer, "error.next.en"), "0471-111-2222"));
}

/* docs/security.md row 39. */
static void second_authority_asserting_a_bound_uscc_does_not_get_in(void **state)
{
    (void)state;
    expect_lock_refused(LOCK_BELL_TWO, 409, "lock.other_authority");
}

/* docs/security.md row 39: the authority's auditors and the company hear of it, once a day. */
static void claim_of_a_bound_uscc_is_audited_and_told_to_the_company(void **state)
{
    (void)state;
    static const char mails[] = "SELECT COUNT(*) FROM outbox WHERE kind = 'mail'";
    world.app.access.tells = true;
    for (int i = 0; i < 2; i++)
        expect_lock_refused(LOCK_BELL_TWO, 409, "lock.other_authority");
    assert_string_equal(
        world_text("SELECT detail FROM audit WHERE event = 'uscc_claimed'"),
        arena_printf(world.arena,
                     "{\"actor\":\"bidder\",\"authority\":\"two\",\"certificate\":\"%s\","
                     "\"serial\":\"%s\"}",
                     hash_of(LOCK_BELL_TWO), identity_of(&world.locks[LOCK_BELL_TWO]).serial));
    assert_string_equal(world_text("SELECT enterprise FROM audit WHERE event = 'uscc_claimed'"),
                        world.holders[LOCK_BELL].enterprise.id);
    assert_int_equal(world_number(mails), 1);
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    assert_int_equal(refused("two", "lock.other_authority", hash_of(LOCK_BELL_TWO)), 2);
    world.now += 86400;
    expect_lock_refused(LOCK_BELL_TWO, 409, "lock.other_authority");
    assert_int_equal(world_number(mails), 2);
}

static void lock_whose_company_is_suspended_is_told_so(void **state)
{
    (void)state;
    world_sql("UPDATE enterprises SET standing = 'suspended'");
    expect_lock_refused(LOCK_BELL, 403, "enterprise.suspended");
}

static void lock_that_was_unbound_has_to_be_bound(void **state)
{
    (void)state;
    world_sql("UPDATE locks SET unbound = 1");
    expect_lock_refused(LOCK_BELL, 403, "lock.not_bound");
}

static void revoked_lock_is_told_whom_to_call(void **state)
{
    (void)state;
    struct browser browser = visit();
    world.ocsp_status = V_OCSP_CERTSTATUS_REVOKED;
    const struct answer *answer = sign_in(&browser, LOCK_BELL, NULL);
    expect_error(answer, 403, "lock.revoked");
    assert_string_equal(member_text(answer, "error.facts.phone"), "0471-000-0000");
    assert_non_null(strstr(member_text(answer, "error.next.zh"), "0471-000-0000"));
}

static void status_service_that_does_not_answer_lets_nobody_in(void **state)
{
    (void)state;
    world.ocsp_sent = IDP_UNAVAILABLE;
    expect_lock_refused(LOCK_BELL, 503, "lock.status_unavailable");
}

static void answers_of_another_shape_are_refused(void **state)
{
    (void)state;
    struct browser browser = visit();
    static const char *const bad[] = {
        "{}",
        "{\"format\":\"tamga-lock:2\"}",
        ("{\"format\":\"tamga-lock:1\",\"algorithm\":\"ES256\",\"certificate\":\"!\","
         "\"signature\":\"AAAA\",\"agentVersion\":\"1\"}"),
    };
    for (size_t i = 0; i < 3; i++)
        expect_error(present(&browser, bad[i]), 400, "lock.shape");
    expect_error(post_json(&browser, &portal_sign_in_route, "{\"answer\":\"text\"}"), 400,
                 "request.shape");
    expect_error(post_json(&browser, &portal_sign_in_route, "{}"), 400, "request.shape");
}

static void test_lock_does_not_sign_in_to_a_production_platform(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *real = pending(&browser, CLIENT_REAL);
    const char *test = pending(&browser, CLIENT_PLATFORM);
    expect_error(sign_in(&browser, LOCK_BELL, real), 403, "environment.mismatch");
    expect_error(sign_in(&browser, LOCK_PRODUCTION, test), 403, "environment.mismatch");
    assert_int_equal(sign_in(&browser, LOCK_PRODUCTION, real)->status, 200);
}

/* docs/security.md row 25. */
static void client_that_was_suspended_meanwhile_is_not_signed_in_to(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *id = pending(&browser, CLIENT_PLATFORM);
    world_sql("UPDATE clients SET standing = 'suspended'");
    world_forget_clients();
    expect_error(sign_in(&browser, LOCK_BELL, id), 404, "platform.unknown");
}

static void address_that_signs_in_too_often_is_told_so(void **state)
{
    (void)state;
    struct browser browser = visit();
    world.app.config.rate_sign_in = 1;
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    expect_error(sign_in(&browser, LOCK_BELL, NULL), 429, "rate.limited");
}

/* --- renewal
 * -------------------------------------------------------------------------------------- */

static const struct answer *sign_in_with(struct browser *browser, const struct region_holder *lock)
{
    const struct region_signing signing = {.algorithm = "ES256",
                                           .origin = REGION_ORIGIN,
                                           .challenge = challenge_for(browser, "login", NULL),
                                           .certificate = lock->der,
                                           .certificate_len = lock->der_len};
    return present(browser, answer_signed(lock, &signing));
}

static void renewed_certificate_signs_in_and_the_record_follows(void **state)
{
    (void)state;
    struct browser browser = visit();
    world_sql("UPDATE locks SET not_after = not_after - 1 WHERE key_number = 'KEY0001'");
    const struct region_holder *renewed =
        make_lock(&(struct lock_wanted){OF_ONE, "风铃集团有限公司", REGION_USCC, "KEY0001", NULL});
    const struct answer *answer = sign_in_with(&browser, renewed);
    assert_int_equal(answer->status, 200);
    assert_string_equal(member_text(answer, "enterprise.name"), "风铃集团有限公司");
    assert_string_equal(session_of(&browser)->enterprise, world.holders[LOCK_BELL].enterprise.id);
    assert_string_equal(session_of(&browser)->lock, world.holders[LOCK_BELL].lock.id);
    assert_string_equal(world_text("SELECT certificate FROM former_certificates"),
                        world.holders[LOCK_BELL].lock.certificate_hash);
    answer = browse(&browser, &portal_session_route, NULL);
    assert_string_equal(member_text(answer, "enterprise.name"), "风铃集团有限公司");
    assert_string_equal(member_text(answer, "lock.serial"),
                        world_text("SELECT serial FROM locks WHERE key_number = 'KEY0001'"));
    struct browser old = visit(); /* the certificate before has another key now */
    expect_error(sign_in(&old, LOCK_BELL, NULL), 409, "lock.uscc_has_lock"); /* no way back */
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'lock_renewed'"), 1);
    assert_string_equal(world_text("SELECT detail FROM audit WHERE event = 'lock_renewed'"),
                        world_text("SELECT detail FROM audit WHERE event = 'signed_in'"));
}

/* Another certificate of the lock's key, which ended before the one that the record has. */
static const struct region_holder *older_certificate(void)
{
    world_sql("UPDATE locks SET not_after = not_after + 86400000 WHERE key_number = 'KEY0001'");
    return make_lock(&(struct lock_wanted){OF_ONE, "风铃建设有限公司", REGION_USCC, "KEY0001",
                                           &world.locks[LOCK_BELL]});
}

static void older_certificate_of_the_key_is_noted_as_the_locks_too(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct region_holder *older = older_certificate();
    char hash[64];
    base64url_encode(identity_of(older).certificate_hash, LOCK_HASH_SIZE, hash);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sign_in_with(&browser, older)->status, 200);
    assert_string_equal(world_text("SELECT certificate FROM former_certificates"), hash);
    assert_string_equal(world_text("SELECT lock FROM former_certificates"),
                        world.holders[LOCK_BELL].lock.id);
}

/* Its sign-in began before another node learned it; what rested on it has been ended already. */
static void older_certificate_that_was_revoked_meanwhile_does_not_sign_in(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct region_holder *older = older_certificate();
    char hash[64];
    base64url_encode(identity_of(older).certificate_hash, LOCK_HASH_SIZE, hash);
    world_sql(arena_printf(world.arena,
                           "INSERT INTO revoked (number, certificate, authority, issuer, serial, "
                           "revoked_at, reason, source, learned, ended) VALUES (1, '%s', 'one', "
                           "'', '01', 0, 1, 'ocsp', 0, 1)",
                           hash));
    assert_int_equal(sign_in_with(&browser, older)->status, 503);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'signed_in'"), 0);
}

static const struct region_holder *renewed_lock(void)
{
    world_sql("UPDATE locks SET not_after = not_after - 1 WHERE key_number = 'KEY0001'");
    return make_lock(
        &(struct lock_wanted){OF_ONE, "风铃建设有限公司", REGION_USCC, "KEY0001", NULL});
}

/* It was a fault: the key stood in a row that had been unbound. */
static void renewal_by_a_key_that_was_unbound_has_to_be_checked(void **state)
{
    (void)state;
    char key[64];
    struct browser browser = visit();
    const struct region_holder *renewed = renewed_lock();
    const struct lock_identity identity = identity_of(renewed);
    base64url_encode(identity.key_hash, sizeof(identity.key_hash), key);
    const struct sql_value params[] = {sql_text(world.holders[LOCK_BELL].enterprise.id),
                                       sql_text(key)};
    const struct sql_call insert = {
        "INSERT INTO locks (id, enterprise, authority, key_hash, certificate_hash, serial, "
        "not_after, role, bound, unbound) VALUES ('left', $1, 'one', $2, 'c', '0A', 1, "
        "'secondary', 1, 2)",
        params, 2};
    assert_int_equal(sql_execute(world.sql.real, &insert, NULL), IDP_OK);
    expect_error(sign_in_with(&browser, renewed), 403, "lock.renewal_unproved");
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'lock_renewed'"), 0);
}

static void renewal_that_met_another_change_can_be_tried_again(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct region_holder *renewed = renewed_lock();
    world.sql.statement = IDP_CONFLICT;
    world.sql.statements_left = 1; /* looking for the key; then the row is changed */
    const struct answer *answer = sign_in_with(&browser, renewed);
    world.sql.statement = IDP_OK;
    assert_int_equal(answer->status, 503);
    assert_non_null(answer->retry_after);
    assert_int_equal(sign_in_with(&browser, renewed)->status, 200);
}

static void signing_in_again_keeps_what_platforms_got_until_signing_out(void **state)
{
    (void)state;
    struct browser browser = visit();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    const struct grant *grant = granted(CLIENT_PLATFORM, &browser);
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL"), 1);
    assert_string_equal(session_of(&browser)->family, grant->session);
    assert_int_equal(
        revoke_session(&world.app.access, world.arena, session_of(&browser), "test", world.now),
        IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL"), 0);
}

static void signing_in_as_another_company_ends_what_the_first_one_gave(void **state)
{
    (void)state;
    struct browser browser = visit();
    assert_int_equal(sign_in(&browser, LOCK_BELL, NULL)->status, 200);
    (void)granted(CLIENT_PLATFORM, &browser);
    assert_int_equal(sign_in(&browser, LOCK_HARBOUR, NULL)->status, 200);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL"), 0);
}

/* --- stores and memory
 * ------------------------------------------------------------------------------ */

static void dead_database_signs_nobody_in(void **state)
{
    (void)state;
    world.sql.read = IDP_UNAVAILABLE; /* needed where the key alone does not tell */
    expect_lock_refused(LOCK_NEW, 503, "server.unavailable");
    world.sql.read = IDP_OK;
    world.sql.transact = IDP_UNAVAILABLE;
    expect_lock_refused(LOCK_BELL, 503, "server.unavailable");
}

static void session_that_cannot_be_stored_signs_nobody_in(void **state)
{
    (void)state;
    struct browser browser = visit();
    const char *answer = answer_of(LOCK_BELL, challenge_for(&browser, "login", NULL));
    world.kv.error = IDP_UNAVAILABLE;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_SESSION;
    expect_error(present(&browser, answer), 503, "server.unavailable");
    assert_false(session_of(&browser)->signed_in);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(challenge_is_issued_for_three_minutes),
        WORLD_TEST(bad_challenge_requests_are_refused),
        WORLD_TEST(address_that_asks_for_challenges_too_often_is_told_so),
        WORLD_TEST(certificate_sent_ahead_is_answered_the_same_whatever_it_is),
        WORLD_TEST(bound_lock_signs_in),
        WORLD_TEST(sign_in_changes_the_session_and_the_old_cookie_is_not_signed_in),
        WORLD_TEST(signing_in_again_ends_the_session_before),
        WORLD_TEST(platforms_request_goes_on_in_the_new_session),
        WORLD_TEST(lock_that_signs_in_is_among_those_seen_lately),
        WORLD_TEST(what_the_sign_in_rested_on_is_kept),
        WORLD_TEST(answer_works_once),
        WORLD_TEST(challenge_is_gone_after_a_failure_too),
        WORLD_TEST(challenge_of_another_session_is_none),
        WORLD_TEST(signature_for_another_purpose_is_not_accepted),
        WORLD_TEST(challenge_for_another_interaction_is_none),
        WORLD_TEST(signature_for_another_origin_or_certificate_is_not_accepted),
        WORLD_TEST(challenge_is_over_after_its_time),
        WORLD_TEST(interaction_of_another_browser_cannot_be_signed_in_to),
        WORLD_TEST(refused_lock_is_counted_and_kept),
        WORLD_TEST(stranger_only_counts),
        WORLD_TEST(stranger_learns_the_same_of_every_lock),
        WORLD_TEST(lock_that_was_refused_and_gets_in_counts_as_accepted_again),
        WORLD_TEST(certificate_of_a_refusal_becomes_evidence_when_it_is_let_in),
        WORLD_TEST(store_that_is_down_changes_no_refusal_and_loses_none),
        WORLD_TEST(lock_that_is_not_bound_is_told_to_bind),
        WORLD_TEST(other_lock_of_a_bound_company_is_told_so),
        WORLD_TEST(second_authority_asserting_a_bound_uscc_does_not_get_in),
        WORLD_TEST(claim_of_a_bound_uscc_is_audited_and_told_to_the_company),
        WORLD_TEST(lock_whose_company_is_suspended_is_told_so),
        WORLD_TEST(lock_that_was_unbound_has_to_be_bound),
        WORLD_TEST(revoked_lock_is_told_whom_to_call),
        WORLD_TEST(status_service_that_does_not_answer_lets_nobody_in),
        WORLD_TEST(answers_of_another_shape_are_refused),
        WORLD_TEST(test_lock_does_not_sign_in_to_a_production_platform),
        WORLD_TEST(client_that_was_suspended_meanwhile_is_not_signed_in_to),
        WORLD_TEST(address_that_signs_in_too_often_is_told_so),
        WORLD_TEST(renewed_certificate_signs_in_and_the_record_follows),
        WORLD_TEST(older_certificate_of_the_key_is_noted_as_the_locks_too),
        WORLD_TEST(older_certificate_that_was_revoked_meanwhile_does_not_sign_in),
        WORLD_TEST(renewal_by_a_key_that_was_unbound_has_to_be_checked),
        WORLD_TEST(renewal_that_met_another_change_can_be_tried_again),
        WORLD_TEST(signing_in_again_keeps_what_platforms_got_until_signing_out),
        WORLD_TEST(signing_in_as_another_company_ends_what_the_first_one_gave),
        WORLD_TEST(dead_database_signs_nobody_in),
        WORLD_TEST(session_that_cannot_be_stored_signs_nobody_in),
    };
    return cmocka_run_group_tests_name("portal/sign_in", tests, world_prepare, world_forget);
}
