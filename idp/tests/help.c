#include "tests/help.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

enum { PATH_ROOM = 4096 };

/* A test that cannot have its surroundings proves nothing. */
static void give_up(const char *what)
{
    perror(what);
    abort();
}

int help_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        give_up("a free port");
    (void)close(fd);
    return ntohs(address.sin_port);
}

char *help_temp_folder(void)
{
    const char *below = getenv("TMPDIR"); // NOLINT(concurrency-mt-unsafe): before any thread
    char *name = malloc(PATH_ROOM);
    if (name == NULL)
        give_up("memory");
    int n = snprintf(name, PATH_ROOM, "%s/tamga-test-XXXXXX", below != NULL ? below : "/tmp");
    if (n < 0 || n >= PATH_ROOM || mkdtemp(name) == NULL)
        give_up("a temporary folder");
    return name;
}

static void remove_below(int parent, const char *name);

static int is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void empty(int folder)
{
    char path[64];
    struct dirent **entries = NULL;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
    int n = scandir(path, &entries, is_entry, NULL);
    for (int i = 0; i < n; i++) {
        remove_below(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void remove_below(int parent, const char *name)
{
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        (void)unlinkat(parent, name, 0);
        return;
    }
    empty(folder);
    (void)close(folder);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

void help_remove_folder(const char *folder)
{
    if (folder != NULL)
        remove_below(AT_FDCWD, folder);
}

static char *read_all(FILE *f, size_t *len)
{
    char *bytes = NULL;
    size_t n = 0;
    for (size_t got = 1; got > 0; n += got) {
        char *more = realloc(bytes, n + PATH_ROOM + 1);
        if (more == NULL)
            give_up("memory");
        bytes = more;
        got = fread(bytes + n, 1, PATH_ROOM, f);
    }
    bytes[n] = '\0';
    if (len != NULL)
        *len = n;
    return bytes;
}

char *help_read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return NULL;
    char *bytes = read_all(f, len);
    (void)fclose(f);
    return bytes;
}

void help_write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wbe");
    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
        give_up(path);
}
