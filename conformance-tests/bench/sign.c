/*
 * Signs challenges as a lock does, with the key file of a development lock.
 *
 *     bench-sign KEY CERTIFICATE ORIGIN <challenges >answers
 *
 * One challenge a line in. Out: the algorithm's name and the certificate, each on a line of its
 * own, then a signature a line; certificate and signatures are base64. M = "TAMGA-LOGIN/1" 0x00 ||
 * H(origin) || H(challenge) || H(certificate).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/digest.h"

static const char context[] = "TAMGA-LOGIN/1";
static const char sm2_id[] = "1234567812345678";

enum {
    LINE_MAX_SIZE = 512,
    SIGNATURE_MAX = 1024,
    CERTIFICATE_MAX = 8192,
    M_LEN = sizeof(context) + (size_t)3 * DIGEST_SIZE,
};

struct lock {
    EVP_PKEY *key;
    const char *algorithm;
    enum digest_kind kind;
    char certificate[BASE64URL_LEN(CERTIFICATE_MAX) + 8];
    unsigned char m[M_LEN]; /* all but the challenge's hash is filled in */
};

static unsigned char *hash_at(struct lock *lock, size_t i)
{
    return lock->m + sizeof(context) + i * DIGEST_SIZE;
}

static bool read_key(const char *path, struct lock *lock)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    lock->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (lock->key == NULL)
        return false;
    bool sm2 = EVP_PKEY_is_a(lock->key, "SM2") == 1;
    lock->kind = sm2 ? DIGEST_SM3 : DIGEST_SHA256;
    lock->algorithm = sm2 ? "SM2" : EVP_PKEY_is_a(lock->key, "EC") == 1 ? "ES256" : "RS256";
    return true;
}

static bool read_certificate(const char *path, struct lock *lock)
{
    unsigned char *der = NULL;
    FILE *file = fopen(path, "r");
    X509 *certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    int len = certificate != NULL ? i2d_X509(certificate, &der) : -1;
    bool good = len > 0 && len <= CERTIFICATE_MAX &&
                digest(lock->kind, der, (size_t)len, hash_at(lock, 2)) == IDP_OK;
    if (good)
        base64_encode(der, (size_t)len, lock->certificate);
    OPENSSL_free(der);
    X509_free(certificate);
    if (file != NULL)
        (void)fclose(file);
    return good;
}

static bool sign(struct lock *lock, const char *challenge, char *out)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const char *name = lock->kind == DIGEST_SM3 ? "SM3" : "SHA256";
    bool good = ctx != NULL &&
                digest(lock->kind, challenge, strlen(challenge), hash_at(lock, 1)) == IDP_OK &&
                EVP_DigestSignInit_ex(ctx, &key_ctx, name, NULL, NULL, lock->key, NULL) == 1;
    if (good && lock->kind == DIGEST_SM3)
        good = EVP_PKEY_CTX_set1_id(key_ctx, sm2_id, sizeof(sm2_id) - 1) == 1;
    good = good && EVP_DigestSign(ctx, signature, &len, lock->m, M_LEN) == 1;
    if (good)
        base64_encode(signature, len, out);
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool sign_all(struct lock *lock)
{
    char line[LINE_MAX_SIZE];
    char signature[BASE64URL_LEN(SIGNATURE_MAX) + 8];
    (void)printf("%s\n%s\n", lock->algorithm, lock->certificate);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (!sign(lock, line, signature))
            return false;
        (void)puts(signature);
    }
    return true;
}

int main(int argc, char *argv[])
{
    static struct lock lock;
    if (argc != 4) {
        (void)fputs("usage: bench-sign KEY CERTIFICATE ORIGIN <challenges\n", stderr);
        return EXIT_FAILURE;
    }
    memcpy(lock.m, context, sizeof(context));
    bool good = read_key(argv[1], &lock) && read_certificate(argv[2], &lock) &&
                digest(lock.kind, argv[3], strlen(argv[3]), hash_at(&lock, 0)) == IDP_OK &&
                sign_all(&lock);
    EVP_PKEY_free(lock.key);
    if (!good)
        (void)fputs("bench-sign: cannot sign\n", stderr);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
