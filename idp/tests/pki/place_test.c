#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/lock/place.h"
#include "tests/pki_region.h"

#define OID "1.2.156.10260.4.1.4"

static EVP_PKEY *key;

static int make_key(void **state)
{
    (void)state;
    key = region_key("P-256");
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static X509 *certificate_of(const struct region_pair *subject, const struct region_pair *extensions)
{
    static const struct region_pair nobody[] = {{"CN", "x"}, {NULL, NULL}};
    const struct region_certificate what = {.key = key,
                                            .subject = subject != NULL ? subject : nobody,
                                            .extensions = extensions,
                                            .from = REGION_NOW,
                                            .to = REGION_NOW + 1};
    return region_issue(&what);
}

/* Reads one extension with this value by the place, and expects this text (or NULL). */
static void expect_extension(struct place place, const char *value, enum place_outcome outcome,
                             const char *text)
{
    char out[PLACE_TEXT_SIZE] = "";
    const struct region_pair extensions[] = {{OID, value}, {NULL, NULL}};
    ASN1_OBJECT *oid = OBJ_txt2obj(OID, 1);
    X509 *certificate = certificate_of(NULL, extensions);
    place.extension = oid;
    assert_int_equal(place_read(&place, certificate, out), outcome);
    if (text != NULL)
        assert_string_equal(out, text);
    X509_free(certificate);
    ASN1_OBJECT_free(oid);
}

static void types_are_those_of_the_profile(void **state)
{
    (void)state;
    static const struct {
        unsigned type;
        const char *value;
    } cases[] = {
        {PLACE_PRINTABLE, "ASN1:PRINTABLESTRING:AB12"},
        {PLACE_UTF8, "ASN1:FORMAT:UTF8,UTF8String:AB12"},
        {PLACE_IA5, "ASN1:IA5STRING:AB12"},
    };
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            const struct place place = {.types = cases[i].type};
            expect_extension(place, cases[j].value, i == j ? PLACE_FOUND : PLACE_WRONG,
                             i == j ? "AB12" : NULL);
        }
}

static void text_has_to_be_clean_and_of_bounded_length(void **state)
{
    (void)state;
    static const char *const values[] = {
        "DER:0c04414200 43",  /* NUL inside */
        "DER:0c0341420a",     /* a line feed */
        "DER:0c02c328",       /* not UTF-8 */
        "DER:0c00",           /* nothing */
        "DER:13024121",       /* ! is no PrintableString character */
        "DER:160241ff",       /* IA5String is ASCII */
        "DER:0c0241420c0141", /* two strings */
        "DER:0c8102414200",   /* a length that could be shorter, and rubbish */
        "DER:0c810241 42",    /* a length that could be shorter */
        "ASN1:BMPSTRING:AB",  /* two bytes a character */
        "ASN1:INTEGER:5",     /* no string at all */
        "ASN1:FORMAT:HEX,OCTETSTRING:4142",
    };
    const struct place place = {.types = PLACE_PRINTABLE | PLACE_UTF8 | PLACE_IA5};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        char packed[64];
        size_t n = 0;
        for (const char *at = values[i]; *at != '\0'; at++)
            if (*at != ' ')
                packed[n++] = *at;
        packed[n] = '\0';
        expect_extension(place, packed, PLACE_WRONG, NULL);
    }
    char longest[16 + PLACE_TEXT_SIZE] = "ASN1:PRINTABLESTRING:";
    size_t begin = strlen(longest);
    char *all = calloc(1, begin + PLACE_TEXT_SIZE + 1);
    memcpy(all, longest, begin);
    memset(all + begin, 'A', PLACE_TEXT_SIZE - 1);
    expect_extension(place, all, PLACE_FOUND, NULL);
    all[begin + PLACE_TEXT_SIZE - 1] = 'A';
    expect_extension(place, all, PLACE_WRONG, NULL);
    free(all);
}

static void bare_bytes_count_only_where_the_profile_says_so(void **state)
{
    (void)state;
    struct place place = {.types = PLACE_PRINTABLE};
    expect_extension(place, "DER:41423132", PLACE_WRONG, NULL);
    place.bare = true;
    expect_extension(place, "DER:41423132", PLACE_FOUND, "AB12");
    expect_extension(place, "ASN1:PRINTABLESTRING:AB12", PLACE_FOUND, "AB12");
    expect_extension(place, "DER:414200", PLACE_WRONG, NULL);
}

static void choice_may_be_tagged_either_way(void **state)
{
    (void)state;
    const struct place place = {.types = PLACE_PRINTABLE | PLACE_UTF8, .choice = true};
    expect_extension(place, "ASN1:IMPLICIT:0,PRINTABLESTRING:150100", PLACE_FOUND, "150100");
    expect_extension(place, "ASN1:EXPLICIT:0,PRINTABLESTRING:150100", PLACE_FOUND, "150100");
    expect_extension(place, "ASN1:EXPLICIT:1,UTF8String:150100", PLACE_FOUND, "150100");
    expect_extension(place, "ASN1:EXPLICIT:2,IA5STRING:150100", PLACE_WRONG, NULL);
    expect_extension(place, "ASN1:IMPLICIT:3,PRINTABLESTRING:150100", PLACE_WRONG, NULL);
    expect_extension(place, "ASN1:PRINTABLESTRING:150100", PLACE_WRONG, NULL);
}

static void prefix_is_taken_off_and_its_lack_is_absence(void **state)
{
    (void)state;
    const struct place place = {.types = PLACE_PRINTABLE, .prefix = "JJ"};
    expect_extension(place, "ASN1:PRINTABLESTRING:JJ0863175332", PLACE_FOUND, "0863175332");
    expect_extension(place, "ASN1:PRINTABLESTRING:SF0863175332", PLACE_ABSENT, NULL);
    expect_extension(place, "ASN1:PRINTABLESTRING:JJ", PLACE_WRONG, NULL);
}

static enum place_outcome read_cn(struct place place, const struct region_pair *subject, char *out)
{
    X509 *certificate = certificate_of(subject, NULL);
    place.subject = OBJ_nid2obj(NID_commonName);
    enum place_outcome outcome = place_read(&place, certificate, out);
    X509_free(certificate);
    return outcome;
}

static void fields_are_counted_before_one_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field;
        enum place_outcome outcome;
    } cases[] = {
        {"051@公司@Z1@1", "Z1", PLACE_FOUND},
        {"051@公司@@1", NULL, PLACE_ABSENT},
        {"051@公司@Z1", NULL, PLACE_WRONG},
        {"051@a@b@Z1@1", NULL, PLACE_WRONG}, /* an enterprise's name may hold the sign */
        {"051", NULL, PLACE_WRONG},
    };
    const struct place place = {.split = "@", .field = 2, .of = 4};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char out[PLACE_TEXT_SIZE] = "";
        const struct region_pair subject[] = {{"CN", cases[i].text}, {NULL, NULL}};
        assert_int_equal(read_cn(place, subject, out), cases[i].outcome);
        if (cases[i].field != NULL)
            assert_string_equal(out, cases[i].field);
    }
}

static void first_and_last_field_can_be_taken(void **state)
{
    (void)state;
    char out[PLACE_TEXT_SIZE];
    static const struct region_pair subject[] = {{"CN", "a@b@c"}, {NULL, NULL}};
    assert_int_equal(read_cn((struct place){.split = "@", .field = 0, .of = 3}, subject, out),
                     PLACE_FOUND);
    assert_string_equal(out, "a");
    assert_int_equal(read_cn((struct place){.split = "@", .field = 2, .of = 3}, subject, out),
                     PLACE_FOUND);
    assert_string_equal(out, "c");
}

static void repeated_attribute_is_wrong_and_missing_one_absent(void **state)
{
    (void)state;
    char out[PLACE_TEXT_SIZE];
    static const struct region_pair twice[] = {{"CN", "a"}, {"CN", "a"}, {NULL, NULL}};
    static const struct region_pair none[] = {{"O", "a"}, {NULL, NULL}};
    assert_int_equal(read_cn((struct place){.of = 0}, twice, out), PLACE_WRONG);
    assert_int_equal(read_cn((struct place){.of = 0}, none, out), PLACE_ABSENT);
}

static void first_place_that_is_not_absent_decides(void **state)
{
    (void)state;
    char out[PLACE_TEXT_SIZE];
    struct place list[] = {{.subject = OBJ_nid2obj(NID_organizationName), .prefix = "JJ"},
                           {.subject = OBJ_nid2obj(NID_commonName)}};
    const struct places places = {.list = list, .count = 2};
    static const struct region_pair subject[] = {{"O", "SF1"}, {"CN", "a"}, {NULL, NULL}};
    static const struct region_pair wrong[] = {
        {"O", "JJ1"}, {"O", "JJ2"}, {"CN", "a"}, {NULL, NULL}};
    X509 *certificate = certificate_of(subject, NULL);
    assert_int_equal(place_read_first(&places, certificate, out), PLACE_FOUND);
    assert_string_equal(out, "a");
    X509_free(certificate);
    certificate = certificate_of(wrong, NULL);
    assert_int_equal(place_read_first(&places, certificate, out), PLACE_WRONG);
    assert_string_equal(out, "");
    X509_free(certificate);
}

static void every_rule_of_a_list_has_to_hold(void **state)
{
    (void)state;
    static const unsigned char anchor[DIGEST_SIZE] = {1};
    static const unsigned char other[DIGEST_SIZE] = {2};
    static const struct region_pair subject[] = {
        {"OU", "Sales"}, {"OU", "Organizational-1"}, {NULL, NULL}};
    static const struct region_pair extensions[] = {{"certificatePolicies", "1.2.3,1.2.4"},
                                                    {NULL, NULL}};
    ASN1_OBJECT *policy = OBJ_txt2obj("1.2.4", 1);
    ASN1_OBJECT *no_policy = OBJ_txt2obj("1.2.5", 1);
    const ASN1_OBJECT *ou = OBJ_nid2obj(NID_organizationalUnitName);
    X509 *certificate = certificate_of(subject, extensions);
    struct {
        struct rule rule;
        bool holds;
    } cases[] = {
        {{.subject = ou, .starts = "Organizational-"}, true},
        {{.subject = ou, .starts = "Individual-"}, false},
        {{.subject = ou, .equals = "Organizational-1"}, true},
        {{.subject = ou, .equals = "Organizational-"}, false},
        {{.policy = policy}, true},
        {{.policy = no_policy}, false},
        {{.issuer = anchor}, true},
        {{.issuer = other}, false},
        {{.has.subject = OBJ_nid2obj(NID_commonName)}, false},
        {{.lacks.subject = OBJ_nid2obj(NID_commonName)}, true},
        {{.has.subject = ou}, true}, /* repeated: cannot be read, but it is there */
        {{.lacks.subject = ou}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rule list[] = {cases[i].rule, {.policy = policy}};
        const struct rules rules = {.list = list, .count = 2};
        assert_int_equal(place_rules_hold(&rules, certificate, anchor), cases[i].holds);
    }
    assert_false(place_rules_hold(&(struct rules){.count = 0}, certificate, anchor));
    X509_free(certificate);
    ASN1_OBJECT_free(policy);
    ASN1_OBJECT_free(no_policy);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_those_of_the_profile),
        cmocka_unit_test(text_has_to_be_clean_and_of_bounded_length),
        cmocka_unit_test(bare_bytes_count_only_where_the_profile_says_so),
        cmocka_unit_test(choice_may_be_tagged_either_way),
        cmocka_unit_test(prefix_is_taken_off_and_its_lack_is_absence),
        cmocka_unit_test(fields_are_counted_before_one_is_taken),
        cmocka_unit_test(first_and_last_field_can_be_taken),
        cmocka_unit_test(repeated_attribute_is_wrong_and_missing_one_absent),
        cmocka_unit_test(first_place_that_is_not_absent_decides),
        cmocka_unit_test(every_rule_of_a_list_has_to_hold),
    };
    return cmocka_run_group_tests_name("pki/place", tests, make_key, free_key);
}
