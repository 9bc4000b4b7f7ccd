#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "pki/trust/reading.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_check.h"
#include "tests/pki_region.h"

static struct region_authority first, second;

static struct world {
    struct arena *arena;
    json_t *list;
    int64_t now;
    struct trust_check check;
} w;

static int make_all(void **state)
{
    (void)state;
    region_authority_make(&first, "first", "P-256");
    region_authority_make(&second, "second", "SM2");
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_authority_clear(&first);
    region_authority_clear(&second);
    return 0;
}

static void put_pem(json_t *list, size_t at, X509 *certificate)
{
    char *pem = region_pem(certificate);
    if (json_array_size(list) == at)
        assert_int_equal(json_array_append_new(list, json_string(pem)), 0);
    else
        assert_int_equal(json_array_set_new(list, at, json_string(pem)), 0);
    free(pem);
}

static json_t *entry(size_t i)
{
    return json_array_get(json_object_get(w.list, "authorities"), i);
}

static json_t *part(size_t i, const char *name)
{
    json_t *found = json_object_get(entry(i), name);
    assert_non_null(found);
    return found;
}

static void put(json_t *object, const char *name, const char *json)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_int_equal(json_object_set_new(object, name, value), 0);
}

/* An entry of which there is nothing to say. */
static json_t *blameless(const struct region_authority *authority)
{
    json_t *made = region_entry(authority);
    json_t *revocation = json_object_get(made, "revocation");
    json_t *roots = json_array();
    put_pem(roots, 0, authority->root);
    assert_int_equal(json_object_set_new(made, "roots", roots), 0);
    put(revocation, "hash", "\"sha256\"");
    put(revocation, "crl", "[{\"url\":\"http://127.0.0.51:8500/crl\"}]");
    return made;
}

static int set_up(void **state)
{
    (void)state;
    json_t *entries[] = {blameless(&first), blameless(&second), NULL};
    w = (struct world){.arena = arena_new(), .list = region_trust_list(entries), .now = REGION_NOW};
    assert_non_null(w.arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(w.list);
    arena_free(w.arena);
    return 0;
}

/* The text goes in a block of exactly its size. */
static void check_text(const char *text)
{
    size_t len = strlen(text);
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    assert_int_equal(trust_check(exact, len, w.now, w.arena, &w.check), IDP_OK);
    free(exact);
}

static void check(void)
{
    char *text = json_dumps(w.list, 0);
    check_text(text);
    free(text);
}

static void expect_mistake(size_t i, const char *place, const char *expected, const char *found)
{
    assert_true(i < w.check.mistakes.count);
    const struct trust_remark *mistake = &w.check.mistakes.list[i];
    assert_string_equal(mistake->place, place);
    assert_string_equal(mistake->text, expected);
    if (found == NULL)
        assert_null(mistake->found);
    else
        assert_string_equal(mistake->found, found);
}

static void expect_one_warning(const char *place, const char *part_of_text)
{
    check();
    assert_int_equal(w.check.mistakes.count, 0);
    for (size_t i = 1; i < w.check.warnings.count; i++)
        print_message("%s: %s\n", w.check.warnings.list[i].place, w.check.warnings.list[i].text);
    assert_int_equal(w.check.warnings.count, 1);
    assert_string_equal(w.check.warnings.list[0].place, place);
    assert_non_null(strstr(w.check.warnings.list[0].text, part_of_text));
}

/* --- mistakes ------------------------------------------------------------------------------- */

static void list_without_a_flaw_draws_no_remark(void **state)
{
    (void)state;
    check();
    for (size_t i = 0; i < w.check.warnings.count; i++)
        print_message("%s: %s\n", w.check.warnings.list[i].place, w.check.warnings.list[i].text);
    assert_int_equal(w.check.mistakes.count, 0);
    assert_int_equal(w.check.warnings.count, 0);
    assert_int_equal(w.check.authorities, 2);
    assert_int_equal(strlen(w.check.version), 64);
}

static void every_mistake_is_told_with_what_stands_there(void **state)
{
    (void)state;
    put(entry(0), "id", "\"First\"");
    put(entry(0), "fax", "\"1\"");
    put(part(0, "names"), "zh", "\"\"");
    put(part(0, "limits"), "keys", "[\"rsa\",\"dsa\",\"rsa\"]");
    put(part(1, "profile"), "uscc", "[{\"subject\":\"2.5.4.3\",\"split\":\"@\",\"bare\":true}]");
    put(part(1, "revocation"), "deadline_ms", "5");
    put(part(1, "revocation"), "policy", "\"soft-fail\"");
    check();
    assert_int_equal(w.check.mistakes.count, 9);
    expect_mistake(0, "authorities[0]", "no member \"fax\" here", NULL);
    expect_mistake(1, "authorities[0].id", "a text of a-z, 0-9 and -", "\"First\"");
    expect_mistake(2, "authorities[0].names.zh", "a text of 1 to 128 bytes", "\"\"");
    expect_mistake(3, "authorities[0].limits.keys[1]", "one of rsa p256 sm2", "\"dsa\"");
    expect_mistake(4, "authorities[0].limits.keys[2]", "no repetition", "\"rsa\"");
    expect_mistake(5, "authorities[1].profile.uscc[0]",
                   "\"bare\" and \"choice\" with \"extension\" only", NULL);
    expect_mistake(6, "authorities[1].profile.uscc[0]", "\"of\" beside \"split\"", NULL);
    expect_mistake(7, "authorities[1].revocation.policy",
                   "one of ocsp ocsp-else-crl crl crl-else-ocsp", "\"soft-fail\"");
    expect_mistake(8, "authorities[1].revocation.deadline_ms", "a whole number from 100 to 30000",
                   "5");
    assert_null(w.check.version);
    assert_int_equal(w.check.warnings.count, 0);
}

static void first_of_all_mistakes_is_the_one_that_a_load_tells(void **state)
{
    (void)state;
    char *why = NULL;
    struct trust *trust = NULL;
    put(entry(1), "phone", "7");
    put(entry(1), "environment", "\"staging\"");
    check();
    char *text = json_dumps(w.list, 0);
    assert_int_equal(trust_parse("l", text, strlen(text), &why, &trust), IDP_BAD_REQUEST);
    assert_string_equal(why, "l: authorities[1].phone: expected a text of 1 to 64 bytes");
    expect_mistake(0, "authorities[1].phone", "a text of 1 to 64 bytes", "7");
    assert_int_equal(w.check.mistakes.count, 2);
    free(why);
    free(text);
}

static void mistakes_between_authorities_are_told_beside_others(void **state)
{
    (void)state;
    put(entry(0), "phone", "null");
    put(entry(1), "id", "\"first\"");
    put_pem(part(1, "anchors"), 0, first.certificate);
    check();
    assert_int_equal(w.check.mistakes.count, 3);
    expect_mistake(1, "authorities[1].id", "another id than an earlier authority's", NULL);
    expect_mistake(2, "authorities[1].anchors", "no anchor of an earlier authority, nor its key",
                   NULL);
}

static void anchor_that_may_not_issue_is_told_beside_others(void **state)
{
    (void)state;
    put_pem(part(0, "anchors"), 0, first.responder);
    put_pem(part(1, "anchors"), 0, second.responder);
    check();
    assert_int_equal(w.check.mistakes.count, 2);
    assert_string_equal(w.check.mistakes.list[1].place, "authorities[1].anchors[0]");
    assert_string_equal(w.check.mistakes.list[1].text,
                        "a certificate that may issue others (CA:TRUE, keyCertSign)");
}

static void class_that_only_lacks_things_is_a_mistake(void **state)
{
    (void)state;
    put(json_object_get(part(0, "profile"), "class"), "enterprise",
        "[{\"lacks\":{\"subject\":\"2.5.4.11\"}}]");
    check();
    assert_int_equal(w.check.mistakes.count, 1);
    expect_mistake(0, "authorities[0].profile.class.enterprise",
                   "a rule about what is there, not only \"lacks\"", NULL);
}

static void what_stands_there_is_cut_between_characters_and_kept_to_one_line(void **state)
{
    (void)state;
    put(entry(0), "id",
        "\"呼和浩特呼和浩特呼和浩特呼和浩特呼和浩特呼和浩特呼和浩特\\n\\u001b[2J\"");
    put(entry(1), "id", "\"a\\nb\"");
    check();
    assert_int_equal(w.check.mistakes.count, 2);
    const char *found = w.check.mistakes.list[0].found;
    assert_string_equal(found, "\"呼和浩特呼和浩特呼和浩特呼和浩特呼和浩 …");
    assert_null(strchr(w.check.mistakes.list[1].found, '\n'));
}

static void there_is_an_end_to_mistakes(void **state)
{
    (void)state;
    json_t *many = json_array();
    for (int i = 0; i < 64; i++)
        assert_int_equal(json_array_append_new(many, json_object()), 0);
    assert_int_equal(json_object_set_new(w.list, "authorities", many), 0);
    check();
    assert_int_equal(w.check.mistakes.count, READING_MISTAKES_MAX);
    assert_true(w.check.mistakes.more);
}

static void text_that_is_no_json_is_one_mistake(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{", "null", "[]", "{\"version\":1,\"version\":1}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        check_text(texts[i]);
        assert_int_equal(w.check.mistakes.count, 1);
        assert_string_equal(w.check.mistakes.list[0].place, "");
    }
}

/* --- warnings ------------------------------------------------------------------------------- */

static void certificates_that_end_are_told(void **state)
{
    (void)state;
    static const struct {
        int64_t days;
        const char *text;
    } cases[] = {
        {3000 - 30, "expires in 30 days"}, {3001, "has expired"}, {-1001, "not valid yet"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        w.now = REGION_NOW + cases[i].days * REGION_DAY;
        check();
        assert_int_equal(w.check.warnings.count, 4); /* two anchors, two roots */
        assert_string_equal(w.check.warnings.list[0].place, "authorities[0].anchors[0]");
        assert_string_equal(w.check.warnings.list[1].place, "authorities[0].roots[0]");
        assert_non_null(strstr(w.check.warnings.list[2].text, cases[i].text));
    }
}

static void pinned_responder_that_ends_is_told(void **state)
{
    (void)state;
    const struct region_pair subject[] = {{"CN", "responder"}, {NULL, NULL}};
    const struct region_certificate what = {.key = first.responder_key,
                                            .issuer = first.certificate,
                                            .issuer_key = first.key,
                                            .subject = subject,
                                            .from = REGION_NOW - REGION_DAY,
                                            .to = REGION_NOW + 7 * (int64_t)REGION_DAY};
    X509 *responder = region_issue(&what);
    char *pem = region_pem(responder);
    assert_int_equal(json_object_set_new(part(0, "revocation"), "responder", json_string(pem)), 0);
    expect_one_warning("authorities[0].revocation.responder", "expires in 7 days");
    free(pem);
    X509_free(responder);
}

static void anchor_that_no_root_of_the_entry_issued_is_told(void **state)
{
    (void)state;
    put_pem(part(0, "roots"), 0, second.root);
    expect_one_warning("authorities[0].anchors[0]", "none of \"roots\"");
}

static void anchor_that_is_a_root_is_told(void **state)
{
    (void)state;
    put_pem(part(0, "anchors"), 0, first.root);
    expect_one_warning("authorities[0].anchors[0]", "a root");
}

static void short_key_of_an_anchor_is_told(void **state)
{
    (void)state;
    struct region_authority weak;
    region_authority_make(&weak, "weak", "RSA-1024");
    put_pem(part(0, "anchors"), 0, weak.certificate);
    put_pem(part(0, "roots"), 0, weak.root);
    expect_one_warning("authorities[0].anchors[0]", "less than 2048 bits");
    region_authority_clear(&weak);
}

static void missing_roots_and_places_of_their_lists_are_told(void **state)
{
    (void)state;
    assert_int_equal(json_object_del(part(0, "revocation"), "crl"), 0);
    expect_one_warning("authorities[0].roots", "no address");
    assert_int_equal(json_object_del(entry(0), "roots"), 0);
    expect_one_warning("authorities[0].roots", "no root is named");
}

static void lenient_lines_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *part, *name, *json, *place, *text;
    } cases[] = {
        {"revocation", "hash", "\"sha1\"", "authorities[1].revocation.hash", "SHA-1"},
        {"revocation", "nonce", "\"off\"", "authorities[1].revocation.nonce", "no nonce"},
        {"revocation", "nonce", "\"optional\"", "authorities[1].revocation.nonce", "may lack"},
        {"revocation", "crl_grace_s", "60", "authorities[1].revocation.crl_grace_s", "nextUpdate"},
        {"revocation", "degraded", "{\"until\":\"2026-11-23T00:00:00Z\",\"max_age_s\":3600}",
         "authorities[1].revocation.degraded", "until 2026-11-23 08:00 (UTC+8)"},
        {"revocation", "degraded", "{\"until\":\"2026-11-22T00:00:00Z\",\"max_age_s\":3600}",
         "authorities[1].revocation.degraded", "has ended"},
        {"profile", "strict", "false", "authorities[1].profile.strict", "RFC 5280"},
        {"profile", "person", "[]", "authorities[1].profile.person", "legal-person"},
        {"profile", "person_allowed", "true", "authorities[1].profile.person_allowed", "may hold"},
        {"profile", "uscc",
         "[{\"extension\":\"1.2.156.10260.4.1.4\",\"types\":[\"utf8\"],\"bare\":true}]",
         "authorities[1].profile.uscc[0]", "without their ASN.1 type"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_t *before = json_deep_copy(w.list);
        put(part(1, cases[i].part), cases[i].name, cases[i].json);
        expect_one_warning(cases[i].place, cases[i].text);
        json_decref(w.list);
        w.list = before;
    }
    assert_int_equal(json_object_del(part(1, "profile"), "region"), 0);
    expect_one_warning("authorities[1].profile.region", "in the region");
}

static void place_that_means_another_thing_at_another_authority_is_told(void **state)
{
    (void)state;
    put(part(1, "profile"), "uscc",
        "[{\"extension\":\"1.2.86.11.7.4\",\"types\":[\"printable\"]}]");
    put(part(0, "profile"), "key_number",
        "[{\"extension\":\"1.2.86.11.7.4\",\"types\":[\"utf8\"]}]");
    expect_one_warning("authorities[1].profile.uscc[0]",
                       "authority \"first\" reads a key number at this place");
}

static void one_place_read_as_two_things_is_told_unless_its_text_tells_them_apart(void **state)
{
    (void)state;
    put(part(0, "profile"), "uscc",
        "[{\"extension\":\"1.2.156.112562.2.1.1.1\",\"types\":[\"utf8\"]}]");
    put(part(0, "profile"), "person",
        "[{\"extension\":\"1.2.156.112562.2.1.1.1\",\"types\":[\"utf8\"]}]");
    expect_one_warning("authorities[0].profile.uscc[0]", "a person's number, too");
    put(part(0, "profile"), "person",
        "[{\"extension\":\"1.2.156.112562.2.1.1.1\",\"types\":[\"utf8\"],\"prefix\":\"SF\"}]");
    check();
    assert_int_equal(w.check.warnings.count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(list_without_a_flaw_draws_no_remark),
        TEST(every_mistake_is_told_with_what_stands_there),
        TEST(first_of_all_mistakes_is_the_one_that_a_load_tells),
        TEST(mistakes_between_authorities_are_told_beside_others),
        TEST(anchor_that_may_not_issue_is_told_beside_others),
        TEST(class_that_only_lacks_things_is_a_mistake),
        TEST(what_stands_there_is_cut_between_characters_and_kept_to_one_line),
        TEST(there_is_an_end_to_mistakes),
        TEST(text_that_is_no_json_is_one_mistake),
        TEST(certificates_that_end_are_told),
        TEST(pinned_responder_that_ends_is_told),
        TEST(anchor_that_no_root_of_the_entry_issued_is_told),
        TEST(anchor_that_is_a_root_is_told),
        TEST(short_key_of_an_anchor_is_told),
        TEST(missing_roots_and_places_of_their_lists_are_told),
        TEST(lenient_lines_are_told),
        TEST(place_that_means_another_thing_at_another_authority_is_told),
        TEST(one_place_read_as_two_things_is_told_unless_its_text_tells_them_apart),
    };
    return cmocka_run_group_tests_name("pki/trust_check", tests, make_all, free_all);
}
