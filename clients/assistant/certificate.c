#include "assistant/certificate.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/text.h"

/* A point in the uncompressed form of SEC 1 section 2.3.3: 04, x, y. */
enum { UNCOMPRESSED = 0x04 };

static bool is_curve(const EVP_PKEY *key, const char *name)
{
    char group[64] = "";
    return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           strcmp(group, name) == 0;
}

static enum key_kind kind_of(X509 *x509)
{
    const EVP_PKEY *key = X509_get0_pubkey(x509);
    if (key == NULL)
        return KEY_OTHER;
    if (EVP_PKEY_is_a(key, "RSA"))
        return KEY_RSA;
    if (EVP_PKEY_is_a(key, "SM2"))
        return KEY_SM2;
    return EVP_PKEY_is_a(key, "EC") && is_curve(key, "prime256v1") ? KEY_P256 : KEY_OTHER;
}

/* GM/T 0015: a certificate whose key may only encrypt has no digitalSignature bit. */
static bool may_sign(X509 *x509)
{
    uint32_t flags = X509_get_extension_flags(x509);
    if ((flags & (EXFLAG_INVALID | EXFLAG_CA)) != 0)
        return false;
    return (flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(x509) & KU_DIGITAL_SIGNATURE) != 0;
}

/* Writes the first attribute of that kind as UTF-8; "" when there is none fit to be shown. */
static void copy_name(const X509_NAME *name, int nid, char *out, size_t size)
{
    out[0] = '\0';
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at < 0)
        return;
    unsigned char *text = NULL;
    int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (len > 0 && (size_t)len < size && text_is_clean_utf8((const char *)text, (size_t)len)) {
        memcpy(out, text, (size_t)len);
        out[len] = '\0';
    }
    OPENSSL_free(text);
}

static bool copy_time(const ASN1_TIME *time, int64_t *out)
{
    int days = 0;
    int seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool fine = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    if (fine)
        *out = (int64_t)days * 86400 + seconds;
    return fine;
}

/* RFC 5280 section 4.1.2.2: at most 20 bytes. */
static bool copy_serial(const ASN1_INTEGER *serial, char *out)
{
    unsigned char bytes[20];
    BIGNUM *n = ASN1_INTEGER_to_BN(serial, NULL);
    int len = n != NULL ? BN_num_bytes(n) : -1;
    bool fine = len >= 0 && (size_t)len <= sizeof(bytes);
    if (fine)
        text_to_hex(bytes, (size_t)BN_bn2bin(n, bytes), out);
    BN_free(n);
    return fine;
}

static bool copy_point(X509 *x509, unsigned char *out)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x509);
    if (bits == NULL || ASN1_STRING_length(bits) != 1 + POINT_SIZE)
        return false;
    const unsigned char *bytes = ASN1_STRING_get0_data(bits);
    memcpy(out, bytes + 1, POINT_SIZE);
    return bytes[0] == UNCOMPRESSED;
}

static bool describe(X509 *x509, struct certificate *out)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    copy_name(subject, NID_commonName, out->subject, sizeof(out->subject));
    copy_name(subject, NID_organizationName, out->organisation, sizeof(out->organisation));
    copy_name(X509_get_issuer_name(x509), NID_commonName, out->issuer, sizeof(out->issuer));
    out->kind = kind_of(x509);
    out->may_sign = may_sign(x509);
    return copy_time(X509_get0_notBefore(x509), &out->not_before) &&
           copy_time(X509_get0_notAfter(x509), &out->not_after) &&
           copy_serial(X509_get0_serialNumber(x509), out->serial) &&
           (out->kind != KEY_SM2 || copy_point(x509, out->point));
}

bool certificate_read(const unsigned char *der, size_t len, struct certificate *out)
{
    *out = (struct certificate){.len = len};
    if (len == 0 || len > CERTIFICATE_MAX)
        return false;
    const unsigned char *end = der;
    X509 *x509 = d2i_X509(NULL, &end, (long)len);
    bool fine = x509 != NULL && end == der + len && describe(x509, out);
    X509_free(x509);
    if (fine)
        memcpy(out->der, der, len);
    return fine;
}
