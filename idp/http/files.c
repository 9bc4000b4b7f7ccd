#include "http/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum {
    FILES_MAX = 512,
    BYTES_MAX = 32 * 1024 * 1024,
    NAME_MAX_LEN = 512,
    WHY_MAX = 640,
    DEPTH_MAX = 8
};

struct file {
    char *name;
    struct http_fixed *fixed;
};

struct http_files {
    size_t count;
    struct file files[FILES_MAX]; /* sorted by name once all are read */
};

/* What is under way while the folder is read. */
struct load {
    struct http_files *files;
    size_t bytes;
    char **why;
};

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".deb", "application/vnd.debian.binary-package"},
};

static const char *type_of(const char *name)
{
    const char *suffix = strrchr(name, '.');
    for (size_t i = 0; suffix != NULL && i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(types[i].suffix, suffix) == 0)
            return types[i].type;
    return NULL;
}

static enum idp_err explain(struct load *load, const char *name, const char *what)
{
    *load->why = malloc(WHY_MAX);
    if (*load->why != NULL)
        (void)snprintf(*load->why, WHY_MAX, "%s: %s", name, what);
    return IDP_UNAVAILABLE;
}

/* --- one file ------------------------------------------------------------------------------- */

static bool is_plain_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  ".-_";
    return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

/* Reads exactly size bytes; a file that shrinks meanwhile is an error, as one that cannot be read.
 */
static char *read_all(int fd, size_t size)
{
    char *bytes = malloc(size + 1);
    size_t n = 0;
    while (bytes != NULL && n < size) {
        ssize_t got = read(fd, bytes + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            free(bytes);
            return NULL;
        }
        n += (size_t)got;
    }
    return bytes;
}

static enum idp_err keep(struct load *load, const char *name, const char *bytes, size_t size)
{
    static const struct http_header named_by_content[] = {
        {"Cache-Control", "public, max-age=31536000, immutable"}, {NULL, NULL}};
    static const struct http_header asked_anew[] = {{"Cache-Control", "no-cache"}, {NULL, NULL}};
    struct file file = {.name = strdup(name)};
    file.fixed = http_fixed_new(type_of(name), bytes, size,
                                text_starts(name, "assets/") ? named_by_content : asked_anew);
    if (file.name == NULL || file.fixed == NULL) {
        free(file.name);
        http_fixed_free(file.fixed);
        return explain(load, name, "no memory to keep it");
    }
    load->files->files[load->files->count++] = file;
    load->bytes += size;
    return IDP_OK;
}

static enum idp_err load_file(struct load *load, int fd, const char *name, size_t size)
{
    if (type_of(name) == NULL)
        return explain(load, name, "a file of this kind is not served");
    if (load->files->count == FILES_MAX)
        return explain(load, name, "one file too many");
    if (size > BYTES_MAX - load->bytes)
        return explain(load, name, "too large with all the others");
    char *bytes = read_all(fd, size);
    if (bytes == NULL)
        return explain(load, name, "cannot be read");
    enum idp_err err = keep(load, name, bytes, size);
    free(bytes);
    return err;
}

/* --- folders -------------------------------------------------------------------------------- */

static enum idp_err load_folder(struct load *load, int folder, const char *prefix, int depth);

/* Takes what is open at fd: a file, or a folder, whose name then ends with '/'. */
static enum idp_err load_open(struct load *load, int fd, const char *name, int depth)
{
    struct stat about;
    char prefix[NAME_MAX_LEN];
    if (fstat(fd, &about) != 0)
        return explain(load, name, "cannot be read");
    if (S_ISREG(about.st_mode))
        return load_file(load, fd, name, (size_t)about.st_size);
    if (!S_ISDIR(about.st_mode))
        return IDP_OK;
    int n = snprintf(prefix, sizeof(prefix), "%s/", name);
    if (depth == DEPTH_MAX || n < 0 || (size_t)n >= sizeof(prefix))
        return explain(load, name, "too deep");
    return load_folder(load, fd, prefix, depth + 1);
}

/* ELOOP is what O_NOFOLLOW says of a link, ENXIO what sockets and devices without a driver say. */
static enum idp_err load_entry(struct load *load, int folder, const char *prefix, const char *entry,
                               int depth)
{
    char name[NAME_MAX_LEN];
    int n = snprintf(name, sizeof(name), "%s%s", prefix, entry);
    if (!is_plain_name(entry) || n < 0 || (size_t)n >= sizeof(name))
        return explain(load, entry, "a file of this name is not served");
    int fd = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP || errno == ENXIO ? IDP_OK : explain(load, name, "cannot be opened");
    enum idp_err err = load_open(load, fd, name, depth);
    (void)close(fd);
    return err;
}

static int is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static enum idp_err load_folder(struct load *load, int folder, const char *prefix, int depth)
{
    char path[32];
    struct dirent **entries = NULL;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
    int n = scandir(path, &entries, is_entry, alphasort);
    if (n < 0)
        return explain(load, prefix, "the folder cannot be read");
    enum idp_err err = IDP_OK;
    for (int i = 0; i < n; i++) {
        if (err == IDP_OK)
            err = load_entry(load, folder, prefix, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    return err;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

enum idp_err http_files_load(const char *folder, char **why, struct http_files **out)
{
    *why = NULL;
    struct http_files *files = calloc(1, sizeof(*files));
    struct load load = {.files = files, .why = why};
    if (files == NULL)
        return explain(&load, folder, "no memory to read it");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum idp_err err = fd >= 0 ? load_folder(&load, fd, "", 0)
                               : explain(&load, folder, "the folder cannot be opened");
    if (fd >= 0)
        (void)close(fd);
    if (err != IDP_OK) {
        http_files_free(files);
        return err;
    }
    qsort(files->files, files->count, sizeof(*files->files), by_name);
    *out = files;
    return IDP_OK;
}

void http_files_free(struct http_files *files)
{
    for (size_t i = 0; files != NULL && i < files->count; i++) {
        free(files->files[i].name);
        http_fixed_free(files->files[i].fixed);
    }
    free(files);
}

const struct http_fixed *http_files_find(const struct http_files *files, const char *path)
{
    size_t low = 0;
    size_t high = files->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(path, files->files[middle].name);
        if (order == 0)
            return files->files[middle].fixed;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
