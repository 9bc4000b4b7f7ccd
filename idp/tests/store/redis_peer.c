#include "tests/store/redis_peer.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { CONNECTIONS_MAX = 32, COMMAND_MAX = 4096 };

static const char not_allowed[] = "-NOPERM this user has no permissions\r\n";

static void say(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Answers what came; returns false when the connection is to be closed. A command of the tests is
 * small enough to come in one piece. */
static bool answer(struct redis_peer *peer, int fd)
{
    static const struct peer_step silent = {PEER_SILENT, NULL};
    char command[COMMAND_MAX];
    ssize_t n = recv(fd, command, sizeof(command) - 1, 0);
    if (n <= 0)
        return false;
    command[n] = '\0';
    if (strstr(command, "\r\nINFO\r\n") != NULL) {
        say(fd, peer->info != NULL ? peer->info : not_allowed);
        return true;
    }
    size_t at = (size_t)peer->commands++;
    const struct peer_step *step = at < peer->count ? &peer->steps[at] : &silent;
    if (step->does == PEER_ANSWERS)
        say(fd, step->answer);
    return step->does != PEER_CLOSES;
}

static void *serve(void *with)
{
    struct redis_peer *peer = with;
    struct pollfd all[CONNECTIONS_MAX + 2] = {{.fd = peer->stop[0], .events = POLLIN},
                                              {.fd = peer->fd, .events = POLLIN}};
    nfds_t count = 2;
    while (poll(all, count, -1) > 0 && all[0].revents == 0) {
        for (nfds_t i = 2; i < count; i++) {
            if (all[i].revents == 0 || answer(peer, all[i].fd))
                continue;
            (void)close(all[i].fd);
            all[i--] = all[--count];
        }
        if (all[1].revents != 0 && count < CONNECTIONS_MAX + 2) {
            all[count++] = (struct pollfd){.fd = accept(peer->fd, NULL, NULL), .events = POLLIN};
            peer->connections++;
        }
    }
    for (nfds_t i = 1; i < count; i++)
        (void)close(all[i].fd);
    return NULL;
}

void redis_peer_start(struct redis_peer *peer, const struct peer_step *steps, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *peer = (struct redis_peer){.steps = steps, .count = count, .info = peer->info};
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->fd < 0 || bind(peer->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(peer->fd, CONNECTIONS_MAX) != 0 ||
        getsockname(peer->fd, (struct sockaddr *)&address, &len) != 0 || pipe(peer->stop) != 0)
        abort();
    peer->port = ntohs(address.sin_port);
    (void)snprintf(peer->where, sizeof(peer->where), "redis://127.0.0.1:%d", peer->port);
    if (pthread_create(&peer->thread, NULL, serve, peer) != 0)
        abort();
}

void redis_peer_stop(struct redis_peer *peer)
{
    (void)close(peer->stop[1]);
    (void)pthread_join(peer->thread, NULL);
    (void)close(peer->stop[0]);
}
