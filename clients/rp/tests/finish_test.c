/* The callback, the code's exchange and userinfo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "rp/tests/world.h"

static void begin_with_a_good_token(struct world *w)
{
    world_begin(w, NULL);
    world_hands_out(w, fake_sign(w->ec, json_incref(w->header), json_incref(w->claims)));
}

/* The callback's parameters that stand around the state. */
static void expect_callback(struct world *w, const char *before, const char *after, enum rp_err err)
{
    begin_with_a_good_token(w);
    unsigned asked = fake_asked(w->provider, FAKE_TOKEN);
    assert_int_equal(world_finish_with(w, before, after), err);
    assert_int_equal(fake_asked(w->provider, FAKE_TOKEN), asked + (err == RP_OK));
}

static void company_is_learnt_whole(void **state)
{
    struct world *w = *state;
    world_begin(w, NULL);
    assert_int_equal(world_sign_in(w), RP_OK);
    const struct rp_answer *a = w->answer;
    assert_string_equal(a->subject, "company-7");
    assert_string_equal(a->acr, "urn:tamga:lock");
    assert_string_equal(a->amr, "hwk pin");
    assert_int_equal(a->auth_time, WORLD_NOW - 10);
    assert_int_equal(a->expires, WORLD_NOW + 600);
    assert_string_equal(a->access_token, "an-access-token");
    assert_string_equal(rp_answer_text(a, "name"), "Sand & Steppe Ltd.");
    assert_string_equal(rp_answer_text(a, "certificate.serial"), "0a1b");
    assert_int_equal(rp_answer_number(a, "certificate.not_after", 0), 1800000000);
    assert_string_equal(rp_answer_item(a, "entity_types", 1), "supplier");
    assert_null(rp_answer_item(a, "entity_types", 2));
    assert_null(rp_answer_text(a, "certificate"));
    assert_null(rp_answer_text(a, "no.such.thing"));
    assert_int_equal(rp_answer_number(a, "name", -1), -1);
}

static void protocol_claims_come_from_the_id_token_alone(void **state)
{
    struct world *w = *state;
    fake_says_json(w->provider, FAKE_USERINFO,
                   json_pack("{s:s,s:s}", "sub", "company-7", "acr", "urn:other"));
    world_begin(w, NULL);
    assert_int_equal(world_sign_in(w), RP_OK);
    assert_string_equal(w->answer->acr, "urn:tamga:lock");
    assert_string_equal(rp_answer_text(w->answer, "acr"), "urn:tamga:lock");
}

static void claims_of_the_id_token_serve_without_userinfo(void **state)
{
    struct world *w = *state;
    json_t *document = world_discovery(w);
    assert_int_equal(json_object_del(document, "userinfo_endpoint"), 0);
    fake_says_json(w->provider, FAKE_DISCOVERY, document);
    world_begin(w, NULL);
    assert_int_equal(json_object_set_new(w->claims, "name", json_string("Told at once")), 0);
    assert_int_equal(world_sign_in(w), RP_OK);
    assert_string_equal(rp_answer_text(w->answer, "name"), "Told at once");
    assert_null(w->answer->userinfo);
    assert_int_equal(fake_asked(w->provider, FAKE_USERINFO), 0);
}

static void userinfo_of_somebody_else_is_refused(void **state)
{
    struct world *w = *state;
    fake_says_json(w->provider, FAKE_USERINFO, json_pack("{s:s}", "sub", "company-8"));
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_BAD_USERINFO);
    fake_says_json(w->provider, FAKE_USERINFO, json_pack("{s:s}", "name", "nobody"));
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_BAD_USERINFO);
}

static void userinfo_has_to_be_json_and_200(void **state)
{
    struct world *w = *state;
    fake_says(w->provider, FAKE_USERINFO, 200, "application/jwt", "{\"sub\":\"company-7\"}");
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_BAD_USERINFO);
    fake_says(w->provider, FAKE_USERINFO, 401, NULL, "{\"sub\":\"company-7\"}");
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_BAD_USERINFO);
    fake_says(w->provider, FAKE_USERINFO, 200, NULL, "{\"sub\":\"x\",\"sub\":\"company-7\"}");
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_BAD_USERINFO);
    fake_says(w->provider, FAKE_USERINFO, 503, NULL, "{}");
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_UNREACHABLE);
}

/* RFC 6749 section 3.1; docs/security.md row 3. Each parameter, known or not, and empty ones too.
 */
static void parameter_that_comes_twice_is_refused(void **state)
{
    char iss[128];
    char twice[256];
    struct world *w = *state;
    (void)snprintf(iss, sizeof(iss), "&iss=%s", fake_issuer(w->provider));
    (void)snprintf(twice, sizeof(twice), "%s%s", iss, iss);
    expect_callback(w, "code=a&state=", twice, RP_BAD_CALLBACK);
    expect_callback(w, "code=a&code=a&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=a&code=&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=a&c%6Fde=b&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=a&x=1&x=2&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=a&state=b&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=a&error=x&error=y&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=a&x=1&y=2&state=", iss, RP_OK);
}

static void callback_needs_either_code_or_error(void **state)
{
    char iss[128];
    struct world *w = *state;
    (void)snprintf(iss, sizeof(iss), "&iss=%s", fake_issuer(w->provider));
    expect_callback(w, "state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=a&error=access_denied&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=a%00b&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=%zz&state=", iss, RP_BAD_CALLBACK);
    expect_callback(w, "code=%C3%28&state=", iss, RP_BAD_CALLBACK);
    assert_int_equal(rp_finish(w->rp, NULL, w->start.pending, &w->note, &w->answer),
                     RP_BAD_CALLBACK);
}

static void state_of_another_browser_is_refused(void **state)
{
    char iss[128];
    struct world *w = *state;
    (void)snprintf(iss, sizeof(iss), "&iss=%s", fake_issuer(w->provider));
    expect_callback(w, "code=a&state=x", iss, RP_BAD_STATE);
    expect_callback(w, "code=a&state=&other=", iss, RP_BAD_STATE);
    begin_with_a_good_token(w);
    struct rp_start other;
    assert_int_equal(rp_begin(w->rp, NULL, NULL, &other), RP_OK);
    char query[512];
    (void)snprintf(query, sizeof(query), "code=a&state=%s%s", other.state, iss);
    assert_int_equal(rp_finish(w->rp, query, w->start.pending, &w->note, &w->answer), RP_BAD_STATE);
    rp_start_free(&other);
}

/* RFC 9207 section 2.4 */
static void answer_of_another_provider_is_refused(void **state)
{
    struct world *w = *state;
    expect_callback(w, "code=a&state=", "&iss=https://idp.example", RP_BAD_ISSUER);
    expect_callback(w, "code=a&state=", "&iss=", RP_BAD_ISSUER);
    expect_callback(w, "code=a&state=", "", RP_BAD_ISSUER);
    expect_callback(w, "error=access_denied&state=", "", RP_BAD_ISSUER);
}

static void provider_that_never_promised_iss_may_leave_it_out(void **state)
{
    struct world *w = *state;
    json_t *document = world_discovery(w);
    assert_int_equal(json_object_del(document, "authorization_response_iss_parameter_supported"),
                     0);
    fake_says_json(w->provider, FAKE_DISCOVERY, document);
    expect_callback(w, "code=a&state=", "", RP_OK);
    expect_callback(w, "code=a&state=", "&iss=https://idp.example", RP_BAD_ISSUER);
}

static void error_answer_is_a_value(void **state)
{
    struct world *w = *state;
    char after[160];
    (void)snprintf(after, sizeof(after), "&iss=%s", fake_issuer(w->provider));
    begin_with_a_good_token(w);
    assert_int_equal(world_finish_with(w, "error=access_denied&state=", after), RP_DENIED);
    assert_string_equal(w->note.error, "access_denied");
    begin_with_a_good_token(w);
    assert_int_equal(world_finish_with(w, "error=a%C2%A9b&state=", after), RP_DENIED);
    assert_string_equal(w->note.error, "a??b"); /* nothing a log could stumble over */
}

static void pending_record_has_to_be_ours_whole_and_fresh(void **state)
{
    struct world *w = *state;
    begin_with_a_good_token(w);
    char *own = w->start.pending;
    w->start.pending = NULL;
    assert_int_equal(world_finish(w), RP_BAD_PENDING);
    for (size_t i = 0; i < strlen(own); i += 7) {
        char *changed = strdup(own);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        w->start.pending = changed;
        assert_int_equal(world_finish(w), RP_BAD_PENDING);
        free(changed);
    }
    w->start.pending = own;
    world_clock = WORLD_NOW + 1201;
    assert_int_equal(world_finish(w), RP_BAD_PENDING);
    world_clock = WORLD_NOW - 61;
    assert_int_equal(world_finish(w), RP_BAD_PENDING);
    world_clock = WORLD_NOW;
    assert_int_equal(world_finish(w), RP_OK);
}

static void pending_record_of_another_client_is_refused(void **state)
{
    struct world *w = *state;
    static const unsigned char key[32] = "the same seal on all nodes of it";
    w->settings.seal_key = key;
    begin_with_a_good_token(w);
    assert_int_equal(world_meet(w), RP_OK); /* another node, the same key */
    assert_int_equal(world_finish(w), RP_OK);
    w->settings.client_id = "platform-2";
    assert_int_equal(world_meet(w), RP_OK);
    assert_int_equal(world_finish(w), RP_BAD_PENDING);
}

static void expect_heard(struct world *w, const char *wanted, bool there)
{
    char *heard = fake_heard(w->provider, FAKE_TOKEN);
    assert_int_equal(strstr(heard, wanted) != NULL, there);
    free(heard);
}

static void code_is_redeemed_with_its_verifier(void **state)
{
    struct world *w = *state;
    char wanted[96] = "code_challenge=";
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_OK);
    char *heard = fake_heard(w->provider, FAKE_TOKEN);
    const char *body = strstr(heard, "\r\n\r\n");
    assert_non_null(body);
    assert_memory_equal(heard, "POST /token ", 12);
    assert_non_null(strstr(heard, "Content-Type: application/x-www-form-urlencoded"));
    assert_non_null(strstr(body, "grant_type=authorization_code&code=a-code&redirect_uri="
                                 "http%3A%2F%2F127.0.0.11%3A9000%2Fcallback"));
    char *verifier = world_param(body + 4, "code_verifier");
    unsigned char hash[32];
    assert_int_equal(strlen(verifier), 43);
    assert_int_equal(EVP_Digest(verifier, 43, hash, NULL, EVP_sha256(), NULL), 1);
    base64url_encode(hash, 32, wanted + strlen(wanted));
    assert_non_null(strstr(w->start.url, wanted));
    assert_null(strstr(w->start.url, verifier));
    free(verifier);
    free(heard);
}

/* RFC 6749 section 2.3.1: form-encoded, then base64 */
static void secret_goes_into_the_header(void **state)
{
    struct world *w = *state;
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_OK);
    char text[128];
    static const char pair[] = "platform-1:it%27s%20a%3Asecret%20%26c";
    char wanted[160] = "Authorization: Basic ";
    base64_encode(pair, strlen(pair), text);
    (void)strncat(wanted, text, sizeof(wanted) - strlen(wanted) - 1);
    expect_heard(w, wanted, true);
    expect_heard(w, "client_secret", false);
}

static void secret_goes_into_the_form_when_asked(void **state)
{
    struct world *w = *state;
    w->settings.client_auth = RP_CLIENT_SECRET_POST;
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_OK);
    expect_heard(w, "&client_id=platform-1&client_secret=it%27s%20a%3Asecret%20%26c", true);
    expect_heard(w, "Authorization:", false);
}

static void public_client_sends_its_name_only(void **state)
{
    struct world *w = *state;
    w->settings.client_auth = RP_CLIENT_NONE;
    w->settings.client_secret = NULL;
    begin_with_a_good_token(w);
    assert_int_equal(world_finish(w), RP_OK);
    expect_heard(w, "&client_id=platform-1", true);
    expect_heard(w, "client_secret", false);
    expect_heard(w, "Authorization:", false);
}

static void refusals_of_the_token_endpoint_have_their_codes(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *body;
        int status;
        enum rp_err err;
    } cases[] = {
        {"{\"error\":\"invalid_grant\"}", 400, RP_BAD_CODE},
        {"{\"error\":\"invalid_client\"}", 401, RP_BAD_CLIENT},
        {"{\"error\":\"unauthorized_client\"}", 400, RP_BAD_CLIENT},
        {"", 401, RP_BAD_CLIENT},
        {"{\"error\":\"invalid_request\"}", 400, RP_BAD_TOKEN},
        {"<html>", 400, RP_BAD_TOKEN},
        {"{}", 302, RP_BAD_TOKEN},
        {"{}", 429, RP_UNREACHABLE},
        {"{\"error\":\"invalid_grant\"}", 500, RP_UNREACHABLE},
        {"", 200, RP_BAD_TOKEN},
        {"[]", 200, RP_BAD_TOKEN},
        {"{}", 200, RP_BAD_TOKEN},
        {"{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", 200, RP_BAD_TOKEN},
        {"{\"access_token\":\"a\",\"token_type\":\"mac\",\"id_token\":\"a.b.c\"}", 200,
         RP_BAD_TOKEN},
        {"{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\",\"id_token\":\"a.b.c\"}", 200,
         RP_BAD_TOKEN},
        {"{\"access_token\":\"\",\"token_type\":\"Bearer\",\"id_token\":\"a.b.c\"}", 200,
         RP_BAD_TOKEN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        world_begin(w, NULL);
        fake_says(w->provider, FAKE_TOKEN, cases[i].status, NULL, cases[i].body);
        assert_int_equal(world_finish(w), cases[i].err);
    }
    assert_null(strstr(w->note.text, SECRET));
}

static void answer_without_end_is_cut_off(void **state)
{
    struct world *w = *state;
    size_t n = (size_t)256 * 1024;
    char *much = malloc(n + 1);
    assert_non_null(much);
    memset(much, ' ', n);
    much[n] = '\0';
    world_begin(w, NULL);
    fake_says(w->provider, FAKE_TOKEN, 200, NULL, much);
    free(much);
    assert_int_equal(world_finish(w), RP_BAD_TOKEN);
}

static void redirect_of_the_token_endpoint_is_not_followed(void **state)
{
    struct world *w = *state;
    char line[128];
    (void)snprintf(line, sizeof(line), "Location: %s/userinfo", fake_issuer(w->provider));
    world_begin(w, NULL);
    fake_adds_header(w->provider, FAKE_TOKEN, line);
    fake_says(w->provider, FAKE_TOKEN, 307, NULL, "{}");
    assert_int_equal(world_finish(w), RP_BAD_TOKEN);
    assert_int_equal(fake_asked(w->provider, FAKE_USERINFO), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(company_is_learnt_whole),
        TEST(protocol_claims_come_from_the_id_token_alone),
        TEST(claims_of_the_id_token_serve_without_userinfo),
        TEST(userinfo_of_somebody_else_is_refused),
        TEST(userinfo_has_to_be_json_and_200),
        TEST(parameter_that_comes_twice_is_refused),
        TEST(callback_needs_either_code_or_error),
        TEST(state_of_another_browser_is_refused),
        TEST(answer_of_another_provider_is_refused),
        TEST(provider_that_never_promised_iss_may_leave_it_out),
        TEST(error_answer_is_a_value),
        TEST(pending_record_has_to_be_ours_whole_and_fresh),
        TEST(pending_record_of_another_client_is_refused),
        TEST(code_is_redeemed_with_its_verifier),
        TEST(secret_goes_into_the_header),
        TEST(secret_goes_into_the_form_when_asked),
        TEST(public_client_sends_its_name_only),
        TEST(refusals_of_the_token_endpoint_have_their_codes),
        TEST(answer_without_end_is_cut_off),
        TEST(redirect_of_the_token_endpoint_is_not_followed),
    };
    return cmocka_run_group_tests_name("rp/finish", tests, world_make_keys, world_drop_keys);
}
