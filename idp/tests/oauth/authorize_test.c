#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/consent.h"
#include "access/interaction.h"
#include "access/launch.h"
#include "base/text.h"
#include "oauth/authorize.h"
#include "tests/oauth/asking.h"

/* The error went to the client's own address, with state and iss. */
static void expect_error_at_client(const struct answer *answer, const struct asking *asking,
                                   const char *error)
{
    assert_int_equal(answer->status, 303);
    assert_true(text_starts(answer->location, asking->redirect_uri));
    const char *found = query_value(answer->location, "error");
    if (found == NULL || strcmp(found, error) != 0)
        fail_msg("%s instead of %s", answer->location, error);
    assert_null(query_value(answer->location, "code"));
    assert_string_equal(query_value(answer->location, "iss"), REGION_ORIGIN);
    if (asking->state != NULL)
        assert_string_equal(query_value(answer->location, "state"), asking->state);
}

/* Nobody was sent anywhere: a page tells the reason. */
static void expect_page(const struct answer *answer, int status, const char *code)
{
    assert_int_equal(answer->status, status);
    assert_null(answer->location);
    assert_string_equal(answer->rs.type, "text/html; charset=utf-8");
    assert_string_equal(answer->rs.error_code, code);
    assert_non_null(strstr(answer->body, code));
}

static const char *interaction_in(const struct answer *answer, const char *page)
{
    assert_int_equal(answer->status, 303);
    assert_true(text_starts(answer->location, page));
    const char *id = query_value(answer->location, "interaction");
    assert_non_null(id);
    return id;
}

static const struct interaction *interaction_of(const char *id, const struct browser *browser)
{
    const struct interaction *in = NULL;
    assert_int_equal(
        interaction_find(&world.app.access, world.arena, id, session_of(browser), world.now, &in),
        IDP_OK);
    return in;
}

/* --- good ------------------------------------------------------------------------------------- */

static void stranger_is_sent_to_sign_in_and_gets_a_session(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    const char *id = interaction_in(authorize(&browser, &asking), "/sign-in?interaction=");
    assert_non_null(browser.cookie);
    const struct interaction *in = interaction_of(id, &browser);
    assert_string_equal(in->client, "platform");
    assert_string_equal(in->redirect_uri, asking.redirect_uri);
    assert_string_equal(in->scope, "openid enterprise");
    assert_string_equal(in->state, "a state");
    assert_string_equal(in->nonce, "a nonce");
    assert_string_equal(in->code_challenge, CHALLENGE);
    assert_int_equal(in->claims.userinfo, claims_of_scope("enterprise"));
    assert_int_equal(in->claims.id_token, 0);
    assert_false(in->ask_sign_in || in->ask_consent);
}

static void browser_that_has_a_session_keeps_it(void **state)
{
    (void)state;
    struct browser browser = visitor();
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    const struct answer *answer = authorize(&browser, &asking);
    (void)interaction_in(answer, "/sign-in?interaction=");
    assert_null(answer->set_cookie);
}

static void who_is_signed_in_is_asked_for_consent(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    (void)interaction_in(authorize(&browser, &asking), "/consent?interaction=");
}

static void who_consented_before_goes_straight_back(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    const struct answer *answer = authorize(&browser, &asking);
    assert_int_equal(answer->status, 303);
    assert_true(text_starts(answer->location, "https://platform.example/cb?code="));
    assert_int_equal(strlen(query_value(answer->location, "code")), 44);
    assert_string_equal(query_value(answer->location, "state"), "a state");
    assert_string_equal(query_value(answer->location, "iss"), REGION_ORIGIN);
}

static void post_is_as_good_as_get(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    const struct answer *answer = world_send(
        &(struct sent){.route = &oauth_authorize_route,
                       .cookie = arena_printf(world.arena, "__Host-tamga=%s", browser.cookie),
                       .body = asking_text(&asking)});
    (void)interaction_in(answer, "/consent?interaction=");
}

/* A cross-site POST brings no Lax cookie: it must not put a visitor in the bidder's place. */
static void post_without_a_cookie_is_asked_again_as_get(void **state)
{
    (void)state;
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    const char *body = asking_text(&asking);
    const struct answer *answer =
        world_send(&(struct sent){.route = &oauth_authorize_route, .body = body});
    assert_int_equal(answer->status, 303);
    assert_string_equal(answer->location, arena_printf(world.arena, "/oauth2/authorize?%s", body));
    for (size_t i = 0; i < answer->rs.header_count; i++)
        assert_string_not_equal(answer->rs.headers[i].name, "Set-Cookie");
}

/* What is asked again goes into a header: it must not begin another one. */
static void post_that_no_header_can_hold_is_refused(void **state)
{
    (void)state;
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    static const char *const more[] = {
        "&x=\r\nSet-Cookie: a=b", "&x=\n", "&x=\x7f", "&x=\xff", "&x= y", "&x=<y>", "&x=#y"};
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        expect_page(world_send(&(struct sent){
                        .route = &oauth_authorize_route,
                        .body = arena_printf(world.arena, "%s%s", asking_text(&asking), more[i])}),
                    400, "request.shape");
    const char *longest = arena_printf(world.arena, "%s&x=%012000d", asking_text(&asking), 0);
    expect_page(world_send(&(struct sent){.route = &oauth_authorize_route, .body = longest}), 400,
                "request.shape");
}

static void redirect_uri_keeps_its_query(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_POST);
    agree(LOCK_BELL, CLIENT_POST);
    const struct answer *answer = authorize(&browser, &asking);
    assert_true(text_starts(answer->location, "https://post.example/cb?from=tamga&code="));
}

static void request_without_state_gets_none(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.state = NULL;
    const struct answer *answer = authorize(&browser, &asking);
    assert_non_null(query_value(answer->location, "code"));
    assert_null(query_value(answer->location, "state"));
}

static void long_state_comes_back_whole(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    static const int lengths[] = {128, 129, 1000, 2048};
    for (size_t i = 0; i < 4; i++) {
        char *text = arena_alloc(world.arena, (size_t)lengths[i] + 1);
        for (int k = 0; k < lengths[i]; k++)
            text[k] = (char)(0x20 + k % 95);
        asking.state = text;
        assert_string_equal(query_value(authorize(&browser, &asking)->location, "state"), text);
    }
}

static void parameters_nobody_knows_are_ignored(void **state)
{
    (void)state;
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    const char *query = arena_printf(
        world.arena, "%s&foo=1&foo=2&ui_locales=zh-CN&display=page&login_hint=x&registration=y",
        asking_text(&asking));
    const struct answer *answer =
        world_send(&(struct sent){.route = &oauth_authorize_route, .query = query});
    (void)interaction_in(answer, "/sign-in?interaction=");
}

/* --- prompt, max_age, launch ------------------------------------------------------------------ */

static void prompt_none_never_shows_a_page(void **state)
{
    (void)state;
    struct browser stranger = {.cookie = NULL};
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    asking.prompt = "none";
    expect_error_at_client(authorize(&stranger, &asking), &asking, "login_required");
    expect_error_at_client(authorize(&browser, &asking), &asking, "consent_required");
    agree(LOCK_BELL, CLIENT_PLATFORM);
    assert_non_null(query_value(authorize(&browser, &asking)->location, "code"));
    asking.prompt = "none login";
    expect_error_at_client(authorize(&browser, &asking), &asking, "invalid_request");
}

static void prompt_login_asks_for_the_lock_again(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.prompt = "login";
    const char *id = interaction_in(authorize(&browser, &asking), "/sign-in?");
    assert_true(interaction_of(id, &browser)->ask_sign_in);
    asking.prompt = "consent login";
    id = interaction_in(authorize(&browser, &asking), "/sign-in?");
    assert_true(interaction_of(id, &browser)->ask_consent);
}

static void prompt_consent_asks_again(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.prompt = "consent";
    const char *id = interaction_in(authorize(&browser, &asking), "/consent?");
    assert_true(interaction_of(id, &browser)->ask_consent);
}

static void sign_in_older_than_max_age_does_not_do(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.max_age = "100";
    world.now += 99;
    assert_non_null(query_value(authorize(&browser, &asking)->location, "code"));
    world.now++;
    assert_non_null(query_value(authorize(&browser, &asking)->location, "code"));
    world.now++;
    (void)interaction_in(authorize(&browser, &asking), "/sign-in?");
    asking.prompt = "none";
    expect_error_at_client(authorize(&browser, &asking), &asking, "login_required");
}

static void max_age_zero_is_prompt_login(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.max_age = "0";
    (void)interaction_in(authorize(&browser, &asking), "/sign-in?");
}

static void max_age_that_is_no_number_is_refused(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    struct asking asking = asking_of(CLIENT_PLATFORM);
    static const char *const bad[] = {"-1", "1.5", "1e3", "0x10", " 1", "99999999999", "one"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        asking.max_age = bad[i];
        expect_error_at_client(authorize(&browser, &asking), &asking, "invalid_request");
    }
}

static void launch_from_the_portal_asks_for_consent_again_once(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    assert_int_equal(launch_begin(&world.app.access, session_of(&browser), "platform"), IDP_OK);
    (void)interaction_in(authorize(&browser, &asking), "/consent?");
    assert_non_null(query_value(authorize(&browser, &asking)->location, "code"));
}

static void lock_of_the_other_environment_has_to_be_changed(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_REAL);
    agree(LOCK_BELL, CLIENT_REAL);
    (void)interaction_in(authorize(&browser, &asking), "/sign-in?");
    asking.prompt = "none";
    expect_error_at_client(authorize(&browser, &asking), &asking, "login_required");
}

/* --- scope and claims ------------------------------------------------------------------------- */

/* docs/security.md row 11. */
static void unknown_scopes_are_dropped_and_known_ones_need_registration(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    struct asking asking = asking_of(CLIENT_OTHER);
    asking.scope = "profile enterprise groups openid openid offline_access";
    const char *id = interaction_in(authorize(&browser, &asking), "/sign-in?");
    assert_string_equal(interaction_of(id, &browser)->scope, "openid enterprise");
    asking.scope = "openid email";
    expect_error_at_client(authorize(&browser, &asking), &asking, "invalid_scope");
    asking.scope = "profile";
    expect_error_at_client(authorize(&browser, &asking), &asking, "invalid_scope");
}

static void no_scope_means_all_that_is_registered(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    struct asking asking = asking_of(CLIENT_PLATFORM);
    asking.scope = NULL;
    const char *id = interaction_in(authorize(&browser, &asking), "/sign-in?");
    assert_string_equal(interaction_of(id, &browser)->scope,
                        "openid enterprise lock email phone address");
    asking.prompt = "consent";
    id = interaction_in(authorize(&browser, &asking), "/sign-in?");
    assert_string_equal(interaction_of(id, &browser)->scope, claims_scopes);
}

/* OpenID Connect Core section 11. */
static void offline_access_is_heard_with_the_consent_page_only(void **state)
{
    (void)state;
    static const struct {
        enum world_client client;
        const char *prompt, *scope;
    } cases[] = {
        {CLIENT_PLATFORM, NULL, "openid enterprise"},
        {CLIENT_PLATFORM, "login", "openid enterprise"},
        {CLIENT_PLATFORM, "consent", "openid enterprise offline_access"},
        {CLIENT_PLATFORM, "login consent", "openid enterprise offline_access"},
        {CLIENT_OTHER, "consent", "openid enterprise"}, /* it could not use a refresh token */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct browser browser = {.cookie = NULL};
        struct asking asking = asking_of(cases[i].client);
        asking.scope = "openid enterprise offline_access";
        asking.prompt = cases[i].prompt;
        const char *id = interaction_in(authorize(&browser, &asking), "/sign-in?");
        assert_string_equal(interaction_of(id, &browser)->scope, cases[i].scope);
    }
}

/* Whoever agreed to offline access has agreed to the same without. */
static void remembered_consent_with_offline_access_covers_the_rest(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    const struct consent consent = {.enterprise = world.holders[LOCK_BELL].enterprise.id,
                                    .client = "platform",
                                    .scope = "openid enterprise offline_access",
                                    .claims = {.userinfo = claims_of_scope("enterprise")}};
    assert_int_equal(consent_give(&world.app.access, world.arena, &consent, world.now), IDP_OK);
    assert_non_null(code_for(&browser, &asking));
}

static void claims_parameter_is_understood(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    struct asking asking = asking_of(CLIENT_PLATFORM);
    asking.claims = "{\"id_token\":{\"uscc\":null},\"userinfo\":{\"email\":null}}";
    const char *id = interaction_in(authorize(&browser, &asking), "/sign-in?");
    const struct interaction *in = interaction_of(id, &browser);
    assert_int_equal(in->claims.id_token, CLAIM_USCC);
    assert_int_equal(in->claims.userinfo, claims_of_scope("enterprise") | CLAIM_EMAIL);
    asking.claims = "{\"id_token\":[]}";
    expect_error_at_client(authorize(&browser, &asking), &asking, "invalid_request");
}

static void consent_is_asked_anew_when_other_claims_are(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    assert_non_null(query_value(authorize(&browser, &asking)->location, "code"));
    asking.claims = "{\"id_token\":{\"email\":null}}";
    (void)interaction_in(authorize(&browser, &asking), "/consent?");
    asking.claims = NULL;
    asking.scope = "openid enterprise email";
    (void)interaction_in(authorize(&browser, &asking), "/consent?");
}

/* --- refusals that go to the client ----------------------------------------------------------- */

static void what_is_wrong_with_a_request_goes_to_its_client(void **state)
{
    (void)state;
    const struct asking good = asking_of(CLIENT_PLATFORM);
    struct asking bad[16];
    static const char *const errors[16] = {"invalid_request",           "unsupported_response_type",
                                           "unsupported_response_type", "unsupported_response_type",
                                           "invalid_request",           "invalid_request",
                                           "request_not_supported",     "request_uri_not_supported",
                                           "invalid_request",           "invalid_request",
                                           "invalid_request",           "invalid_request",
                                           "invalid_request",           "invalid_request",
                                           "invalid_request",           "invalid_request"};
    for (size_t i = 0; i < 16; i++)
        bad[i] = good;
    bad[0].response_type = NULL;
    bad[1].response_type = "token";
    bad[2].response_type = "code id_token";
    bad[3].response_type = "CODE";
    bad[4].response_mode = "form_post";
    bad[5].response_mode = "fragment";
    bad[6].request = "eyJhbGciOiJub25lIn0.e30."; /* docs/security.md row 13 */
    bad[7].request_uri = "https://evil.example/request";
    bad[8].code_challenge = NULL;
    bad[9].code_challenge_method = NULL;
    bad[10].code_challenge_method = "plain";
    bad[11].code_challenge = "short";
    bad[12].state = NULL;
    bad[12].nonce = "not UTF-8: \xff";
    bad[13].nonce = "a\ncontrol";
    bad[14].claims = "claims";
    bad[15].claims = "{\"userinfo\":{\"name\":true}}";
    for (size_t i = 0; i < 16; i++) {
        struct browser browser = {.cookie = NULL};
        expect_error_at_client(authorize(&browser, &bad[i]), &bad[i], errors[i]);
    }
}

static void state_that_is_not_printable_is_refused_and_not_repeated(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    struct asking asking = asking_of(CLIENT_PLATFORM);
    static const char *const bad[] = {"a\r\nLocation: x", "\x7f", "\xe4\xb8\xad", "a\tb"};
    for (size_t i = 0; i < 4; i++) {
        asking.state = bad[i];
        const struct answer *answer = authorize(&browser, &asking);
        assert_string_equal(query_value(answer->location, "error"), "invalid_request");
        assert_null(query_value(answer->location, "state"));
    }
}

/* --- refusals that go to nobody (docs/security.md row 1 to 3)
 * -----------------------------------------
 */

static void unknown_client_is_a_page(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    struct asking asking = asking_of(CLIENT_PLATFORM);
    static const char *const ids[] = {NULL, "", "nobody", "Platform", "platform ", "platform%00"};
    for (size_t i = 0; i < 6; i++) {
        asking.client_id = ids[i];
        expect_page(authorize(&browser, &asking), 400, "client.unknown");
    }
}

static void client_that_is_not_active_is_a_page(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    static const char *const standings[] = {"suspended", "announced"};
    for (size_t i = 0; i < 2; i++) {
        world_sql(arena_printf(world.arena, "UPDATE clients SET standing = '%s'", standings[i]));
        world_forget_clients();
        expect_page(authorize(&browser, &asking), 403, "client.not_active");
    }
}

static void announced_platform_has_nowhere_to_send_anybody(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    struct asking asking = asking_of(CLIENT_SOON);
    asking.redirect_uri = "https://soon.example/cb";
    expect_page(authorize(&browser, &asking), 400, "client.redirect_uri");
}

static void redirect_uri_of_another_client_is_a_page(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct asking asking = asking_of(CLIENT_PLATFORM);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    asking.redirect_uri = world.redirect_uris[CLIENT_OTHER];
    expect_page(authorize(&browser, &asking), 400, "client.redirect_uri");
    asking.redirect_uri = NULL;
    expect_page(authorize(&browser, &asking), 400, "client.redirect_uri");
}

/* Whatever else is wrong: with an unregistered address nobody is sent there. */
static void no_error_sends_anybody_to_an_unregistered_address(void **state)
{
    (void)state;
    const struct asking good = asking_of(CLIENT_PLATFORM);
    struct asking bad[10];
    for (size_t i = 0; i < 10; i++) {
        bad[i] = good;
        bad[i].redirect_uri = "https://evil.example/cb";
    }
    bad[0].response_type = "token";
    bad[1].response_mode = "form_post";
    bad[2].scope = "email";
    bad[3].code_challenge = NULL;
    bad[4].prompt = "none";
    bad[5].max_age = "x";
    bad[6].claims = "x";
    bad[7].request = "x";
    bad[8].state = "\x7f";
    bad[9].client_id = "nobody";
    for (size_t i = 0; i < 10; i++) {
        struct browser browser = {.cookie = NULL};
        const struct answer *answer = authorize(&browser, &bad[i]);
        assert_int_equal(answer->status, 400);
        assert_null(answer->location);
        assert_null(strstr(answer->body, "evil.example"));
    }
}

static void parameter_that_comes_twice_is_a_page(void **state)
{
    (void)state;
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    for (const struct param *p = oauth_authorize_route.params; p->name != NULL; p++) {
        const char *query =
            arena_printf(world.arena, "%s&%s=x&%s=y", asking_text(&asking), p->name, p->name);
        expect_page(world_send(&(struct sent){.route = &oauth_authorize_route, .query = query}),
                    400, "request.shape");
        expect_page(world_send(&(struct sent){.route = &oauth_authorize_route, .body = query}), 400,
                    "request.shape");
    }
}

static void parameter_that_is_too_long_is_a_page(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    struct asking asking = asking_of(CLIENT_PLATFORM);
    asking.state = arena_printf(world.arena, "%02049d", 1);
    expect_page(authorize(&browser, &asking), 400, "request.shape");
}

/* --- stores and limits ------------------------------------------------------------------------ */

static void dead_stores_send_nobody_anywhere(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    world_sql_is_down(true);
    expect_page(authorize(&browser, &asking), 503, "server.unavailable");
    world_sql_is_down(false);
    world_kv_is_down(true);
    const struct answer *answer = authorize(&browser, &asking);
    expect_page(answer, 503, "server.unavailable");
    assert_non_null(answer->retry_after);
    assert_null(answer->set_cookie);
}

static void store_that_is_full_of_interactions_is_busy(void **state)
{
    (void)state;
    struct browser browser = {.cookie = NULL};
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    world.kv.error = IDP_FULL;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_INTERACTION;
    expect_page(authorize(&browser, &asking), 503, "server.unavailable");
}

static void address_that_asks_too_often_is_told_so(void **state)
{
    (void)state;
    const struct asking asking = asking_of(CLIENT_PLATFORM);
    struct sent sent = {.route = &oauth_authorize_route, .query = asking_text(&asking)};
    world.app.config.rate_authorize = 3;
    for (int i = 0; i < 3; i++)
        assert_int_equal(world_send(&sent)->status, 303);
    expect_page(world_send(&sent), 429, "rate.limited");
    sent.address = "192.0.2.8";
    assert_int_equal(world_send(&sent)->status, 303);
}

/* --- no memory -------------------------------------------------------------------------------- */

static int allocations_left;

static void *scarce_malloc(size_t n)
{
    return allocations_left-- > 0 ? malloc(n) : NULL;
}

/* Jansson's n-th allocation fails, for every n until the request gets through: it never does so
 * with less than it asked for. (Jansson calls some of these failures a syntax error.) */
static void no_memory_never_loses_a_claim(void **state)
{
    (void)state;
    struct browser browser = visitor();
    struct asking asking = asking_of(CLIENT_PLATFORM);
    asking.claims = "{\"id_token\":{\"uscc\":null},\"userinfo\":{\"email\":{\"essential\":true}}}";
    (void)authorize(&browser, &asking); /* the client's row is known */
    const char *id = NULL;
    json_set_alloc_funcs(scarce_malloc, free);
    for (int n = 0; id == NULL && n < 200; n++) {
        allocations_left = n;
        const struct answer *answer = authorize(&browser, &asking);
        assert_true(answer->status == 303 || answer->status == 500);
        assert_null(query_value(answer->location, "code"));
        id = query_value(answer->location, "interaction");
    }
    json_set_alloc_funcs(malloc, free);
    const struct interaction *in = interaction_of(id, &browser);
    assert_int_equal(in->claims.id_token, CLAIM_USCC);
    assert_int_equal(in->claims.userinfo, claims_of_scope("enterprise") | CLAIM_EMAIL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(stranger_is_sent_to_sign_in_and_gets_a_session),
        WORLD_TEST(browser_that_has_a_session_keeps_it),
        WORLD_TEST(who_is_signed_in_is_asked_for_consent),
        WORLD_TEST(who_consented_before_goes_straight_back),
        WORLD_TEST(post_is_as_good_as_get),
        WORLD_TEST(post_without_a_cookie_is_asked_again_as_get),
        WORLD_TEST(post_that_no_header_can_hold_is_refused),
        WORLD_TEST(redirect_uri_keeps_its_query),
        WORLD_TEST(request_without_state_gets_none),
        WORLD_TEST(long_state_comes_back_whole),
        WORLD_TEST(parameters_nobody_knows_are_ignored),
        WORLD_TEST(prompt_none_never_shows_a_page),
        WORLD_TEST(prompt_login_asks_for_the_lock_again),
        WORLD_TEST(prompt_consent_asks_again),
        WORLD_TEST(sign_in_older_than_max_age_does_not_do),
        WORLD_TEST(max_age_zero_is_prompt_login),
        WORLD_TEST(max_age_that_is_no_number_is_refused),
        WORLD_TEST(launch_from_the_portal_asks_for_consent_again_once),
        WORLD_TEST(lock_of_the_other_environment_has_to_be_changed),
        WORLD_TEST(unknown_scopes_are_dropped_and_known_ones_need_registration),
        WORLD_TEST(no_scope_means_all_that_is_registered),
        WORLD_TEST(offline_access_is_heard_with_the_consent_page_only),
        WORLD_TEST(remembered_consent_with_offline_access_covers_the_rest),
        WORLD_TEST(claims_parameter_is_understood),
        WORLD_TEST(consent_is_asked_anew_when_other_claims_are),
        WORLD_TEST(what_is_wrong_with_a_request_goes_to_its_client),
        WORLD_TEST(state_that_is_not_printable_is_refused_and_not_repeated),
        WORLD_TEST(unknown_client_is_a_page),
        WORLD_TEST(client_that_is_not_active_is_a_page),
        WORLD_TEST(announced_platform_has_nowhere_to_send_anybody),
        WORLD_TEST(redirect_uri_of_another_client_is_a_page),
        WORLD_TEST(no_error_sends_anybody_to_an_unregistered_address),
        WORLD_TEST(parameter_that_comes_twice_is_a_page),
        WORLD_TEST(parameter_that_is_too_long_is_a_page),
        WORLD_TEST(dead_stores_send_nobody_anywhere),
        WORLD_TEST(store_that_is_full_of_interactions_is_busy),
        WORLD_TEST(address_that_asks_too_often_is_told_so),
        WORLD_TEST(no_memory_never_loses_a_claim),
    };
    return cmocka_run_group_tests_name("oauth/authorize", tests, world_prepare, world_forget);
}
