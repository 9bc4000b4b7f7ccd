#include "pki/crl/crl_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "base/text.h"

enum {
    COPIED_AT_ONCE = 65536,
    DRAFT_SECONDS = 3600,
    RANDOM = 8,
    RANDOM_DIGITS = 16,
    NAME_DIGITS = 2 * DIGEST_SIZE
};

static const char *const endings[] = {[CRL_FILE_FULL] = ".full.crl",
                                      [CRL_FILE_DELTA] = ".delta.crl",
                                      [CRL_FILE_REVOKED] = ".revoked"};
enum { ENDINGS = sizeof(endings) / sizeof(*endings) };

static const char draft_ending[] = ".part";

/* --- names ------------------------------------------------------------------------------------ */

static bool path_of(const char *folder, const unsigned char *issuer, enum crl_file kind,
                    char path[CRL_PATH_MAX])
{
    char hash[NAME_DIGITS + 1];
    text_to_hex(issuer, DIGEST_SIZE, hash);
    int n = snprintf(path, CRL_PATH_MAX, "%s/%s%s", folder, hash, endings[kind]);
    return n > 0 && n < CRL_PATH_MAX;
}

static bool draft_path(const char *folder, char path[CRL_PATH_MAX])
{
    unsigned char bytes[RANDOM];
    char text[RANDOM_DIGITS + 1];
    if (random_bytes(bytes, sizeof(bytes)) != IDP_OK)
        return false;
    text_to_hex(bytes, sizeof(bytes), text);
    int n = snprintf(path, CRL_PATH_MAX, "%s/%s%s", folder, text, draft_ending);
    return n > 0 && n < CRL_PATH_MAX;
}

/* Whether a name is one of ours; then whose. */
static bool read_name(const char *name, unsigned char issuer[DIGEST_SIZE])
{
    char hash[NAME_DIGITS + 1];
    bool ours = false;
    if (strlen(name) <= NAME_DIGITS)
        return false;
    for (size_t i = 0; i < ENDINGS; i++)
        ours = ours || strcmp(name + NAME_DIGITS, endings[i]) == 0;
    memcpy(hash, name, NAME_DIGITS);
    hash[NAME_DIGITS] = '\0';
    return ours && text_from_hex(hash, issuer, DIGEST_SIZE);
}

/* --- drafts ----------------------------------------------------------------------------------- */

enum idp_err crl_draft_begin(const char *folder, struct crl_draft *out)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    if (!draft_path(folder, out->path))
        return IDP_FAULT;
    out->fd = open(out->path, flags, 0600);
    if (out->fd < 0 && errno == ENOENT && mkdir(folder, 0700) == 0)
        out->fd = open(out->path, flags, 0600);
    return out->fd >= 0 ? IDP_OK : IDP_UNAVAILABLE;
}

void crl_draft_end(struct crl_draft *draft)
{
    (void)unlink(draft->path);
    (void)close(draft->fd);
}

/* What was renamed is there after a power cut only when the folder was written, too. */
static bool write_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return good;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written <= 0)
            return false;
        bytes += written;
        n -= (size_t)written;
    }
    return true;
}

static bool copy(int from, int to)
{
    char bytes[COPIED_AT_ONCE];
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(from, bytes, sizeof(bytes), at);
        if (n <= 0)
            return n == 0;
        if (!write_all(to, bytes, (size_t)n))
            return false;
        at += n;
    }
}

static enum idp_err keep_at(const struct crl_draft *draft, const char *folder, const char *path)
{
    struct crl_draft aside;
    enum idp_err err = crl_draft_begin(folder, &aside);
    if (err != IDP_OK)
        return err;
    bool good = copy(draft->fd, aside.fd) && fsync(aside.fd) == 0 &&
                rename(aside.path, path) == 0 && write_folder(folder);
    crl_draft_end(&aside);
    return good ? IDP_OK : IDP_UNAVAILABLE;
}

enum idp_err crl_draft_keep(const struct crl_draft *draft, const char *folder,
                            const unsigned char issuer[DIGEST_SIZE], enum crl_file kind)
{
    char path[CRL_PATH_MAX];
    return path_of(folder, issuer, kind, path) ? keep_at(draft, folder, path) : IDP_FAULT;
}

enum idp_err crl_draft_keep_as(const struct crl_draft *draft, const char *folder, const char *name)
{
    char path[CRL_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    return n > 0 && n < CRL_PATH_MAX ? keep_at(draft, folder, path) : IDP_FAULT;
}

/* --- files ------------------------------------------------------------------------------------ */

int crl_file_open(const char *folder, const unsigned char issuer[DIGEST_SIZE], enum crl_file kind)
{
    char path[CRL_PATH_MAX];
    return path_of(folder, issuer, kind, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
}

int crl_file_copy(const char *folder, const unsigned char issuer[DIGEST_SIZE], enum crl_file kind)
{
    struct crl_draft draft;
    int file = crl_file_open(folder, issuer, kind);
    if (file < 0 || crl_draft_begin(folder, &draft) != IDP_OK)
        return file;
    int nameless = copy(file, draft.fd) ? dup(draft.fd) : -1;
    crl_draft_end(&draft);
    if (nameless < 0)
        return file;
    (void)close(file);
    return nameless;
}

void crl_file_remove(const char *folder, const unsigned char issuer[DIGEST_SIZE],
                     enum crl_file kind)
{
    char path[CRL_PATH_MAX];
    if (path_of(folder, issuer, kind, path))
        (void)unlink(path);
}

enum idp_err crl_file_mark(const char *folder, const unsigned char issuer[DIGEST_SIZE])
{
    char path[CRL_PATH_MAX];
    if (!path_of(folder, issuer, CRL_FILE_REVOKED, path))
        return IDP_FAULT;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || close(fd) != 0 || !write_folder(folder))
        return IDP_UNAVAILABLE;
    return IDP_OK;
}

/* --- the folder ------------------------------------------------------------------------------- */

static enum idp_err complain(const char *folder, const char *what, char **why)
{
    char reason[256];
    int number = errno;
    size_t size = strlen(folder) + sizeof(reason) + strlen(what);
    if (strerror_r(number, reason, sizeof(reason)) != 0)
        (void)snprintf(reason, sizeof(reason), "error %d", number);
    *why = malloc(size);
    if (*why == NULL)
        return IDP_FAULT;
    (void)snprintf(*why, size, "%s: %s: %s", folder, what, reason);
    return IDP_UNAVAILABLE;
}

enum idp_err crl_files_begin(const char *folder, char **why)
{
    struct crl_draft draft;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return complain(folder, "cannot be made", why);
    if (crl_draft_begin(folder, &draft) != IDP_OK)
        return complain(folder, "cannot be written", why);
    crl_draft_end(&draft);
    return IDP_OK;
}

static bool is_old_draft(int folder, const char *name)
{
    struct stat stat;
    size_t len = strlen(name);
    size_t ending = sizeof(draft_ending) - 1;
    return len == RANDOM_DIGITS + ending && strcmp(name + len - ending, draft_ending) == 0 &&
           fstatat(folder, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
           stat.st_mtime < time(NULL) - DRAFT_SECONDS;
}

void crl_files_tidy(const char *folder,
                    bool (*is_known)(const void *with, const unsigned char issuer[DIGEST_SIZE]),
                    const void *with)
{
    unsigned char issuer[DIGEST_SIZE];
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (;;) {
        const struct dirent *entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe): our own DIR */
        if (entry == NULL)
            break;
        const char *name = entry->d_name;
        bool unknown = read_name(name, issuer) && !is_known(with, issuer);
        if (unknown || is_old_draft(dirfd(dir), name))
            (void)unlinkat(dirfd(dir), name, 0);
    }
    (void)closedir(dir);
}
