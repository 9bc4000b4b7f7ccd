/* Where the master key comes from: a file that only its owner can read, or the environment. */
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

#include "base/base64.h"
#include "base/random.h"
#include "base/text.h"

enum { FILE_MAX = 128 };

#define EXPECTED "expected 32 bytes as 64 hex digits or 43 characters of base64url"

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

/* Opens the file; when it is missing and may be made, it is made first. */
static enum idp_err open_file(const char *file, bool may_make, char **why, int *out)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open(file, flags);
    if (fd < 0 && errno == ENOENT && may_make) {
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

/* Reads 64 hex digits or 43 characters of base64url. Returns NULL for anything else. */
static struct master_key *decode(const char *text, size_t len)
{
    unsigned char bytes[MASTER_KEY_SIZE];
    size_t n = 0;
    bool good = len == (size_t)2 * MASTER_KEY_SIZE
                    ? text_from_hex(text, bytes, MASTER_KEY_SIZE)
                    : base64url_decode(text, len, bytes, MASTER_KEY_SIZE, &n) == IDP_OK &&
                          n == MASTER_KEY_SIZE;
    struct master_key *key = good ? master_key_new(bytes) : NULL;
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return key;
}

static enum idp_err read_key(int fd, const char *file, char **why, struct master_key **out)
{
    char text[FILE_MAX + 1] = {0};
    ssize_t n = read(fd, text, FILE_MAX);
    if (n < 0)
        return cannot("read", file, why);
    size_t len = (size_t)n;
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    *out = strlen(text) == len ? decode(text, len) : NULL;
    OPENSSL_cleanse(text, sizeof(text));
    if (*out != NULL)
        return IDP_OK;
    explain(why, "the master key file %s holds no key: " EXPECTED, file);
    return IDP_BAD_REQUEST;
}

static enum idp_err load(const char *file, bool may_make, char **why, struct master_key **out)
{
    int fd = -1;
    enum idp_err err = open_file(file, may_make, why, &fd);
    if (err == IDP_OK)
        err = check_mode(fd, file, why);
    if (err == IDP_OK)
        err = read_key(fd, file, why, out);
    if (fd >= 0)
        (void)close(fd);
    return err;
}

enum idp_err master_key_load(const char *file, char **why, struct master_key **out)
{
    return load(file, true, why, out);
}

/* --- the environment ------------------------------------------------------------------------- */

/* The variable's text in the environment itself, or NULL. */
static char *find_variable(const char *name)
{
    return getenv(name); // NOLINT(concurrency-mt-unsafe): keys are opened before there are threads
}

/* Reads the variable and takes it away, so that neither programs that this one starts nor whoever
 * looks at its environment finds the key. */
static enum idp_err take_variable(const char *name, char *text, char **why, struct master_key **out)
{
    size_t len = strlen(text);
    *out = decode(text, len);
    OPENSSL_cleanse(text, len);
    (void)unsetenv(name); // NOLINT(concurrency-mt-unsafe): as above
    if (*out != NULL)
        return IDP_OK;
    explain(why, "the environment's %s holds no key: " EXPECTED, name);
    return IDP_BAD_REQUEST;
}

/* A place where a key may be: a setting's file, or a variable. */
struct place {
    const char *setting, *file, *variable;
    bool may_make;
};

/* Takes the key from the one place that is given; *out stays NULL when none is. */
static enum idp_err open_place(const struct place *place, char **why, struct master_key **out)
{
    char *text = find_variable(place->variable);
    if (place->file != NULL && text != NULL) {
        explain(why, "%s: the environment's %s is set as well: expected one of the two",
                place->setting, place->variable);
        return IDP_BAD_REQUEST;
    }
    if (text != NULL)
        return take_variable(place->variable, text, why, out);
    return place->file != NULL ? load(place->file, place->may_make, why, out) : IDP_OK;
}

enum idp_err master_key_open(const struct master_places *places, char **why,
                             struct master_key **out)
{
    struct master_key *key = NULL;
    struct master_key *next = NULL;
    const struct place now = {"master_key_file", places->file, MASTER_VARIABLE, places->may_make};
    const struct place later = {"master_key_file_next", places->next_file, MASTER_VARIABLE_NEXT,
                                false};
    enum idp_err err = open_place(&now, why, &key);
    if (err == IDP_OK && key == NULL) {
        explain(why, "master_key_file: is missing, and so is the environment's " MASTER_VARIABLE);
        err = IDP_BAD_REQUEST;
    }
    if (err == IDP_OK)
        err = open_place(&later, why, &next);
    if (err != IDP_OK) {
        master_key_free(key);
        return err;
    }
    master_key_join(key, next);
    *out = key;
    return IDP_OK;
}
