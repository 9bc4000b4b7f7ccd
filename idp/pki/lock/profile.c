/*
 * Form, class, region, key usage, strength and identity, in that order. Each authority writes them
 * differently (keys/README.md shows three ways), and what the trust list does not say is refused.
 */
#include "pki/lock/profile.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509v3.h>

#include "pki/signed.h"

const struct leaf_field profile_field_uscc = {"uscc", "统一社会信用代码",
                                              "unified social credit code"};
static const struct leaf_field field_name = {"name", "单位名称", "company name"};
static const struct leaf_field field_key_number = {"key_number", "证书Key号", "key number"};
static const struct leaf_field field_medium_number = {"medium_number", "介质硬件号",
                                                      "medium number"};

static enum pki_reason refuse(struct leaf *leaf, enum pki_reason reason,
                              const struct leaf_field *field)
{
    leaf->field = field;
    return reason;
}

/* --- form ----------------------------------------------------------------------------------- */

/* RFC 5280 section 4.2: no extension twice. OpenSSL only minds those that it knows. */
static bool repeats_an_extension(const X509 *certificate)
{
    int count = X509_get_ext_count(certificate);
    for (int i = 0; i < count; i++) {
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(X509_get_ext(certificate, i));
        if (X509_get_ext_by_OBJ(certificate, oid, i) >= 0)
            return true;
    }
    return false;
}

/* RFC 5280 section 4.2: what is critical and not known refuses the certificate. */
static bool has_unknown_critical_extension(const X509 *certificate)
{
    int count = X509_get_ext_count(certificate);
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509_get_ext(certificate, i);
        if (X509_EXTENSION_get_critical(extension) != 0 && X509_supported_extension(extension) != 1)
            return true;
    }
    return false;
}

/* OpenSSL reads most of them for X509_check_purpose(), but not the policies. */
static bool extensions_are_readable(X509 *certificate)
{
    int critical = 0;
    CERTIFICATEPOLICIES *policies =
        X509_get_ext_d2i(certificate, NID_certificate_policies, &critical, NULL);
    bool readable = policies != NULL || critical == -1; /* -1: not there */
    CERTIFICATEPOLICIES_free(policies);
    return readable && X509_check_purpose(certificate, -1, 0) == 1;
}

enum pki_reason profile_check_form(const struct leaf *leaf)
{
    X509 *certificate = leaf->certificate;
    if (X509_get_version(certificate) != X509_VERSION_3)
        return PKI_VERSION;
    if (leaf->serial[0] == '\0')
        return PKI_SERIAL;
    if (repeats_an_extension(certificate))
        return PKI_EXTENSION_REPEATED;
    return extensions_are_readable(certificate) ? PKI_REASONS : PKI_EXTENSION_MALFORMED;
}

/* What no lock's certificate may be or lack, whatever its class. */
static enum pki_reason check_role(const struct leaf *leaf)
{
    X509 *certificate = leaf->certificate;
    if (has_unknown_critical_extension(certificate))
        return PKI_EXTENSION_CRITICAL;
    if (X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0)
        return PKI_SELF_ISSUED;
    /* Not X509_check_ca(): it says no to CA:TRUE without keyCertSign. */
    if ((X509_get_extension_flags(certificate) & EXFLAG_CA) != 0)
        return PKI_CA_CERTIFICATE;
    /* RFC 5280 section 4.2.1.1 */
    if (leaf->authority->rules->strict && X509_get0_authority_key_id(certificate) == NULL)
        return PKI_KEY_ID;
    return PKI_REASONS;
}

/* --- class and region ----------------------------------------------------------------------- */

/* A number of a natural person, readable or not, makes the lock that person's. */
static bool names_person(struct leaf *leaf)
{
    char person[PLACE_TEXT_SIZE];
    const struct places *places = &leaf->authority->rules->person;
    leaf->names_person = place_read_first(places, leaf->certificate, person) != PLACE_ABSENT;
    return leaf->names_person;
}

static enum pki_reason check_class(struct leaf *leaf)
{
    const struct authority_rules *rules = leaf->authority->rules;
    const unsigned char *issuer = leaf->anchor->hash;
    if (place_rules_hold(&rules->personal, leaf->certificate, issuer))
        return PKI_PERSONAL;
    if (place_rules_hold(&rules->legal_person, leaf->certificate, issuer))
        return PKI_LEGAL_PERSON;
    if (!place_rules_hold(&rules->enterprise, leaf->certificate, issuer) ||
        place_rules_might_hold(&rules->personal, leaf->certificate, issuer) ||
        place_rules_might_hold(&rules->legal_person, leaf->certificate, issuer))
        return PKI_CLASS;
    if (names_person(leaf) && !rules->person_allowed)
        return PKI_NAMES_PERSON;
    if (rules->region.count > 0 && !place_rules_hold(&rules->region, leaf->certificate, issuer))
        return PKI_OTHER_REGION;
    return PKI_REASONS;
}

/* --- key usage ------------------------------------------------------------------------------ */

/* GM/T 0015: these bits mark a certificate whose private key others may hold, too. */
enum {
    ENCRYPTION_BITS =
        KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY
};

/* It counts whether critical or not, and it must be there. */
static enum pki_reason check_usage(const struct leaf *leaf)
{
    uint32_t usage = X509_get_key_usage(leaf->certificate);
    if (usage == UINT32_MAX) /* no such extension */
        return PKI_KEY_USAGE_MISSING;
    bool signs = (usage & KU_DIGITAL_SIGNATURE) != 0;
    if ((usage & ENCRYPTION_BITS) != 0 || (!signs && (usage & KU_KEY_AGREEMENT) != 0))
        return PKI_ENCRYPTION_CERTIFICATE;
    if (!signs || (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0)
        return PKI_KEY_USAGE;
    return PKI_REASONS;
}

static bool is_listed(const struct oids *oids, const ASN1_OBJECT *oid)
{
    for (size_t i = 0; i < oids->count; i++)
        if (OBJ_cmp(oids->list[i], oid) == 0)
            return true;
    return false;
}

/* At least one listed usage, and never the one that answers OCSP for the authority. */
static bool extended_usage_fits(const struct oids *allowed, const X509 *certificate)
{
    int critical = 0;
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
    if (usages == NULL)
        return critical == -1 && allowed->absent; /* -1: not there; else it cannot be read */
    bool listed = false;
    bool answers_ocsp = false;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(usages, i);
        listed = listed || is_listed(allowed, usage);
        answers_ocsp = answers_ocsp || OBJ_obj2nid(usage) == NID_OCSP_sign;
    }
    EXTENDED_KEY_USAGE_free(usages);
    return listed && !answers_ocsp;
}

/* At least one listed policy; anyPolicy is one among others here. */
static bool policies_fit(const struct oids *allowed, const X509 *certificate)
{
    CERTIFICATEPOLICIES *policies =
        X509_get_ext_d2i(certificate, NID_certificate_policies, NULL, NULL);
    bool listed = allowed->count == 0; /* the profile asks for none */
    for (int i = 0; i < sk_POLICYINFO_num(policies) && !listed; i++)
        listed = is_listed(allowed, sk_POLICYINFO_value(policies, i)->policyid);
    CERTIFICATEPOLICIES_free(policies);
    return listed;
}

static enum pki_reason check_purpose(const struct leaf *leaf)
{
    const struct authority_rules *rules = leaf->authority->rules;
    if (!extended_usage_fits(&rules->extended_key_usage, leaf->certificate))
        return PKI_EXTENDED_KEY_USAGE;
    return policies_fit(&rules->policies, leaf->certificate) ? PKI_REASONS : PKI_POLICY;
}

/* --- strength ------------------------------------------------------------------------------- */

enum { SECONDS_PER_DAY = 86400, EXPONENT_BITS_MIN = 17 /* 65537 and more */ };

static bool exponent_is_sound(const EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    bool sound = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                 BN_is_odd(exponent) && BN_num_bits(exponent) >= EXPONENT_BITS_MIN;
    BN_free(exponent);
    return sound;
}

static enum pki_reason check_strength(const struct leaf *leaf)
{
    const struct limits *limits = &leaf->authority->rules->limits;
    if ((limits->keys & 1U << leaf->kind) == 0)
        return PKI_KEY_NOT_ISSUED;
    if (!signed_algorithm_is_sound(leaf->certificate))
        return PKI_WEAK_HASH;
    if (leaf->kind == LOCK_KEY_RSA && EVP_PKEY_get_bits(leaf->key) < limits->rsa_bits)
        return PKI_WEAK_KEY;
    if (leaf->kind == LOCK_KEY_RSA && !exponent_is_sound(leaf->key))
        return PKI_WEAK_EXPONENT;
    if (leaf->not_after - leaf->not_before > (int64_t)limits->max_days * SECONDS_PER_DAY)
        return PKI_LIFETIME;
    return PKI_REASONS;
}

/* --- identity ------------------------------------------------------------------------------- */

static enum pki_reason read_identity(struct leaf *leaf)
{
    const struct authority_rules *rules = leaf->authority->rules;
    const X509 *certificate = leaf->certificate;
    if (place_read_first(&rules->name, certificate, leaf->name) != PLACE_FOUND)
        return refuse(leaf, PKI_PROFILE, &field_name);
    if (place_read_first(&rules->uscc, certificate, leaf->uscc) == PLACE_WRONG)
        return refuse(leaf, PKI_PROFILE, &profile_field_uscc);
    if (place_read_first(&rules->key_number, certificate, leaf->key_number) == PLACE_WRONG)
        return refuse(leaf, PKI_PROFILE, &field_key_number);
    if (place_read_first(&rules->medium_number, certificate, leaf->medium_number) == PLACE_WRONG)
        return refuse(leaf, PKI_PROFILE, &field_medium_number);
    return PKI_REASONS;
}

enum pki_reason profile_read(struct leaf *leaf)
{
    enum pki_reason reason = check_role(leaf);
    if (reason == PKI_REASONS)
        reason = check_class(leaf);
    if (reason == PKI_REASONS)
        reason = check_usage(leaf);
    if (reason == PKI_REASONS)
        reason = check_purpose(leaf);
    if (reason == PKI_REASONS)
        reason = check_strength(leaf);
    return reason == PKI_REASONS ? read_identity(leaf) : reason;
}
