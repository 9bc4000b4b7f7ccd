/*
 * A filing is written to a new file, which takes the old one's name once it lies on the disk: a
 * reader, or a crash, meets the old filing or the new one and nothing between. Its name is the
 * hash of the subject, so that no name the provider makes up can lead out of the folder.
 */
#include "platform/filing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/object.h"
#include "base/random.h"
#include "base/text.h"

struct filings {
    int folder; /* file descriptor */
};

enum { NAME_LEN = 2 * DIGEST_SIZE, RANDOM = 8, FILE_MAX = 4096 };

/* Makes the folder and those above it. */
static bool make_folder(const char *path)
{
    char *part = strdup(path);
    bool made = part != NULL;
    for (char *at = part; made && at != NULL;) {
        at = strchr(at + 1, '/');
        if (at != NULL)
            *at = '\0';
        made = mkdir(part, 0700) == 0 || errno == EEXIST;
        if (at != NULL)
            *at = '/';
    }
    free(part);
    return made;
}

enum idp_err filings_open(const char *folder, char why[SETTINGS_WHY_MAX], struct filings **out)
{
    struct filings *filings = calloc(1, sizeof(*filings));
    if (filings == NULL)
        return IDP_FAULT;
    filings->folder = -1;
    if (make_folder(folder))
        filings->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (filings->folder < 0 || faccessat(filings->folder, ".", W_OK | X_OK, 0) != 0) {
        (void)snprintf(why, SETTINGS_WHY_MAX, "%s: the data folder cannot be made or written",
                       folder);
        filings_close(filings);
        return IDP_UNAVAILABLE;
    }
    *out = filings;
    return IDP_OK;
}

void filings_close(struct filings *filings)
{
    if (filings == NULL)
        return;
    if (filings->folder >= 0)
        (void)close(filings->folder);
    free(filings);
}

static bool name_file(const char *subject, char out[NAME_LEN + sizeof(".json")])
{
    unsigned char hash[DIGEST_SIZE];
    if (digest(DIGEST_SHA256, subject, strlen(subject), hash) != IDP_OK)
        return false;
    text_to_hex(hash, sizeof(hash), out);
    memcpy(out + NAME_LEN, ".json", sizeof(".json"));
    return true;
}

enum idp_err filing_find(const struct filings *filings, struct arena *arena, const char *subject,
                         const char **contact)
{
    char name[NAME_LEN + sizeof(".json")];
    char bytes[FILE_MAX];
    if (!name_file(subject, name))
        return IDP_FAULT;
    int fd = openat(filings->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? IDP_NOT_FOUND : IDP_UNAVAILABLE;
    ssize_t n = read(fd, bytes, sizeof(bytes));
    (void)close(fd);
    json_t *filing = n > 0 ? json_loadb(bytes, (size_t)n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *found = json_string_value(json_object_get(filing, "contact"));
    char *copy = arena_strdup(arena, found);
    json_decref(filing);
    if (copy == NULL)
        return found != NULL ? IDP_FAULT : IDP_UNAVAILABLE; /* unreadable is not unknown */
    *contact = copy;
    return IDP_OK;
}

/* The filing as text, which the caller frees; NULL when there is no memory. */
static char *describe(const struct visitor *visitor, const char *contact, int64_t now)
{
    struct object o = object_new();
    object_text(&o, "subject", visitor->subject);
    object_text(&o, "name", visitor->name);
    object_text(&o, "uscc", visitor->uscc);
    object_text(&o, "contact", contact);
    object_number(&o, "filed", now);
    json_t *filing = object_done(&o);
    char *text = filing != NULL ? json_dumps(filing, JSON_INDENT(2)) : NULL;
    json_decref(filing);
    return text;
}

static bool write_all(int fd, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        ssize_t n = write(fd, text, len);
        if (n < 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

/* Writes a new file with this name. */
static bool write_new(const struct filings *filings, const char *name, const char *text)
{
    int fd = openat(filings->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool written = write_all(fd, text);
    return close(fd) == 0 && written;
}

enum idp_err filing_keep(const struct filings *filings, struct arena *arena,
                         const struct visitor *visitor, const char *contact, int64_t now)
{
    char name[NAME_LEN + sizeof(".json")];
    char hex[2 * RANDOM + 1];
    unsigned char bytes[RANDOM];
    if (!name_file(visitor->subject, name) || random_bytes(bytes, sizeof(bytes)) != IDP_OK)
        return IDP_FAULT;
    text_to_hex(bytes, sizeof(bytes), hex);
    const char *new_name = arena_printf(arena, ".%s.%s", name, hex);
    char *text = describe(visitor, contact, now);
    enum idp_err err = IDP_FAULT;
    if (new_name != NULL && text != NULL) {
        bool kept = write_new(filings, new_name, text) &&
                    renameat(filings->folder, new_name, filings->folder, name) == 0 &&
                    fsync(filings->folder) == 0;
        if (!kept)
            (void)unlinkat(filings->folder, new_name, 0);
        err = kept ? IDP_OK : IDP_UNAVAILABLE;
    }
    free(text);
    return err;
}
