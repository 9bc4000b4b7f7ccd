#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include "base/clock.h"

enum { ANSWER_MAX = 64 * 1024, EVENTS = 64, FIRST_ROOM = 65536, SHOWN = 300 };

struct connection {
    int fd;
    size_t request; /* the one under way */
    int64_t sent_us;
    size_t len;
    char answer[ANSWER_MAX + 1];
};

struct player {
    struct play *play;
    int epoll;
    unsigned count, open; /* open: connections with a request under way */
    struct connection *connections;
};

static int connect_to(const struct sockaddr_in *server)
{
    union {
        const struct sockaddr_in *v4;
        const struct sockaddr *any;
    } address = {.v4 = server};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, address.any, sizeof(*server)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static bool open_one(struct player *player, struct connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = connect_to(&player->play->server);
    return c->fd >= 0 && epoll_ctl(player->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

struct player *player_new(struct play *play, unsigned connections)
{
    struct player *player = calloc(1, sizeof(*player));
    if (player == NULL)
        return NULL;
    player->play = play;
    player->epoll = epoll_create1(EPOLL_CLOEXEC);
    player->connections = calloc(connections, sizeof(*player->connections));
    bool good = player->epoll >= 0 && player->connections != NULL;
    for (; good && player->count < connections; player->count++)
        good = open_one(player, &player->connections[player->count]);
    if (good)
        return player;
    player_free(player);
    return NULL;
}

void player_free(struct player *player)
{
    if (player == NULL)
        return;
    for (unsigned i = 0; i < player->count; i++)
        if (player->connections[i].fd >= 0)
            (void)close(player->connections[i].fd);
    if (player->epoll >= 0)
        (void)close(player->epoll);
    free(player->connections);
    free(player);
}

/* Requests are small enough for a socket's buffer. */
static bool send_all(int fd, const struct span *request)
{
    return send(fd, request->bytes, request->len, MSG_NOSIGNAL) == (ssize_t)request->len;
}

/* Sends the next request, if there is one. */
static bool send_next(struct player *player, struct connection *c, int64_t now_us)
{
    struct play *play = player->play;
    if (play->duration_us > 0 && now_us >= atomic_load(&play->until_us))
        return true;
    size_t next = atomic_fetch_add(&play->next, 1);
    if (play->duration_us == 0 && next >= play->requests.count)
        return true;
    c->request = next % play->requests.count;
    c->len = 0;
    c->sent_us = now_us;
    player->open++;
    return send_all(c->fd, &play->requests.list[c->request]);
}

/* The value of Content-Length, or -1. */
static long content_length(const char *head, const char *end)
{
    static const char name[] = "\r\ncontent-length:";
    for (const char *at = head; at + sizeof(name) < end; at++)
        if (*at == '\r' && strncasecmp(at, name, sizeof(name) - 1) == 0)
            return strtol(at + sizeof(name) - 1, NULL, 10);
    return -1;
}

/* The length of the whole answer, or 0 as long as it is not whole. */
static size_t whole(const struct connection *c)
{
    const char *end = strstr(c->answer, "\r\n\r\n");
    long body = end != NULL ? content_length(c->answer, end + 4) : -1;
    if (body < 0)
        return 0;
    size_t len = (size_t)(end + 4 - c->answer) + (size_t)body;
    return c->len >= len ? len : 0;
}

/* "HTTP/1.1 2xx" or 3xx. */
static bool is_good(const struct connection *c)
{
    return c->len > 12 && (c->answer[9] == '2' || c->answer[9] == '3');
}

static bool note(struct played *out, int64_t wait_us)
{
    if (out->calls == out->room) {
        size_t room = out->room > 0 ? out->room * 2 : FIRST_ROOM;
        uint32_t *grown = realloc(out->waits_us, room * sizeof(*grown));
        if (grown == NULL)
            return false;
        out->waits_us = grown;
        out->room = room;
    }
    out->waits_us[out->calls++] = (uint32_t)wait_us;
    return true;
}

static bool keep_answer(struct play *play, const struct connection *c, size_t len)
{
    if (play->answers.list == NULL)
        return true;
    if (len > ANSWER_KEPT_MAX)
        return false;
    memcpy(play->answers.list[c->request].bytes, c->answer, len);
    play->answers.list[c->request].len = len;
    return true;
}

static bool take_answer(struct player *player, struct connection *c, size_t len, struct played *out)
{
    int64_t now_us = clock_ticks_us();
    if (!is_good(c) && out->failed++ == 0)
        (void)fprintf(stderr, "refused: %.*s\n", SHOWN, c->answer);
    player->open--;
    return note(out, now_us - c->sent_us) && keep_answer(player->play, c, len) &&
           send_next(player, c, now_us);
}

static bool receive(struct player *player, struct connection *c, struct played *out)
{
    ssize_t n = recv(c->fd, c->answer + c->len, ANSWER_MAX - c->len, 0);
    if (n <= 0)
        return false;
    c->len += (size_t)n;
    c->answer[c->len] = '\0';
    size_t len = whole(c);
    return len == 0 || take_answer(player, c, len, out);
}

bool player_run(struct player *player, struct played *out)
{
    struct epoll_event events[EVENTS];
    bool good = true;
    for (unsigned i = 0; good && i < player->count; i++)
        good = send_next(player, &player->connections[i], clock_ticks_us());
    while (good && player->open > 0) {
        int n = epoll_wait(player->epoll, events, EVENTS, -1);
        for (int i = 0; good && i < n; i++)
            good = receive(player, events[i].data.ptr, out);
    }
    return good;
}
