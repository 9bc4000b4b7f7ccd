#include "tests/net/http_peer.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/help.h"

struct served {
    struct http_peer *peer;
    int fd;
};

void http_peer_say(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Reads a whole request: the head, and as much of a body as it announces. */
static bool read_request(int fd, char *request, size_t size)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, request + n, size - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        request[n] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strstr(request, "Content-Length: ");
        size_t wanted = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
        if (end != NULL && n >= (size_t)(end + 4 - request) + wanted)
            return true;
    }
}

/* Several connections may be served at once. */
static void note(struct http_peer *peer, const char *request, size_t size)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&lock);
    memcpy(peer->seen, request, size);
    (void)pthread_mutex_unlock(&lock);
}

static void *serve_one(void *argument)
{
    struct served served = *(struct served *)argument;
    char request[sizeof(served.peer->seen)] = "";
    int nth = 0;
    bool more = true;
    free(argument);
    while (more && read_request(served.fd, request, sizeof(request))) {
        note(served.peer, request, sizeof(request));
        served.peer->requests++;
        more = served.peer->answer(served.fd, request, ++nth);
    }
    (void)close(served.fd);
    return NULL;
}

static void *serve(void *argument)
{
    struct http_peer *peer = argument;
    for (;;) {
        pthread_t id;
        struct served *served = malloc(sizeof(*served));
        *served = (struct served){.peer = peer, .fd = accept(peer->fd, NULL, NULL)};
        if (served->fd < 0) {
            free(served);
            return NULL;
        }
        peer->connections++;
        if (pthread_create(&id, NULL, serve_one, served) == 0)
            (void)pthread_detach(id);
    }
}

void http_peer_start(struct http_peer *peer)
{
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    peer->port = help_free_port();
    address.sin_port = htons((uint16_t)peer->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    bool good = bind(peer->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                listen(peer->fd, 64) == 0 && pthread_create(&peer->thread, NULL, serve, peer) == 0;
    if (!good)
        abort();
}

void http_peer_stop(struct http_peer *peer)
{
    (void)shutdown(peer->fd, SHUT_RDWR);
    (void)pthread_join(peer->thread, NULL);
    (void)close(peer->fd);
}
