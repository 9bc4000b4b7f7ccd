#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "pki/lock/lock_answer.h"
#include "pki/reasons.h"

static struct world {
    struct arena *arena;
    json_t *json;
    struct refusal why;
    struct lock_answer answer;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.arena = arena_new()};
    w.json = json_pack("{s:s,s:s,s:s,s:s,s:s}", "format", "tamga-lock:1", "algorithm", "ES256",
                       "certificate", "MAMCAQU=", "signature", "AAECAw==", "agentVersion", "0.1.0");
    return w.json == NULL || w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(w.json);
    arena_free(w.arena);
    return 0;
}

static enum idp_err read_it(void)
{
    return lock_answer_read(w.arena, w.json, &w.why, &w.answer);
}

static void expect_shape(void)
{
    assert_int_equal(read_it(), IDP_REFUSED);
    assert_string_equal(w.why.reason->code, "lock.shape");
}

static void answer_is_read(void **state)
{
    (void)state;
    static const unsigned char certificate[] = {0x30, 3, 2, 1, 5};
    static const unsigned char signature[] = {0, 1, 2, 3};
    assert_int_equal(read_it(), IDP_OK);
    assert_int_equal(w.answer.algorithm, LOCK_ES256);
    assert_int_equal(w.answer.certificate_len, sizeof(certificate));
    assert_memory_equal(w.answer.certificate, certificate, sizeof(certificate));
    assert_int_equal(w.answer.signature_len, sizeof(signature));
    assert_memory_equal(w.answer.signature, signature, sizeof(signature));
    assert_string_equal(w.answer.agent_version, "0.1.0");
    assert_null(w.answer.known);
}

static void every_algorithm_is_known_by_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"RS256", "PS256", "ES256", "SM2"};
    for (size_t i = 0; i < 4; i++) {
        json_object_set_new(w.json, "algorithm", json_string(names[i]));
        assert_int_equal(read_it(), IDP_OK);
        assert_string_equal(lock_algorithm_name(w.answer.algorithm), names[i]);
    }
}

static void unknown_algorithm_has_its_own_reason(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "RS1", "rs256", "HS256", "ES384", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        json_object_set_new(w.json, "algorithm", json_string(names[i]));
        assert_int_equal(read_it(), IDP_REFUSED);
        assert_string_equal(w.why.reason->code, "lock.algorithm");
    }
}

static void members_have_to_be_exactly_those(void **state)
{
    (void)state;
    static const char *const names[] = {"format", "algorithm", "certificate", "signature",
                                        "agentVersion"};
    for (size_t i = 0; i < 5; i++) {
        json_t *before = json_copy(w.json);
        json_object_del(w.json, names[i]);
        expect_shape();
        json_object_set_new(w.json, "more", json_string("x")); /* five again */
        expect_shape();
        json_object_del(w.json, "more");
        json_object_set_new(w.json, names[i], json_integer(1));
        expect_shape();
        json_object_set_new(w.json, names[i], json_stringn("a\0b", 3));
        expect_shape();
        json_decref(w.json);
        w.json = before;
    }
    json_object_set_new(w.json, "origin", json_string("https://evil.example"));
    expect_shape();
}

static void other_things_than_an_object_are_refused(void **state)
{
    (void)state;
    json_decref(w.json);
    w.json = json_array();
    expect_shape();
    json_decref(w.json);
    w.json = NULL;
    expect_shape();
}

static void malformed_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } bad[] = {
        {"format", "tamga-lock:2"}, {"format", "tamga-lock:1 "}, {"certificate", ""},
        {"certificate", "MAMCAQU"}, {"certificate", "MAMC_QU="}, {"certificate", "MAMCAQU=\n"},
        {"signature", ""},          {"signature", "A"},          {"signature", "AB=="},
        {"agentVersion", ""},       {"agentVersion", "0.1 0"},   {"agentVersion", "0.1\x7f"},
        {"agentVersion", "版本"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        json_t *before = json_copy(w.json);
        json_object_set_new(w.json, bad[i].name, json_string(bad[i].value));
        expect_shape();
        json_decref(w.json);
        w.json = before;
    }
}

/* A member of so many decoded bytes. */
static void put_bytes(const char *name, size_t n)
{
    size_t len = (n + 2) / 3 * 4;
    char *text = malloc(len + 1);
    memset(text, 'A', len);
    if (n % 3 != 0)
        memset(text + len - (3 - n % 3), '=', 3 - n % 3);
    text[len] = '\0';
    json_object_set_new(w.json, name, json_string(text));
    free(text);
}

static void limits_are_exact(void **state)
{
    (void)state;
    char version[LOCK_AGENT_VERSION_MAX + 2];
    put_bytes("certificate", LOCK_CERTIFICATE_MAX);
    put_bytes("signature", LOCK_SIGNATURE_MAX);
    memset(version, '1', sizeof(version));
    version[LOCK_AGENT_VERSION_MAX] = '\0';
    json_object_set_new(w.json, "agentVersion", json_string(version));
    assert_int_equal(read_it(), IDP_OK);
    version[LOCK_AGENT_VERSION_MAX] = '1';
    version[LOCK_AGENT_VERSION_MAX + 1] = '\0';
    json_object_set_new(w.json, "agentVersion", json_string(version));
    expect_shape();
    json_object_set_new(w.json, "agentVersion", json_string("1"));
    put_bytes("certificate", LOCK_CERTIFICATE_MAX + 1);
    expect_shape();
    put_bytes("certificate", 5);
    put_bytes("signature", LOCK_SIGNATURE_MAX + 1);
    expect_shape();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(answer_is_read),
        TEST(every_algorithm_is_known_by_its_name),
        TEST(unknown_algorithm_has_its_own_reason),
        TEST(members_have_to_be_exactly_those),
        TEST(other_things_than_an_object_are_refused),
        TEST(malformed_values_are_refused),
        TEST(limits_are_exact),
    };
    return cmocka_run_group_tests_name("pki/lock_answer", tests, NULL, NULL);
}
