// The SKF double's locks: reading the folder, counting PIN tries, signing. See lock_folder.h.
#define _GNU_SOURCE // dladdr, secure_getenv
#include "lock_folder.h"

#include <dirent.h>
#include <dlfcn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PATH_SIZE = 512,
    SLOW_MS = 3000,
    NUMBER_MAX = 600000,
    SIGN_ATTEMPTS = 8192 // zero_r needs 256 on average
};

const char folder_twin[] = "-twin";

static const char *folder(void)
{
    static char beside[PATH_SIZE];
    const char *named = secure_getenv("TAMGA_SKF_DOUBLE");
    if (named != NULL && named[0] != '\0')
        return named;
    Dl_info self;
    if (dladdr((const void *)folder_twin, &self) == 0 || self.dli_fname == NULL)
        return "skf-locks";
    const char *slash = strrchr(self.dli_fname, '/');
    const int length = slash == NULL ? 0 : (int)(slash - self.dli_fname + 1);
    (void)snprintf(beside, sizeof beside, "%.*sskf-locks", length, self.dli_fname);
    return beside;
}

// Opens <folder>/<lock>/<name>; NULL when it is not there.
static FILE *open_file(const char *lock, const char *name, const char *mode)
{
    char path[PATH_SIZE];
    const int length = snprintf(path, sizeof path, "%s/%s/%s", folder(), lock, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return NULL;
    return fopen(path, mode);
}

// Reads the first line of a lock's file into out, which is "" when there is none.
void folder_line(const char *lock, const char *name, char *out, int size)
{
    out[0] = '\0';
    FILE *file = open_file(lock, name, "r");
    if (file == NULL)
        return;
    if (fgets(out, size, file) == NULL)
        out[0] = '\0';
    (void)fclose(file);
    out[strcspn(out, "\r\n")] = '\0';
}

static int read_number(const char *lock, const char *name, int otherwise)
{
    char line[16];
    folder_line(lock, name, line, sizeof line);
    char *end = NULL;
    const long number = strtol(line, &end, 10);
    return end == line || number < 0 || number > NUMBER_MAX ? otherwise : (int)number;
}

void folder_set_tries(const char *lock, int left)
{
    FILE *file = open_file(lock, "tries", "w");
    if (file == NULL)
        return;
    (void)fprintf(file, "%d\n", left);
    (void)fclose(file);
}

int folder_fault(const char *name)
{
    FILE *file = open_file("faults", name, "r");
    if (file == NULL)
        return 0;
    (void)fclose(file);
    return 1;
}

void folder_be_slow(void)
{
    if (!folder_fault("slow"))
        return;
    const int ms = read_number("faults", "slow", SLOW_MS);
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    (void)nanosleep(&pause, NULL);
}

int folder_has_lock(const char *name)
{
    FILE *file = strchr(name, '/') == NULL ? open_file(name, "sign.crt", "r") : NULL;
    if (file == NULL)
        return 0;
    (void)fclose(file);
    return 1;
}
int folder_tries(const char *lock)
{
    return folder_fault("pin_blocked") ? 0 : read_number(lock, "tries", FOLDER_TRIES);
}

// Appends a name with its NUL, as long as one more byte stays free behind it.
static size_t append(char *out, size_t length, const char *name)
{
    const size_t size = strlen(name) + 1;
    if (length + size >= FOLDER_NAMES)
        return length;
    memcpy(out + length, name, size);
    return length + size;
}

static int names_a_lock(const struct dirent *entry)
{
    const size_t most = FOLDER_NAME - sizeof folder_twin;
    return strlen(entry->d_name) <= most && folder_has_lock(entry->d_name);
}

size_t folder_list(char *out)
{
    out[0] = '\0';
    struct dirent **found = NULL;
    const int count =
        folder_fault("no_lock") ? 0 : scandir(folder(), &found, names_a_lock, alphasort);
    const int twice = folder_fault("several_locks");
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        char twin[FOLDER_NAME];
        length = append(out, length, found[i]->d_name);
        (void)snprintf(twin, sizeof twin, "%.50s%s", found[i]->d_name, folder_twin);
        if (twice)
            length = append(out, length, twin);
        free(found[i]);
    }
    free(found);
    out[length] = '\0';
    return length + 1;
}

size_t folder_certificate(const char *lock, const char *name, unsigned char *out)
{
    FILE *file = open_file(lock, name, "r");
    if (file == NULL)
        return 0;
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    const int length = certificate == NULL ? 0 : i2d_X509(certificate, NULL);
    unsigned char *end = out;
    if (length > 0 && length <= FOLDER_CERTIFICATE)
        (void)i2d_X509(certificate, &end);
    X509_free(certificate);
    return (size_t)(end - out);
}

static EVP_PKEY *signing_key(const char *lock)
{
    if (folder_fault("wrong_key"))
        return EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
    FILE *file = open_file(lock, "sign.key", "r");
    if (file == NULL)
        return NULL;
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    return key;
}

// One raw SM2 signature over e (Z is the caller's business); 1 when r and s are filled.
static int sign_once(EVP_PKEY *key, const unsigned char *digest, unsigned char *r, unsigned char *s)
{
    unsigned char der[128];
    size_t length = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    const int is_signed = context != NULL && EVP_PKEY_sign_init(context) == 1 &&
                          EVP_PKEY_sign(context, der, &length, digest, FOLDER_DIGEST) == 1;
    EVP_PKEY_CTX_free(context);
    if (!is_signed)
        return 0;
    const unsigned char *p = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)length);
    if (pair == NULL)
        return 0;
    const int filled = BN_bn2binpad(ECDSA_SIG_get0_r(pair), r, FOLDER_HALF) == FOLDER_HALF &&
                       BN_bn2binpad(ECDSA_SIG_get0_s(pair), s, FOLDER_HALF) == FOLDER_HALF;
    ECDSA_SIG_free(pair);
    return filled;
}

// zero_r tries until the value of r starts with a zero byte: 256 times on average.
static int sign_wanted(EVP_PKEY *key, const unsigned char *digest, unsigned char *r,
                       unsigned char *s)
{
    const int wants_zero = folder_fault("zero_r");
    for (int i = 0; i < SIGN_ATTEMPTS; i++) {
        if (!sign_once(key, digest, r, s))
            return 0;
        if (!wants_zero || r[FOLDER_HALF - FOLDER_DIGEST] == 0)
            return 1;
    }
    return 0;
}
int folder_sign(const char *lock, const unsigned char *digest, unsigned char *r, unsigned char *s)
{
    EVP_PKEY *key = signing_key(lock);
    if (key == NULL)
        return 0;
    const int is_signed = sign_wanted(key, digest, r, s);
    EVP_PKEY_free(key);
    return is_signed;
}
