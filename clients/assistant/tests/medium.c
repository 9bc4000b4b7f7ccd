#define _DEFAULT_SOURCE /* mkdtemp, realpath */
#include "assistant/tests/medium.h"

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

extern char **environ;

char medium_folder[MEDIUM_PATH];

static void path_in(char *out, const char *folder, const char *name)
{
    int len = snprintf(out, MEDIUM_PATH, "%s/%s", folder, name);
    assert_in_range(len, 1, MEDIUM_PATH - 1);
}

void medium_path(const char *name, char *out)
{
    path_in(out, medium_folder, name);
}

void medium_tell(const char *variable, const char *value)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): only while no other thread reads any */
    assert_int_equal(setenv(variable, value, 1), 0);
}

void medium_run(const char *const *argv)
{
    char *copy[32] = {NULL};
    int status = -1;
    pid_t pid = 0;
    posix_spawn_file_actions_t quiet;
    for (size_t i = 0; argv[i] != NULL; i++)
        assert_non_null(copy[i] = strdup(argv[i]));
    assert_int_equal(posix_spawn_file_actions_init(&quiet), 0);
    for (int fd = 1; fd <= 2; fd++)
        assert_int_equal(posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawnp(&pid, argv[0], &quiet, NULL, copy, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)posix_spawn_file_actions_destroy(&quiet);
    for (size_t i = 0; copy[i] != NULL; i++)
        free(copy[i]);
    if (status != 0)
        fail_msg("%s %s ended with %d", argv[0], argv[1], status);
}

void medium_write(const char *folder, const char *name, const char *line)
{
    char path[MEDIUM_PATH];
    (void)mkdir(folder, 0700);
    path_in(path, folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (line[0] != '\0')
        assert_true(fprintf(file, "%s\n", line) > 0);
    assert_int_equal(fclose(file), 0);
}

void medium_remove(const char *folder, const char *name)
{
    char path[MEDIUM_PATH];
    path_in(path, folder, name);
    assert_int_equal(unlink(path), 0);
}

void medium_configure(const char *line)
{
    char text[2 * MEDIUM_PATH];
    (void)snprintf(text, sizeof(text),
                   "directories.tokendir = %s/tokens\nobjectstore.backend = file\n"
                   "log.level = ERROR\n%s",
                   medium_folder, line);
    medium_write(medium_folder, "softhsm2.conf", text);
}

int medium_set_up(void **state)
{
    char path[MEDIUM_PATH];
    (void)state;
    (void)snprintf(medium_folder, sizeof(medium_folder), "/tmp/tamga-locks-XXXXXX");
    assert_non_null(mkdtemp(medium_folder));
    medium_path("tokens", path);
    assert_int_equal(mkdir(path, 0700), 0);
    medium_path("softhsm2.conf", path);
    medium_tell("SOFTHSM2_CONF", path);
    medium_path("skf", path);
    assert_int_equal(mkdir(path, 0700), 0);
    medium_tell("TAMGA_SKF_DOUBLE", path);
    medium_configure("");
    return 0;
}

int medium_tear_down(void **state)
{
    (void)state;
    const char *const rm[] = {"rm", "-rf", medium_folder, NULL};
    medium_run(rm);
    return 0;
}

const char *medium_library(const char *name)
{
    static char path[PATH_MAX];
    char relative[MEDIUM_PATH];
    path_in(relative, TEST_LIBRARIES, name);
    assert_non_null(realpath(relative, path));
    return path;
}

/* --- keys and certificates -------------------------------------------------------------------- */

EVP_PKEY *medium_key(const char *kind)
{
    EVP_PKEY *key = NULL;
    if (strcmp(kind, "RSA") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    else if (strcmp(kind, "SM2") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    assert_non_null(key);
    return key;
}

static void add_usage(X509 *x509, const char *usage)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

X509 *medium_certificate(EVP_PKEY *key, const char *name, const char *usage)
{
    X509 *x509 = X509_new();
    X509_NAME *subject = X509_NAME_new();
    assert_non_null(x509);
    assert_non_null(subject);
    assert_int_equal(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_version(x509, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), 0x7A), 1);
    assert_int_equal(X509_set_subject_name(x509, subject), 1);
    assert_int_equal(X509_set_issuer_name(x509, subject), 1);
    assert_non_null(X509_time_adj_ex(X509_getm_notBefore(x509), 0, -60, NULL));
    assert_non_null(X509_time_adj_ex(X509_getm_notAfter(x509), 30, 0, NULL));
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    if (usage[0] != '\0')
        add_usage(x509, usage);
    const EVP_MD *md = EVP_PKEY_is_a(key, "SM2") ? EVP_sm3() : EVP_sha256();
    assert_true(X509_sign(x509, key, md) > 0);
    X509_NAME_free(subject);
    return x509;
}

static void write_key(const char *path, EVP_PKEY *key)
{
    BIO *bio = BIO_new_file(path, "w");
    assert_non_null(bio);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    BIO_free(bio);
}

/* --- locks ------------------------------------------------------------------------------------ */

void medium_token(const char *label, EVP_PKEY *key, X509 *certificate)
{
    char path[MEDIUM_PATH];
    medium_path("entry", path);
    const char *const init[] = {"softhsm2-util", "--init-token", "--free", "--label",  label,
                                "--so-pin",      "87654321",     "--pin",  MEDIUM_PIN, NULL};
    medium_run(init);
    if (key != NULL) {
        write_key(path, key);
        const char *const import[] = {"softhsm2-util", "--import", path,   "--token", label,
                                      "--label",       "sign",     "--id", "01",      "--pin",
                                      MEDIUM_PIN,      NULL};
        medium_run(import);
    }
    if (certificate != NULL) {
        BIO *bio = BIO_new_file(path, "w");
        assert_non_null(bio);
        assert_int_equal(i2d_X509_bio(bio, certificate), 1);
        BIO_free(bio);
        const char *const put[] = {"pkcs11-tool",
                                   "--module",
                                   MEDIUM_SOFTHSM,
                                   "--token-label",
                                   label,
                                   "--login",
                                   "--pin",
                                   MEDIUM_PIN,
                                   "-w",
                                   path,
                                   "-y",
                                   "cert",
                                   "--id",
                                   "01",
                                   NULL};
        medium_run(put);
    }
    (void)unlink(path);
}

void medium_skf(const char *label, EVP_PKEY *key, X509 *certificate)
{
    char skf[MEDIUM_PATH];
    char lock[MEDIUM_PATH];
    char path[MEDIUM_PATH];
    medium_path("skf", skf);
    path_in(lock, skf, label);
    medium_write(lock, "pin", MEDIUM_PIN);
    medium_write(lock, "serial", "SKF-0001");
    medium_write(lock, "tries", "10");
    path_in(path, skf, "faults");
    (void)mkdir(path, 0700);
    path_in(path, lock, "sign.key");
    write_key(path, key);
    path_in(path, lock, "sign.crt");
    BIO *bio = BIO_new_file(path, "w");
    assert_non_null(bio);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    BIO_free(bio);
}

/* --- judging ---------------------------------------------------------------------------------- */

static size_t append_hash(const EVP_MD *md, const void *bytes, size_t n, unsigned char *m,
                          size_t at)
{
    assert_int_equal(EVP_Digest(bytes, n, m + at, NULL, md, NULL), 1);
    return at + 32;
}

static EVP_PKEY_CTX *context_for(EVP_PKEY *key, const char *algorithm, EVP_MD_CTX *md_ctx)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_non_null(ctx);
    if (strcmp(algorithm, "SM2") == 0)
        assert_true(EVP_PKEY_CTX_set1_id(ctx, "1234567812345678", 16) > 0);
    EVP_MD_CTX_set_pkey_ctx(md_ctx, ctx);
    return ctx;
}

bool medium_verifies(X509 *certificate, const char *algorithm, const char *origin,
                     const char *challenge, const unsigned char *signature, size_t len)
{
    unsigned char m[14 + 96] = "TAMGA-LOGIN/1";
    unsigned char *der = NULL;
    int der_len = i2d_X509(certificate, &der);
    const EVP_MD *h = strcmp(algorithm, "SM2") == 0 ? EVP_sm3() : EVP_sha256();
    size_t at = append_hash(h, origin, strlen(origin), m, 14);
    at = append_hash(h, challenge, strlen(challenge), m, at);
    (void)append_hash(h, der, (size_t)der_len, m, at);
    OPENSSL_free(der);

    EVP_MD_CTX *md_ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *inner = NULL;
    assert_non_null(md_ctx);
    EVP_PKEY_CTX *ctx = context_for(X509_get0_pubkey(certificate), algorithm, md_ctx);
    assert_int_equal(EVP_DigestVerifyInit(md_ctx, &inner, h, NULL, X509_get0_pubkey(certificate)),
                     1);
    if (strcmp(algorithm, "PS256") == 0) {
        assert_true(EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST) > 0);
    }
    bool verifies = EVP_DigestVerify(md_ctx, signature, len, m, sizeof(m)) == 1;
    EVP_MD_CTX_free(md_ctx);
    EVP_PKEY_CTX_free(ctx);
    return verifies;
}
