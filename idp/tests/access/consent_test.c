#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/authorization.h"
#include "access/claims.h"
#include "access/consent.h"
#include "access/interaction.h"
#include "base/json_out.h"
#include "base/text.h"
#include "client/client.h"
#include "pki/pki.h"
#include "tests/access/world.h"

/* --- claims ---------------------------------------------------------------------------------- */

static void scopes_carry_their_claims(void **state)
{
    (void)state;
    assert_int_equal(claims_of_scope("openid"), 0);
    assert_int_equal(claims_of_scope("openid enterprise"), CLAIM_NAME | CLAIM_USCC |
                                                               CLAIM_ENTITY_TYPES | CLAIM_REGION |
                                                               CLAIM_LEGAL_REPRESENTATIVE);
    assert_int_equal(claims_of_scope("lock email phone address"),
                     CLAIM_LOCK | CLAIM_EMAIL | CLAIM_PHONE | CLAIM_ADDRESS);
    assert_int_equal(claims_of_scope("enterprises lo ck"), 0);
}

static void names_of_claims_go_to_text_and_back(void **state)
{
    (void)state;
    for (uint32_t set = 0; set < 512; set++)
        assert_int_equal(claims_from_text(claims_to_text(world.arena, set)), set);
    assert_int_equal(claims_from_text("nobody knows"), 0);
}

static enum idp_err parse(const char *text, struct claims_asked *out)
{
    return claims_parse(world.arena, text, "openid enterprise email", out);
}

static void claims_parameter_asks_for_what_the_client_is_registered_for(void **state)
{
    (void)state;
    struct claims_asked asked = {.userinfo = CLAIM_NAME};
    assert_int_equal(
        parse("{\"userinfo\":{\"email\":null,\"phone_number\":null,\"nickname\":null},"
              "\"id_token\":{\"uscc\":{\"essential\":true},\"lock\":null,\"auth_time\":null},"
              "\"other\":{\"name\":null}}",
              &asked),
        IDP_OK);
    assert_int_equal(asked.userinfo, CLAIM_NAME | CLAIM_EMAIL);
    assert_int_equal(asked.id_token, CLAIM_USCC);
}

static void malformed_claims_parameters_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "\"userinfo\"",
        "null",
        "{\"userinfo\":[]}",
        "{\"userinfo\":null}",
        "{\"id_token\":\"uscc\"}",
        "{\"id_token\":{\"uscc\":true}}",
        "{\"id_token\":{\"uscc\":\"x\"}}",
        "{\"userinfo\":{\"name\":null},\"id_token\":{\"uscc\":1}}",
        "{\"userinfo\":{},\"userinfo\":{}}",
        "{} {}",
        "{\"userinfo\":{\"name\":null}",
        "{\"userinfo\":{\"\xff\":null}}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct claims_asked asked = {.userinfo = CLAIM_ADDRESS};
        assert_int_equal(parse(bad[i], &asked), IDP_BAD_REQUEST);
        assert_int_equal(asked.userinfo, CLAIM_ADDRESS);
        assert_int_equal(asked.id_token, 0);
    }
}

static const char *written(uint32_t set, const struct holder *holder)
{
    char *buffer = arena_alloc(world.arena, 4096);
    struct json_out json = json_out_new(buffer, 4096);
    json_out_object(&json, NULL);
    claims_write(&json, set, holder, pki_trust(world.app.pki, world.arena));
    json_out_end_object(&json);
    assert_true(json_out_done(&json) > 0);
    return buffer;
}

static void claims_are_written_as_documented(void **state)
{
    (void)state;
    const struct holder *bell = &world.holders[LOCK_BELL];
    assert_string_equal(written(0, bell), "{}");
    assert_string_equal(written(CLAIM_NAME | CLAIM_USCC | CLAIM_ENTITY_TYPES | CLAIM_REGION |
                                    CLAIM_LEGAL_REPRESENTATIVE,
                                bell),
                        "{\"name\":\"风铃建设有限公司\",\"uscc\":\"" REGION_USCC
                        "\",\"entity_types\":[\"bidder\",\"supplier\"],\"region\":\"hohhot\","
                        "\"legal_representative\":\"张三\"}");
    assert_string_equal(written(CLAIM_EMAIL | CLAIM_PHONE | CLAIM_ADDRESS, bell),
                        "{\"email\":\"office@bidder.example\",\"email_verified\":false,"
                        "\"phone_number\":\"0471-555-6666\",\"phone_number_verified\":false,"
                        "\"address\":{\"formatted\":\"呼和浩特市新城区一号\"}}");
    assert_string_equal(written(CLAIM_LOCK, bell),
                        arena_printf(world.arena,
                                     "{\"lock\":{\"issuer\":\"one\",\"issuer_name\":"
                                     "\"示例认证中心\",\"issuer_name#en\":\"Example Authority\","
                                     "\"serial\":\"%s\","
                                     "\"not_after\":%lld,\"key_number\":\"KEY0001\"}}",
                                     bell->lock.serial, (long long)bell->lock.not_after));
}

static void lock_without_key_number_has_none_in_its_claim(void **state)
{
    (void)state;
    struct holder holder = world.holders[LOCK_BELL];
    holder.lock.key_number = NULL;
    assert_null(strstr(written(CLAIM_LOCK, &holder), "key_number"));
}

static void lock_of_an_authority_that_left_has_no_issuer_name(void **state)
{
    (void)state;
    struct holder holder = world.holders[LOCK_BELL];
    holder.lock.authority = "gone";
    const char *text = written(CLAIM_LOCK, &holder);
    assert_non_null(strstr(text, "\"issuer\":\"gone\""));
    assert_null(strstr(text, "issuer_name"));
}

static void every_plain_claim_can_be_shown(void **state)
{
    (void)state;
    const struct holder *bell = &world.holders[LOCK_BELL];
    for (const struct claim_kind *k = claim_kinds; k->bit != 0; k++) {
        bool plain = (k->bit & (CLAIM_LOCK | CLAIM_ENTITY_TYPES | CLAIM_REGION)) == 0;
        assert_int_equal(claims_show(k->bit, bell) != NULL, plain);
        assert_true(text_list_has(claims_scopes, k->scope));
    }
}

/* --- consents -------------------------------------------------------------------------------- */

static struct consent usual(void)
{
    return (struct consent){.enterprise = world.holders[LOCK_BELL].enterprise.id,
                            .client = "platform",
                            .scope = "openid enterprise",
                            .claims = {.userinfo = CLAIM_NAME | CLAIM_USCC}};
}

static enum idp_err find(const struct consent *consent)
{
    return consent_find(&world.app.access, world.arena, consent);
}

static enum idp_err give(const struct consent *consent)
{
    return consent_give(&world.app.access, world.arena, consent, world.now);
}

static void consent_is_remembered_for_what_was_shown(void **state)
{
    (void)state;
    const struct consent consent = usual();
    assert_int_equal(find(&consent), IDP_NOT_FOUND);
    assert_int_equal(give(&consent), IDP_OK);
    assert_int_equal(find(&consent), IDP_OK);
    assert_int_equal(world_number("SELECT COUNT(*) FROM audit WHERE event = 'consent_given'"), 1);
    assert_string_equal(world_text("SELECT detail FROM audit WHERE event = 'consent_given'"),
                        "{\"scope\":\"openid enterprise\",\"claims\":\"name uscc\"}");
}

static void anything_else_has_to_be_asked(void **state)
{
    (void)state;
    struct consent others[5];
    const struct consent given = usual();
    for (size_t i = 0; i < 5; i++)
        others[i] = given;
    others[0].enterprise = world.holders[LOCK_HARBOUR].enterprise.id;
    others[1].client = "other";
    others[2].scope = "openid enterprise email";
    others[3].claims.userinfo = CLAIM_NAME;
    others[4].claims.id_token = CLAIM_EMAIL;
    assert_int_equal(give(&given), IDP_OK);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(find(&others[i]), IDP_NOT_FOUND);
}

static void new_consent_takes_the_place_of_the_old(void **state)
{
    (void)state;
    const struct consent first = usual();
    struct consent second = usual();
    second.scope = "openid";
    second.claims.userinfo = 0;
    assert_int_equal(give(&first), IDP_OK);
    assert_int_equal(give(&second), IDP_OK);
    assert_int_equal(find(&first), IDP_NOT_FOUND);
    assert_int_equal(find(&second), IDP_OK);
}

static void dead_database_is_neither_yes_nor_no(void **state)
{
    (void)state;
    const struct consent consent = usual();
    world_sql_is_down(true);
    assert_int_equal(give(&consent), IDP_UNAVAILABLE);
    assert_int_equal(find(&consent), IDP_UNAVAILABLE);
    world_sql_is_down(false);
    assert_int_equal(find(&consent), IDP_NOT_FOUND);
}

/* --- what stands in the way, and the answers -------------------------------------------------- */

static enum authorization_need need_of(const struct interaction *in, const struct browser *browser)
{
    enum authorization_need need = AUTHORIZATION_SIGN_IN;
    assert_int_equal(
        authorization_need(&world.app.access, world.arena, in, session_of(browser), &need), IDP_OK);
    return need;
}

static struct interaction asked(void)
{
    const struct consent consent = usual();
    return (struct interaction){.client = consent.client,
                                .redirect_uri = "https://platform.example/cb",
                                .scope = consent.scope,
                                .claims = consent.claims,
                                .code_challenge = "x",
                                .began = world.now};
}

static void what_is_needed_follows_from_session_and_consent(void **state)
{
    (void)state;
    struct browser stranger = visitor();
    struct browser browser = signed_in(LOCK_BELL);
    const struct consent consent = usual();
    struct interaction in = asked();
    assert_int_equal(need_of(&in, &stranger), AUTHORIZATION_SIGN_IN);
    assert_int_equal(need_of(&in, &browser), AUTHORIZATION_CONSENT);
    assert_int_equal(give(&consent), IDP_OK);
    assert_int_equal(need_of(&in, &browser), AUTHORIZATION_NOTHING);
    in.ask_consent = true;
    assert_int_equal(need_of(&in, &browser), AUTHORIZATION_CONSENT);
    in.ask_sign_in = true;
    assert_int_equal(need_of(&in, &browser), AUTHORIZATION_SIGN_IN);
}

static void sign_in_that_is_too_old_does_not_do(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct interaction in = asked();
    in.signed_in_since = world.now;
    assert_int_equal(need_of(&in, &browser), AUTHORIZATION_CONSENT);
    in.signed_in_since = world.now + 1;
    assert_int_equal(need_of(&in, &browser), AUTHORIZATION_SIGN_IN);
}

static const char *refused(const char *uri, const char *state)
{
    static const struct authorization_error error = {"invalid_request", "a & b = c"};
    return authorization_refuse(&world.app.access, world.arena, uri, state, &error);
}

static void answers_keep_the_redirect_uri_byte_for_byte(void **state)
{
    (void)state;
    assert_string_equal(refused("https://a.example/cb", NULL),
                        "https://a.example/cb?error=invalid_request&error_description="
                        "a%20%26%20b%20%3D%20c&iss=http%3A%2F%2F127.0.0.1%3A8080");
    assert_string_equal(refused("https://a.example/cb?x=%2f&y", "s"),
                        "https://a.example/cb?x=%2f&y&error=invalid_request&error_description="
                        "a%20%26%20b%20%3D%20c&state=s&iss=http%3A%2F%2F127.0.0.1%3A8080");
}

static void state_of_every_character_comes_back_as_it_was(void **state)
{
    (void)state;
    char text[96];
    for (char c = 0x20; c < 0x7F; c++)
        text[c - 0x20] = c;
    text[95] = '\0';
    const char *uri = refused("https://a.example/cb", text);
    assert_null(strpbrk(uri, " <>\"\\^`{|}#"));
    assert_string_equal(query_value(uri, "state"), text);
}

static void test_and_production_never_meet(void **state)
{
    (void)state;
    struct browser test = signed_in(LOCK_BELL);
    struct browser production = signed_in(LOCK_PRODUCTION);
    struct client client = {.environment = CLIENT_TEST};
    assert_true(authorization_lock_fits(&world.app.access, &client, session_of(&test)));
    assert_false(authorization_lock_fits(&world.app.access, &client, session_of(&production)));
    client.environment = CLIENT_PRODUCTION;
    assert_false(authorization_lock_fits(&world.app.access, &client, session_of(&test)));
    assert_true(authorization_lock_fits(&world.app.access, &client, session_of(&production)));
}

static void lock_of_an_authority_that_left_the_trust_list_fits_nowhere(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    struct client client = {.environment = CLIENT_TEST};
    struct session session = *session_of(&browser);
    session.authority = "gone";
    assert_false(authorization_lock_fits(&world.app.access, &client, &session));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(scopes_carry_their_claims),
        WORLD_TEST(names_of_claims_go_to_text_and_back),
        WORLD_TEST(claims_parameter_asks_for_what_the_client_is_registered_for),
        WORLD_TEST(malformed_claims_parameters_are_refused_and_change_nothing),
        WORLD_TEST(claims_are_written_as_documented),
        WORLD_TEST(lock_without_key_number_has_none_in_its_claim),
        WORLD_TEST(lock_of_an_authority_that_left_has_no_issuer_name),
        WORLD_TEST(every_plain_claim_can_be_shown),
        WORLD_TEST(consent_is_remembered_for_what_was_shown),
        WORLD_TEST(anything_else_has_to_be_asked),
        WORLD_TEST(new_consent_takes_the_place_of_the_old),
        WORLD_TEST(dead_database_is_neither_yes_nor_no),
        WORLD_TEST(what_is_needed_follows_from_session_and_consent),
        WORLD_TEST(sign_in_that_is_too_old_does_not_do),
        WORLD_TEST(answers_keep_the_redirect_uri_byte_for_byte),
        WORLD_TEST(state_of_every_character_comes_back_as_it_was),
        WORLD_TEST(test_and_production_never_meet),
        WORLD_TEST(lock_of_an_authority_that_left_the_trust_list_fits_nowhere),
    };
    return cmocka_run_group_tests_name("access/consent", tests, world_prepare, world_forget);
}
