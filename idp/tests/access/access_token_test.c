#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/access_token.h"
#include "access/code.h"
#include "base/base64.h"
#include "base/random.h"
#include "tests/access/world.h"

static const char *make(void)
{
    struct browser browser = signed_in(LOCK_BELL);
    return token_of(granted(CLIENT_PLATFORM, &browser));
}

/* The text goes in an exact-size block, so that ASan sees a byte too many read. */
static enum idp_err read_exact(const char *text, struct access_token *out)
{
    size_t size = strlen(text) + 1;
    char *exact = malloc(size);
    assert_non_null(exact);
    memcpy(exact, text, size);
    enum idp_err err = access_token_read(&world.app.access, exact, world.now, out);
    free(exact);
    return err;
}

static enum idp_err try(const char *text)
{
    struct access_token token;
    return read_exact(text, &token);
}

static void token_leads_to_its_grant(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct grant *grant = granted(CLIENT_PLATFORM, &browser);
    const struct grant *found = NULL;
    struct access_token token;
    assert_int_equal(access_token_find(&world.app.access, world.arena, token_of(grant), world.now,
                                       &token, &found),
                     IDP_OK);
    assert_memory_equal(found->id, grant->id, GRANT_ID_SIZE);
    assert_int_equal(token.issued, world.now);
    assert_int_equal(token.expires, world.now + 600);
    assert_string_equal(found->client, "platform");
}

static void tokens_of_one_grant_differ(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct grant *grant = granted(CLIENT_PLATFORM, &browser);
    assert_string_not_equal(token_of(grant), token_of(grant));
}

/* docs/security.md row 20: each bit of each character. */
static void one_flipped_bit_spoils_a_token(void **state)
{
    (void)state;
    char text[256];
    const char *good = make();
    size_t len = strlen(good);
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(text, good, len + 1);
            text[i] = (char)(text[i] ^ 1 << bit);
            assert_int_equal(try(text), IDP_BAD_TOKEN);
        }
    }
    assert_int_equal(try(good), IDP_OK);
}

/* And each bit of the bytes behind the text: the expiry, the grant, the key id. */
static void one_flipped_bit_of_the_bytes_spoils_a_token(void **state)
{
    (void)state;
    unsigned char bytes[128];
    char text[256];
    size_t n = 0;
    const char *good = make();
    assert_int_equal(base64url_decode(good, strlen(good), bytes, sizeof(bytes), &n), IDP_OK);
    for (size_t i = 0; i < 8 * n; i++) {
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        base64url_encode(bytes, n, text);
        assert_int_equal(try(text), IDP_BAD_TOKEN);
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
    }
}

static void text_of_another_length_is_no_token(void **state)
{
    (void)state;
    const char *good = make();
    char *text = arena_printf(world.arena, "%sA", good);
    assert_int_equal(try(text), IDP_BAD_TOKEN);
    text[strlen(good) - 1] = '\0';
    assert_int_equal(try(text), IDP_BAD_TOKEN);
    assert_int_equal(try(""), IDP_BAD_TOKEN);
    assert_int_equal(try("."), IDP_BAD_TOKEN);
}

/* docs/security.md row 5. */
static void what_is_something_else_is_no_token(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *code = NULL;
    const struct session *session = session_of(&browser);
    const struct code wanted = {.client = "platform",
                                .redirect_uri = "https://platform.example/cb",
                                .code_challenge = "x",
                                .scope = "openid",
                                .enterprise = session->enterprise,
                                .lock = session->lock,
                                .session = session->hash,
                                .acr = "a",
                                .amr = "b",
                                .issued = world.now,
                                .expires = world.now + 60};
    assert_int_equal(code_issue(&world.app.access, world.arena, &wanted, &code), IDP_OK);
    assert_int_equal(try(code), IDP_BAD_TOKEN);
    assert_int_equal(try(browser.cookie), IDP_BAD_TOKEN);
    assert_int_equal(try(browser.token), IDP_BAD_TOKEN);
    assert_int_equal(try(session->hash), IDP_BAD_TOKEN);
}

static void random_text_of_the_right_length_is_no_token(void **state)
{
    (void)state;
    unsigned char bytes[67];
    char text[128];
    size_t len = strlen(make());
    for (int key_id = 0; key_id < 256; key_id++) {
        assert_int_equal(random_bytes(bytes, sizeof(bytes)), IDP_OK);
        bytes[0] = (unsigned char)key_id;
        base64url_encode(bytes, sizeof(bytes), text);
        assert_int_equal(strlen(text), len);
        assert_int_equal(try(text), IDP_BAD_TOKEN);
    }
}

/* docs/security.md row 27. */
static void token_is_over_at_its_expiry(void **state)
{
    (void)state;
    const char *text = make();
    world.now = REGION_NOW + 599;
    assert_int_equal(try(text), IDP_OK);
    world.now++;
    assert_int_equal(try(text), IDP_BAD_TOKEN);
    world.now++;
    assert_int_equal(try(text), IDP_BAD_TOKEN);
}

static void made_up_token_asks_no_store(void **state)
{
    (void)state;
    const struct grant *grant = NULL;
    struct access_token token;
    char *text = arena_strdup(world.arena, make());
    text[50] = text[50] == 'A' ? 'B' : 'A';
    world_kv_is_down(true);
    world_sql_is_down(true);
    assert_int_equal(
        access_token_find(&world.app.access, world.arena, text, world.now, &token, &grant),
        IDP_BAD_TOKEN);
}

static void dead_store_does_not_make_a_good_token_bad(void **state)
{
    (void)state;
    const struct grant *grant = NULL;
    struct access_token token;
    const char *text = make();
    world_kv_is_down(true);
    assert_int_equal(
        access_token_find(&world.app.access, world.arena, text, world.now, &token, &grant),
        IDP_UNAVAILABLE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(token_leads_to_its_grant),
        WORLD_TEST(tokens_of_one_grant_differ),
        WORLD_TEST(one_flipped_bit_spoils_a_token),
        WORLD_TEST(one_flipped_bit_of_the_bytes_spoils_a_token),
        WORLD_TEST(text_of_another_length_is_no_token),
        WORLD_TEST(what_is_something_else_is_no_token),
        WORLD_TEST(random_text_of_the_right_length_is_no_token),
        WORLD_TEST(token_is_over_at_its_expiry),
        WORLD_TEST(made_up_token_asks_no_store),
        WORLD_TEST(dead_store_does_not_make_a_good_token_bad),
    };
    return cmocka_run_group_tests_name("access/access_token", tests, world_prepare, world_forget);
}
