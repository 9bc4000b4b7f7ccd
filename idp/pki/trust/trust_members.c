/*
 * The trust list's format, table by table. schema/trust-list.schema.json says the same for editors;
 * these tables decide.
 */
#include "pki/trust/trust_members.h"

#include <string.h>

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/arena.h"
#include "base/text.h"
#include "pki/certificate_time.h"
#include "pki/signed.h"
#include "pki/trust/reading.h"
#include "pki/trust/rules.h"

enum { PEM_MAX = 16 * 1024 };

static void drop_object(void *object)
{
    ASN1_OBJECT_free(object);
}

/* The length of a number without leading zeros at text, or 0. */
static size_t arc(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 1 && text[0] == '0' ? 0 : n;
}

/*
 * Numbers with points between them, at least two, of which the first two are those that X.660
 * allows. OpenSSL would take short names, too, and points where none belong; a list should have one
 * spelling.
 */
static bool is_oid(const char *text)
{
    if (strlen(text) > 64 || text[0] < '0' || text[0] > '2' || text[1] != '.')
        return false;
    const char *second = text + 2;
    size_t n = arc(second);
    bool fits = text[0] == '2' || n == 1 || (n == 2 && second[0] <= '3');
    const char *at = second + n;
    while (fits && n > 0 && *at == '.') {
        n = arc(at + 1);
        at += 1 + n;
    }
    return fits && n > 0 && *at == '\0';
}

static enum idp_err read_oid(struct reading *reading, const struct member *member, json_t *value,
                             void *field)
{
    const char *text = json_string_value(value);
    (void)member;
    if (text == NULL || !is_oid(text))
        return reading_wrong(reading, "an object identifier such as 1.2.156.10260.4.1.4");
    ASN1_OBJECT *object = OBJ_txt2obj(text, 1);
    if (object == NULL)
        return reading_wrong(reading, "an object identifier such as 1.2.156.10260.4.1.4");
    if (arena_own(reading->arena, object, drop_object) == NULL)
        return IDP_FAULT;
    *(const ASN1_OBJECT **)field = object;
    return IDP_OK;
}

static enum idp_err read_hash(struct reading *reading, const struct member *member, json_t *value,
                              void *field)
{
    const char *text = json_string_value(value);
    unsigned char *hash = arena_alloc(reading->arena, DIGEST_SIZE);
    (void)member;
    if (hash == NULL)
        return IDP_FAULT;
    if (text == NULL || !text_from_hex(text, hash, DIGEST_SIZE))
        return reading_wrong(reading, "the SHA-256 of an anchor, 64 hex digits");
    *(const unsigned char **)field = hash;
    return IDP_OK;
}

/* --- places --------------------------------------------------------------------------------- */

static enum idp_err check_place(struct reading *reading, void *object)
{
    const struct place *place = object;
    bool in_extension = place->extension != NULL;
    enum idp_err err = IDP_OK;
    if (in_extension == (place->subject != NULL))
        return reading_wrong(reading, "either \"extension\" or \"subject\"");
    reading_expect(reading, !in_extension || place->split == NULL,
                   "\"split\" with \"subject\" only", &err);
    reading_expect(reading, !in_extension || place->types != 0 || place->bare,
                   "\"types\" beside \"extension\"", &err);
    reading_expect(reading, in_extension || (!place->bare && !place->choice),
                   "\"bare\" and \"choice\" with \"extension\" only", &err);
    reading_expect(reading, place->split != NULL || (place->of == 0 && place->field == 0),
                   "\"split\" beside \"field\" and \"of\"", &err);
    reading_expect(reading, place->split == NULL || place->of != 0, "\"of\" beside \"split\"",
                   &err);
    reading_expect(reading, place->of == 0 || place->field < place->of,
                   "a \"field\" below \"of\" (the first is 0)", &err);
    return err;
}

/* In the order of the bits of enum place_type. */
static const char *const type_names[] = {"printable", "utf8", "ia5", "bmp", NULL};

static const struct member place_members[] = {
    {"extension", .read = read_oid, .offset = offsetof(struct place, extension)},
    {"subject", .read = read_oid, .offset = offsetof(struct place, subject)},
    {"types", .read = reading_set, .offset = offsetof(struct place, types), .min = 1, .max = 4,
     .names = type_names},
    {"bare", .read = reading_truth, .offset = offsetof(struct place, bare)},
    {"choice", .read = reading_truth, .offset = offsetof(struct place, choice)},
    {"prefix", .read = reading_text, .offset = offsetof(struct place, prefix), .max = 64},
    {"except", .read = reading_text, .offset = offsetof(struct place, except), .min = 1, .max = 64},
    {"split", .read = reading_text, .offset = offsetof(struct place, split), .min = 1, .max = 1},
    {"field", .read = reading_number, .offset = offsetof(struct place, field), .max = 15},
    {"of", .read = reading_number, .offset = offsetof(struct place, of), .min = 2, .max = 16},
    {.name = NULL},
};

static const struct member place_item = {
    .read = reading_object, .table = place_members, .check = check_place};

/* --- rules ---------------------------------------------------------------------------------- */

static bool is_set(const struct place *place)
{
    return place->extension != NULL || place->subject != NULL;
}

static enum idp_err check_rule(struct reading *reading, void *object)
{
    const struct rule *rule = object;
    int kinds = (rule->subject != NULL) + (rule->policy != NULL) + (rule->issuer != NULL) +
                is_set(&rule->has) + is_set(&rule->lacks);
    int texts = (rule->equals != NULL) + (rule->starts != NULL);
    if (kinds != 1)
        return reading_wrong(reading,
                             "one of \"subject\", \"policy\", \"issuer\", \"has\" and \"lacks\"");
    if (texts != (rule->subject != NULL))
        return reading_wrong(reading, "either \"equals\" or \"starts\" beside \"subject\"");
    return IDP_OK;
}

static const struct member rule_members[] = {
    {"subject", .read = read_oid, .offset = offsetof(struct rule, subject)},
    {"equals", .read = reading_text, .offset = offsetof(struct rule, equals), .min = 1,
     .max = RULES_TEXT_MAX},
    {"starts", .read = reading_text, .offset = offsetof(struct rule, starts), .min = 1,
     .max = RULES_TEXT_MAX},
    {"policy", .read = read_oid, .offset = offsetof(struct rule, policy)},
    {"issuer", .read = read_hash, .offset = offsetof(struct rule, issuer)},
    {"has", .read = reading_object, .offset = offsetof(struct rule, has), .table = place_members,
     .check = check_place},
    {"lacks", .read = reading_object, .offset = offsetof(struct rule, lacks),
     .table = place_members, .check = check_place},
    {.name = NULL},
};

static const struct member rule_item = {
    .read = reading_object, .table = rule_members, .check = check_rule};

/* --- the profile ---------------------------------------------------------------------------- */

/* Takes one entry of extended_key_usage: absent, clientAuth or an object identifier. */
static enum idp_err read_usage(struct reading *reading, const struct member *member, json_t *value,
                               void *field)
{
    const char *text = json_string_value(value);
    if (text != NULL && strcmp(text, "absent") == 0) {
        *(const ASN1_OBJECT **)field = NULL; /* see RULES: NULL in the list means this */
        return IDP_OK;
    }
    if (text != NULL && strcmp(text, "clientAuth") == 0) {
        *(const ASN1_OBJECT **)field = OBJ_nid2obj(NID_client_auth);
        return IDP_OK;
    }
    return read_oid(reading, member, value, field);
}

static const struct member usage_item = {.read = read_usage};
static const struct member policy_item = {.read = read_oid};

/* What is only not there makes no enterprise certificate. */
static enum idp_err check_class(struct reading *reading, void *object)
{
    const struct rules *rules = &((const struct authority_rules *)object)->enterprise;
    bool positive = false;
    for (size_t i = 0; i < rules->count; i++)
        positive = positive || !is_set(&rules->list[i].lacks);
    enum idp_err err = reading_enter(reading, "enterprise", 0);
    if (err != IDP_OK)
        return err;
    reading_expect(reading, positive, "a rule about what is there, not only \"lacks\"", &err);
    reading_leave(reading);
    return err;
}

/* Tables below, down to authority_members, fill one struct authority_rules: nested ones have offset
 * 0. */
static const struct member class_members[] = {
    {"enterprise", .required = true, .read = reading_list,
     .offset = offsetof(struct authority_rules, enterprise), .min = 1, .max = RULES_LIST_MAX,
     .item = &rule_item, .size = sizeof(struct rule)},
    {"personal", .read = reading_list, .offset = offsetof(struct authority_rules, personal),
     .min = 1, .max = RULES_LIST_MAX, .item = &rule_item, .size = sizeof(struct rule)},
    {"legal_person", .read = reading_list, .offset = offsetof(struct authority_rules, legal_person),
     .min = 1, .max = RULES_LIST_MAX, .item = &rule_item, .size = sizeof(struct rule)},
    {.name = NULL},
};

static const struct member profile_members[] = {
    {"uscc", .required = true, .read = reading_list,
     .offset = offsetof(struct authority_rules, uscc), .min = 1, .max = RULES_LIST_MAX,
     .item = &place_item, .size = sizeof(struct place)},
    {"name", .required = true, .read = reading_list,
     .offset = offsetof(struct authority_rules, name), .min = 1, .max = RULES_LIST_MAX,
     .item = &place_item, .size = sizeof(struct place)},
    {"key_number", .read = reading_list, .offset = offsetof(struct authority_rules, key_number),
     .min = 0, .max = RULES_LIST_MAX, .item = &place_item, .size = sizeof(struct place)},
    {"medium_number", .read = reading_list,
     .offset = offsetof(struct authority_rules, medium_number), .min = 0, .max = RULES_LIST_MAX,
     .item = &place_item, .size = sizeof(struct place)},
    {"person", .read = reading_list, .offset = offsetof(struct authority_rules, person), .min = 0,
     .max = RULES_LIST_MAX, .item = &place_item, .size = sizeof(struct place)},
    {"person_allowed", .read = reading_truth,
     .offset = offsetof(struct authority_rules, person_allowed)},
    {"class", .required = true, .read = reading_object, .table = class_members,
     .check = check_class},
    {"region", .read = reading_list, .offset = offsetof(struct authority_rules, region), .min = 1,
     .max = RULES_LIST_MAX, .item = &rule_item, .size = sizeof(struct rule)},
    {"extended_key_usage", .required = true, .read = reading_list,
     .offset = offsetof(struct authority_rules, extended_key_usage), .min = 1,
     .max = RULES_LIST_MAX, .item = &usage_item, .size = sizeof(const ASN1_OBJECT *)},
    {"policies", .read = reading_list, .offset = offsetof(struct authority_rules, policies),
     .min = 1, .max = RULES_LIST_MAX, .item = &policy_item, .size = sizeof(const ASN1_OBJECT *)},
    {"strict", .read = reading_truth, .offset = offsetof(struct authority_rules, strict)},
    {.name = NULL},
};

/* --- limits --------------------------------------------------------------------------------- */

/* In the order of enum lock_key. */
static const char *const key_names[] = {"rsa", "p256", "sm2", NULL};

static const struct member limits_members[] = {
    {"rsa_bits", .required = true, .read = reading_number,
     .offset = offsetof(struct authority_rules, limits.rsa_bits), .min = 2048, .max = 8192},
    {"keys", .required = true, .read = reading_set,
     .offset = offsetof(struct authority_rules, limits.keys), .min = 1, .max = 3,
     .names = key_names},
    {"max_days", .required = true, .read = reading_number,
     .offset = offsetof(struct authority_rules, limits.max_days), .min = 1, .max = 36600},
    {.name = NULL},
};

/* --- certificates --------------------------------------------------------------------------- */

static void drop_certificate(void *certificate)
{
    X509_free(certificate);
}

/* Exactly one certificate in PEM, and nothing but white space after it. */
static X509 *parse_pem(const char *text)
{
    size_t len = strlen(text);
    BIO *bio = len <= PEM_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    char rest[2];
    while (certificate != NULL && BIO_read(bio, rest, 1) == 1) {
        if (strchr(" \r\n\t", rest[0]) != NULL)
            continue;
        X509_free(certificate);
        certificate = NULL;
    }
    BIO_free(bio);
    return certificate;
}

static enum idp_err read_certificate(struct reading *reading, const struct member *member,
                                     json_t *value, void *field)
{
    const char *text = json_string_value(value);
    X509 *certificate = text != NULL ? parse_pem(text) : NULL;
    (void)member;
    if (certificate == NULL)
        return reading_wrong(reading, "one certificate in PEM (-----BEGIN CERTIFICATE-----)");
    if (arena_own(reading->arena, certificate, drop_certificate) == NULL ||
        signed_set_sm2_id(certificate) != IDP_OK)
        return IDP_FAULT;
    *(X509 **)field = certificate;
    return IDP_OK;
}

static const struct member root_item = {.read = read_certificate};

static enum idp_err read_anchor(struct reading *reading, const struct member *member, json_t *value,
                                void *field)
{
    int64_t from = 0;
    int64_t to = 0;
    enum idp_err err = read_certificate(reading, member, value, field);
    if (err != IDP_OK)
        return err;
    X509 *certificate = *(X509 **)field;
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    reading_expect(reading,
                   X509_check_ca(certificate) == 1 &&
                       (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) != 0,
                   "a certificate that may issue others (CA:TRUE, keyCertSign)", &err);
    reading_expect(reading,
                   key != NULL && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "EC") ||
                                   EVP_PKEY_is_a(key, "SM2")),
                   "an RSA, EC or SM2 key in the certificate", &err);
    reading_expect(reading, certificate_time_span(certificate, &from, &to),
                   "a certificate with readable dates", &err);
    return err;
}

static const struct member anchor_item = {.read = read_anchor};

/* --- revocation ----------------------------------------------------------------------------- */

static bool has_host(const char *url)
{
    const char *host = text_starts(url, "https://")  ? url + 8
                       : text_starts(url, "http://") ? url + 7
                                                     : "";
    return host[strcspn(host, "/@?# ")] == '/' && host[0] != '/' && host[0] != ':';
}

static enum idp_err check_url(struct reading *reading, void *object)
{
    const char *url = *(const char **)object;
    for (const char *at = url; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            return reading_wrong(reading, "an address of printable ASCII");
    return has_host(url) ? IDP_OK : reading_wrong(reading, "an address like http://host:port/path");
}

static const struct member url_members[] = {
    {"url", .required = true, .read = reading_text, .min = 1, .max = RULES_URL_MAX},
    {.name = NULL},
};

static const struct member url_item = {
    .read = reading_object, .table = url_members, .check = check_url};

/* In the order of enum certid_digest and enum nonce_mode. */
static const char *const digest_names[] = {"sha1", "sha256", "sm3", NULL};
static const char *const nonce_names[] = {"required", "optional", "off", NULL};

/* In the order of enum revocation_policy and enum ocsp_method. */
const char *const trust_policy_names[] = {"ocsp", "ocsp-else-crl", "crl", "crl-else-ocsp", NULL};
static const char *const method_names[] = {"post", "get", NULL};

/* Takes a moment like 2026-12-01T00:00:00Z (RFC 3339, UTC only). */
static enum idp_err read_moment(struct reading *reading, const struct member *member, json_t *value,
                                void *field)
{
    const char *text = json_string_value(value);
    (void)member;
    if (text == NULL || !certificate_time_parse(text, field))
        return reading_wrong(reading, "a moment like \"2026-12-01T00:00:00Z\"");
    return IDP_OK;
}

static const struct member degraded_members[] = {
    {"until", .required = true, .read = read_moment,
     .offset = offsetof(struct authority_rules, revocation.degraded.until)},
    {"max_age_s", .required = true, .read = reading_number,
     .offset = offsetof(struct authority_rules, revocation.degraded.max_age_s), .min = 60,
     .max = RULES_DEGRADED_MAX_S},
    {.name = NULL},
};

static const struct member revocation_members[] = {
    {"policy", .required = true, .read = reading_name,
     .offset = offsetof(struct authority_rules, revocation.policy), .names = trust_policy_names},
    {"ocsp", .read = reading_list, .offset = offsetof(struct authority_rules, revocation.ocsp),
     .max = RULES_OCSP_MAX, .item = &url_item, .size = sizeof(const char *)},
    {"crl", .read = reading_list, .offset = offsetof(struct authority_rules, revocation.crl),
     .max = RULES_CRLS_MAX, .item = &url_item, .size = sizeof(const char *)},
    {"hash", .read = reading_name, .offset = offsetof(struct authority_rules, revocation.digest),
     .names = digest_names},
    {"nonce", .read = reading_name, .offset = offsetof(struct authority_rules, revocation.nonce),
     .names = nonce_names},
    {"method", .read = reading_name, .offset = offsetof(struct authority_rules, revocation.method),
     .names = method_names},
    {"responder", .read = read_certificate,
     .offset = offsetof(struct authority_rules, revocation.responder)},
    {"deadline_ms", .required = true, .read = reading_number,
     .offset = offsetof(struct authority_rules, revocation.deadline_ms), .min = 100, .max = 30000},
    {"max_age_s", .required = true, .read = reading_number,
     .offset = offsetof(struct authority_rules, revocation.max_age_s), .min = 10, .max = 86400},
    {"crl_max_age_s", .read = reading_number,
     .offset = offsetof(struct authority_rules, revocation.crl_max_age_s), .min = 60,
     .max = 31 * 86400},
    {"crl_grace_s", .read = reading_number,
     .offset = offsetof(struct authority_rules, revocation.crl_grace_s), .max = 7 * 86400},
    {"recheck_s", .read = reading_number,
     .offset = offsetof(struct authority_rules, revocation.recheck_s), .min = 10, .max = 86400},
    {"ahead_s", .read = reading_number,
     .offset = offsetof(struct authority_rules, revocation.ahead_s), .min = 60, .max = 7 * 86400},
    {"questions_per_second", .read = reading_number,
     .offset = offsetof(struct authority_rules, revocation.per_second), .min = 1, .max = 1000},
    {"degraded", .read = reading_object, .table = degraded_members},
    {.name = NULL},
};

/* A policy needs an address for each of its sources. */
static enum idp_err check_revocation(struct reading *reading, void *object)
{
    const struct revocation *revocation = &((const struct authority_rules *)object)->revocation;
    enum idp_err err = IDP_OK;
    reading_expect(reading, revocation->policy == POLICY_CRL || revocation->ocsp.count > 0,
                   "an address in \"ocsp\": the policy asks there", &err);
    reading_expect(reading, revocation->policy == POLICY_OCSP || revocation->crl.count > 0,
                   "an address in \"crl\": the policy needs a list", &err);
    return err;
}

/* --- authorities ---------------------------------------------------------------------------- */

static enum idp_err read_id(struct reading *reading, const struct member *member, json_t *value,
                            void *field)
{
    const char *text = json_string_value(value);
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (text != NULL && strspn(text, allowed) != strlen(text))
        return reading_wrong(reading, "a text of a-z, 0-9 and -");
    return reading_text(reading, member, value, field);
}

static enum idp_err check_clean(struct reading *reading, const char *text)
{
    return text_is_clean_utf8(text, strlen(text))
               ? IDP_OK
               : reading_wrong(reading, "a text without control characters");
}

static enum idp_err read_line(struct reading *reading, const struct member *member, json_t *value,
                              void *field)
{
    enum idp_err err = reading_text(reading, member, value, field);
    return err == IDP_OK ? check_clean(reading, *(const char **)field) : err;
}

static enum idp_err read_environment(struct reading *reading, const struct member *member,
                                     json_t *value, void *field)
{
    static const char *const names[] = {"test", "production", NULL};
    const struct member choice = {.name = member->name, .names = names};
    int position = 0;
    enum idp_err err = reading_name(reading, &choice, value, &position);
    if (err == IDP_OK)
        *(const char **)field = names[position];
    return err;
}

static const struct member names_members[] = {
    {"zh", .required = true, .read = read_line,
     .offset = offsetof(struct trust_entry, authority.name_zh), .min = 1, .max = 128},
    {"en", .required = true, .read = read_line,
     .offset = offsetof(struct trust_entry, authority.name_en), .min = 1, .max = 128},
    {.name = NULL},
};

static const struct member authority_members[] = {
    {"id", .required = true, .read = read_id, .offset = offsetof(struct trust_entry, authority.id),
     .min = 1, .max = 32},
    {"names", .required = true, .read = reading_object, .table = names_members},
    {"phone", .required = true, .read = read_line,
     .offset = offsetof(struct trust_entry, authority.phone), .min = 1, .max = 64},
    {"environment", .required = true, .read = read_environment,
     .offset = offsetof(struct trust_entry, authority.environment)},
    {"anchors", .required = true, .read = reading_list,
     .offset = offsetof(struct trust_entry, anchors), .min = 1, .max = RULES_ANCHORS_MAX,
     .item = &anchor_item, .size = sizeof(X509 *)},
    {"roots", .read = reading_list, .offset = offsetof(struct trust_entry, rules.roots), .min = 1,
     .max = RULES_ANCHORS_MAX, .item = &root_item, .size = sizeof(X509 *)},
    {"profile", .required = true, .read = reading_object,
     .offset = offsetof(struct trust_entry, rules), .table = profile_members},
    {"limits", .required = true, .read = reading_object,
     .offset = offsetof(struct trust_entry, rules), .table = limits_members},
    {"revocation", .required = true, .read = reading_object,
     .offset = offsetof(struct trust_entry, rules), .table = revocation_members,
     .check = check_revocation},
    {.name = NULL},
};

static const struct member authority_item = {
    .read = reading_object, .table = authority_members, .check = trust_entry_check};

/* Numbers that every program reads alike (RFC 8259 section 6). */
enum { LIST_NUMBER_BITS = 53 };

static enum idp_err read_list_number(struct reading *reading, const struct member *member,
                                     json_t *value, void *field)
{
    json_int_t number = json_integer_value(value);
    (void)member;
    if (!json_is_integer(value) || number < 1 || number >= (json_int_t)1 << LIST_NUMBER_BITS)
        return reading_wrong(reading, "a number from 1, higher than that of the list before");
    *(int64_t *)field = number;
    return IDP_OK;
}

const struct member trust_members[] = {
    {"version", .required = true, .read = reading_number,
     .offset = offsetof(struct trust_document, version), .min = 1, .max = 1},
    {"number", .required = true, .read = read_list_number,
     .offset = offsetof(struct trust_document, number)},
    {"issued", .required = true, .read = read_moment,
     .offset = offsetof(struct trust_document, issued)},
    {"authorities", .required = true, .read = reading_list,
     .offset = offsetof(struct trust_document, entries), .min = 1, .max = TRUST_AUTHORITIES_MAX,
     .item = &authority_item, .size = sizeof(struct trust_entry)},
    {.name = NULL},
};
