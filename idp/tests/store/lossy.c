#define _GNU_SOURCE /* memmem() */
#include "tests/store/lossy.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/store/postgres_server.h"

enum { CONNECTIONS_MAX = 64, CHUNK = 65536 };

struct lossy {
    char socket[108]; /* the server's */
    int listener, port;
    pthread_t thread;
    pthread_t lines[CONNECTIONS_MAX];
    size_t count;
    _Atomic(const char *) doomed;
};

struct line {
    struct lossy *lossy;
    int near, far;
};

static void give_up(const char *what)
{
    perror(what);
    abort();
}

static int connect_to_server(const struct lossy *lossy)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, lossy->socket, sizeof(lossy->socket));
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        give_up("connect");
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Whether this is the message whose answer is to be lost; only once. */
static bool is_doomed(struct lossy *lossy, const char *bytes, size_t len)
{
    const char *doomed = atomic_load(&lossy->doomed);
    return doomed != NULL && memmem(bytes, len, doomed, strlen(doomed)) != NULL &&
           atomic_compare_exchange_strong(&lossy->doomed, &doomed, NULL);
}

/* Passes on what one side sent. Returns false when the line is over. */
static bool pass(const struct line *line, bool from_near, char *bytes)
{
    ssize_t n = recv(from_near ? line->near : line->far, bytes, CHUNK, 0);
    if (n <= 0 || !send_all(from_near ? line->far : line->near, bytes, (size_t)n))
        return false;
    if (!from_near || !is_doomed(line->lossy, bytes, (size_t)n))
        return true;
    (void)recv(line->far, bytes, CHUNK, 0); /* it has been done, and nobody hears of it */
    return false;
}

static void *carry(void *arg)
{
    struct line *line = arg;
    char *bytes = malloc(CHUNK);
    bool open = bytes != NULL;
    while (open) {
        struct pollfd ends[] = {{.fd = line->near, .events = POLLIN},
                                {.fd = line->far, .events = POLLIN}};
        open = poll(ends, 2, -1) > 0;
        if (open && ends[0].revents != 0)
            open = pass(line, true, bytes);
        if (open && ends[1].revents != 0)
            open = pass(line, false, bytes);
    }
    (void)close(line->near);
    (void)close(line->far);
    free(bytes);
    free(line);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct lossy *lossy = arg;
    int near = -1;
    while (lossy->count < CONNECTIONS_MAX && (near = accept(lossy->listener, NULL, NULL)) >= 0) {
        struct line *line = malloc(sizeof(*line));
        if (line == NULL)
            give_up("memory");
        *line = (struct line){.lossy = lossy, .near = near, .far = connect_to_server(lossy)};
        if (pthread_create(&lossy->lines[lossy->count++], NULL, carry, line) != 0)
            give_up("a thread");
    }
    return NULL;
}

struct lossy *lossy_start(const struct postgres_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct lossy *lossy = calloc(1, sizeof(*lossy));
    if (lossy == NULL)
        give_up("memory");
    postgres_server_socket(server, lossy->socket, sizeof(lossy->socket));
    lossy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (lossy->listener < 0 ||
        bind(lossy->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(lossy->listener, CONNECTIONS_MAX) != 0 ||
        getsockname(lossy->listener, (struct sockaddr *)&address, &len) != 0)
        give_up("a listening socket");
    lossy->port = ntohs(address.sin_port);
    if (pthread_create(&lossy->thread, NULL, accept_all, lossy) != 0)
        give_up("a thread");
    return lossy;
}

void lossy_stop(struct lossy *lossy)
{
    if (lossy == NULL)
        return;
    (void)shutdown(lossy->listener, SHUT_RDWR); /* wakes accept() */
    (void)pthread_join(lossy->thread, NULL);
    for (size_t i = 0; i < lossy->count; i++)
        (void)pthread_join(lossy->lines[i], NULL);
    (void)close(lossy->listener);
    free(lossy);
}

void lossy_where(const struct lossy *lossy, const char *database, char *where, size_t size)
{
    (void)snprintf(where, size, "postgresql://tamga@127.0.0.1:%d/%s", lossy->port, database);
}

void lossy_lose(struct lossy *lossy, const char *bytes)
{
    atomic_store(&lossy->doomed, bytes);
}
