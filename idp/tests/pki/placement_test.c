/*
 * Where authorities really put what they say: each way of writing is read as its profile says, and
 * the neighbouring reading of it is refused. Certificates are made here; the profiles are those
 * that docs/trust-list.md shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/lock/leaf.h"
#include "pki/lock/uscc.h"
#include "pki/trust/trust.h"
#include "tests/pki_region.h"

#define OTHER_USCC "91150200MA0TEAT28J"
#define REGISTRATION "150100000000001"
#define ID_CARD "150100190002300026"
#define COMPANY "风铃建设有限公司"

#define PRINTABLE(text) "ASN1:PRINTABLESTRING:" text
#define UTF8(text) "ASN1:FORMAT:UTF8,UTF8String:" text

/* The rest of a profile whose class is a policy. */
#define BY_POLICY                                                                                  \
    "\"class\":{\"enterprise\":[{\"policy\":\"1.3.6.1.4.1.32473.1.1.1\"}]},"                       \
    "\"extended_key_usage\":[\"absent\"]}"
#define NAMED "\"name\":[{\"subject\":\"2.5.4.3\"}],"

static struct region_authority authority;

static struct world {
    struct trust *trust;
    struct leaf *leaf;
} w;

static int make_all(void **state)
{
    (void)state;
    region_authority_make(&authority, "p256", "P-256");
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_authority_clear(&authority);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.leaf = NULL};
    return 0;
}

static void forget(void)
{
    leaf_release(w.leaf);
    w.leaf = NULL;
}

static int tear_down(void **state)
{
    (void)state;
    forget();
    trust_free(w.trust);
    return 0;
}

/* The authority's certificates are read by this profile from now on. */
static void use(const char *profile)
{
    char *why = NULL;
    json_t *entries[] = {region_entry(&authority), NULL};
    json_t *json = json_loads(profile, 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_object_set_new(entries[0], "profile", json), 0);
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    forget();
    trust_free(w.trust);
    enum idp_err err = trust_parse("list", text, strlen(text), &why, &w.trust);
    if (err != IDP_OK)
        fail_msg("%s", why);
    free(text);
    json_decref(list);
}

#define PAIRS_MAX 8
#define SUBJECT(...) ((const struct region_pair[PAIRS_MAX]){__VA_ARGS__})
#define EXTENSIONS(...) ((const struct region_pair[PAIRS_MAX]){__VA_ARGS__})
#define USUAL SUBJECT({"O", COMPANY}, {"CN", COMPANY})
#define NOTHING_MORE EXTENSIONS({NULL, NULL})

/* Judges a lock's certificate with this subject, and these extensions beside the usual ones. */
static void present(const struct region_pair *subject, const struct region_pair *extensions)
{
    struct region_pair all[PAIRS_MAX + 4] = {
        {"keyUsage", "critical,digitalSignature,nonRepudiation"},
        {"authorityKeyIdentifier", "keyid"},
        {"certificatePolicies", "1.3.6.1.4.1.32473.1.1.1"},
    };
    size_t n = 3;
    for (; extensions->name != NULL; extensions++)
        all[n++] = *extensions;
    const struct region_certificate what = {.key = authority.responder_key,
                                            .issuer = authority.certificate,
                                            .issuer_key = authority.key,
                                            .subject = subject,
                                            .extensions = all,
                                            .from = REGION_NOW - REGION_DAY,
                                            .to = REGION_NOW + REGION_DAY};
    X509 *certificate = region_issue(&what);
    size_t len = 0;
    unsigned char *der = region_der(certificate, &len);
    enum pki_reason why = PKI_REASONS;
    forget();
    assert_int_equal(leaf_parse(der, len, &why, &w.leaf), IDP_OK);
    assert_int_equal(leaf_judge(w.leaf, w.trust), IDP_OK);
    X509_free(certificate);
    free(der);
}

static void expect_uscc(const char *uscc)
{
    if (w.leaf->verdict != PKI_REASONS)
        fail_msg("%s", pki_reasons[w.leaf->verdict].code);
    assert_string_equal(w.leaf->uscc, uscc);
    assert_true(uscc_is_valid(w.leaf->uscc));
}

/* Refused by lock.no_uscc or lock.uscc_check. */
static void expect_no_valid_uscc(void)
{
    assert_int_equal(w.leaf->verdict, PKI_REASONS);
    assert_false(uscc_is_valid(w.leaf->uscc));
}

static void expect_refused(enum pki_reason reason)
{
    if (w.leaf->verdict != reason)
        fail_msg("%s instead of %s",
                 w.leaf->verdict == PKI_REASONS ? "good" : pki_reasons[w.leaf->verdict].code,
                 pki_reasons[reason].code);
}

/* lock.profile, for this part. */
static void expect_unreadable(const char *field)
{
    expect_refused(PKI_PROFILE);
    assert_string_equal(w.leaf->field->name, field);
}

/* --- the rows of the study ------------------------------------------------------------------ */

static void organization_code_of_gmt_0015(void **state)
{
    (void)state;
    use("{\"uscc\":[{\"extension\":\"1.2.156.10260.4.1.4\",\"types\":[\"printable\"]}]," NAMED
            BY_POLICY);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", PRINTABLE(REGION_USCC)},
                              {"1.2.156.10260.4.1.3", PRINTABLE(REGISTRATION)}));
    expect_uscc(REGION_USCC);
    /* The neighbours: the registration number's place, the tax number's, and UTF8String. */
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.3", PRINTABLE(REGION_USCC)},
                              {"1.2.156.10260.4.1.5", PRINTABLE(REGION_USCC)}));
    expect_no_valid_uscc();
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", UTF8(REGION_USCC)}));
    expect_unreadable("uscc");
}

#define IN_TURN                                                                                    \
    "{\"uscc\":[{\"extension\":\"1.2.156.10260.4.1.3\",\"types\":[\"printable\"]},"                \
    "{\"extension\":\"1.2.156.10260.4.1.4\",\"types\":[\"printable\"]},"                           \
    "{\"extension\":\"1.2.86.11.7.3\",\"types\":[\"printable\"]},"                                 \
    "{\"extension\":\"1.2.156.10260.4.1.1\",\"types\":[\"printable\"],\"prefix\":\"N\"}],"         \
    "\"person\":[{\"extension\":\"1.2.156.10260.4.1.1\",\"types\":[\"printable\"],"                \
    "\"except\":\"N\"}]," NAMED BY_POLICY

static void four_places_in_turn_the_last_behind_an_n(void **state)
{
    (void)state;
    use(IN_TURN);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.3", PRINTABLE(REGION_USCC)},
                              {"1.2.156.10260.4.1.4", PRINTABLE(OTHER_USCC)}));
    expect_uscc(REGION_USCC);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", PRINTABLE(REGION_USCC)}));
    expect_uscc(REGION_USCC);
    present(USUAL, EXTENSIONS({"1.2.86.11.7.3", PRINTABLE(REGION_USCC)}));
    expect_uscc(REGION_USCC);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.1", PRINTABLE("N" REGION_USCC)}));
    expect_uscc(REGION_USCC);
}

static void first_of_four_places_decides_even_when_it_holds_something_else(void **state)
{
    (void)state;
    use(IN_TURN);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.3", PRINTABLE(REGISTRATION)},
                              {"1.2.156.10260.4.1.4", PRINTABLE(REGION_USCC)}));
    expect_no_valid_uscc();
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.3", UTF8(REGION_USCC)},
                              {"1.2.156.10260.4.1.4", PRINTABLE(REGION_USCC)}));
    expect_unreadable("uscc");
}

static void without_the_n_it_is_a_persons_number(void **state)
{
    (void)state;
    use(IN_TURN);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.1", PRINTABLE(ID_CARD)}));
    expect_refused(PKI_NAMES_PERSON);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.1", PRINTABLE(REGION_USCC)}));
    expect_refused(PKI_NAMES_PERSON);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.1", PRINTABLE("NN" REGION_USCC)}));
    expect_no_valid_uscc();
}

/* GB/T 20518 of 2006: .3 and .4 changed their meanings between authorities. */
static void old_numbers_are_read_as_each_authority_means_them(void **state)
{
    (void)state;
    static const char *const by_3 =
        "{\"uscc\":[{\"extension\":\"1.2.86.11.7.3\",\"types\":[\"printable\"]}],"
        "\"person\":[{\"extension\":\"1.2.86.11.7.1\",\"types\":[\"printable\"]},"
        "{\"extension\":\"1.2.86.11.7.2\",\"types\":[\"printable\"]}]," NAMED BY_POLICY;
    static const char *const by_4 =
        "{\"uscc\":[{\"extension\":\"1.2.86.11.7.4\",\"types\":[\"printable\"]}]," NAMED BY_POLICY;
    const struct region_pair *const code_in_3 =
        EXTENSIONS({"1.2.86.11.7.3", PRINTABLE(REGION_USCC)},
                   {"1.2.86.11.7.4", PRINTABLE(REGISTRATION)}, {"1.2.86.11.7.5", PRINTABLE("1")});
    const struct region_pair *const code_in_4 = EXTENSIONS(
        {"1.2.86.11.7.3", PRINTABLE(REGISTRATION)}, {"1.2.86.11.7.4", PRINTABLE(REGION_USCC)});
    use(by_3);
    present(USUAL, code_in_3);
    expect_uscc(REGION_USCC);
    present(USUAL, code_in_4);
    expect_no_valid_uscc();
    present(USUAL, EXTENSIONS({"1.2.86.11.7.3", PRINTABLE(REGION_USCC)},
                              {"1.2.86.11.7.2", PRINTABLE("0471")}));
    expect_refused(PKI_NAMES_PERSON);
    use(by_4);
    present(USUAL, code_in_4);
    expect_uscc(REGION_USCC);
    present(USUAL, code_in_3);
    expect_no_valid_uscc();
}

static void gdca_code_and_trust_number(void **state)
{
    (void)state;
    use("{\"uscc\":[{\"extension\":\"1.2.86.11.7.7550243.1\",\"types\":[\"printable\",\"utf8\"]}],"
        "\"key_number\":[{\"extension\":\"1.2.86.21.1.3\",\"types\":[\"printable\",\"utf8\"]}]"
        "," NAMED BY_POLICY);
    present(USUAL, EXTENSIONS({"1.2.86.11.7.7550243.1", UTF8(REGION_USCC)},
                              {"1.2.86.21.1.3", PRINTABLE("GD0001")}));
    expect_uscc(REGION_USCC);
    assert_string_equal(w.leaf->key_number, "GD0001");
    present(USUAL, EXTENSIONS({"1.2.86.21.1.3", PRINTABLE(REGION_USCC)}));
    expect_no_valid_uscc();
    present(USUAL, EXTENSIONS({"1.2.86.11.7.7550243", PRINTABLE(REGION_USCC)}));
    expect_no_valid_uscc();
}

static void sheca_enterprise_code_and_unique_id(void **state)
{
    (void)state;
    use("{\"uscc\":[{\"extension\":\"1.2.156.112570.11.210\",\"types\":[\"utf8\"]},"
        "{\"extension\":\"1.2.156.10260.4.1.4\",\"types\":[\"printable\"]}],"
        "\"key_number\":[{\"extension\":\"1.2.156.1.8888.148\",\"types\":[\"utf8\"]}]," NAMED
            BY_POLICY);
    present(USUAL, EXTENSIONS({"1.2.156.112570.11.210", UTF8(REGION_USCC)},
                              {"1.2.156.1.8888.148", UTF8("QT0001@5001ZZ0042")}));
    expect_uscc(REGION_USCC);
    assert_string_equal(w.leaf->key_number, "QT0001@5001ZZ0042");
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", PRINTABLE(REGION_USCC)}));
    expect_uscc(REGION_USCC);
    present(USUAL, EXTENSIONS({"1.2.156.1.8888.148", UTF8(REGION_USCC)}));
    expect_no_valid_uscc();
}

#define BJCA "1.2.156.112562.2.1.1.1"

static void bjca_type_prefixes(void **state)
{
    (void)state;
    use("{\"uscc\":[{\"extension\":\"" BJCA "\",\"types\":[\"utf8\",\"printable\"],"
        "\"prefix\":\"1@5009JJ\"},{\"extension\":\"" BJCA "\",\"types\":[\"utf8\",\"printable\"],"
        "\"prefix\":\"JJ\"},{\"extension\":\"2.16.840.1.113732.2\",\"types\":[\"printable\"],"
        "\"prefix\":\"JJ\"}],"
        "\"person\":[{\"extension\":\"" BJCA "\",\"types\":[\"utf8\",\"printable\"],"
        "\"prefix\":\"SF\"},{\"extension\":\"2.16.840.1.113732.2\",\"types\":[\"printable\"],"
        "\"prefix\":\"SF\"}]," NAMED BY_POLICY);
    present(USUAL, EXTENSIONS({BJCA, UTF8("1@5009JJ" REGION_USCC)}));
    expect_uscc(REGION_USCC);
    present(USUAL, EXTENSIONS({BJCA, PRINTABLE("JJ" REGION_USCC)}));
    expect_uscc(REGION_USCC);
    present(USUAL, EXTENSIONS({"2.16.840.1.113732.2", PRINTABLE("JJ" REGION_USCC)}));
    expect_uscc(REGION_USCC);
    /* The old organisation code, a person, another type's prefix, and none at all. */
    present(USUAL, EXTENSIONS({BJCA, UTF8("1@5009JJ0863175332")}));
    expect_no_valid_uscc();
    present(USUAL, EXTENSIONS({BJCA, PRINTABLE("SF" ID_CARD)}));
    expect_refused(PKI_NAMES_PERSON);
    present(USUAL, EXTENSIONS({BJCA, UTF8("1@5009SF" REGION_USCC)}));
    expect_no_valid_uscc();
    present(USUAL, EXTENSIONS({BJCA, UTF8(REGION_USCC)}));
    expect_no_valid_uscc();
    present(USUAL, EXTENSIONS({BJCA, UTF8("JJ")}));
    expect_unreadable("uscc");
}

#define CFCA                                                                                       \
    "{\"uscc\":[{\"extension\":\"1.2.156.10260.4.1.4\",\"types\":[\"printable\"]}],"               \
    "\"name\":[{\"subject\":\"2.5.4.3\",\"split\":\"@\",\"field\":1,\"of\":4}],"                   \
    "\"key_number\":[{\"subject\":\"2.5.4.3\",\"split\":\"@\",\"field\":2,\"of\":4,"               \
    "\"prefix\":\"Z\"}],"                                                                          \
    "\"class\":{\"enterprise\":[{\"subject\":\"2.5.4.11\",\"starts\":\"Organizational-\"}],"       \
    "\"personal\":[{\"subject\":\"2.5.4.11\",\"starts\":\"Individual-\"}]},"                       \
    "\"extended_key_usage\":[\"absent\"]}"
#define CODE EXTENSIONS({"1.2.156.10260.4.1.4", PRINTABLE(REGION_USCC)})

static void cfca_fields_of_the_common_name(void **state)
{
    (void)state;
    use(CFCA);
    present(SUBJECT({"OU", "Organizational-1"}, {"CN", "051@" COMPANY "@Z0042@1"}), CODE);
    expect_uscc(REGION_USCC);
    assert_string_equal(w.leaf->name, COMPANY);
    assert_string_equal(w.leaf->key_number, "0042");
    present(SUBJECT({"OU", "Individual-1"}, {"CN", "051@张三@Z0042@1"}), CODE);
    expect_refused(PKI_PERSONAL);
    present(SUBJECT({"OU", "Organizational-1"}, {"OU", "Individual-1"},
                    {"CN", "051@" COMPANY "@Z0042@1"}),
            CODE);
    expect_refused(PKI_PERSONAL);
    present(SUBJECT({"CN", "051@" COMPANY "@Z0042@1"}), CODE);
    expect_refused(PKI_CLASS);
}

/* An enterprise's name may hold the sign: then nobody can tell which field is which. */
static void common_name_is_split_only_into_the_right_count_of_fields(void **state)
{
    (void)state;
    static const char *const names[] = {"051@风铃@建设@Z0042@1", "051@" COMPANY "@Z0042",
                                        "051@" COMPANY "@Z0042@1@", COMPANY, "051@@Z0042@1"};
    use(CFCA);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        present(SUBJECT({"OU", "Organizational-1"}, {"CN", names[i]}), CODE);
        expect_unreadable("name");
    }
}

static void der_string_and_bare_characters(void **state)
{
    (void)state;
    /* 13 12 <18 characters>, and the characters alone. */
    static const char *const string = "DER:1312393131353031303"
                                      "04d413054454154315844";
    static const char *const bare = "DER:393131353031303"
                                    "04d413054454154315844";
    use("{\"uscc\":[{\"extension\":\"1.2.156.10260.4.1.4\",\"types\":[\"printable\"]}]," NAMED
            BY_POLICY);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", string}));
    expect_uscc(REGION_USCC);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", bare}));
    expect_unreadable("uscc");
    use("{\"uscc\":[{\"extension\":\"1.2.156.10260.4.1.4\",\"bare\":true}]," NAMED BY_POLICY);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", bare}));
    expect_uscc(REGION_USCC);
    present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", string}));
    expect_unreadable("uscc"); /* the two bytes before the text are never stripped by hand */
}

static void organization_identifier_with_its_prefix(void **state)
{
    (void)state;
    use("{\"uscc\":[{\"subject\":\"2.5.4.97\",\"prefix\":\"NTRCN-\"}]," NAMED BY_POLICY);
    present(SUBJECT({"CN", COMPANY}, {"2.5.4.97", "NTRCN-" REGION_USCC}), NOTHING_MORE);
    expect_uscc(REGION_USCC);
    static const char *const others[] = {"VATCN-" REGION_USCC, REGION_USCC, "ntrcn-" REGION_USCC,
                                         "NTRCN" REGION_USCC, "NTRCN-NTRCN-" REGION_USCC};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        present(SUBJECT({"CN", COMPANY}, {"2.5.4.97", others[i]}), NOTHING_MORE);
        expect_no_valid_uscc();
    }
}

static void identify_code_in_each_of_its_taggings(void **state)
{
    (void)state;
    static const char *const values[] = {
        "ASN1:IMPLICIT:0,PRINTABLESTRING:" ID_CARD, "ASN1:EXPLICIT:0,PRINTABLESTRING:" ID_CARD,
        "ASN1:IMPLICIT:1,UTF8String:J0042",         "ASN1:EXPLICIT:1,UTF8String:J0042",
        "ASN1:IMPLICIT:2,PRINTABLESTRING:E1234567", "ASN1:EXPLICIT:2,PRINTABLESTRING:E1234567",
    };
    /* What is tagged otherwise is there all the same, and cannot be read. */
    static const char *const odd[] = {"ASN1:IMPLICIT:3,PRINTABLESTRING:" ID_CARD,
                                      "ASN1:EXPLICIT:0,UTF8String:" ID_CARD,
                                      "ASN1:EXPLICIT:1,PRINTABLESTRING:J0042",
                                      PRINTABLE(ID_CARD),
                                      "DER:a000",
                                      "ASN1:NULL"};
    use("{\"uscc\":[{\"extension\":\"1.2.156.10260.4.1.4\",\"types\":[\"printable\"]}],"
        "\"person\":[{\"extension\":\"1.2.156.10260.4.1.1\",\"types\":[\"printable\",\"utf8\"],"
        "\"choice\":true}],\"medium_number\":[{\"extension\":\"1.2.156.10260.4.1.1\","
        "\"types\":[\"printable\",\"utf8\"],\"choice\":true}],\"person_allowed\":true," NAMED
            BY_POLICY);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", PRINTABLE(REGION_USCC)},
                                  {"1.2.156.10260.4.1.1", values[i]}));
        expect_uscc(REGION_USCC);
        assert_true(w.leaf->names_person);
        assert_non_null(strstr(values[i], w.leaf->medium_number));
        assert_true(strlen(w.leaf->medium_number) >= 5);
    }
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        present(USUAL, EXTENSIONS({"1.2.156.10260.4.1.4", PRINTABLE(REGION_USCC)},
                                  {"1.2.156.10260.4.1.1", odd[i]}));
        expect_unreadable("medium_number");
        assert_true(w.leaf->names_person);
    }
}

/* --- attack 12: what only looks like it ----------------------------------------------------- */

#define IN_SUBJECT "{\"uscc\":[{\"subject\":\"2.5.4.5\"}]," NAMED BY_POLICY

static void attribute_of_another_string_type_is_read_only_where_the_profile_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *attribute, *type;
    } types[] = {{"BMP:serialNumber", "bmp"},
                 {"IA5:serialNumber", "ia5"},
                 {"UTF8:serialNumber", "utf8"},
                 {"PRINTABLE:serialNumber", "printable"}};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        char profile[512];
        const struct region_pair *subject =
            SUBJECT({"CN", COMPANY}, {types[i].attribute, REGION_USCC});
        (void)snprintf(profile, sizeof(profile),
                       "{\"uscc\":[{\"subject\":\"2.5.4.5\",\"types\":[\"%s\"]}]," NAMED BY_POLICY,
                       types[i].type);
        use(profile);
        present(subject, NOTHING_MORE);
        expect_uscc(REGION_USCC);
        for (size_t j = 0; j < sizeof(types) / sizeof(*types); j++) {
            if (j == i)
                continue;
            present(SUBJECT({"CN", COMPANY}, {types[j].attribute, REGION_USCC}), NOTHING_MORE);
            expect_unreadable("uscc");
        }
    }
    use(IN_SUBJECT);
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        present(SUBJECT({"CN", COMPANY}, {types[i].attribute, REGION_USCC}), NOTHING_MORE);
        if (i < 2)
            expect_unreadable("uscc");
        else
            expect_uscc(REGION_USCC);
    }
}

static void teletex_and_universal_strings_are_never_read(void **state)
{
    (void)state;
    use("{\"uscc\":[{\"subject\":\"2.5.4.5\",\"types\":[\"printable\",\"utf8\",\"ia5\",\"bmp\"]}]"
        "," NAMED BY_POLICY);
    static const char *const types[] = {"TELETEX:serialNumber", "UNIVERSAL:serialNumber"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        present(SUBJECT({"CN", COMPANY}, {types[i], REGION_USCC}), NOTHING_MORE);
        expect_unreadable("uscc");
    }
    use("{\"uscc\":[{\"extension\":\"1.2.3.4\",\"types\":[\"printable\",\"utf8\",\"ia5\",\"bmp\"]}]"
        "," NAMED BY_POLICY);
    static const char *const values[] = {
        "ASN1:T61STRING:" REGION_USCC, "ASN1:UNIVERSALSTRING:" REGION_USCC,
        "ASN1:VISIBLESTRING:" REGION_USCC, "ASN1:NUMERICSTRING:911501001234567890",
        "ASN1:OCTETSTRING:" REGION_USCC};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        present(USUAL, EXTENSIONS({"1.2.3.4", values[i]}));
        expect_unreadable("uscc");
    }
    present(USUAL, EXTENSIONS({"1.2.3.4", "ASN1:BMPSTRING:" REGION_USCC}));
    expect_uscc(REGION_USCC);
}

static void look_alikes_are_no_code(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "91150100MA0TEAT1X",              /* 17 */
        "91150100MA0TEAT1XDD",            /* 19 */
        "91150100ma0teat1xd",             /* lower case */
        "9115O100MA0TEAT1XD",             /* O for 0 */
        " 91150100MA0TEAT1XD",            /* white space, before and behind */
        "91150100MA0TEAT1XD ",            //
        "９1150100MA0TEAT1XD",            /* a full-width digit */
        "91150100МA0TEAT1XD",             /* a Cyrillic M */
        "91150100MA0TEAT1XD\xE2\x80\x8B", /* a zero-width space */
        "91150100MA0TEAT1XE",             /* another check character */
    };
    use(IN_SUBJECT);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        present(SUBJECT({"CN", COMPANY}, {"UTF8:serialNumber", texts[i]}), NOTHING_MORE);
        expect_no_valid_uscc();
    }
}

static void nul_and_control_characters_are_never_read(void **state)
{
    (void)state;
    static const char *const values[] = {
        "DER:0c1339313135303130304d4130544541543158440a", /* a line feed behind */
        "DER:0c1339313135303130304d41305445415431584400", /* a NUL behind */
        "DER:0c133931313530313030004d413054454154315844", /* a NUL inside */
        "DER:1e0400390000",                               /* a NUL of two bytes */
        "DER:1e040039d800",                               /* half of a pair */
        "DER:1e03003931",                                 /* half of a character */
        "DER:13023900",
        "DER:16023900",
    };
    use("{\"uscc\":[{\"extension\":\"1.2.3.4\",\"types\":[\"printable\",\"utf8\",\"ia5\",\"bmp\"]}]"
        "," NAMED BY_POLICY);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        present(USUAL, EXTENSIONS({"1.2.3.4", values[i]}));
        expect_unreadable("uscc");
    }
}

static void two_values_are_none(void **state)
{
    (void)state;
    use(IN_SUBJECT);
    present(SUBJECT({"CN", COMPANY}, {"serialNumber", REGION_USCC}, {"serialNumber", REGION_USCC}),
            NOTHING_MORE);
    expect_unreadable("uscc");
    present(SUBJECT({"CN", COMPANY}, {"serialNumber", REGION_USCC}, {"+serialNumber", OTHER_USCC}),
            NOTHING_MORE);
    expect_unreadable("uscc");
    use("{\"uscc\":[{\"extension\":\"1.2.3.4\",\"types\":[\"utf8\"]}]," NAMED BY_POLICY);
    present(USUAL, EXTENSIONS({"1.2.3.4", UTF8(REGION_USCC)}, {"1.2.3.4", UTF8(OTHER_USCC)}));
    expect_refused(PKI_EXTENSION_REPEATED);
    present(USUAL, EXTENSIONS({"1.2.3.4", "DER:0c014130020c01"}));
    expect_unreadable("uscc");
}

/* A set has no order, so CN=a+O=b could be read as either. */
static void attribute_that_shares_its_relative_name_is_not_read(void **state)
{
    (void)state;
    use(IN_SUBJECT);
    present(SUBJECT({"CN", COMPANY}, {"serialNumber", REGION_USCC}, {"+OU", "x"}), NOTHING_MORE);
    expect_unreadable("uscc");
    present(SUBJECT({"CN", COMPANY}, {"+OU", "x"}, {"serialNumber", REGION_USCC}), NOTHING_MORE);
    expect_unreadable("name");
    use(CFCA);
    present(SUBJECT({"OU", "Organizational-1"}, {"+OU", "Individual-1"},
                    {"CN", "051@" COMPANY "@Z0042@1"}),
            CODE);
    expect_refused(PKI_CLASS);
}

/* An attribute that cannot be read might say anything: no rule about it holds. */
static void rule_does_not_hold_beside_an_unreadable_attribute(void **state)
{
    (void)state;
    use(CFCA);
    present(SUBJECT({"OU", "Organizational-1"}, {"TELETEX:OU", "Individual-1"},
                    {"CN", "051@" COMPANY "@Z0042@1"}),
            CODE);
    expect_refused(PKI_CLASS);
    present(SUBJECT({"OU", "Organizational-1"}, {"BMP:OU", "Individual-1"},
                    {"CN", "051@" COMPANY "@Z0042@1"}),
            CODE);
    expect_refused(PKI_PERSONAL);
}

/* Personal locks that have the enterprises' policy, too, and a mark in the subject. */
#define MARKED_BY(mark)                                                                            \
    "{\"uscc\":[{\"subject\":\"2.5.4.5\"}]," NAMED                                                 \
    "\"class\":{\"enterprise\":[{\"policy\":\"1.3.6.1.4.1.32473.1.1.1\"}],"                        \
    "\"" mark "\":[{\"subject\":\"2.5.4.11\",\"starts\":\"Individual-\"}]},"                       \
    "\"extended_key_usage\":[\"absent\"]}"

/* A mark that cannot be read counts against the lock. */
static void lock_that_might_be_a_persons_is_no_enterprises(void **state)
{
    (void)state;
    static const char *const profiles[] = {MARKED_BY("personal"), MARKED_BY("legal_person")};
    for (size_t i = 0; i < 2; i++) {
        use(profiles[i]);
        present(SUBJECT({"TELETEX:OU", "Individual-1"}, {"CN", "a"}, {"serialNumber", REGION_USCC}),
                NOTHING_MORE);
        expect_refused(PKI_CLASS);
        present(SUBJECT({"OU", "Individual-1"}, {"+OU", "x"}, {"CN", "a"},
                        {"serialNumber", REGION_USCC}),
                NOTHING_MORE);
        expect_refused(PKI_CLASS);
        present(SUBJECT({"OU", "Sales"}, {"CN", "a"}, {"serialNumber", REGION_USCC}), NOTHING_MORE);
        expect_uscc(REGION_USCC);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(organization_code_of_gmt_0015),
        TEST(four_places_in_turn_the_last_behind_an_n),
        TEST(first_of_four_places_decides_even_when_it_holds_something_else),
        TEST(without_the_n_it_is_a_persons_number),
        TEST(old_numbers_are_read_as_each_authority_means_them),
        TEST(gdca_code_and_trust_number),
        TEST(sheca_enterprise_code_and_unique_id),
        TEST(bjca_type_prefixes),
        TEST(cfca_fields_of_the_common_name),
        TEST(common_name_is_split_only_into_the_right_count_of_fields),
        TEST(der_string_and_bare_characters),
        TEST(organization_identifier_with_its_prefix),
        TEST(identify_code_in_each_of_its_taggings),
        TEST(attribute_of_another_string_type_is_read_only_where_the_profile_says_so),
        TEST(teletex_and_universal_strings_are_never_read),
        TEST(look_alikes_are_no_code),
        TEST(nul_and_control_characters_are_never_read),
        TEST(two_values_are_none),
        TEST(attribute_that_shares_its_relative_name_is_not_read),
        TEST(rule_does_not_hold_beside_an_unreadable_attribute),
        TEST(lock_that_might_be_a_persons_is_no_enterprises),
    };
    return cmocka_run_group_tests_name("pki/placement", tests, make_all, free_all);
}
