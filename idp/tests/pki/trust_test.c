#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/trust/rules.h"
#include "pki/trust/trust.h"
#include "tests/help.h"
#include "tests/pki_region.h"

static struct region_authority first, second;

static struct world {
    json_t *list;
    char *why;
    struct trust *trust;
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

static int set_up(void **state)
{
    (void)state;
    json_t *entries[] = {region_entry(&first), region_entry(&second), NULL};
    w = (struct world){.list = region_trust_list(entries)};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(w.list);
    free(w.why);
    trust_free(w.trust);
    return 0;
}

/* The text goes in a block of exactly its size. */
static enum idp_err parse(void)
{
    char *text = json_dumps(w.list, 0);
    size_t len = strlen(text);
    char *exact = malloc(len);
    memcpy(exact, text, len);
    free(w.why);
    trust_free(w.trust);
    w.trust = NULL;
    enum idp_err err = trust_parse("list.json", exact, len, &w.why, &w.trust);
    free(text);
    free(exact);
    return err;
}

/* Goes down a path such as authorities/1/profile/uscc; the last name is given back. */
static json_t *walk(const char *path, char *last)
{
    json_t *at = w.list;
    for (;;) {
        size_t n = strcspn(path, "/");
        memcpy(last, path, n);
        last[n] = '\0';
        if (path[n] == '\0')
            return at;
        at = json_is_array(at) ? json_array_get(at, strtoul(last, NULL, 10))
                               : json_object_get(at, last);
        assert_non_null(at);
        path += n + 1;
    }
}

/* Puts a value (JSON text; NULL: removes what is there) at the path. */
static void put(const char *path, const char *json)
{
    char last[64];
    json_t *at = walk(path, last);
    json_t *value = json != NULL ? json_loads(json, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(json == NULL || value != NULL);
    if (json_is_array(at))
        assert_int_equal(json_array_set_new(at, strtoul(last, NULL, 10), value), 0);
    else if (value != NULL)
        assert_int_equal(json_object_set_new(at, last, value), 0);
    else
        assert_int_equal(json_object_del(at, last), 0);
}

static void expect_wrong(const char *line)
{
    assert_int_equal(parse(), IDP_BAD_REQUEST);
    assert_null(w.trust);
    assert_string_equal(w.why, line);
}

static void list_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse(), IDP_OK);
    assert_int_equal(w.trust->count, 2);
    assert_int_equal(strlen(w.trust->version), 64);
    const struct authority *authority = trust_find(w.trust, "second");
    assert_ptr_equal(authority, &w.trust->authorities[1]);
    assert_string_equal(authority->name_zh, "示例认证中心");
    assert_string_equal(authority->name_en, "Example Authority");
    assert_string_equal(authority->phone, "0471-000-0000");
    assert_string_equal(authority->environment, "test");
    assert_int_equal(authority->rules->limits.rsa_bits, 2048);
    assert_int_equal(authority->rules->revocation.digest, CERTID_SM3);
    assert_int_equal(authority->rules->revocation.deadline_ms, 4000);
    assert_null(trust_find(w.trust, "third"));
}

static void another_text_is_another_version(void **state)
{
    (void)state;
    char before[65];
    assert_int_equal(parse(), IDP_OK);
    memcpy(before, w.trust->version, sizeof(before));
    put("authorities/0/phone", "\"0471-000-0001\"");
    assert_int_equal(parse(), IDP_OK);
    assert_string_not_equal(w.trust->version, before);
}

static void hosts_are_those_of_the_status_services(void **state)
{
    (void)state;
    put("authorities/0/revocation/ocsp",
        "[{\"url\":\"https://ocsp.example/a\"},{\"url\":\"http://[::1]:81/\"}]");
    assert_int_equal(parse(), IDP_OK);
    const char *const *hosts = trust_hosts(w.trust);
    assert_string_equal(hosts[0], "ocsp.example:443");
    assert_string_equal(hosts[1], "[::1]:81");
    assert_string_equal(hosts[2], "127.0.0.51:8500");
    assert_null(hosts[3]);
}

static void optional_members_may_be_missing(void **state)
{
    (void)state;
    static const char *const members[] = {"profile/key_number",     "profile/person",
                                          "profile/region",         "profile/strict",
                                          "profile/class/personal", "profile/class/legal_person"};
    char path[64];
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        (void)snprintf(path, sizeof(path), "authorities/0/%s", members[i]);
        put(path, NULL);
    }
    put("authorities/0/revocation/crl", "[{\"url\":\"http://ca.example/a.crl\"}]");
    assert_int_equal(parse(), IDP_OK);
    assert_int_equal(w.trust->authorities[0].rules->region.count, 0);
}

static void every_mistake_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *path, *json, *line;
    } cases[] = {
        {"version", "2", "list.json: version: expected a whole number from 1 to 1"},
        {"version", NULL, "list.json: version: expected a value; it is missing"},
        {"more", "1", "list.json: expected no member \"more\" here"},
        /* Found by fuzzing: the name broke the line, and could have spoken to a terminal. */
        {"a\n\033b", "1", "list.json: expected no member \"a??b\" here"},
        {"authorities", "[]", "list.json: authorities: expected a list of 1 to 64 entries"},
        {"authorities", "{}", "list.json: authorities: expected a list of 1 to 64 entries"},
        {"authorities/1", "7", "list.json: authorities[1]: expected an object"},
        {"authorities/1/id", "\"A B\"",
         "list.json: authorities[1].id: expected a text of a-z, 0-9 and -"},
        {"authorities/1/id", "\"first\"",
         "list.json: authorities[1].id: expected another id than an earlier authority's"},
        {"authorities/1/names/en", NULL,
         "list.json: authorities[1].names.en: expected a value; it is missing"},
        {"authorities/1/phone", "\"\"",
         "list.json: authorities[1].phone: expected a text of 1 to 64 bytes"},
        {"authorities/1/phone", "\"a\\nb\"",
         "list.json: authorities[1].phone: expected a text without control characters"},
        {"authorities/1/environment", "\"demo\"",
         "list.json: authorities[1].environment: expected one of test production"},
        {"authorities/1/anchors", "[]",
         "list.json: authorities[1].anchors: expected a list of 1 to 16 entries"},
        {"authorities/1/anchors/0", "\"x\"",
         "list.json: authorities[1].anchors[0]: expected one certificate in PEM "
         "(-----BEGIN CERTIFICATE-----)"},
        {"authorities/1/profile/uscc", "[]",
         "list.json: authorities[1].profile.uscc: expected a list of 1 to 16 entries"},
        {"authorities/1/profile/uscc/0/extension", "\"1.2.x\"",
         "list.json: authorities[1].profile.uscc[0].extension: expected an object identifier such "
         "as 1.2.156.10260.4.1.4"},
        {"authorities/1/profile/uscc/0/extension", "\"commonName\"",
         "list.json: authorities[1].profile.uscc[0].extension: expected an object identifier such "
         "as 1.2.156.10260.4.1.4"},
        {"authorities/1/profile/uscc/0/subject", "\"2.5.4.3\"",
         "list.json: authorities[1].profile.uscc[0]: expected either \"extension\" or \"subject\""},
        {"authorities/1/profile/uscc/0/types", "[\"teletex\"]",
         "list.json: authorities[1].profile.uscc[0].types[0]: expected one of printable utf8 ia5 "
         "bmp"},
        {"authorities/1/profile/uscc/0/types", "[\"ia5\",\"ia5\"]",
         "list.json: authorities[1].profile.uscc[0].types[1]: expected no repetition"},
        {"authorities/1/profile/uscc/0/types", NULL,
         "list.json: authorities[1].profile.uscc[0]: expected \"types\" beside \"extension\""},
        {"authorities/1/profile/name/0/bare", "true",
         "list.json: authorities[1].profile.name[0]: expected \"bare\" and \"choice\" with "
         "\"extension\" only"},
        {"authorities/1/profile/name/0", "{\"subject\":\"2.5.4.3\",\"split\":\"@\",\"field\":2}",
         "list.json: authorities[1].profile.name[0]: expected \"of\" beside \"split\""},
        {"authorities/1/profile/name/0",
         "{\"subject\":\"2.5.4.3\",\"split\":\"@\",\"field\":4,\"of\":4}",
         "list.json: authorities[1].profile.name[0]: expected a \"field\" below \"of\" (the first "
         "is 0)"},
        {"authorities/1/profile/name/0", "{\"subject\":\"2.5.4.3\",\"of\":4}",
         "list.json: authorities[1].profile.name[0]: expected \"split\" beside \"field\" and "
         "\"of\""},
        {"authorities/1/profile/class/enterprise", NULL,
         "list.json: authorities[1].profile.class.enterprise: expected a value; it is missing"},
        {"authorities/1/profile/class/enterprise", "[]",
         "list.json: authorities[1].profile.class.enterprise: expected a list of 1 to 16 entries"},
        {"authorities/1/profile/class/enterprise/0", "{}",
         "list.json: authorities[1].profile.class.enterprise[0]: expected one of \"subject\", "
         "\"policy\", \"issuer\", \"has\" and \"lacks\""},
        {"authorities/1/profile/class/enterprise/0", "{\"subject\":\"2.5.4.11\"}",
         "list.json: authorities[1].profile.class.enterprise[0]: expected either \"equals\" or "
         "\"starts\" beside \"subject\""},
        {"authorities/1/profile/class/enterprise/0", "{\"issuer\":\"00\"}",
         "list.json: authorities[1].profile.class.enterprise[0].issuer: expected the SHA-256 of an "
         "anchor, 64 hex digits"},
        {"authorities/1/profile/class/enterprise/0", "{\"has\":{}}",
         "list.json: authorities[1].profile.class.enterprise[0].has: expected either \"extension\" "
         "or \"subject\""},
        {"authorities/1/profile/region", "[]",
         "list.json: authorities[1].profile.region: expected a list of 1 to 16 entries"},
        {"authorities/1/profile/extended_key_usage", "[\"serverAuth\"]",
         "list.json: authorities[1].profile.extended_key_usage[0]: expected an object identifier "
         "such as 1.2.156.10260.4.1.4"},
        {"authorities/1/profile/strict", "1",
         "list.json: authorities[1].profile.strict: expected true or false"},
        {"authorities/1/limits/rsa_bits", "1024",
         "list.json: authorities[1].limits.rsa_bits: expected a whole number from 2048 to 8192"},
        {"authorities/1/limits/keys", "[]",
         "list.json: authorities[1].limits.keys: expected a list of 1 to 3 entries"},
        {"authorities/1/revocation/ocsp", "[]",
         "list.json: authorities[1].revocation: expected an address in \"ocsp\": the policy asks "
         "there"},
        {"authorities/1/revocation/ocsp/0/url", "\"ldap://a/\"",
         "list.json: authorities[1].revocation.ocsp[0]: expected an address like "
         "http://host:port/path"},
        {"authorities/1/revocation/ocsp/0/url", "\"http://user@host/\"",
         "list.json: authorities[1].revocation.ocsp[0]: expected an address like "
         "http://host:port/path"},
        {"authorities/1/revocation/ocsp/0/url", "\"http://ho st/\"",
         "list.json: authorities[1].revocation.ocsp[0]: expected an address of printable ASCII"},
        {"authorities/1/revocation/hash", "\"md5\"",
         "list.json: authorities[1].revocation.hash: expected one of sha1 sha256 sm3"},
        {"authorities/1/revocation/nonce", "true",
         "list.json: authorities[1].revocation.nonce: expected one of required optional off"},
        {"authorities/1/revocation/deadline_ms", "0",
         "list.json: authorities[1].revocation.deadline_ms: expected a whole number from 100 to "
         "30000"},
        {"authorities/1/revocation/max_age_s", "600.5",
         "list.json: authorities[1].revocation.max_age_s: expected a whole number from 10 to "
         "86400"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_t *before = json_deep_copy(w.list);
        put(cases[i].path, cases[i].json);
        expect_wrong(cases[i].line);
        json_decref(w.list);
        w.list = before;
    }
}

static void put_pem(const char *path, X509 *certificate)
{
    char *pem = region_pem(certificate);
    json_t *text = json_string(pem);
    char *json = json_dumps(text, JSON_ENCODE_ANY);
    put(path, json);
    json_decref(text);
    free(json);
    free(pem);
}

static void anchor_has_to_be_allowed_to_issue(void **state)
{
    (void)state;
    put_pem("authorities/0/anchors/0", first.responder);
    expect_wrong("list.json: authorities[0].anchors[0]: expected a certificate that may issue "
                 "others (CA:TRUE, keyCertSign)");
}

static void two_authorities_share_no_anchor(void **state)
{
    (void)state;
    put_pem("authorities/1/anchors/0", first.certificate);
    expect_wrong("list.json: authorities[1].anchors: expected no anchor of an earlier authority, "
                 "nor its key");
}

static void pinned_responder_is_read(void **state)
{
    (void)state;
    put_pem("authorities/0/revocation/responder", first.responder);
    assert_int_equal(parse(), IDP_OK);
    assert_int_equal(X509_cmp(w.trust->authorities[0].rules->revocation.responder, first.responder),
                     0);
}

static void repeated_members_and_rubbish_behind_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"version\":1,\"version\":1}", "{} x", "", "[", "null"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_int_equal(trust_parse("l", texts[i], strlen(texts[i]), &w.why, &w.trust),
                         IDP_BAD_REQUEST);
        assert_non_null(w.why);
        assert_null(strchr(w.why, '\n'));
        free(w.why);
        w.why = NULL;
    }
}

static void missing_or_empty_file_is_one_clear_line(void **state)
{
    (void)state;
    char *folder = help_temp_folder();
    char path[256];
    char line[320];
    (void)snprintf(path, sizeof(path), "%s/trust-list.json", folder);
    assert_int_equal(trust_load(path, &w.why, &w.trust), IDP_BAD_REQUEST);
    (void)snprintf(line, sizeof(line), "%s: expected a trust list that can be read", path);
    assert_string_equal(w.why, line);
    free(w.why);
    help_write_file(path, "", 0);
    assert_int_equal(trust_load(path, &w.why, &w.trust), IDP_BAD_REQUEST);
    assert_non_null(strstr(w.why, "expected a JSON document"));
    free(w.why);
    char *text = json_dumps(w.list, 0);
    help_write_file(path, text, strlen(text));
    assert_int_equal(trust_load(path, &w.why, &w.trust), IDP_OK);
    free(text);
    help_remove_folder(folder);
    free(folder);
}

static void folder_is_no_trust_list(void **state)
{
    (void)state;
    assert_int_equal(trust_load("/", &w.why, &w.trust), IDP_BAD_REQUEST);
    assert_non_null(w.why);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(list_is_read),
        TEST(another_text_is_another_version),
        TEST(hosts_are_those_of_the_status_services),
        TEST(optional_members_may_be_missing),
        TEST(every_mistake_is_named_with_its_place),
        TEST(anchor_has_to_be_allowed_to_issue),
        TEST(two_authorities_share_no_anchor),
        TEST(pinned_responder_is_read),
        TEST(repeated_members_and_rubbish_behind_are_refused),
        TEST(missing_or_empty_file_is_one_clear_line),
        TEST(folder_is_no_trust_list),
    };
    return cmocka_run_group_tests_name("pki/trust", tests, make_all, free_all);
}
