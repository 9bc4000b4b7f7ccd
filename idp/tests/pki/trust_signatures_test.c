/* Who may make a trust list count: each way in which a signature does not (docs/security.md row 36,
 * and row 41: attacks by whoever writes files or the database). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/base64.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_signatures.h"
#include "tests/help.h"
#include "tests/pki_region.h"

static struct region_authority authority;
static struct region_holder rsa, weak, p384, stranger;

static struct {
    struct arena *arena;
    char *text; /* the list's */
    struct trust *trust;
    struct trust_managers managers;
    json_t *document;
    char *why;
} w;

/* --- the world ------------------------------------------------------------------------------- */

static void make_manager(const char *kind, struct region_holder *out)
{
    const struct region_lock how = {.kind = kind};
    region_lock_make(&authority, &how, out);
}

static int make_keys(void **state)
{
    (void)state;
    region_authority_make(&authority, "one", "P-256");
    make_manager("RSA", &rsa);
    make_manager("RSA-1024", &weak);
    make_manager("P-384", &p384);
    make_manager("P-256", &stranger);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    region_lock_clear(&rsa);
    region_lock_clear(&weak);
    region_lock_clear(&p384);
    region_lock_clear(&stranger);
    region_authority_clear(&authority);
    return 0;
}

static char *list_text(int number)
{
    json_t *entries[] = {region_entry(&authority), NULL};
    json_t *list = region_trust_list(entries);
    assert_int_equal(json_object_set_new(list, "number", json_integer(number)), 0);
    char *text = json_dumps(list, 0);
    assert_non_null(text);
    json_decref(list);
    return text;
}

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.text = list_text(1);
    w.why = NULL;
    w.managers = *region_managers();
    assert_int_equal(trust_parse("list", w.text, strlen(w.text), &w.why, &w.trust), IDP_OK);
    char *signatures = region_signatures(w.text);
    w.document = json_loads(signatures, 0, NULL);
    free(signatures);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(w.document);
    trust_free(w.trust);
    free(w.text);
    free(w.why);
    arena_free(w.arena);
    return 0;
}

static json_t *signatures(void)
{
    return json_object_get(w.document, "signatures");
}

static json_t *signature(size_t i)
{
    return json_array_get(signatures(), i);
}

static json_t *answer_of(size_t i)
{
    return json_object_get(signature(i), "answer");
}

static void set(json_t *object, const char *name, const char *value)
{
    assert_int_equal(json_object_set_new(object, name, json_string(value)), 0);
}

/* Puts a signature of this lock at the end. */
static void add(const struct region_holder *lock, const char *algorithm, const char *text)
{
    assert_int_equal(json_array_append_new(signatures(), region_signature(lock, algorithm, text)),
                     0);
}

static void pin(const struct region_holder *lock)
{
    region_key_hash(lock->certificate, w.managers.keys[w.managers.count++]);
}

/* In a block of exactly the text's size. */
static enum idp_err demand_text(const char *text)
{
    size_t len = strlen(text);
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    const struct trust_signatures document = {"beside", exact, len};
    free(w.why);
    w.why = NULL;
    enum idp_err err = trust_signatures_demand(&w.managers, &document, w.trust, &w.why);
    free(exact);
    return err;
}

static enum idp_err demand(void)
{
    char *text = json_dumps(w.document, 0);
    enum idp_err err = demand_text(text);
    free(text);
    return err;
}

/* Refused with one line that holds this; the list stays unsigned. */
static void expect_refused(const char *wanted)
{
    assert_int_equal(demand(), IDP_BAD_REQUEST);
    assert_non_null(w.why);
    if (strncmp(w.why, "beside: ", 8) != 0 || strstr(w.why, wanted) == NULL)
        fail_msg("%s\ninstead of %s", w.why, wanted);
    assert_null(strchr(w.why, '\n'));
    assert_null(w.trust->signatures);
}

/* --- good ones ------------------------------------------------------------------------------- */

/* One by P-256 with SHA-256, one by SM2 with SM3; the certificates are out of date and self-signed.
 */
static void list_counts_with_signatures_of_two_managers(void **state)
{
    (void)state;
    assert_int_equal(demand(), IDP_OK);
    assert_null(w.why);
    json_t *kept = json_loads(w.trust->signatures, 0, NULL);
    assert_true(json_equal(kept, w.document));
    json_decref(kept);
}

static void rsa_locks_sign_with_either_padding(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"RS256", "PS256"};
    pin(&rsa);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(json_array_clear(signatures()), 0);
        add(region_manager(0), "ES256", w.text);
        add(&rsa, algorithms[i], w.text);
        assert_int_equal(demand(), IDP_OK);
    }
}

/* So that a manager may go, and one list may be signed for several installations. */
static void signatures_that_do_not_count_do_no_harm(void **state)
{
    (void)state;
    add(&stranger, "ES256", w.text);
    add(&stranger, "ES256", "another text");
    assert_int_equal(demand(), IDP_OK);
}

/* --- too few --------------------------------------------------------------------------------- */

static void unsigned_list_does_not_count(void **state)
{
    (void)state;
    assert_int_equal(json_array_clear(signatures()), 0);
    expect_refused("expected signatures of 2 trust managers, 0 of 0 count");
}

static void one_signature_is_not_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < REGION_MANAGERS; i++) {
        json_t *one = json_incref(signature(i));
        assert_int_equal(json_array_clear(signatures()), 0);
        assert_int_equal(json_array_append_new(signatures(), one), 0);
        expect_refused("1 of 1 count");
        add(region_manager(1 - i), i == 1 ? "ES256" : "SM2", w.text);
    }
}

static void two_signatures_by_one_key_are_one(void **state)
{
    (void)state;
    assert_int_equal(json_array_remove(signatures(), 1), 0);
    add(region_manager(0), "ES256", w.text);
    expect_refused("1 of 2 count; signatures[1] by ");
    expect_refused(": the same key has signed already");
}

/* The same key in another certificate is the same manager. */
static void key_in_a_second_certificate_is_no_second_manager(void **state)
{
    (void)state;
    static const struct region_pair subject[] = {{"CN", "Somebody else"}, {NULL, NULL}};
    struct region_holder twin = {.key = region_manager(0)->key};
    const struct region_certificate what = {
        .key = twin.key, .subject = subject, .from = REGION_NOW, .to = REGION_NOW + REGION_DAY};
    twin.certificate = region_issue(&what);
    twin.der = region_der(twin.certificate, &twin.der_len);
    assert_int_equal(json_array_remove(signatures(), 1), 0);
    add(&twin, "ES256", w.text);
    expect_refused("1 of 2 count; signatures[1] by ");
    expect_refused(": the same key has signed already");
    X509_free(twin.certificate);
    free(twin.der);
}

static void more_may_be_demanded(void **state)
{
    (void)state;
    pin(&rsa);
    w.managers.needed = 3;
    expect_refused("expected signatures of 3 trust managers, 2 of 2 count");
    add(&rsa, "RS256", w.text);
    assert_int_equal(demand(), IDP_OK);
}

static void managers_who_are_none_make_no_list_count(void **state)
{
    (void)state;
    w.managers.any_key = true;
    assert_int_equal(demand(), IDP_FAULT);
    w.managers.any_key = false;
    w.managers.needed = 1;
    assert_int_equal(demand(), IDP_FAULT);
    assert_null(w.trust->signatures);
}

/* --- what speaks against one ----------------------------------------------------------------- */

static void key_that_is_not_pinned_is_named(void **state)
{
    (void)state;
    char key[BASE64URL_LEN(DIGEST_SIZE) + 1];
    unsigned char hash[DIGEST_SIZE];
    region_key_hash(stranger.certificate, hash);
    base64url_encode(hash, DIGEST_SIZE, key);
    assert_int_equal(json_array_remove(signatures(), 1), 0);
    add(&stranger, "ES256", w.text);
    expect_refused(arena_printf(
        w.arena, "1 of 2 count; signatures[1] by %s: the key is no trust manager's", key));
}

static void manager_who_left_does_not_count_any_more(void **state)
{
    (void)state;
    memset(w.managers.keys[1], 0, DIGEST_SIZE);
    expect_refused("the key is no trust manager's");
}

static void list_that_was_altered_is_not_the_one_that_was_signed(void **state)
{
    (void)state;
    char *other = list_text(2);
    trust_free(w.trust);
    assert_int_equal(trust_parse("list", other, strlen(other), &w.why, &w.trust), IDP_OK);
    free(other);
    expect_refused("0 of 2 count");
    expect_refused("it was given for another text of the list");
}

/* Only its bytes count: not even white space may change. */
static void blank_more_is_another_list(void **state)
{
    (void)state;
    const char *longer = arena_printf(w.arena, "%s\n", w.text);
    trust_free(w.trust);
    assert_int_equal(trust_parse("list", longer, strlen(longer), &w.why, &w.trust), IDP_OK);
    expect_refused("it was given for another text of the list");
}

static void signature_for_another_issuer_does_not_count(void **state)
{
    (void)state;
    w.managers.origin = "https://other.example";
    expect_refused("0 of 2 count");
    expect_refused("it was given for another issuer");
    /* and does not when the document says that it was for ours */
    set(signature(0), "origin", "https://other.example");
    expect_refused("the signature is not that of the certificate's key");
}

/* What another list's signature is worth when its challenge is exchanged. */
static void challenge_that_was_exchanged_breaks_the_signature(void **state)
{
    (void)state;
    json_t *fresh = region_signature(region_manager(0), "ES256", w.text);
    set(signature(0), "challenge", json_string_value(json_object_get(fresh, "challenge")));
    json_decref(fresh);
    expect_refused("signatures[0] by ");
    expect_refused("the signature is not that of the certificate's key");
}

static void bit_more_in_the_signature_breaks_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < REGION_MANAGERS; i++) {
        unsigned char bytes[128];
        char text[256];
        size_t n = 0;
        const char *good = json_string_value(json_object_get(answer_of(i), "signature"));
        assert_int_equal(base64_decode(good, strlen(good), bytes, sizeof(bytes), &n), IDP_OK);
        const char *kept = arena_strdup(w.arena, good);
        bytes[n - 1] ^= 1;
        base64_encode(bytes, n, text);
        set(answer_of(i), "signature", text);
        expect_refused("the signature is not that of the certificate's key");
        set(answer_of(i), "signature", kept);
    }
}

/* A signature by which the holder signed in, or approved something, is none for a list. */
static void malformed_challenges_are_told(void **state)
{
    (void)state;
    const char *good =
        arena_strdup(w.arena, json_string_value(json_object_get(signature(0), "challenge")));
    const char *wrong[] = {
        REGION_CHALLENGE,
        "",
        "trust.",
        arena_printf(w.arena, "login%s", good + 5),
        arena_printf(w.arena, "%s.", good),
        arena_printf(w.arena, "%.*s", 49, good),
        arena_printf(w.arena, "%.*s=%s", 48, good, good + 49),
        arena_printf(w.arena, "%.*s.%s", 48, good, good + 49),
        arena_printf(w.arena, "%.*s", 92, good),
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        set(signature(0), "challenge", wrong[i]);
        expect_refused("signatures[0]: the challenge is malformed");
    }
}

static void answers_that_are_none_are_told(void **state)
{
    (void)state;
    set(answer_of(0), "algorithm", "none");
    expect_refused("signatures[0]: is no answer of a lock");
    set(answer_of(0), "algorithm", "ES256");
    set(answer_of(0), "origin", REGION_ORIGIN);
    expect_refused("signatures[0]: is no answer of a lock");
}

/* The algorithm is the key's own: the answer may only agree. */
static void algorithm_of_another_key_does_not_count(void **state)
{
    (void)state;
    set(answer_of(0), "algorithm", "SM2");
    expect_refused("the signature is not that of the certificate's key");
}

static void keys_that_no_lock_has_are_told(void **state)
{
    (void)state;
    pin(&p384);
    pin(&weak);
    set(answer_of(0), "certificate", "AAAA");
    expect_refused("signatures[0]: the certificate or its key is none that a lock has");
    add(&p384, "ES256", w.text);
    expect_refused("signatures[2]: the certificate or its key is none that a lock has");
    add(&weak, "RS256", w.text);
    expect_refused("signatures[3]: the key is too weak");
}

/* --- the document ---------------------------------------------------------------------------- */

static void document_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char begins[] = "{\"format\":\"tamga-trust-signatures:1\"";
    const struct {
        const char *text, *why;
    } wrong[] = {
        {"", "expected a JSON document"},
        {"[]", "expected"},
        {"{}", "format: expected"},
        {"{\"format\":\"tamga-trust-signatures:2\",\"signatures\":[]}", "format: expected"},
        {arena_printf(w.arena, "%s}", begins), "signatures: expected"},
        {arena_printf(w.arena, "%s,\"signatures\":[],\"more\":1}", begins), "more"},
        {arena_printf(w.arena, "%s,\"signatures\":[],\"signatures\":[]}", begins), "JSON"},
        {arena_printf(w.arena, "%s,\"signatures\":[{}]}", begins), "signatures[0].origin"},
        {arena_printf(w.arena,
                      "%s,\"signatures\":[{\"origin\":\"a\",\"challenge\":\"b\",\"answer\":1}]}",
                      begins),
         "signatures[0].answer: expected the answer of a lock"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(demand_text(wrong[i].text), IDP_BAD_REQUEST);
        if (strstr(w.why, wrong[i].why) == NULL)
            fail_msg("%s instead of %s", w.why, wrong[i].why);
    }
    assert_null(w.trust->signatures);
}

static void more_signatures_than_anybody_needs_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < TRUST_SIGNATURES_MAX; i++)
        assert_int_equal(json_array_append(signatures(), signature(0)), 0);
    expect_refused("signatures: expected");
}

/* --- beside the list ------------------------------------------------------------------------- */

static void file_needs_its_signatures_beside_it(void **state)
{
    (void)state;
    struct trust *trust = NULL;
    char *folder = help_temp_folder();
    const char *file = arena_printf(w.arena, "%s/list.json", folder);
    const char *beside = arena_printf(w.arena, "%s.signatures", file);
    help_write_file(file, w.text, strlen(w.text));
    assert_int_equal(trust_signatures_load(&w.managers, file, &w.why, &trust), IDP_BAD_REQUEST);
    assert_non_null(strstr(w.why, beside));
    assert_non_null(strstr(w.why, "tamgactl trust sign"));
    free(w.why);
    char *text = json_dumps(w.document, 0);
    help_write_file(beside, text, strlen(text));
    free(text);
    assert_int_equal(trust_signatures_load(&w.managers, file, &w.why, &trust), IDP_OK);
    assert_non_null(trust->signatures);
    trust_free(trust);
    help_write_file(file, "{}", 2);
    assert_int_equal(trust_signatures_load(&w.managers, file, &w.why, &trust), IDP_BAD_REQUEST);
    assert_null(strstr(w.why, beside)); /* what is wrong with the list is told first */
    help_remove_folder(folder);
    free(folder);
}

/* --- what is to be signed -------------------------------------------------------------------- */

static void challenge_names_the_list_by_the_keys_own_hash(void **state)
{
    (void)state;
    enum trust_fault fault = TRUST_NO_FAULT;
    char first[TRUST_CHALLENGE_SIZE];
    char second[TRUST_CHALLENGE_SIZE];
    for (size_t i = 0; i < REGION_MANAGERS; i++) {
        const struct region_holder *manager = region_manager(i);
        const char *wanted = json_string_value(json_object_get(signature(i), "challenge"));
        assert_int_equal(
            trust_signatures_challenge(w.trust, manager->der, manager->der_len, &fault, first),
            IDP_OK);
        assert_int_equal(
            trust_signatures_challenge(w.trust, manager->der, manager->der_len, &fault, second),
            IDP_OK);
        assert_string_not_equal(first, second);
        assert_int_equal(strncmp(first, "trust.", 6), 0);
        assert_string_equal(first + 49, wanted + 49);
        assert_int_equal(strlen(first), strlen(wanted));
    }
    assert_int_equal(trust_signatures_challenge(w.trust, weak.der, weak.der_len, &fault, first),
                     IDP_REFUSED);
    assert_int_equal(fault, TRUST_KEY_WEAK);
}

static void key_is_named_by_the_hash_of_its_public_part(void **state)
{
    (void)state;
    enum trust_fault fault = TRUST_NO_FAULT;
    unsigned char key[DIGEST_SIZE];
    for (size_t i = 0; i < REGION_MANAGERS; i++) {
        const struct region_holder *manager = region_manager(i);
        assert_int_equal(trust_signatures_key(manager->der, manager->der_len, &fault, key), IDP_OK);
        assert_memory_equal(key, w.managers.keys[i], DIGEST_SIZE);
    }
    assert_int_equal(trust_signatures_key(p384.der, p384.der_len, &fault, key), IDP_REFUSED);
    assert_string_equal(trust_fault_text(fault),
                        "the certificate or its key is none that a lock has");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(list_counts_with_signatures_of_two_managers),
        TEST(rsa_locks_sign_with_either_padding),
        TEST(signatures_that_do_not_count_do_no_harm),
        TEST(unsigned_list_does_not_count),
        TEST(one_signature_is_not_enough),
        TEST(two_signatures_by_one_key_are_one),
        TEST(key_in_a_second_certificate_is_no_second_manager),
        TEST(more_may_be_demanded),
        TEST(managers_who_are_none_make_no_list_count),
        TEST(key_that_is_not_pinned_is_named),
        TEST(manager_who_left_does_not_count_any_more),
        TEST(list_that_was_altered_is_not_the_one_that_was_signed),
        TEST(blank_more_is_another_list),
        TEST(signature_for_another_issuer_does_not_count),
        TEST(challenge_that_was_exchanged_breaks_the_signature),
        TEST(bit_more_in_the_signature_breaks_it),
        TEST(malformed_challenges_are_told),
        TEST(answers_that_are_none_are_told),
        TEST(algorithm_of_another_key_does_not_count),
        TEST(keys_that_no_lock_has_are_told),
        TEST(document_that_is_none_is_refused),
        TEST(more_signatures_than_anybody_needs_are_refused),
        TEST(file_needs_its_signatures_beside_it),
        TEST(challenge_names_the_list_by_the_keys_own_hash),
        TEST(key_is_named_by_the_hash_of_its_public_part),
    };
    return cmocka_run_group_tests_name("pki/trust_signatures", tests, make_keys, free_keys);
}
