#include "pki/signed.h"

#include <string.h>

#include "pki/der.h"
#include "pki/sm2/sm2.h"

/* The algorithms that are taken. */
static const struct signed_algorithm algorithms[] = {
    {.key = "RSA",
     .digest = "SHA256",
     .nid = NID_sha256WithRSAEncryption,
     .oid_len = 9,
     .oid = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11},
     .null_parameters = true},
    {.key = "RSA",
     .digest = "SHA384",
     .nid = NID_sha384WithRSAEncryption,
     .oid_len = 9,
     .oid = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12},
     .null_parameters = true},
    {.key = "RSA",
     .digest = "SHA512",
     .nid = NID_sha512WithRSAEncryption,
     .oid_len = 9,
     .oid = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13},
     .null_parameters = true},
    {.key = "EC",
     .digest = "SHA256",
     .nid = NID_ecdsa_with_SHA256,
     .oid_len = 8,
     .oid = {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}},
    {.key = "EC",
     .digest = "SHA384",
     .nid = NID_ecdsa_with_SHA384,
     .oid_len = 8,
     .oid = {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3}},
    {.key = "EC",
     .digest = "SHA512",
     .nid = NID_ecdsa_with_SHA512,
     .oid_len = 8,
     .oid = {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4}},
    {.key = "SM2",
     .digest = "SM3",
     .nid = NID_SM2_with_SM3,
     .oid_len = 8,
     .oid = {0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75},
     .null_parameters = true},
};
enum { ALGORITHMS = sizeof(algorithms) / sizeof(*algorithms) };

static bool parameters_fit(struct der *rest, const struct signed_algorithm *algorithm)
{
    static const unsigned char null[] = {0x05, 0x00};
    if (rest->left == 0)
        return true;
    return algorithm->null_parameters && rest->left == sizeof(null) &&
           memcmp(rest->at, null, sizeof(null)) == 0;
}

static bool is_meant(const struct der_item *oid, const struct signed_algorithm *algorithm)
{
    return oid->len == algorithm->oid_len && memcmp(oid->bytes, algorithm->oid, oid->len) == 0;
}

/* The entry that an AlgorithmIdentifier means and that fits the key, or NULL. */
static const struct signed_algorithm *find(const struct der_item *identifier, const EVP_PKEY *key,
                                           const struct signed_algorithm *also)
{
    struct der inside = der_inside(identifier);
    struct der_item oid;
    const struct signed_algorithm *found = NULL;
    if (!der_next_is(&inside, DER_OID, &oid))
        return NULL;
    for (size_t i = 0; i < ALGORITHMS && found == NULL; i++)
        found = is_meant(&oid, &algorithms[i]) ? &algorithms[i] : NULL;
    if (found == NULL && also != NULL && is_meant(&oid, also))
        found = also;
    if (found == NULL || !EVP_PKEY_is_a(key, found->key) || !parameters_fit(&inside, found))
        return NULL;
    return found;
}

static int verify(const struct signed_algorithm *algorithm, EVP_PKEY *key,
                  const struct der_item *body, const struct der_item *signature)
{
    const struct sm2_key *sm2 = algorithm->nid == NID_SM2_with_SM3 ? sm2_key_of(key) : NULL;
    if (sm2 != NULL)
        return sm2_key_has_signed(sm2, body->whole, body->whole_len, signature->bytes + 1,
                                  signature->len - 1);
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, &key_ctx, algorithm->digest, NULL, NULL,
                                                      key, NULL) == 1;
    if (good && algorithm->nid == NID_SM2_with_SM3)
        good = EVP_PKEY_CTX_set1_id(key_ctx, SIGNED_SM2_ID, SIGNED_SM2_ID_LEN) == 1;
    good = good && EVP_DigestVerify(ctx, signature->bytes + 1, signature->len - 1, body->whole,
                                    body->whole_len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

enum idp_err signed_verify_also(const unsigned char *der, size_t len, EVP_PKEY *key,
                                const struct signed_algorithm *also)
{
    struct der rest = {.at = der, .left = len};
    struct der_item whole;
    struct der_item body;
    struct der_item identifier;
    struct der_item signature;
    if (!der_next_is(&rest, DER_SEQUENCE, &whole) || rest.left != 0)
        return IDP_DENIED;
    rest = der_inside(&whole);
    if (!der_next_is(&rest, DER_SEQUENCE, &body) ||
        !der_next_is(&rest, DER_SEQUENCE, &identifier) ||
        !der_next_is(&rest, DER_BIT_STRING, &signature) || signature.len < 2 ||
        signature.bytes[0] != 0)
        return IDP_DENIED;
    const struct signed_algorithm *algorithm = find(&identifier, key, also);
    if (algorithm == NULL)
        return IDP_DENIED;
    return verify(algorithm, key, &body, &signature) ? IDP_OK : IDP_DENIED;
}

enum idp_err signed_verify(const unsigned char *der, size_t len, EVP_PKEY *key)
{
    return signed_verify_also(der, len, key, NULL);
}

bool signed_algorithm_is_sound(const X509 *certificate)
{
    int nid = X509_get_signature_nid(certificate);
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (algorithms[i].nid == nid)
            return true;
    return false;
}

enum idp_err signed_set_sm2_id(X509 *certificate)
{
    if (X509_get_signature_nid(certificate) != NID_SM2_with_SM3)
        return IDP_OK;
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    if (id == NULL ||
        ASN1_OCTET_STRING_set(id, (const unsigned char *)SIGNED_SM2_ID, SIGNED_SM2_ID_LEN) != 1) {
        ASN1_OCTET_STRING_free(id);
        return IDP_FAULT;
    }
    X509_set0_distinguishing_id(certificate, id); /* takes id over */
    return IDP_OK;
}
