/* Linux (and, but for xdg-open, any POSIX system). */
#include "assistant/os/os.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { BACKLOG = 32, READ_WRITE_OWNER = 0600 };

/* --- drivers ---------------------------------------------------------------------------------- */

void *os_library_load(const char *path, char *why, size_t size)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror(); /* NOLINT(concurrency-mt-unsafe): per thread in glibc */
        (void)snprintf(why, size, "%s", reason != NULL ? reason : "cannot be loaded");
    }
    return library;
}

os_function os_library_function(void *library, const char *name)
{
    /* POSIX demands that a void pointer can hold a function's address; ISO C has no cast for it. */
    os_function function = NULL;
    void *address = dlsym(library, name);
    memcpy(&function, &address, sizeof(function));
    return function;
}

/* --- places ----------------------------------------------------------------------------------- */

static const char machine_settings[] = "/etc/tamga/assistant.json";

static const char *variable(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): nothing here sets any */
    return value != NULL && *value != '\0' ? value : NULL;
}

void os_settings_path(char *out, size_t size)
{
    const char *home = variable("HOME");
    const char *config = variable("XDG_CONFIG_HOME");
    out[0] = '\0';
    if (config != NULL)
        (void)snprintf(out, size, "%s/tamga/assistant.json", config);
    else if (home != NULL)
        (void)snprintf(out, size, "%s/.config/tamga/assistant.json", home);
    if (out[0] == '\0' || access(out, F_OK) != 0)
        (void)snprintf(out, size, "%s", machine_settings);
}

bool os_path_is_absolute(const char *path)
{
    return path[0] == '/';
}

int os_log_open(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, READ_WRITE_OWNER);
}

/* --- network ---------------------------------------------------------------------------------- */

static int bind_v4(int fd, unsigned int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

static int bind_v6(int fd, unsigned int port)
{
    const int only = 1;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons((in_port_t)port),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) != 0)
        return -1;
    return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

int os_listen(enum os_loopback family, unsigned int port)
{
    const int reuse = 1; /* on Linux a port with a live listener stays exclusive all the same */
    int fd = socket(family == OS_LOOPBACK_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    if (fd < 0)
        return OS_NO_ADDRESS;
    bool fine = fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
                setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)) == 0 &&
                (family == OS_LOOPBACK_V4 ? bind_v4(fd, port) : bind_v6(fd, port)) == 0 &&
                listen(fd, BACKLOG) == 0;
    if (fine)
        return fd;
    int why = errno;
    (void)close(fd);
    return why == EADDRNOTAVAIL || why == EAFNOSUPPORT ? OS_NO_ADDRESS : OS_PORT_IN_USE;
}

/* --- processes -------------------------------------------------------------------------------- */

/* The child's signals: those that the service holds back must reach it. */
static bool usual_signals(posix_spawnattr_t *attributes)
{
    sigset_t none;
    return sigemptyset(&none) == 0 && posix_spawnattr_setsigmask(attributes, &none) == 0 &&
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK) == 0;
}

/* fd becomes the child's standard input and output; -1 leaves them as they are. */
static bool spawn(const char *program, const char *argument, int fd, pid_t *pid)
{
    char name[512];
    char first[2048];
    (void)snprintf(name, sizeof(name), "%s", program);
    (void)snprintf(first, sizeof(first), "%s", argument != NULL ? argument : "");
    char *argv[] = {name, argument != NULL ? first : NULL, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    bool fine = usual_signals(&attributes);
    for (int i = STDIN_FILENO; fd >= 0 && i <= STDOUT_FILENO; i++)
        fine = fine && posix_spawn_file_actions_adddup2(&actions, fd, i) == 0;
    fine = fine && posix_spawnp(pid, program, &actions, &attributes, argv, environ) == 0;
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return fine;
}

bool os_process_start(const char *program, struct os_process *out)
{
    int ends[2];
    pid_t pid = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return false;
    bool fine = fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 &&
                fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0 && spawn(program, NULL, ends[1], &pid);
    (void)close(ends[1]);
    if (!fine) {
        (void)close(ends[0]);
        return false;
    }
    *out = (struct os_process){.id = pid, .fd = ends[0]};
    return true;
}

bool os_process_write(const struct os_process *process, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = send(process->fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

int os_process_read(const struct os_process *process, void *out, size_t size, int wait_ms)
{
    struct pollfd ready = {.fd = process->fd, .events = POLLIN};
    int events = poll(&ready, 1, wait_ms);
    if (events == 0 || (events < 0 && errno == EINTR))
        return OS_READ_NOTHING_YET;
    ssize_t n = events < 0 ? -1 : recv(process->fd, out, size, 0);
    return n > 0 ? (int)n : OS_READ_ENDED;
}

void os_process_end(struct os_process *process)
{
    if (process->id <= 0)
        return;
    (void)close(process->fd);
    (void)kill((pid_t)process->id, SIGTERM);
    while (waitpid((pid_t)process->id, NULL, 0) < 0 && errno == EINTR)
        continue;
    process->id = 0;
}

bool os_browser_open(const char *address)
{
    int status = 0;
    pid_t pid = 0;
    if (!spawn("xdg-open", address, -1, &pid))
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- this program ----------------------------------------------------------------------------- */

void os_protect_memory(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
}

static void stop_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
}

void os_hold_stop_signals(void)
{
    sigset_t set;
    stop_signals(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void os_wait_for_stop(void)
{
    int signal = 0;
    sigset_t set;
    stop_signals(&set);
    while (sigwait(&set, &signal) != 0)
        continue;
}

void os_leave(int status)
{
    _exit(status);
}
