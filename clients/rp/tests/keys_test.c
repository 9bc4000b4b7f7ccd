/* The provider's keys: rotation, limits, and what is not a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "rp/tests/world.h"

static void publish(struct world *w, json_t *jwk)
{
    fake_says_json(w->provider, FAKE_JWKS, json_pack("{s:[o]}", "keys", jwk));
}

/* A sign-in with a token that this key signed and that names this kid (NULL: none). */
static enum rp_err sign_in_with(struct world *w, EVP_PKEY *key, const char *kid)
{
    world_begin(w, NULL);
    if (kid == NULL)
        (void)json_object_del(w->header, "kid");
    else
        (void)json_object_set_new(w->header, "kid", json_string(kid));
    (void)json_object_set_new(w->header, "alg",
                              json_string(EVP_PKEY_is_a(key, "RSA") ? "RS256" : "ES256"));
    world_hands_out(w, fake_sign(key, json_incref(w->header), json_incref(w->claims)));
    return world_finish(w);
}

static void keys_are_fetched_once_for_many_tokens(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_OK);
    assert_int_equal(fake_asked(w->provider, FAKE_JWKS), 1);
}

static void rotated_key_is_found_by_its_kid(void **state)
{
    struct world *w = *state;
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_OK);
    publish(w, fake_jwk(w->other, "ec-2"));
    world_clock += 30;
    assert_int_equal(sign_in_with(w, w->other, "ec-2"), RP_OK);
    assert_int_equal(fake_asked(w->provider, FAKE_JWKS), 2);
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_BAD_TOKEN); /* it is gone */
}

static void made_up_kids_do_not_become_traffic(void **state)
{
    struct world *w = *state;
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_OK);
    publish(w, fake_jwk(w->other, "ec-2"));
    for (int i = 0; i < 5; i++)
        assert_int_equal(sign_in_with(w, w->other, "ec-2"), RP_BAD_TOKEN);
    assert_int_equal(fake_asked(w->provider, FAKE_JWKS), 1);
    world_clock += 29;
    assert_int_equal(sign_in_with(w, w->other, "ec-2"), RP_BAD_TOKEN);
    world_clock += 1;
    assert_int_equal(sign_in_with(w, w->other, "ec-2"), RP_OK);
}

static void withdrawn_key_does_not_live_for_ever(void **state)
{
    struct world *w = *state;
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_OK);
    publish(w, fake_jwk(w->other, "ec-2"));
    world_clock += 3599;
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_OK);
    world_clock += 1;
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_BAD_TOKEN);
}

static void provider_without_keys_lets_nobody_in(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *body;
        int status;
        enum rp_err err;
    } cases[] = {{"{}", 500, RP_UNREACHABLE},        {"{}", 404, RP_BAD_PROVIDER},
                 {"{}", 200, RP_BAD_PROVIDER},       {"{\"keys\":{}}", 200, RP_BAD_PROVIDER},
                 {"not JSON", 200, RP_BAD_PROVIDER}, {"{\"keys\":[]}", 200, RP_BAD_TOKEN}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fake_says(w->provider, FAKE_JWKS, cases[i].status, NULL, cases[i].body);
        assert_int_equal(world_meet(w), RP_OK);
        assert_int_equal(sign_in_with(w, w->ec, "ec-1"), cases[i].err);
    }
}

static void too_many_keys_are_refused(void **state)
{
    struct world *w = *state;
    json_t *list = json_array();
    for (int i = 0; i < 33; i++)
        assert_int_equal(json_array_append_new(list, fake_jwk(w->ec, NULL)), 0);
    fake_says_json(w->provider, FAKE_JWKS, json_pack("{s:o}", "keys", list));
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_BAD_PROVIDER);
}

static void two_keys_of_one_kid_are_refused(void **state)
{
    struct world *w = *state;
    fake_says_json(
        w->provider, FAKE_JWKS,
        json_pack("{s:[oo]}", "keys", fake_jwk(w->ec, "ec-1"), fake_jwk(w->rsa, "ec-1")));
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_BAD_PROVIDER);
}

/* OpenID Connect Core section 10.1: without a kid only one key can be meant. */
static void token_without_kid_needs_a_single_key(void **state)
{
    struct world *w = *state;
    assert_int_equal(sign_in_with(w, w->ec, NULL), RP_BAD_TOKEN);
    publish(w, fake_jwk(w->ec, NULL));
    assert_int_equal(world_meet(w), RP_OK);
    assert_int_equal(sign_in_with(w, w->ec, NULL), RP_OK);
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_BAD_TOKEN);
}

/* One member of a good key changed (NULL: left out), and it is none for us. */
static void unusable_keys_are_skipped(void **state)
{
    struct world *w = *state;
    static const struct {
        bool is_rsa;
        const char *name, *value;
    } cases[] = {
        {false, "use", "enc"},
        {false, "alg", "ES384"},
        {false, "alg", "RS256"},
        {false, "crv", "P-384"},
        {false, "kty", "OKP"},
        {false, "kty", "RSA"},
        {false, "kty", "oct"},
        {false, "kty", NULL},
        {false, "x", NULL},
        {false, "x", "AA"},
        {false, "y", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, /* not on the curve */
        {false, "y", "!"},
        {false, "d", "AAAA"},
        {true, "n", "AQAB"},
        {true, "n", NULL},
        {true, "e", "AQ"},
        {true, "e", "Ag"},
        {true, "e", "AQABAQABAQAB"},
        {true, "alg", "PS256"},
        {true, "use", "enc"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        EVP_PKEY *key = cases[i].is_rsa ? w->rsa : w->ec;
        json_t *jwk = fake_jwk(key, "k");
        if (cases[i].value != NULL)
            (void)json_object_set_new(jwk, cases[i].name, json_string(cases[i].value));
        else
            (void)json_object_del(jwk, cases[i].name);
        publish(w, jwk);
        assert_int_equal(world_meet(w), RP_OK);
        assert_int_equal(sign_in_with(w, key, "k"), RP_BAD_TOKEN);
    }
}

static void operations_of_a_key_are_heeded(void **state)
{
    struct world *w = *state;
    json_t *jwk = fake_jwk(w->ec, "ec-1");
    (void)json_object_set_new(jwk, "key_ops", json_pack("[s]", "encrypt"));
    publish(w, jwk);
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_BAD_TOKEN);
    jwk = fake_jwk(w->ec, "ec-1");
    (void)json_object_set_new(jwk, "key_ops", json_pack("[s]", "verify"));
    publish(w, jwk);
    assert_int_equal(world_meet(w), RP_OK);
    assert_int_equal(sign_in_with(w, w->ec, "ec-1"), RP_OK);
}

static void short_rsa_key_is_no_key(void **state)
{
    struct world *w = *state;
    EVP_PKEY *key = fake_key("short RSA");
    publish(w, fake_jwk(key, "k"));
    assert_int_equal(sign_in_with(w, key, "k"), RP_BAD_TOKEN);
    EVP_PKEY_free(key);
}

struct visitor {
    struct world *w;
    char query[512];
    char *pending;
    int good;
};

static void *visit_often(void *of)
{
    struct visitor *v = of;
    for (int i = 0; i < 20; i++) {
        struct rp_answer *answer = NULL;
        if (rp_finish(v->w->rp, v->query, v->pending, NULL, &answer) == RP_OK)
            v->good++;
        rp_answer_free(answer);
        struct rp_start start;
        if (rp_begin(v->w->rp, NULL, NULL, &start) == RP_OK)
            rp_start_free(&start);
    }
    return NULL;
}

static void threads_share_one_relying_party(void **state)
{
    struct world *w = *state;
    pthread_t threads[4];
    struct visitor visitors[4];
    w->settings.keys_age_s = 1; /* and the clock stands: keys are looked at by all at once */
    world_begin(w, NULL);
    world_hands_out(w, fake_sign(w->ec, json_incref(w->header), json_incref(w->claims)));
    for (size_t i = 0; i < 4; i++) {
        visitors[i] = (struct visitor){.w = w, .pending = w->start.pending};
        (void)snprintf(visitors[i].query, sizeof(visitors[i].query), "code=a&state=%s&iss=%s",
                       w->start.state, fake_issuer(w->provider));
        assert_int_equal(pthread_create(&threads[i], NULL, visit_often, &visitors[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(visitors[i].good, 20);
    }
    assert_int_equal(fake_asked(w->provider, FAKE_JWKS), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(keys_are_fetched_once_for_many_tokens),
        TEST(rotated_key_is_found_by_its_kid),
        TEST(made_up_kids_do_not_become_traffic),
        TEST(withdrawn_key_does_not_live_for_ever),
        TEST(provider_without_keys_lets_nobody_in),
        TEST(too_many_keys_are_refused),
        TEST(two_keys_of_one_kid_are_refused),
        TEST(token_without_kid_needs_a_single_key),
        TEST(unusable_keys_are_skipped),
        TEST(operations_of_a_key_are_heeded),
        TEST(short_rsa_key_is_no_key),
        TEST(threads_share_one_relying_party),
    };
    return cmocka_run_group_tests_name("rp/keys", tests, world_make_keys, world_drop_keys);
}
