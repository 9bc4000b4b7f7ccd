#include "pki/lock/leaf.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "pki/certificate_time.h"
#include "pki/der.h"
#include "pki/lock/profile.h"
#include "pki/path.h"
#include "pki/signed.h"
#include "pki/sm2/sm2.h"

/* --- the key -------------------------------------------------------------------------------- */

/* PKI_REASONS for the curves that are taken, by their names alone: explicit parameters are none. */
static enum pki_reason find_curve(int key, int curve, enum lock_key *out)
{
    if (curve != NID_sm2 && (curve != NID_X9_62_prime256v1 || key == NID_sm2))
        return PKI_KEY_CURVE;
    *out = curve == NID_sm2 ? LOCK_KEY_SM2 : LOCK_KEY_P256;
    return PKI_REASONS;
}

/*
 * Which kind a SubjectPublicKeyInfo is, by its identifiers alone. An SM2 key is written in two
 * ways, under id-ecPublicKey or under its own identifier, each with the curve. Returns PKI_REASONS,
 * or why it is no lock's key.
 */
static enum pki_reason find_kind(const X509 *certificate, enum lock_key *out)
{
    ASN1_OBJECT *oid = NULL;
    X509_ALGOR *algorithm = NULL;
    const void *parameter = NULL;
    int type = V_ASN1_UNDEF;
    if (X509_PUBKEY_get0_param(&oid, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(certificate)) !=
        1)
        return PKI_SHAPE;
    X509_ALGOR_get0(NULL, &type, &parameter, algorithm);
    int nid = OBJ_obj2nid(oid);
    if (nid == NID_X9_62_id_ecPublicKey || nid == NID_sm2)
        return find_curve(nid, type == V_ASN1_OBJECT ? OBJ_obj2nid(parameter) : NID_undef, out);
    if (nid == NID_dsa || nid == NID_dsa_2 || nid == NID_dsaWithSHA)
        return PKI_KEY_DSA;
    if (nid != NID_rsaEncryption)
        return PKI_KEY_KIND;
    *out = LOCK_KEY_RSA;
    return PKI_REASONS;
}

static bool key_is_of_kind(const EVP_PKEY *key, enum lock_key kind)
{
    static const char *const types[] = {
        [LOCK_KEY_RSA] = "RSA", [LOCK_KEY_P256] = "EC", [LOCK_KEY_SM2] = "SM2"};
    return key != NULL && EVP_PKEY_is_a(key, types[kind]);
}

enum { RSA_BITS_MAX = 8192, EXPONENT_BITS_MAX = 64 };

/* A stranger's key must not buy more than a fraction of a millisecond of arithmetic. */
static bool is_cheap(const EVP_PKEY *key, enum lock_key kind)
{
    BIGNUM *exponent = NULL;
    if (kind != LOCK_KEY_RSA)
        return true;
    bool cheap = EVP_PKEY_get_bits(key) <= RSA_BITS_MAX &&
                 EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                 BN_num_bits(exponent) <= EXPONENT_BITS_MAX;
    BN_free(exponent);
    return cheap;
}

/* RFC 7518 section 3.5: the salt is as long as the digest. Without this, padding is PKCS #1's. */
static bool set_pss(EVP_PKEY_CTX *ctx)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* A context that is ready for the signed bytes; it is only ever copied. */
static EVP_MD_CTX *prepare(const struct leaf *leaf)
{
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const char *digest = leaf->kind == LOCK_KEY_SM2 ? "SM3" : "SHA256";
    int good = ctx != NULL &&
               EVP_DigestVerifyInit_ex(ctx, &key_ctx, digest, NULL, NULL, leaf->key, NULL) == 1;
    if (good && leaf->kind == LOCK_KEY_SM2)
        good = EVP_PKEY_CTX_set1_id(key_ctx, SIGNED_SM2_ID, SIGNED_SM2_ID_LEN) == 1;
    if (good)
        return ctx;
    EVP_MD_CTX_free(ctx);
    return NULL;
}

bool leaf_fits(const struct leaf *leaf, enum lock_algorithm algorithm)
{
    static const enum lock_key kinds[] = {[LOCK_RS256] = LOCK_KEY_RSA,
                                          [LOCK_PS256] = LOCK_KEY_RSA,
                                          [LOCK_ES256] = LOCK_KEY_P256,
                                          [LOCK_SM2] = LOCK_KEY_SM2};
    return kinds[algorithm] == leaf->kind;
}

bool leaf_has_signed(const struct leaf *leaf, enum lock_algorithm algorithm, const unsigned char *m,
                     size_t n, const unsigned char *signature, size_t signature_len)
{
    if (!leaf_fits(leaf, algorithm))
        return false;
    if (leaf->sm2 != NULL)
        return sm2_key_has_signed(leaf->sm2, m, n, signature, signature_len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_MD_CTX_copy_ex(ctx, leaf->ready) == 1 &&
                (algorithm != LOCK_PS256 || set_pss(EVP_MD_CTX_get_pkey_ctx(ctx))) &&
                EVP_DigestVerify(ctx, signature, signature_len, m, n) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

enum digest_kind leaf_digest(const struct leaf *leaf)
{
    return leaf->kind == LOCK_KEY_SM2 ? DIGEST_SM3 : DIGEST_SHA256;
}

/* --- parsing -------------------------------------------------------------------------------- */

static X509 *decode(const unsigned char *der, size_t len)
{
    const unsigned char *at = der;
    if (len > LOCK_CERTIFICATE_MAX || !der_is_whole(der, len))
        return NULL;
    X509 *certificate = d2i_X509(NULL, &at, (long)len);
    if (certificate != NULL && at != der + len) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* RFC 5280 section 4.1.2.2: positive, at most 20 bytes. Another one is left out. */
static void read_serial(const X509 *certificate, char out[LEAF_SERIAL_SIZE])
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = NULL;
    if (number != NULL && !BN_is_negative(number) && !BN_is_zero(number) &&
        BN_num_bits(number) < 160)
        hex = BN_bn2hex(number);
    if (hex != NULL)
        memcpy(out, hex, strlen(hex) + 1);
    OPENSSL_free(hex);
    BN_free(number);
}

static bool hash_key(const X509 *certificate, unsigned char out[DIGEST_SIZE])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool good = len > 0 && digest(DIGEST_SHA256, der, (size_t)len, out) == IDP_OK;
    OPENSSL_free(der);
    return good;
}

static enum idp_err prepare_key(struct leaf *leaf)
{
    leaf->sm2 = leaf->kind == LOCK_KEY_SM2 ? sm2_key_of(leaf->key) : NULL;
    leaf->ready = leaf->sm2 == NULL ? prepare(leaf) : NULL;
    return leaf->sm2 != NULL || leaf->ready != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err set_key(struct leaf *leaf, enum pki_reason *why)
{
    *why = find_kind(leaf->certificate, &leaf->kind);
    if (*why != PKI_REASONS)
        return IDP_REFUSED;
    *why = PKI_SHAPE;
    leaf->key = X509_get_pubkey(leaf->certificate);
    if (!key_is_of_kind(leaf->key, leaf->kind))
        return IDP_REFUSED;
    *why = PKI_KEY_OVERSIZED;
    if (!is_cheap(leaf->key, leaf->kind))
        return IDP_REFUSED;
    return prepare_key(leaf);
}

static enum idp_err fill(struct leaf *leaf, enum pki_reason *why)
{
    *why = PKI_SHAPE;
    leaf->certificate = decode(leaf->der, leaf->der_len);
    if (leaf->certificate == NULL ||
        !certificate_time_span(leaf->certificate, &leaf->not_before, &leaf->not_after))
        return IDP_REFUSED;
    read_serial(leaf->certificate, leaf->serial);
    enum idp_err err = set_key(leaf, why);
    if (err == IDP_OK)
        err = digest(DIGEST_SHA256, leaf->der, leaf->der_len, leaf->hash);
    if (err == IDP_OK)
        err = digest(leaf_digest(leaf), leaf->der, leaf->der_len, leaf->hash_in_m);
    if (err == IDP_OK && !hash_key(leaf->certificate, leaf->key_hash))
        err = IDP_FAULT;
    return err;
}

enum idp_err leaf_parse(const unsigned char *der, size_t len, enum pki_reason *why,
                        struct leaf **out)
{
    struct leaf *leaf = calloc(1, sizeof(*leaf) + len);
    if (leaf == NULL)
        return IDP_FAULT;
    atomic_init(&leaf->references, 1);
    memcpy(leaf->der, der, len);
    leaf->der_len = len;
    leaf->verdict = PKI_REASONS;
    enum idp_err err = fill(leaf, why);
    if (err == IDP_OK)
        *out = leaf;
    else
        leaf_release(leaf);
    return err;
}

struct leaf *leaf_take(struct leaf *leaf)
{
    (void)atomic_fetch_add_explicit(&leaf->references, 1, memory_order_relaxed);
    return leaf;
}

void leaf_release(struct leaf *leaf)
{
    if (leaf == NULL || atomic_fetch_sub_explicit(&leaf->references, 1, memory_order_acq_rel) != 1)
        return;
    X509_free(leaf->certificate);
    EVP_MD_CTX_free(leaf->ready);
    EVP_PKEY_free(leaf->key);
    free(leaf);
}

/* --- the verdict ---------------------------------------------------------------------------- */

/* Where extensions cannot be read, nor can the issuer's key id: whose name stands there is told. */
static void find_by_name(const struct trust *trust, const X509 *certificate, struct path *out)
{
    const X509_NAME *issuer = X509_get_issuer_name(certificate);
    for (size_t i = 0; i < trust->count && out->authority == NULL; i++) {
        const struct anchors *anchors = &trust->authorities[i].rules->anchors;
        for (size_t j = 0; j < anchors->count && out->authority == NULL; j++)
            if (X509_NAME_cmp(X509_get_subject_name(anchors->list[j].certificate), issuer) == 0)
                *out =
                    (struct path){.authority = &trust->authorities[i], .anchor = &anchors->list[j]};
    }
}

static enum pki_reason decide(struct leaf *leaf, enum pki_reason form, bool path_is_good)
{
    if (leaf->authority == NULL)
        return PKI_AUTHORITY_UNKNOWN;
    enum pki_reason reason = form == PKI_REASONS ? profile_read(leaf) : form;
    return reason == PKI_REASONS && !path_is_good ? PKI_PATH : reason;
}

enum idp_err leaf_judge(struct leaf *leaf, const struct trust *trust)
{
    struct path path = {.is_good = false};
    enum pki_reason form = profile_check_form(leaf);
    enum idp_err err = IDP_OK;
    if (form == PKI_REASONS)
        err =
            path_find(trust,
                      &(struct path_leaf){
                          .certificate = leaf->certificate, .der = leaf->der, .len = leaf->der_len},
                      &path);
    else
        find_by_name(trust, leaf->certificate, &path);
    if (err != IDP_OK)
        return err;
    leaf->authority = path.authority;
    leaf->anchor = path.anchor;
    leaf->path_is_good = path.is_good;
    leaf->verdict = decide(leaf, form, path.is_good);
    X509_free(leaf->certificate);
    leaf->certificate = NULL;
    return IDP_OK;
}
