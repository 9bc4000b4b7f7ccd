#include "store/redis_link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "store/redis_host.h"
#include "store/redis_place.h"
#include "store/redis_tls.h"

/* Idle connections are kept known to what stands between: asked after a minute, given up 30 s on.
 */
enum { KEEP_IDLE_S = 60, KEEP_EACH_S = 10, KEEP_COUNT = 3 };

const struct redis_link redis_link_closed = {.fd = -1};

static enum idp_err fail(struct redis_link *link, const char *problem)
{
    link->problem = problem;
    return IDP_UNAVAILABLE;
}

/* --- waiting --------------------------------------------------------------------------------- */

static enum idp_err wait_for(struct redis_link *link, short events, int64_t until)
{
    struct pollfd ready = {.fd = link->fd, .events = events};
    int n = -1;
    do {
        int64_t left = until - clock_ticks_ms();
        n = left > 0 ? poll(&ready, 1, left < INT32_MAX ? (int)left : INT32_MAX) : 0;
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        return IDP_OK;
    link->late = n == 0;
    return fail(link, n == 0 ? "no answer in time" : "the connection broke");
}

/* Waits for what a TLS call that returned result wants, and fails when that is nothing. */
static enum idp_err wait_for_tls(struct redis_link *link, int result, int64_t until)
{
    switch (SSL_get_error(link->tls, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(link, POLLIN, until);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(link, POLLOUT, until);
    default:
        return fail(link, "the connection broke");
    }
}

/* --- opening --------------------------------------------------------------------------------- */

static void set_tcp_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EACH_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                         sizeof(options[i].value));
}

static enum idp_err finish_connecting(struct redis_link *link, int64_t until)
{
    int problem = 0;
    socklen_t len = sizeof(problem);
    enum idp_err err = wait_for(link, POLLOUT, until);
    if (err != IDP_OK)
        return err;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0 || problem != 0)
        return fail(link, problem == ECONNREFUSED ? "connection refused" : "cannot be reached");
    return IDP_OK;
}

static enum idp_err connect_to(struct redis_link *link, const struct sockaddr *address,
                               socklen_t len, int64_t until)
{
    link->late = false;
    link->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0)
        return fail(link, "no socket");
    if (address->sa_family != AF_UNIX)
        set_tcp_options(link->fd);
    enum idp_err err = IDP_OK;
    if (connect(link->fd, address, len) != 0)
        err = errno == EINPROGRESS
                  ? finish_connecting(link, until)
                  : fail(link, errno == ENOENT ? "there is no such socket" : "connection refused");
    if (err != IDP_OK) {
        (void)close(link->fd);
        link->fd = -1;
    }
    return err;
}

static enum idp_err connect_unix(struct redis_link *link, const char *path, int64_t until)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strnlen(path, sizeof(address.sun_path) - 1));
    return connect_to(link, (const struct sockaddr *)&address, sizeof(address), until);
}

/* The time that is left is shared by the addresses that are: one that is silent must not keep the
 * next from being tried. */
static enum idp_err connect_network(struct redis_link *link, struct redis_host *host, int64_t until)
{
    struct redis_addresses addresses;
    enum idp_err err = IDP_UNAVAILABLE;
    redis_host_addresses(host, &addresses);
    for (size_t i = 0; i < addresses.count; i++) {
        int64_t now = clock_ticks_ms();
        int64_t share = (until - now) / (int64_t)(addresses.count - i);
        err = connect_to(link, (const struct sockaddr *)&addresses.list[i],
                         sizeof(addresses.list[i]), now + share);
        if (err == IDP_OK)
            return err;
    }
    redis_host_look_again(host);
    return err;
}

static enum idp_err shake_hands(struct redis_link *link, const struct redis_target *target,
                                int64_t until)
{
    link->tls = redis_tls_session(target->tls, &link->fd, target->place->host);
    if (link->tls == NULL)
        return IDP_FAULT;
    enum idp_err err = IDP_OK;
    for (;;) {
        ERR_clear_error();
        int result = SSL_do_handshake(link->tls);
        if (result == 1)
            return IDP_OK;
        err = wait_for_tls(link, result, until);
        if (err == IDP_OK)
            continue;
        return link->late ? err : fail(link, redis_tls_problem(link->tls));
    }
}

enum idp_err redis_link_open(struct redis_link *link, const struct redis_target *target,
                             int64_t until)
{
    enum idp_err err = target->host == NULL ? connect_unix(link, target->place->path, until)
                                            : connect_network(link, target->host, until);
    if (err == IDP_OK && target->tls != NULL)
        err = shake_hands(link, target, until);
    if (err != IDP_OK)
        redis_link_close(link);
    return err;
}

void redis_link_close(struct redis_link *link)
{
    SSL_free(link->tls); /* without a farewell, which could block and which Redis does not need */
    link->tls = NULL;
    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = -1;
}

/* --- sending and receiving ------------------------------------------------------------------- */

static enum idp_err send_some(struct redis_link *link, const char *bytes, size_t len, int64_t until,
                              size_t *sent)
{
    if (link->tls == NULL) {
        ssize_t n = send(link->fd, bytes, len, MSG_NOSIGNAL);
        *sent = n > 0 ? (size_t)n : 0;
        if (n >= 0 || errno == EINTR)
            return IDP_OK;
        return errno == EAGAIN ? wait_for(link, POLLOUT, until)
                               : fail(link, "the connection broke");
    }
    ERR_clear_error();
    int result = SSL_write_ex(link->tls, bytes, len, sent);
    return result == 1 ? IDP_OK : wait_for_tls(link, result, until);
}

enum idp_err redis_link_send(struct redis_link *link, const void *bytes, size_t len, int64_t until,
                             size_t *sent)
{
    *sent = 0;
    while (*sent < len) {
        size_t n = 0;
        enum idp_err err = send_some(link, (const char *)bytes + *sent, len - *sent, until, &n);
        if (err != IDP_OK)
            return err;
        *sent += n;
    }
    return IDP_OK;
}

/* Waits first: an answer is never there before it. */
static enum idp_err receive_plain(struct redis_link *link, void *bytes, size_t size, int64_t until,
                                  size_t *got)
{
    enum idp_err err = wait_for(link, POLLIN, until);
    if (err != IDP_OK)
        return err;
    ssize_t n = recv(link->fd, bytes, size, 0);
    if (n > 0)
        *got = (size_t)n;
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return IDP_OK;
    return fail(link, "the connection was closed");
}

static enum idp_err receive_tls(struct redis_link *link, void *bytes, size_t size, int64_t until,
                                size_t *got)
{
    ERR_clear_error();
    int result = SSL_read_ex(link->tls, bytes, size, got);
    return result == 1 ? IDP_OK : wait_for_tls(link, result, until);
}

enum idp_err redis_link_receive(struct redis_link *link, void *bytes, size_t size, int64_t until,
                                size_t *got)
{
    enum idp_err err = IDP_OK;
    *got = 0;
    while (err == IDP_OK && *got == 0)
        err = link->tls == NULL ? receive_plain(link, bytes, size, until, got)
                                : receive_tls(link, bytes, size, until, got);
    return err;
}

bool redis_link_is_quiet(struct redis_link *link)
{
    char byte = 0;
    size_t got = 0;
    if (link->tls == NULL)
        return recv(link->fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
    ERR_clear_error();
    int result = SSL_peek_ex(link->tls, &byte, 1, &got); /* takes session tickets in, too */
    return result != 1 && SSL_get_error(link->tls, result) == SSL_ERROR_WANT_READ;
}
