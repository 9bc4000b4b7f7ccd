#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

/* Sets *why to "PATH: text"; it stays NULL when there is no memory. */
__attribute__((format(printf, 4, 5))) static enum idp_err wrong(enum idp_err err, const char *path,
                                                                char **why, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t size = strlen(path) + strlen(text) + sizeof(": ");
    *why = malloc(size);
    if (*why != NULL)
        (void)snprintf(*why, size, "%s: %s", path, text);
    return err;
}

static enum idp_err unreadable(const char *path, char **why)
{
    char says[96];
    int error = errno;
    if (strerror_r(error, says, sizeof(says)) != 0)
        (void)snprintf(says, sizeof(says), "error %d", error);
    return wrong(IDP_UNAVAILABLE, path, why, "%s", says);
}

static enum idp_err check(int fd, const char *path, enum file_privacy privacy, char **why)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return unreadable(path, why);
    if (!S_ISREG(about.st_mode))
        return wrong(IDP_BAD_REQUEST, path, why, "is no regular file");
    if (privacy == FILE_PRIVATE && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return wrong(IDP_DENIED, path, why,
                     "has mode %04o: nobody but its owner may have access to it (chmod 600)",
                     (unsigned)(about.st_mode & 07777));
    return IDP_OK;
}

/* Reads until the end or until size bytes have come. Returns -1 on an error. */
static ssize_t read_some(int fd, char *out, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = read(fd, out + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -1 : (ssize_t)have;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static enum idp_err read_all(int fd, const char *path, size_t max, char **why,
                             struct file_bytes *out)
{
    struct file_bytes file = {.bytes = malloc(max + 1)};
    if (file.bytes == NULL)
        return IDP_FAULT;
    ssize_t n = read_some(fd, file.bytes, max + 1);
    file.len = n > 0 ? (size_t)n : 0;
    if (n >= 0 && file.len <= max) {
        file.bytes[file.len] = '\0';
        *out = file;
        return IDP_OK;
    }
    enum idp_err err = n < 0 ? unreadable(path, why)
                             : wrong(IDP_BAD_REQUEST, path, why, "is longer than %zu bytes", max);
    file.len = max + 1;
    file_drop(&file);
    return err;
}

enum idp_err file_read(const char *path, enum file_privacy privacy, size_t max, char **why,
                       struct file_bytes *out)
{
    *why = NULL;
    /* A pipe must not hold us up before we see that it is none of ours. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return unreadable(path, why);
    enum idp_err err = check(fd, path, privacy, why);
    if (err == IDP_OK)
        err = read_all(fd, path, max, why, out);
    (void)close(fd);
    return err;
}

void file_drop(struct file_bytes *file)
{
    if (file->bytes != NULL)
        OPENSSL_cleanse(file->bytes, file->len);
    free(file->bytes);
    *file = (struct file_bytes){0};
}
