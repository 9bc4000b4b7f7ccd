#define _DEFAULT_SOURCE /* SO_ATTACH_FILTER */
#include "http/listener.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>

#include "base/clock.h"

enum { BACKLOG = 4096, WHY_MAX = 256, HANDSHAKE_MS = 20, FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };

struct sockaddr_any {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t len;
};

static enum idp_err explain(char **why, const char *address, unsigned port, const char *what)
{
    *why = malloc(WHY_MAX);
    if (*why != NULL)
        (void)snprintf(*why, WHY_MAX, "%s port %u: %s", address, port, what);
    return IDP_UNAVAILABLE;
}

/* strerror() is not for programs with threads. */
static const char *reason_of(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program listens there already";
    case EADDRNOTAVAIL:
        return "this machine does not have the address";
    case EACCES:
        return "this user may not listen there";
    default:
        return "cannot listen there";
    }
}

static bool read_address(const char *text, uint16_t port, struct sockaddr_any *out)
{
    *out = (struct sockaddr_any){0};
    if (inet_pton(AF_INET, text, &out->address.v4.sin_addr) == 1) {
        out->address.v4.sin_family = AF_INET;
        out->address.v4.sin_port = htons(port);
        out->len = sizeof(out->address.v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &out->address.v6.sin6_addr) != 1)
        return false;
    out->address.v6.sin6_family = AF_INET6;
    out->address.v6.sin6_port = htons(port);
    out->len = sizeof(out->address.v6);
    return true;
}

static bool set_options(int fd, const struct sockaddr_any *at)
{
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return false;
    return at->address.any.sa_family != AF_INET6 ||
           setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
}

enum idp_err http_listener_take(const char *address, uint16_t port, char **why,
                                struct http_listener *out)
{
    struct sockaddr_any at;
    if (address == NULL || !read_address(address, port, &at))
        return explain(why, address != NULL ? address : "", port, "not an IP address");
    int fd = socket(at.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return explain(why, address, port, reason_of(errno));
    if (!set_options(fd, &at) || bind(fd, &at.address.any, at.len) != 0 ||
        getsockname(fd, &at.address.any, &at.len) != 0) {
        enum idp_err err = explain(why, address, port, reason_of(errno));
        (void)close(fd);
        return err;
    }
    /* The port stands at the same place in both kinds of address. */
    *out = (struct http_listener){.socket = fd, .port = ntohs(at.address.v4.sin_port)};
    return IDP_OK;
}

enum idp_err http_listener_open(struct http_listener *listener, const char *address, char **why)
{
    return listen(listener->socket, BACKLOG) == 0
               ? IDP_OK
               : explain(why, address, listener->port, reason_of(errno));
}

/*
 * Drops what would begin a connection, and nothing else: the last word of a handshake that has
 * begun has to come through, or its client would hold a connection that does not exist. Whoever is
 * dropped tries again, and is refused when the socket is closed.
 */
static void drop_newcomers(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static bool is_waited_for(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0;
}

void http_listener_shut(const struct http_listener *listener, unsigned wait_ms)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    int64_t begun = clock_ticks_ms();
    int64_t least = begun + (wait_ms < HANDSHAKE_MS ? wait_ms : HANDSHAKE_MS);
    drop_newcomers(listener->socket);
    while (clock_ticks_ms() < least ||
           (is_waited_for(listener->socket) && clock_ticks_ms() < begun + wait_ms))
        (void)nanosleep(&moment, NULL);
}
