#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/code.h"
#include "access/revoke.h"
#include "base/base64.h"
#include "base/digest.h"
#include "oauth/shared/error.h"
#include "oauth/token.h"
#include "store/kv.h"
#include "tests/oauth/asking.h"

static const char *code_of(enum world_client client)
{
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(client);
    agree(LOCK_BELL, client);
    return code_for(&browser, &asking);
}

static const struct answer *redeem_usual(enum world_client client, const char *code)
{
    const struct redeeming redeeming = redeeming_of(client, code);
    return redeem(&redeeming);
}

static bool is_active(const char *token)
{
    return json_is_true(member(introspect(token), "active"));
}

/* Signing out as the portal does it, which is not in this room's reach. */
static enum idp_err sign_out(struct request *rq, struct response *rs)
{
    struct session *session = NULL;
    enum idp_err err = session_find(&rq->app->access, rq->arena,
                                    http_cookie_find(rq, session_cookie), rq->now, &session);
    if (err == IDP_OK)
        err = revoke_session(&rq->app->access, rq->arena, session, "test", rq->now);
    return err == IDP_OK ? http_respond_bytes(rs, 200, NULL, NULL, 0) : err;
}

static const struct route sign_out_route = {
    .methods = HTTP_GET, .path = "/sign-out", .handle = sign_out, .fail = oauth_fail};

/* --- good ------------------------------------------------------------------------------------- */

static void code_becomes_tokens(void **state)
{
    (void)state;
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code_of(CLIENT_PLATFORM));
    assert_int_equal(answer->status, 200);
    assert_int_equal(json_object_size(answer->json), 5);
    assert_string_equal(member_text(answer, "token_type"), "Bearer");
    assert_int_equal(json_integer_value(member(answer, "expires_in")), 600);
    assert_string_equal(member_text(answer, "scope"), "openid enterprise");
    assert_true(is_active(member_text(answer, "access_token")));
    assert_non_null(member_text(answer, "id_token"));
}

static const char *at_hash_of(const char *token)
{
    unsigned char hash[DIGEST_SIZE];
    char text[64];
    assert_int_equal(digest(DIGEST_SHA256, token, strlen(token), hash), IDP_OK);
    base64url_encode(hash, 16, text);
    return arena_strdup(world.arena, text);
}

static void id_token_says_who_signed_in_and_how(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    world.now += 7;
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    const json_t *payload = payload_of(member_text(answer, "id_token"), "ES256");
    json_t *wanted =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:[s,s], s:s}", "iss", REGION_ORIGIN,
                  "sub", world.holders[LOCK_BELL].enterprise.id, "aud", "platform", "exp",
                  (json_int_t)world.now + 300, "iat", (json_int_t)world.now, "auth_time",
                  (json_int_t)world.now - 7, "nonce", "a nonce", "acr", "urn:tamga:acr:lock", "amr",
                  "hwk", "pin", "at_hash", at_hash_of(member_text(answer, "access_token")));
    bool same = json_equal(wanted, payload);
    json_decref(wanted);
    assert_true(same);
}

static void client_gets_the_algorithm_it_is_registered_for(void **state)
{
    (void)state;
    const struct answer *answer = redeem_usual(CLIENT_POST, code_of(CLIENT_POST));
    assert_int_equal(answer->status, 200);
    (void)payload_of(member_text(answer, "id_token"), "RS256");
}

static void public_client_proves_itself_by_pkce(void **state)
{
    (void)state;
    assert_int_equal(redeem_usual(CLIENT_PUBLIC, code_of(CLIENT_PUBLIC))->status, 200);
}

static void request_without_nonce_gets_none(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.nonce = NULL;
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code_for(&browser, &asking));
    assert_null(json_object_get(payload_of(member_text(answer, "id_token"), "ES256"), "nonce"));
}

static void nonce_of_any_text_comes_back_as_it_was(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.nonce = "\"\\</script>{}中文 %00&+";
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code_for(&browser, &asking));
    const json_t *payload = payload_of(member_text(answer, "id_token"), "ES256");
    assert_string_equal(json_string_value(json_object_get(payload, "nonce")), asking.nonce);
}

static void code_of_a_request_without_openid_brings_no_id_token(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    const char *code = NULL;
    const struct session *session = session_of(&browser);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    const struct code wanted = {.client = "platform",
                                .redirect_uri = asking.redirect_uri,
                                .code_challenge = CHALLENGE,
                                .scope = "enterprise",
                                .enterprise = session->enterprise,
                                .lock = session->lock,
                                .authority = session->authority,
                                .session = session->family,
                                .acr = "a",
                                .amr = "b",
                                .auth_time = world.now,
                                .issued = world.now,
                                .expires = world.now + 60};
    assert_int_equal(code_issue(&world.app.access, world.arena, &wanted, &code), IDP_OK);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    assert_int_equal(answer->status, 200);
    assert_null(member(answer, "id_token"));
    const struct answer *who = userinfo(member_text(answer, "access_token"));
    expect_error(who, 403, "insufficient_scope");
    assert_string_equal(who->www_authenticate, "Bearer realm=\"tamga\", "
                                               "error=\"insufficient_scope\", scope=\"openid\"");
}

static void claims_asked_for_stand_in_the_id_token(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *code = NULL;
    const struct session *session = session_of(&browser);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    const struct code wanted = {.client = "platform",
                                .redirect_uri = world.redirect_uris[CLIENT_PLATFORM],
                                .code_challenge = CHALLENGE,
                                .scope = "openid",
                                .claims = {.id_token = CLAIM_USCC | CLAIM_NAME},
                                .enterprise = session->enterprise,
                                .lock = session->lock,
                                .authority = session->authority,
                                .session = session->family,
                                .acr = "a",
                                .amr = "b",
                                .auth_time = world.now,
                                .issued = world.now,
                                .expires = world.now + 60};
    assert_int_equal(code_issue(&world.app.access, world.arena, &wanted, &code), IDP_OK);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    const json_t *payload = payload_of(member_text(answer, "id_token"), "ES256");
    assert_string_equal(json_string_value(json_object_get(payload, "uscc")), REGION_USCC);
    assert_string_equal(json_string_value(json_object_get(payload, "name")), "风铃建设有限公司");
    assert_null(json_object_get(payload, "email"));
}

/* --- refusals --------------------------------------------------------------------------------- */

static void malformed_requests_are_refused(void **state)
{
    (void)state;
    const struct redeeming good = redeeming_of(CLIENT_PLATFORM, "x");
    struct redeeming bad[6];
    static const char *const errors[] = {"invalid_request",        "invalid_request",
                                         "invalid_request",        "unsupported_grant_type",
                                         "unsupported_grant_type", "invalid_grant"};
    for (size_t i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].grant_type = NULL;
    bad[1].code = NULL;
    bad[2].redirect_uri = NULL;
    bad[3].grant_type = "password";
    bad[4].grant_type = "AUTHORIZATION_CODE";
    for (size_t i = 0; i < 6; i++)
        expect_error(redeem(&bad[i]), 400, errors[i]);
}

static void code_is_bound_to_its_redirect_uri(void **state)
{
    (void)state;
    static const char *const others[] = {"https://platform.example/cb/",
                                         "https://platform.example/CB", "https://other.example/cb"};
    for (size_t i = 0; i < 3; i++) {
        struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code_of(CLIENT_PLATFORM));
        redeeming.redirect_uri = others[i];
        expect_error(redeem(&redeeming), 400, "invalid_grant");
        redeeming.redirect_uri = world.redirect_uris[CLIENT_PLATFORM];
        expect_error(redeem(&redeeming), 400, "invalid_grant"); /* it is gone */
    }
}

/* docs/security.md row 4. */
static void code_of_one_client_is_worth_nothing_to_another(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    struct redeeming stolen = redeeming_of(CLIENT_OTHER, code);
    stolen.redirect_uri = world.redirect_uris[CLIENT_PLATFORM];
    expect_error(redeem(&stolen), 400, "invalid_grant");
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant");
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants"), 0);
}

/* And when its own client was faster, that one's grant ends. */
static void code_that_another_client_shows_up_with_ends_its_grant(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    expect_error(redeem_usual(CLIENT_OTHER, code), 400, "invalid_grant");
    assert_false(is_active(member_text(answer, "access_token")));
}

/* docs/security.md row 5. */
static void what_is_something_else_is_no_code(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *token = token_of(granted(CLIENT_PLATFORM, &browser));
    struct asking asking = asking_of(CLIENT_PLATFORM);
    const char *interaction = query_value(authorize(&browser, &asking)->location, "interaction");
    const char *const others[] = {token,
                                  interaction,
                                  browser.cookie,
                                  browser.token,
                                  session_of(&browser)->hash,
                                  code_hash(world.arena, code_of(CLIENT_PLATFORM)),
                                  "x"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        expect_error(redeem_usual(CLIENT_PLATFORM, others[i]), 400, "invalid_grant");
}

static void code_works_once_and_its_second_use_ends_the_grant(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    const char *token = member_text(answer, "access_token");
    assert_true(is_active(token));
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant");
    assert_false(is_active(token));
    expect_error(userinfo(token), 401, "invalid_token");
    assert_string_equal(world_text("SELECT ended_why FROM grants"), "code_used_twice");
}

/* The key-value store failed over and has the code again: the row's unique hash stands. */
static void code_that_came_back_with_the_store_works_once_all_the_same(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    const char *hash = code_hash(world.arena, code);
    struct kv_bytes record;
    assert_int_equal(kv_get(world.app.kv, KV_CODE, kv_text(hash), world.arena, &record), IDP_OK);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    assert_int_equal(answer->status, 200);
    assert_int_equal(kv_put(world.app.kv, KV_CODE, kv_text(hash), record, 60000), IDP_OK);
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant");
    assert_false(is_active(member_text(answer, "access_token")));
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants"), 1);
}

/* docs/security.md row 27. */
static void code_is_over_after_a_minute(void **state)
{
    (void)state;
    for (int64_t after = 59; after <= 61; after++) {
        world.now = REGION_NOW;
        const char *code = code_of(CLIENT_PLATFORM);
        world.now += after;
        assert_int_equal(redeem_usual(CLIENT_PLATFORM, code)->status, after < 60 ? 200 : 400);
    }
}

/* docs/security.md row 9. */
static void code_is_no_good_when_somebody_lost_their_standing(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE enterprises SET standing = 'suspended'",
        "UPDATE locks SET unbound = 1",
    };
    for (size_t i = 0; i < 2; i++) {
        const char *code = code_of(CLIENT_PLATFORM);
        world_sql(changes[i]);
        expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant");
        world_sql("UPDATE enterprises SET standing = 'active'");
        world_sql("UPDATE locks SET unbound = NULL");
    }
    const char *code = code_of(CLIENT_PLATFORM);
    world_sql("UPDATE clients SET standing = 'suspended' WHERE id = 'platform'");
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant"); /* not heard yet */
    world_forget_clients();
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 401, "invalid_client");
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants"), 0);
}

static void code_of_a_session_that_was_ended_is_no_good(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    const char *code = code_for(&browser, &asking);
    assert_int_equal(session_close_codes(&world.app.access, session_of(&browser)->family), IDP_OK);
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant");
}

static void code_of_an_authority_that_left_the_trust_list_is_no_good(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct session *session = session_of(&browser);
    const char *code = NULL;
    const struct code wanted = {.client = "platform",
                                .redirect_uri = world.redirect_uris[CLIENT_PLATFORM],
                                .code_challenge = CHALLENGE,
                                .scope = "openid",
                                .enterprise = session->enterprise,
                                .lock = session->lock,
                                .authority = "gone",
                                .session = session->family,
                                .acr = "a",
                                .amr = "b",
                                .auth_time = world.now,
                                .issued = world.now,
                                .expires = world.now + 60};
    assert_int_equal(code_issue(&world.app.access, world.arena, &wanted, &code), IDP_OK);
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant");
}

/* --- PKCE (docs/security.md row 12)
 * --------------------------------------------------------------------
 */

static const struct {
    const char *challenge, *method;
    bool accepted;
} at_authorize[] = {
    {NULL, NULL, false},                                           /* none */
    {VERIFIER, "plain", false},                                    /* plain */
    {CHALLENGE, "S256", true},                                     /* S256 */
    {"0000000000000000000000000000000000000000000", "S256", true}, /* of another verifier */
};

/* none, plain (the challenge itself), the verifier, another one. */
static const char *const at_token[] = {NULL, CHALLENGE, VERIFIER,
                                       "another-verifier-another-verifier-another-v"};

static void try_pkce(enum world_client client, size_t i, size_t k)
{
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(client);
    asking.code_challenge = at_authorize[i].challenge;
    asking.code_challenge_method = at_authorize[i].method;
    const struct answer *answer = authorize(&browser, &asking);
    const char *code = query_value(answer->location, "code");
    assert_int_equal(code != NULL, at_authorize[i].accepted);
    struct redeeming redeeming = redeeming_of(client, code != NULL ? code : "none was issued");
    redeeming.code_verifier = at_token[k];
    answer = redeem(&redeeming);
    if (i == 2 && k == 2)
        assert_int_equal(answer->status, 200);
    else
        expect_error(answer, 400, "invalid_grant");
}

static void only_s256_with_its_verifier_passes_at_confidential_clients(void **state)
{
    (void)state;
    agree(LOCK_BELL, CLIENT_PLATFORM);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            try_pkce(CLIENT_PLATFORM, i, k);
}

static void only_s256_with_its_verifier_passes_at_public_clients(void **state)
{
    (void)state;
    agree(LOCK_BELL, CLIENT_PUBLIC);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            try_pkce(CLIENT_PUBLIC, i, k);
}

/* docs/security.md row 16. */
static void empty_verifier_counts_as_none(void **state)
{
    (void)state;
    struct redeeming redeeming = redeeming_of(CLIENT_PUBLIC, code_of(CLIENT_PUBLIC));
    redeeming.code_verifier = "";
    expect_error(redeem(&redeeming), 400, "invalid_grant");
}

static void verifier_of_another_shape_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"short", VERIFIER "=", VERIFIER " ", VERIFIER "\xc3\xa9"};
    for (size_t i = 0; i < 4; i++) {
        struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code_of(CLIENT_PLATFORM));
        redeeming.code_verifier = bad[i];
        expect_error(redeem(&redeeming), 400, "invalid_grant");
    }
}

/* --- many at once (docs/security.md row 6)
 * --------------------------------------------------------------
 */

enum { THREADS = 64 };

static void of_many_who_redeem_one_code_one_succeeds_and_its_grant_ends(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        struct sent sent[THREADS];
        const struct answer *answers[THREADS];
        const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code_of(CLIENT_PLATFORM));
        for (size_t i = 0; i < THREADS; i++)
            sent[i] = (struct sent){.route = &oauth_token_route,
                                    .body = redeeming_text(&redeeming),
                                    .authorization = redeeming.authorization};
        world_send_at_once(sent, THREADS, answers);
        int succeeded = 0;
        for (size_t i = 0; i < THREADS; i++) {
            succeeded += answers[i]->status == 200;
            if (answers[i]->status == 200)
                assert_false(is_active(member_text(answers[i], "access_token")));
            else
                expect_error(answers[i], 400, "invalid_grant");
        }
        assert_int_equal(succeeded, 1);
        assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL"), 0);
    }
}

/* --- stores that fail (docs/security.md row 8)
 * -----------------------------------------------------------
 */

static void dead_store_is_not_a_bad_code(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    world_kv_is_down(true);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    expect_error(answer, 503, "temporarily_unavailable");
    assert_non_null(answer->retry_after);
    world_kv_is_down(false);
    assert_int_equal(redeem_usual(CLIENT_PLATFORM, code)->status, 200);
}

static void dead_database_is_not_a_bad_code(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    world_sql_is_down(true);
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 503, "temporarily_unavailable");
    world_sql_is_down(false);
    assert_int_equal(world_number("SELECT COUNT(*) FROM grants"), 0);
}

static void second_use_that_could_not_end_the_grant_is_an_error_and_ends_it_later(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    const char *token = member_text(answer, "access_token");
    world.sql.transact = IDP_UNAVAILABLE;
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 503, "temporarily_unavailable");
    world.sql.transact = IDP_OK;
    assert_true(is_active(token)); /* nothing half revoked */
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant");
    assert_false(is_active(token));
}

/* Somebody came second while the first was under way: the first finds the mark. */
static void mark_of_a_second_use_ends_the_grant_of_the_first(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    assert_int_equal(kv_put(world.app.kv, KV_REPLAY, kv_text(code_hash(world.arena, code)),
                            kv_text("code"), 60000),
                     IDP_OK);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    assert_int_equal(answer->status, 200);
    assert_false(is_active(member_text(answer, "access_token")));
}

/* A made-up code costs no look-up and leaves no mark: nobody can fill the store of marks with it.
 */
static void made_up_code_touches_no_store(void **state)
{
    (void)state;
    const char *good = code_of(CLIENT_PLATFORM);
    assert_int_equal(redeem_usual(CLIENT_PLATFORM, "x")->status, 400); /* the client is known */
    world_kv_is_down(true);
    world_sql_is_down(true);
    for (size_t i = 0; i < strlen(good); i++) {
        char *altered = arena_strdup(world.arena, good);
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        expect_error(redeem_usual(CLIENT_PLATFORM, altered), 400, "invalid_grant");
    }
    expect_error(redeem_usual(CLIENT_PLATFORM, good), 503, "temporarily_unavailable");
}

static void second_use_ends_the_grant_even_where_no_mark_fits(void **state)
{
    (void)state;
    const char *code = code_of(CLIENT_PLATFORM);
    const struct answer *answer = redeem_usual(CLIENT_PLATFORM, code);
    world.kv.error = IDP_FULL;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_REPLAY;
    expect_error(redeem_usual(CLIENT_PLATFORM, code), 400, "invalid_grant");
    world_kv_is_down(false);
    assert_false(is_active(member_text(answer, "access_token")));
}

static void bad_codes_from_one_address_are_limited(void **state)
{
    (void)state;
    world.app.config.rate_token_failures = 2;
    for (int i = 0; i < 2; i++)
        expect_error(redeem_usual(CLIENT_PLATFORM, "x"), 400, "invalid_grant");
    expect_error(redeem_usual(CLIENT_PLATFORM, "x"), 429, "temporarily_unavailable");
    world.now += 60;
    expect_error(redeem_usual(CLIENT_PLATFORM, "x"), 400, "invalid_grant");
}

/* Whichever comes first: when both are over, no right of the session is left. */
static void sign_out_beside_a_redemption_leaves_no_right(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        const struct answer *answers[2];
        struct browser browser = signed_in(LOCK_BELL);
        const struct asking asking = asking_of(CLIENT_PLATFORM);
        agree(LOCK_BELL, CLIENT_PLATFORM);
        const struct redeeming redeeming =
            redeeming_of(CLIENT_PLATFORM, code_for(&browser, &asking));
        const struct sent sent[2] = {
            {.route = &oauth_token_route,
             .body = redeeming_text(&redeeming),
             .authorization = redeeming.authorization},
            {.route = &sign_out_route,
             .cookie = arena_printf(world.arena, "__Host-tamga=%s", browser.cookie)}};
        world_send_at_once(sent, 2, answers);
        assert_int_equal(answers[1]->status, 200);
        assert_true(answers[0]->status == 200 || answers[0]->status == 400);
        assert_int_equal(world_number("SELECT COUNT(*) FROM grants WHERE ended IS NULL"), 0);
    }
}

static void duplicated_parameter_is_refused(void **state)
{
    (void)state;
    const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code_of(CLIENT_PLATFORM));
    for (const struct param *p = oauth_token_route.params; p->name != NULL; p++) {
        const char *body =
            arena_printf(world.arena, "%s&%s=x&%s=x", redeeming_text(&redeeming), p->name, p->name);
        expect_error(world_send(&(struct sent){.route = &oauth_token_route,
                                               .body = body,
                                               .authorization = redeeming.authorization}),
                     400, "invalid_request");
    }
    assert_int_equal(redeem(&redeeming)->status, 200); /* none of them used the code up */
}

static void query_beside_the_form_is_not_looked_at(void **state)
{
    (void)state;
    const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code_of(CLIENT_PLATFORM));
    expect_error(world_send(&(struct sent){.route = &oauth_token_route,
                                           .query = redeeming_text(&redeeming),
                                           .body = "",
                                           .authorization = redeeming.authorization}),
                 400, "invalid_request");
}

static void another_content_type_is_refused(void **state)
{
    (void)state;
    const struct redeeming redeeming = redeeming_of(CLIENT_PLATFORM, code_of(CLIENT_PLATFORM));
    static const char *const types[] = {"application/json", "text/plain", "multipart/form-data"};
    for (size_t i = 0; i < 3; i++)
        expect_error(world_send(&(struct sent){.route = &oauth_token_route,
                                               .body = redeeming_text(&redeeming),
                                               .type = types[i],
                                               .authorization = redeeming.authorization}),
                     400, "invalid_request");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(code_becomes_tokens),
        WORLD_TEST(id_token_says_who_signed_in_and_how),
        WORLD_TEST(client_gets_the_algorithm_it_is_registered_for),
        WORLD_TEST(public_client_proves_itself_by_pkce),
        WORLD_TEST(request_without_nonce_gets_none),
        WORLD_TEST(nonce_of_any_text_comes_back_as_it_was),
        WORLD_TEST(code_of_a_request_without_openid_brings_no_id_token),
        WORLD_TEST(claims_asked_for_stand_in_the_id_token),
        WORLD_TEST(malformed_requests_are_refused),
        WORLD_TEST(code_is_bound_to_its_redirect_uri),
        WORLD_TEST(code_of_one_client_is_worth_nothing_to_another),
        WORLD_TEST(code_that_another_client_shows_up_with_ends_its_grant),
        WORLD_TEST(what_is_something_else_is_no_code),
        WORLD_TEST(code_works_once_and_its_second_use_ends_the_grant),
        WORLD_TEST(code_that_came_back_with_the_store_works_once_all_the_same),
        WORLD_TEST(code_is_over_after_a_minute),
        WORLD_TEST(code_is_no_good_when_somebody_lost_their_standing),
        WORLD_TEST(code_of_a_session_that_was_ended_is_no_good),
        WORLD_TEST(only_s256_with_its_verifier_passes_at_confidential_clients),
        WORLD_TEST(only_s256_with_its_verifier_passes_at_public_clients),
        WORLD_TEST(empty_verifier_counts_as_none),
        WORLD_TEST(verifier_of_another_shape_is_refused),
        WORLD_TEST(of_many_who_redeem_one_code_one_succeeds_and_its_grant_ends),
        WORLD_TEST(dead_store_is_not_a_bad_code),
        WORLD_TEST(dead_database_is_not_a_bad_code),
        WORLD_TEST(second_use_that_could_not_end_the_grant_is_an_error_and_ends_it_later),
        WORLD_TEST(mark_of_a_second_use_ends_the_grant_of_the_first),
        WORLD_TEST(made_up_code_touches_no_store),
        WORLD_TEST(second_use_ends_the_grant_even_where_no_mark_fits),
        WORLD_TEST(bad_codes_from_one_address_are_limited),
        WORLD_TEST(sign_out_beside_a_redemption_leaves_no_right),
        WORLD_TEST(code_of_an_authority_that_left_the_trust_list_is_no_good),
        WORLD_TEST(duplicated_parameter_is_refused),
        WORLD_TEST(query_beside_the_form_is_not_looked_at),
        WORLD_TEST(another_content_type_is_refused),
    };
    return cmocka_run_group_tests_name("oauth/token", tests, world_prepare, world_forget);
}
