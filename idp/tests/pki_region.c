#include "tests/pki_region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/conf.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "net/race.h"

#define SM2_ID "1234567812345678"

/* A test that cannot make its world has nothing to say. */
static void need(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "pki_region: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

/* An RSA key of that size whose public exponent is this word. */
static EVP_PKEY *rsa_key(const char *type, unsigned bits, const char *exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *e = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    need(BN_dec2bn(&e, exponent) > 0 && EVP_PKEY_keygen_init(ctx) == 1 &&
             EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1 &&
             EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1 && EVP_PKEY_generate(ctx, &key) == 1,
         "RSA key");
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *dsa_key(void)
{
    EVP_PKEY *parameters = NULL;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    need(EVP_PKEY_paramgen_init(ctx) == 1 && EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, 1024) == 1 &&
             EVP_PKEY_generate(ctx, &parameters) == 1,
         "DSA parameters");
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
    need(EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_generate(ctx, &key) == 1, "DSA key");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(parameters);
    return key;
}

EVP_PKEY *region_key(const char *kind)
{
    EVP_PKEY *key = NULL;
    if (strcmp(kind, "RSA") == 0 || strcmp(kind, "RSA-PSS") == 0)
        key = rsa_key(kind, 2048, "65537");
    else if (strcmp(kind, "RSA-1024") == 0)
        key = rsa_key("RSA", 1024, "65537");
    else if (strcmp(kind, "RSA-2040") == 0)
        key = rsa_key("RSA", 2040, "65537");
    else if (strcmp(kind, "RSA-e3") == 0)
        key = rsa_key("RSA", 2048, "3");
    else if (strcmp(kind, "RSA-e65") == 0)
        key = rsa_key("RSA", 2048, "36893488147419103233"); /* 2^65 + 1 */
    else if (strcmp(kind, "DSA") == 0)
        key = dsa_key();
    else if (kind[0] == 'P' || strcmp(kind, "secp256k1") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    else /* by name: EC on the SM2 curve would make a key that signs plain ECDSA */
        key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    need(key != NULL, kind);
    return key;
}

/* --- certificates --------------------------------------------------------------------------- */

static EVP_MD_CTX *signing_context(EVP_PKEY *key, const char *digest, const char *sm2_id)
{
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool sm2 = EVP_PKEY_is_a(key, "SM2");
    if (digest == NULL)
        digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : sm2 ? "SM3" : "SHA256";
    need(ctx != NULL && EVP_DigestSignInit_ex(ctx, &key_ctx, digest, NULL, NULL, key, NULL) == 1,
         "signing context");
    if (sm2_id == NULL)
        sm2_id = SM2_ID;
    if (sm2)
        need(EVP_PKEY_CTX_set1_id(key_ctx, sm2_id, (int)strlen(sm2_id)) == 1, "SM2 id");
    return ctx;
}

/* "BMP:CN" asks for a string type; anything else may be what OpenSSL chooses. */
static const struct string_type {
    const char *name;
    unsigned long mask;
} string_types[] = {{"UTF8:", B_ASN1_UTF8STRING},
                    {"PRINTABLE:", B_ASN1_PRINTABLESTRING},
                    {"IA5:", B_ASN1_IA5STRING},
                    {"BMP:", B_ASN1_BMPSTRING},
                    {"TELETEX:", B_ASN1_T61STRING},
                    {"UNIVERSAL:", B_ASN1_UNIVERSALSTRING},
                    {"", DIRSTRING_TYPE}};

static const struct string_type *type_of(const char *name)
{
    const struct string_type *type = string_types;
    while (strncmp(name, type->name, strlen(type->name)) != 0)
        type++;
    return type;
}

/* "+CN" stands in the same relative name as the one before. */
static void add_attribute(X509_NAME *name, const struct region_pair *pair)
{
    int set = pair->name[0] == '+' ? -1 : 0;
    const char *at = pair->name + (set == -1 ? 1 : 0);
    const struct string_type *type = type_of(at);
    ASN1_OBJECT *oid = OBJ_txt2obj(at + strlen(type->name), 0);
    ASN1_STRING *text = NULL;
    need(oid != NULL, pair->name);
    if (type->name[0] == '\0')
        need(X509_NAME_add_entry_by_OBJ(name, oid, MBSTRING_UTF8,
                                        (const unsigned char *)pair->value, -1, -1, set) == 1,
             pair->name);
    else
        need(ASN1_mbstring_copy(&text, (const unsigned char *)pair->value, -1, MBSTRING_UTF8,
                                type->mask) > 0 &&
                 X509_NAME_add_entry_by_OBJ(name, oid, ASN1_STRING_type(text),
                                            ASN1_STRING_get0_data(text), ASN1_STRING_length(text),
                                            -1, set) == 1,
             pair->name);
    ASN1_STRING_free(text);
    ASN1_OBJECT_free(oid);
}

static X509_NAME *make_name(const struct region_pair *pairs)
{
    X509_NAME *name = X509_NAME_new();
    for (; pairs->name != NULL; pairs++)
        add_attribute(name, pairs);
    return name;
}

static void add_extensions(X509 *certificate, X509 *issuer, const struct region_pair *pairs)
{
    X509V3_CTX ctx;
    CONF *conf = NCONF_new(NULL); /* empty, but some extensions insist on one */
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509V3_set_nconf(&ctx, conf);
    for (; pairs != NULL && pairs->name != NULL; pairs++) {
        X509_EXTENSION *extension = X509V3_EXT_nconf(conf, &ctx, pairs->name, pairs->value);
        need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, pairs->name);
        X509_EXTENSION_free(extension);
    }
    NCONF_free(conf);
}

static void set_serial_of(X509 *certificate, const char *hex)
{
    BIGNUM *number = NULL;
    need(BN_hex2bn(&number, hex) > 0 &&
             BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL,
         "serial");
    BN_free(number);
}

static void set_serial(X509 *certificate, int64_t serial)
{
    unsigned char random[8];
    if (serial == 0) {
        need(RAND_bytes(random, sizeof(random)) == 1, "random");
        random[0] = (random[0] & 0x3f) | 0x40;
        for (size_t i = 0; i < sizeof(random); i++)
            serial = (int64_t)((uint64_t)serial << 8 | random[i]);
    }
    need(ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), serial < 0 ? 0 : serial) == 1,
         "serial");
}

X509 *region_issue(const struct region_certificate *what)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = make_name(what->subject);
    X509 *issuer = what->issuer != NULL ? what->issuer : certificate;
    need(certificate != NULL &&
             X509_set_version(certificate,
                              what->version != 0 ? what->version - 1 : X509_VERSION_3) == 1,
         "certificate");
    if (what->serial_hex != NULL)
        set_serial_of(certificate, what->serial_hex);
    else
        set_serial(certificate, what->serial);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    need(ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)what->from) != NULL &&
             ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)what->to) != NULL &&
             X509_set_pubkey(certificate, what->key) == 1,
         "dates and key");
    add_extensions(certificate, issuer, what->extensions);
    EVP_PKEY *key = what->issuer_key != NULL ? what->issuer_key : what->key;
    EVP_MD_CTX *ctx = signing_context(key, what->digest, what->sm2_id);
    need(X509_sign_ctx(certificate, ctx) > 0, "signature");
    EVP_MD_CTX_free(ctx);
    X509_NAME_free(subject);
    return certificate;
}

unsigned char *region_der(const X509 *certificate, size_t *len)
{
    int n = i2d_X509(certificate, NULL);
    unsigned char *der = malloc((size_t)n);
    unsigned char *at = der;
    need(der != NULL && i2d_X509(certificate, &at) == n, "DER");
    *len = (size_t)n;
    return der;
}

char *region_pem(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    need(bio != NULL && PEM_write_bio_X509(bio, certificate) == 1, "PEM");
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = calloc(1, (size_t)len + 1);
    need(text != NULL, "memory");
    memcpy(text, bytes, (size_t)len);
    BIO_free(bio);
    return text;
}

/* --- authorities and locks ------------------------------------------------------------------ */

static const struct region_pair ca_extensions[] = {
    {"basicConstraints", "critical,CA:TRUE"},
    {"keyUsage", "critical,keyCertSign,cRLSign"},
    {"subjectKeyIdentifier", "hash"},
    {NULL, NULL},
};

static const struct region_pair intermediate_extensions[] = {
    {"basicConstraints", "critical,CA:TRUE,pathlen:0"},
    {"keyUsage", "critical,keyCertSign,cRLSign"},
    {"subjectKeyIdentifier", "hash"},
    {"authorityKeyIdentifier", "keyid"},
    {NULL, NULL},
};

static const struct region_pair responder_extensions[] = {
    {"basicConstraints", "CA:FALSE"},
    {"keyUsage", "critical,digitalSignature"},
    {"noCheck", "ignored"}, /* id-pkix-ocsp-nocheck */
    {"extendedKeyUsage", "OCSPSigning"},
    {"subjectKeyIdentifier", "hash"},
    {"authorityKeyIdentifier", "keyid"},
    {NULL, NULL},
};

const struct region_pair region_subject[] = {
    {"C", "CN"}, {"O", "风铃建设有限公司"}, {"CN", "风铃建设有限公司"}, {NULL, NULL}};

const struct region_pair region_extensions[] = {
    {"basicConstraints", "CA:FALSE"},
    {"keyUsage", "critical,digitalSignature,nonRepudiation"},
    {"extendedKeyUsage", "clientAuth"},
    {"subjectKeyIdentifier", "hash"},
    {"authorityKeyIdentifier", "keyid"},
    {"certificatePolicies", "1.3.6.1.4.1.32473.1.1.1,1.3.6.1.4.1.32473.1.2.15"},
    {"1.2.156.10260.4.1.4", "ASN1:PRINTABLESTRING:" REGION_USCC},
    {"1.3.6.1.4.1.32473.1.3", "ASN1:PRINTABLESTRING:KEY0001"},
    {NULL, NULL},
};

void region_authority_make(struct region_authority *authority, const char *id, const char *kind)
{
    char issuing[64];
    (void)snprintf(issuing, sizeof(issuing), "%s issuing", id);
    const struct region_pair root[] = {{"CN", id}, {NULL, NULL}};
    const struct region_pair intermediate[] = {{"CN", issuing}, {NULL, NULL}};
    const struct region_pair responder[] = {{"CN", "responder"}, {NULL, NULL}};
    struct region_certificate what = {.from = REGION_NOW - 1000 * (int64_t)REGION_DAY,
                                      .to = REGION_NOW + 3000 * (int64_t)REGION_DAY};
    *authority = (struct region_authority){.id = id,
                                           .kind = kind,
                                           .root_key = region_key(kind),
                                           .key = region_key(kind),
                                           .responder_key = region_key(kind)};
    what.key = authority->root_key;
    what.subject = root;
    what.extensions = ca_extensions;
    authority->root = region_issue(&what);
    what.key = authority->key;
    what.issuer = authority->root;
    what.issuer_key = authority->root_key;
    what.subject = intermediate;
    what.extensions = intermediate_extensions;
    authority->certificate = region_issue(&what);
    what.key = authority->responder_key;
    what.issuer = authority->certificate;
    what.issuer_key = authority->key;
    what.subject = responder;
    what.extensions = responder_extensions;
    authority->responder = region_issue(&what);
}

void region_authority_clear(struct region_authority *authority)
{
    EVP_PKEY_free(authority->root_key);
    EVP_PKEY_free(authority->key);
    EVP_PKEY_free(authority->responder_key);
    X509_free(authority->root);
    X509_free(authority->certificate);
    X509_free(authority->responder);
}

void region_lock_make(const struct region_authority *authority, const struct region_lock *how,
                      struct region_holder *out)
{
    out->key = region_key(how->kind != NULL ? how->kind : authority->kind);
    const struct region_certificate what = {
        .key = out->key,
        .issuer = authority->certificate,
        .issuer_key = authority->key,
        .subject = how->subject != NULL ? how->subject : region_subject,
        .extensions = how->extensions != NULL ? how->extensions : region_extensions,
        .from = how->from != 0 ? how->from : REGION_NOW - 100 * (int64_t)REGION_DAY,
        .to = how->to != 0 ? how->to : REGION_NOW + 600 * (int64_t)REGION_DAY,
        .digest = how->digest,
        .serial = how->serial,
        .serial_hex = how->serial_hex,
    };
    out->certificate = region_issue(&what);
    out->der = region_der(out->certificate, &out->der_len);
}

void region_lock_clear(struct region_holder *holder)
{
    EVP_PKEY_free(holder->key);
    X509_free(holder->certificate);
    free(holder->der);
}

/* --- the trust list ------------------------------------------------------------------------- */

json_t *region_entry(const struct region_authority *authority)
{
    char *pem = region_pem(authority->certificate);
    const char *hash = strcmp(authority->kind, "SM2") == 0 ? "sm3" : "sha1";
    json_t *profile = json_pack(
        "{s:[{s:s,s:[s]}], s:[{s:s}], s:[{s:s,s:[s]}], s:[{s:s,s:[s,s],s:b}],"
        " s:{s:[{s:s},{s:{s:s,s:[s,s],s:b}}], s:[{s:s}], s:[{s:{s:s,s:[s,s],s:b}}]},"
        " s:[{s:s}], s:[s], s:b}",
        "uscc", "extension", "1.2.156.10260.4.1.4", "types", "printable", "name", "subject",
        "2.5.4.3", "key_number", "extension", "1.3.6.1.4.1.32473.1.3", "types", "printable",
        "person", "extension", "1.2.156.10260.4.1.1", "types", "printable", "utf8", "choice", 1,
        "class", "enterprise", "policy", "1.3.6.1.4.1.32473.1.1.1", "lacks", "extension",
        "1.2.156.10260.4.1.1", "types", "printable", "utf8", "choice", 1, "personal", "policy",
        "1.3.6.1.4.1.32473.1.1.2", "legal_person", "has", "extension", "1.2.156.10260.4.1.1",
        "types", "printable", "utf8", "choice", 1, "region", "policy", "1.3.6.1.4.1.32473.1.2.15",
        "extended_key_usage", "clientAuth", "strict", 1);
    need(profile != NULL, "profile");
    json_t *entry = json_pack(
        "{s:s, s:{s:s,s:s}, s:s, s:s, s:[s], s:o, s:{s:i,s:[s,s,s],s:i},"
        " s:{s:s, s:[{s:s}], s:s, s:s, s:i, s:i}}",
        "id", authority->id, "names", "zh", "示例认证中心", "en", "Example Authority", "phone",
        "0471-000-0000", "environment", "test", "anchors", pem, "profile", profile, "limits",
        "rsa_bits", 2048, "keys", "rsa", "p256", "sm2", "max_days", 1900, "revocation", "policy",
        "ocsp", "ocsp", "url", "http://127.0.0.51:8500/ocsp", "hash", hash, "nonce", "required",
        "deadline_ms", 4000, "max_age_s", 600);
    need(entry != NULL, "entry");
    free(pem);
    return entry;
}

json_t *region_trust_list(json_t *const *entries)
{
    json_t *list = json_array();
    for (; *entries != NULL; entries++)
        need(json_array_append_new(list, *entries) == 0, "trust list");
    return json_pack("{s:i, s:i, s:s, s:o}", "version", 1, "number", 1, "issued",
                     "2026-11-22T00:00:00Z", "authorities", list);
}

/* --- signatures ----------------------------------------------------------------------------- */

static void hash(const EVP_MD *md, const void *bytes, size_t len, unsigned char *out)
{
    need(EVP_Digest(bytes, len, out, NULL, md, NULL) == 1, "digest");
}

unsigned char *region_sign(EVP_PKEY *key, const struct region_signing *what, size_t *len)
{
    static const char context[] = "TAMGA-LOGIN/1";
    unsigned char m[sizeof(context) + 96];
    const EVP_MD *md = strcmp(what->algorithm, "SM2") == 0 ? EVP_sm3() : EVP_sha256();
    memcpy(m, context, sizeof(context));
    hash(md, what->origin, strlen(what->origin), m + sizeof(context));
    hash(md, what->challenge, strlen(what->challenge), m + sizeof(context) + 32);
    hash(md, what->certificate, what->certificate_len, m + sizeof(context) + 64);
    EVP_MD_CTX *ctx = signing_context(key, NULL, what->sm2_id);
    EVP_PKEY_CTX *key_ctx = EVP_MD_CTX_get_pkey_ctx(ctx);
    if (strcmp(what->algorithm, "PS256") == 0)
        need(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, 32) == 1,
             "PSS");
    unsigned char *signature = malloc(1024);
    *len = 1024;
    need(signature != NULL && EVP_DigestSign(ctx, signature, len, m, sizeof(m)) == 1, "signature");
    EVP_MD_CTX_free(ctx);
    return signature;
}

/* --- trust managers ------------------------------------------------------------------------- */

static const char *const manager_algorithms[REGION_MANAGERS] = {"ES256", "SM2"};

const struct region_holder *region_manager(size_t i)
{
    static const char *const kinds[REGION_MANAGERS] = {"P-256", "SM2"};
    static const struct region_pair subject[] = {{"CN", "Trust manager"}, {NULL, NULL}};
    static struct region_holder managers[REGION_MANAGERS]; /* until the program ends */
    struct region_holder *manager = &managers[i];
    if (manager->key != NULL)
        return manager;
    manager->key = region_key(kinds[i]);
    const struct region_certificate what = {.key = manager->key,
                                            .subject = subject,
                                            .from = REGION_NOW - 900 * (int64_t)REGION_DAY,
                                            .to = REGION_NOW - 700 * (int64_t)REGION_DAY};
    manager->certificate = region_issue(&what);
    manager->der = region_der(manager->certificate, &manager->der_len);
    return manager;
}

void region_key_hash(const X509 *certificate, unsigned char *out)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(X509_get0_pubkey(certificate), &der);
    need(len > 0, "SubjectPublicKeyInfo");
    hash(EVP_sha256(), der, (size_t)len, out);
    OPENSSL_free(der);
}

const struct trust_managers *region_managers(void)
{
    static struct trust_managers managers = {.origin = REGION_ORIGIN, .needed = 2};
    for (; managers.count < REGION_MANAGERS; managers.count++)
        region_key_hash(region_manager(managers.count)->certificate, managers.keys[managers.count]);
    return &managers;
}

static json_t *base64_of(const unsigned char *bytes, size_t len)
{
    char text[8192];
    need(len < sizeof(text) / 2, "base64");
    (void)EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
    return json_string(text);
}

/* 32 bytes as base64url, 43 characters and a NUL. */
static void base64url_of(const unsigned char *bytes, char *out)
{
    char text[45];
    (void)EVP_EncodeBlock((unsigned char *)text, bytes, 32);
    for (size_t i = 0; i < 43; i++)
        out[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    out[43] = '\0';
}

json_t *region_signature(const struct region_holder *manager, const char *algorithm,
                         const char *text)
{
    size_t len = 0;
    unsigned char list[32];
    unsigned char random[32];
    char parts[2][44];
    char challenge[128];
    hash(strcmp(algorithm, "SM2") == 0 ? EVP_sm3() : EVP_sha256(), text, strlen(text), list);
    need(RAND_bytes(random, sizeof(random)) == 1, "random");
    base64url_of(random, parts[0]);
    base64url_of(list, parts[1]);
    (void)snprintf(challenge, sizeof(challenge), "trust.%s.%s", parts[0], parts[1]);
    const struct region_signing what = {.algorithm = algorithm,
                                        .origin = REGION_ORIGIN,
                                        .challenge = challenge,
                                        .certificate = manager->der,
                                        .certificate_len = manager->der_len};
    unsigned char *signature = region_sign(manager->key, &what, &len);
    json_t *json =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:o, s:o, s:s}}", "origin", REGION_ORIGIN, "challenge",
                  challenge, "answer", "format", "tamga-lock:1", "algorithm", algorithm,
                  "certificate", base64_of(manager->der, manager->der_len), "signature",
                  base64_of(signature, len), "agentVersion", "0.1.0");
    free(signature);
    need(json != NULL, "signature");
    return json;
}

char *region_signatures(const char *text)
{
    json_t *list = json_array();
    for (size_t i = 0; i < REGION_MANAGERS; i++)
        need(json_array_append_new(
                 list, region_signature(region_manager(i), manager_algorithms[i], text)) == 0,
             "signatures");
    json_t *json =
        json_pack("{s:s, s:o}", "format", "tamga-trust-signatures:1", "signatures", list);
    char *document = json_dumps(json, 0);
    need(document != NULL, "signatures");
    json_decref(json);
    return document;
}

/* --- status services ------------------------------------------------------------------------ */

static OCSP_CERTID *id_of(const struct region_status *how, const OCSP_CERTID *asked)
{
    ASN1_OBJECT *digest = NULL;
    ASN1_INTEGER *serial = NULL;
    OCSP_CERTID *mutable = OCSP_CERTID_dup(asked);
    need(OCSP_id_get0_info(NULL, &digest, NULL, &serial, mutable) == 1, "CertID");
    ASN1_INTEGER *about = ASN1_INTEGER_dup(serial);
    if (how->about_other)
        need(ASN1_INTEGER_set_int64(about, 4711) == 1, "serial");
    X509 *issuer = how->id_issuer != NULL ? how->id_issuer : how->issuer;
    const EVP_MD *md =
        how->id_digest != NULL ? how->id_digest : EVP_get_digestbynid(OBJ_obj2nid(digest));
    OCSP_CERTID *id =
        OCSP_cert_id_new(md, X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer), about);
    need(id != NULL, "CertID");
    ASN1_INTEGER_free(about);
    OCSP_CERTID_free(mutable);
    return id;
}

/* One that nobody knows. */
static X509_EXTENSION *critical_extension(void)
{
    static const unsigned char null[] = {0x05, 0x00};
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.32473.9", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    need(oid != NULL && value != NULL && ASN1_OCTET_STRING_set(value, null, sizeof(null)) == 1,
         "extension");
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    need(extension != NULL, "extension");
    ASN1_OBJECT_free(oid);
    ASN1_OCTET_STRING_free(value);
    return extension;
}

static void add_single(OCSP_BASICRESP *basic, const struct region_status *how,
                       const OCSP_CERTID *asked)
{
    OCSP_CERTID *id = id_of(how, asked);
    ASN1_TIME *revoked = ASN1_TIME_set(NULL, (time_t)how->revoked_at);
    ASN1_TIME *this_update = ASN1_TIME_set(NULL, (time_t)how->this_update);
    ASN1_TIME *next_update = ASN1_TIME_set(NULL, (time_t)how->next_update);
    OCSP_SINGLERESP *single =
        OCSP_basic_add1_status(basic, id, how->status, how->reason, revoked, this_update,
                               how->next_update != 0 ? next_update : NULL);
    need(single != NULL, "single answer");
    X509_EXTENSION *unknown = critical_extension();
    if (how->critical == REGION_CRITICAL_SINGLE)
        need(OCSP_SINGLERESP_add_ext(single, unknown, -1) == 1, "extension");
    if (how->critical == REGION_CRITICAL_WHOLE)
        need(OCSP_BASICRESP_add_ext(basic, unknown, -1) == 1, "extension");
    X509_EXTENSION_free(unknown);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(revoked);
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
}

static X509_EXTENSION *nonce_of(OCSP_REQUEST *request)
{
    int at = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
    need(at >= 0, "nonce of the request");
    return OCSP_REQUEST_get_ext(request, at);
}

static void add_nonce(OCSP_BASICRESP *basic, const struct region_status *how, OCSP_REQUEST *request)
{
    unsigned char other[32] = {1};
    if (how->nonce == REGION_NONCE_ECHO)
        need(OCSP_copy_nonce(basic, request) > 0, "nonce");
    if (how->nonce == REGION_NONCE_OTHER)
        need(OCSP_basic_add1_nonce(basic, other, sizeof(other)) == 1, "nonce");
    if (how->nonce == REGION_NONCE_IN_SINGLE)
        need(OCSP_SINGLERESP_add_ext(OCSP_resp_get0(basic, 0), nonce_of(request), -1) == 1,
             "nonce");
}

/* id-pkix-ocsp-basic stands once in a response; another OID of the same length takes its place. */
static void change_type(unsigned char *der, size_t len, const char *type)
{
    static const unsigned char basic[] = {0x06, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    unsigned char other[sizeof(basic)];
    unsigned char *at = other;
    ASN1_OBJECT *oid = OBJ_txt2obj(type, 1);
    need(oid != NULL && i2d_ASN1_OBJECT(oid, NULL) == (int)sizeof(other), "response type");
    (void)i2d_ASN1_OBJECT(oid, &at);
    ASN1_OBJECT_free(oid);
    for (size_t i = 0; i + sizeof(basic) <= len; i++)
        if (memcmp(der + i, basic, sizeof(basic)) == 0) {
            memcpy(der + i, other, sizeof(other));
            return;
        }
    need(false, "response type");
}

unsigned char *region_answer(const struct region_status *how, const unsigned char *request,
                             size_t request_len, size_t *len)
{
    OCSP_REQUEST *asked = d2i_OCSP_REQUEST(NULL, &request, (long)request_len);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    need(asked != NULL && basic != NULL && OCSP_request_onereq_count(asked) == 1, "request");
    OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(asked, 0));
    for (int i = 0; i < how->copies; i++)
        add_single(basic, how, id);
    add_nonce(basic, how, asked);
    EVP_MD_CTX *ctx = signing_context(how->key, how->digest, how->sm2_id);
    unsigned long flags =
        (how->by_key ? OCSP_RESPID_KEY : 0) | (how->send_signer ? 0 : OCSP_NOCERTS) | OCSP_NOTIME;
    int64_t produced = how->produced != 0 ? how->produced : how->this_update;
    /* OpenSSL sets it to the real time or lets it be; there is no other way to write it. */
    const ASN1_GENERALIZEDTIME *field = OCSP_resp_get0_produced_at(basic);
    need(ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)(uintptr_t)field, (time_t)produced) !=
             NULL,
         "producedAt");
    need(OCSP_basic_sign_ctx(basic, how->signer, ctx, NULL, flags) == 1, "OCSP signature");
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int n = i2d_OCSP_RESPONSE(response, NULL);
    unsigned char *der = malloc((size_t)n);
    unsigned char *at = der;
    need(der != NULL && i2d_OCSP_RESPONSE(response, &at) == n, "OCSP response");
    *len = (size_t)n;
    if (how->type != NULL)
        change_type(der, *len, how->type);
    EVP_MD_CTX_free(ctx);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_REQUEST_free(asked);
    return der;
}

enum idp_err region_race(void *context, struct arena *arena, struct net_race *race)
{
    struct region_way *way = context;
    bool won = false;
    for (size_t i = 0; i < race->count && !won; i++) {
        struct net_answer answer;
        struct net_request request = race->list[i].request;
        request.deadline_ms = race->deadline_ms;
        race->list[i].begun = true;
        enum idp_err err = way->send(way, arena, &request, &answer);
        race->list[i].over = true;
        won = race->take(race->context, i, err, err == IDP_OK ? &answer : NULL);
    }
    return IDP_OK;
}
