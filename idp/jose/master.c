/*
 * The master key's file, and AES-256-GCM with it (NIST SP 800-38D). Every wrapping takes a fresh
 * random nonce of 96 bits; a few hundred keys are ever wrapped, so none repeats.
 */
#include "jose/master.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/random.h"
#include "base/text.h"

enum { NONCE_SIZE = 12, TAG_SIZE = 16, WRAPPED_MAX = 8192, LABEL_MAX = 160, FILE_MAX = 128 };

struct master_key {
    unsigned char bytes[MASTER_KEY_SIZE];
    struct master_key *other; /* or NULL */
};

static void explain(char **why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets *why to a line for a person; it stays NULL when there is no memory for one. */
static void explain(char **why, const char *format, ...)
{
    enum { LINE_MAX_LEN = PATH_MAX + 256 };
    va_list args;
    *why = malloc(LINE_MAX_LEN);
    if (*why == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(*why, LINE_MAX_LEN, format, args);
    va_end(args);
}

static const char *system_says(char *buffer, size_t size)
{
    return strerror_r(errno, buffer, size) == 0 ? buffer : "unknown error";
}

static enum idp_err cannot(const char *what, const char *file, char **why)
{
    char says[128];
    explain(why, "cannot %s the master key file %s: %s", what, file,
            system_says(says, sizeof(says)));
    return IDP_UNAVAILABLE;
}

/* Writes a new key as hex and a newline, and makes it last. */
static bool write_new_key(int fd)
{
    unsigned char bytes[MASTER_KEY_SIZE];
    char text[2 * MASTER_KEY_SIZE + 2];
    if (random_bytes(bytes, sizeof(bytes)) != IDP_OK) {
        errno = EIO;
        return false;
    }
    text_to_hex(bytes, sizeof(bytes), text);
    text[sizeof(text) - 2] = '\n';
    bool good = write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1 && fsync(fd) == 0;
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(text, sizeof(text));
    return good;
}

/*
 * Makes the file whole under another name and then links it to its own, which fails when another
 * process was first: nobody ever reads half a key, and nobody's key is overwritten.
 */
static enum idp_err make_file(const char *file, char **why)
{
    char draft[PATH_MAX];
    int n = snprintf(draft, sizeof(draft), "%s.%ld", file, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof(draft)) {
        errno = ENAMETOOLONG;
        return cannot("make", file, why);
    }
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return cannot("make", file, why);
    bool good = write_new_key(fd) && (link(draft, file) == 0 || errno == EEXIST);
    enum idp_err err = good ? IDP_OK : cannot("make", file, why);
    (void)close(fd);
    (void)unlink(draft);
    return err;
}

/* Opens the file, which is made first when it is missing. */
static enum idp_err open_file(const char *file, char **why, int *out)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open(file, flags);
    if (fd < 0 && errno == ENOENT) {
        enum idp_err err = make_file(file, why);
        if (err != IDP_OK)
            return err;
        fd = open(file, flags);
    }
    if (fd < 0)
        return cannot("read", file, why);
    *out = fd;
    return IDP_OK;
}

static enum idp_err check_mode(int fd, const char *file, char **why)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return cannot("read", file, why);
    if (!S_ISREG(about.st_mode)) {
        explain(why, "the master key file %s is not a regular file", file);
        return IDP_DENIED;
    }
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        explain(why, "the master key file %s is open to others (mode %04o): expected 0600", file,
                (unsigned)(about.st_mode & 07777));
        return IDP_DENIED;
    }
    return IDP_OK;
}

static bool decode(const char *text, size_t len, unsigned char out[MASTER_KEY_SIZE])
{
    size_t n = 0;
    if (len == (size_t)2 * MASTER_KEY_SIZE)
        return text_from_hex(text, out, MASTER_KEY_SIZE);
    return base64url_decode(text, len, out, MASTER_KEY_SIZE, &n) == IDP_OK && n == MASTER_KEY_SIZE;
}

static enum idp_err read_key(int fd, const char *file, char **why, struct master_key *key)
{
    char text[FILE_MAX + 1] = {0};
    ssize_t n = read(fd, text, FILE_MAX);
    if (n < 0)
        return cannot("read", file, why);
    size_t len = (size_t)n;
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    bool good = strlen(text) == len && decode(text, len, key->bytes);
    OPENSSL_cleanse(text, sizeof(text));
    if (good)
        return IDP_OK;
    explain(why,
            "the master key file %s holds no key: expected 32 bytes as 64 hex digits or 43 "
            "characters of base64url",
            file);
    return IDP_BAD_REQUEST;
}

enum idp_err master_key_load(const char *file, char **why, struct master_key **out)
{
    int fd = -1;
    struct master_key *key = calloc(1, sizeof(*key));
    if (key == NULL)
        return IDP_FAULT;
    enum idp_err err = open_file(file, why, &fd);
    if (err == IDP_OK)
        err = check_mode(fd, file, why);
    if (err == IDP_OK)
        err = read_key(fd, file, why, key);
    if (fd >= 0)
        (void)close(fd);
    if (err != IDP_OK) {
        master_key_free(key);
        return err;
    }
    *out = key;
    return IDP_OK;
}

void master_key_join(struct master_key *key, struct master_key *other)
{
    while (key->other != NULL)
        key = key->other;
    key->other = other;
}

void master_key_free(struct master_key *key)
{
    while (key != NULL) {
        struct master_key *other = key->other;
        OPENSSL_cleanse(key, sizeof(*key));
        free(key);
        key = other;
    }
}

/* Purpose and id with their NULs, so that no two labels have one text. Returns its length, or 0. */
static size_t write_label(const struct master_label *label, char out[LABEL_MAX])
{
    int n = snprintf(out, LABEL_MAX, "tamga-wrap/1%c%s%c%s", 0, label->purpose, 0, label->id);
    return n > 0 && n < LABEL_MAX ? (size_t)n : 0;
}

static bool seal(const struct master_key *key, const struct master_label *label, const void *bytes,
                 int n, unsigned char *out)
{
    char aad[LABEL_MAX];
    size_t aad_len = write_label(label, aad);
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good =
        ctx != NULL && aad_len > 0 && random_bytes(out, NONCE_SIZE) == IDP_OK &&
        EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key->bytes, out, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &len, (const unsigned char *)aad, (int)aad_len) == 1 &&
        EVP_EncryptUpdate(ctx, out + NONCE_SIZE, &len, bytes, n) == 1 &&
        EVP_EncryptFinal_ex(ctx, out + NONCE_SIZE + n, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + NONCE_SIZE + n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

enum idp_err master_wrap(const struct master_key *key, const struct master_label *label,
                         const void *bytes, size_t n, struct arena *arena, const char **out)
{
    if (n > WRAPPED_MAX)
        return IDP_FAULT;
    size_t size = NONCE_SIZE + n + TAG_SIZE;
    unsigned char *sealed = arena_alloc(arena, size);
    char *text = arena_alloc(arena, BASE64URL_LEN(size) + 1);
    if (sealed == NULL || text == NULL || !seal(key, label, bytes, (int)n, sealed))
        return IDP_FAULT;
    base64url_encode(sealed, size, text);
    *out = text;
    return IDP_OK;
}

static bool unseal(const struct master_key *key, const struct master_label *label,
                   unsigned char *sealed, int n, unsigned char *out)
{
    char aad[LABEL_MAX];
    size_t aad_len = write_label(label, aad);
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good =
        ctx != NULL && aad_len > 0 &&
        EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key->bytes, sealed, NULL) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &len, (const unsigned char *)aad, (int)aad_len) == 1 &&
        EVP_DecryptUpdate(ctx, out, &len, sealed + NONCE_SIZE, n) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, sealed + NONCE_SIZE + n) == 1 &&
        EVP_DecryptFinal_ex(ctx, out + n, &len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

/* The bytes inside the text, sealed. They are the arena's, as is room for as many opened ones. */
static enum idp_err decode_sealed(const char *text, struct arena *arena, unsigned char **sealed,
                                  size_t *n)
{
    enum { SEALED_MAX = NONCE_SIZE + WRAPPED_MAX + TAG_SIZE };
    size_t len = strlen(text);
    size_t size = 0;
    if (len > BASE64URL_LEN(SEALED_MAX))
        return IDP_DENIED;
    *sealed = arena_alloc(arena, SEALED_MAX);
    if (*sealed == NULL)
        return IDP_FAULT;
    if (base64url_decode(text, len, *sealed, SEALED_MAX, &size) != IDP_OK ||
        size < NONCE_SIZE + TAG_SIZE)
        return IDP_DENIED;
    *n = size - NONCE_SIZE - TAG_SIZE;
    return IDP_OK;
}

/* Opens text with the first key that can. */
static enum idp_err open_with_any(const struct master_key **key, const struct master_label *label,
                                  const char *text, struct arena *arena, struct master_opened *out)
{
    unsigned char *sealed = NULL;
    size_t n = 0;
    enum idp_err err = decode_sealed(text, arena, &sealed, &n);
    if (err != IDP_OK)
        return err;
    unsigned char *bytes = arena_alloc(arena, n + TAG_SIZE);
    if (bytes == NULL)
        return IDP_FAULT;
    for (; *key != NULL; *key = (*key)->other) {
        if (!unseal(*key, label, sealed, (int)n, bytes))
            continue;
        *out = (struct master_opened){.bytes = bytes, .len = n};
        return IDP_OK;
    }
    return IDP_DENIED;
}

enum idp_err master_unwrap(const struct master_key *key, const struct master_label *label,
                           const char *text, struct arena *arena, struct master_opened *out)
{
    return open_with_any(&key, label, text, arena, out);
}

enum idp_err master_pick(const struct master_key *key, const struct master_label *label,
                         const char *text, struct arena *arena, const struct master_key **out)
{
    struct master_opened opened;
    enum idp_err err = open_with_any(&key, label, text, arena, &opened);
    if (err == IDP_OK)
        *out = key;
    return err;
}
