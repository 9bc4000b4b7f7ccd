#include "tests/smtp_peer.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>

enum { MESSAGES_MAX = 64, ORDERS_MAX = 16, CONNECTIONS_MAX = 64, LINE_ROOM = 2048 };

struct smtp_peer {
    int fd, port;
    pthread_t thread;
    SSL_CTX *tls;
    bool tls_first;
    pthread_mutex_t lock; /* for all below */
    struct {
        const char *command, *answer;
    } orders[ORDERS_MAX];
    char *messages[MESSAGES_MAX];
    int taken, connections;
    char *heard;
    int open[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
};

struct talk {
    struct smtp_peer *peer;
    int fd;
    SSL *ssl; /* NULL: not over TLS */
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "smtp peer: %s failed\n", what);
    abort();
}

/* --- the wire -------------------------------------------------------------------------------- */

static bool put(struct talk *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool put(struct talk *t, const char *format, ...)
{
    char line[LINE_ROOM];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line) - 2, format, args);
    va_end(args);
    line[n++] = '\r';
    line[n++] = '\n';
    return t->ssl != NULL ? SSL_write(t->ssl, line, n) == n
                          : send(t->fd, line, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool get_byte(struct talk *t, char *out)
{
    return t->ssl != NULL ? SSL_read(t->ssl, out, 1) == 1 : recv(t->fd, out, 1, 0) == 1;
}

/* A line without its end; a line feed alone ends none (RFC 5321 section 2.3.8). */
static bool get_line(struct talk *t, char line[LINE_ROOM])
{
    for (size_t n = 0; n + 1 < LINE_ROOM; n++) {
        if (!get_byte(t, &line[n]))
            return false;
        if (n > 0 && line[n] == '\n' && line[n - 1] == '\r') {
            line[n - 1] = '\0';
            return true;
        }
    }
    return false;
}

static bool begin_tls(struct talk *t)
{
    t->ssl = SSL_new(t->peer->tls);
    return t->ssl != NULL && SSL_set_fd(t->ssl, t->fd) == 1 && SSL_accept(t->ssl) == 1;
}

/* --- the conversation ------------------------------------------------------------------------ */

static const char *order_for(struct smtp_peer *peer, const char *command)
{
    const char *answer = NULL;
    (void)pthread_mutex_lock(&peer->lock);
    for (int i = 0; i < ORDERS_MAX && peer->orders[i].command != NULL; i++)
        if (strncasecmp(command, peer->orders[i].command, strlen(peer->orders[i].command)) == 0)
            answer = peer->orders[i].answer;
    (void)pthread_mutex_unlock(&peer->lock);
    return answer;
}

static void remember(struct talk *t, const char *command)
{
    struct smtp_peer *peer = t->peer;
    (void)pthread_mutex_lock(&peer->lock);
    size_t len = peer->heard != NULL ? strlen(peer->heard) : 0;
    size_t room = len + strlen(command) + 8;
    peer->heard = realloc(peer->heard, room);
    need(peer->heard != NULL, "realloc");
    (void)snprintf(peer->heard + len, room - len, "%s%s\n", t->ssl != NULL ? "(tls) " : "",
                   command);
    (void)pthread_mutex_unlock(&peer->lock);
}

/* Answers as ordered, or as usual. *refused: it was no 2yz or 3yz. */
static bool answer(struct talk *t, const char *command, const char *usual, bool *refused)
{
    const char *ordered = order_for(t->peer, command);
    char nothing = 0;
    *refused = ordered != NULL && ordered[0] > '3';
    if (ordered == NULL)
        return put(t, "%s", usual);
    if (strcmp(ordered, "") == 0)
        while (get_byte(t, &nothing))
            continue;
    return ordered[0] >= '2' && put(t, "%s", ordered);
}

/* Reads a message up to its end; NULL when the other side goes away before. */
static char *read_message(struct talk *t)
{
    char line[LINE_ROOM];
    char *text = calloc(1, 1);
    size_t len = 0;
    while (get_line(t, line)) {
        if (strcmp(line, ".") == 0)
            return text;
        const char *plain = line[0] == '.' ? line + 1 : line; /* RFC 5321 section 4.5.2 */
        text = realloc(text, len + strlen(plain) + 3);
        need(text != NULL, "realloc");
        len += (size_t)sprintf(text + len, "%s\r\n", plain);
    }
    free(text);
    return NULL;
}

/* It is taken before that is said. */
static bool take_message(struct talk *t)
{
    char *text = read_message(t);
    bool refused = false;
    bool take = text != NULL && order_for(t->peer, "END") == NULL;
    (void)pthread_mutex_lock(&t->peer->lock);
    if (take) {
        need(t->peer->taken < MESSAGES_MAX, "room for messages");
        t->peer->messages[t->peer->taken++] = text;
    }
    (void)pthread_mutex_unlock(&t->peer->lock);
    if (!take)
        free(text);
    return text != NULL && answer(t, "END", "250 2.0.0 taken", &refused);
}

static bool offer(struct talk *t)
{
    bool refused = false;
    if (order_for(t->peer, "EHLO") != NULL)
        return answer(t, "EHLO", "", &refused);
    bool tls = t->peer->tls != NULL && !t->peer->tls_first && t->ssl == NULL;
    return put(t, "250-peer.example") && (!tls || put(t, "250-STARTTLS")) &&
           put(t, "250-8BITMIME") && put(t, "250 AUTH PLAIN LOGIN");
}

/* RFC 4954 section 4; what it proves the test has to look at. */
static bool authenticate(struct talk *t)
{
    char line[LINE_ROOM];
    bool refused = false;
    if (!put(t, "334 ") || !get_line(t, line))
        return false;
    remember(t, line);
    return answer(t, "AUTH", "235 2.7.0 good", &refused);
}

static bool obey(struct talk *t, const char *command)
{
    bool refused = false;
    if (strncasecmp(command, "EHLO", 4) == 0)
        return offer(t);
    if (strncasecmp(command, "STARTTLS", 8) == 0)
        return answer(t, command, "220 2.0.0 go ahead", &refused) && (refused || begin_tls(t));
    if (strncasecmp(command, "AUTH", 4) == 0)
        return authenticate(t);
    if (strncasecmp(command, "DATA", 4) == 0)
        return answer(t, command, "354 go ahead", &refused) && (refused || take_message(t));
    if (strncasecmp(command, "QUIT", 4) == 0)
        return answer(t, command, "221 2.0.0 bye", &refused) && false;
    return answer(t, command, "250 2.1.0 fine", &refused);
}

static void converse(struct talk *t)
{
    char line[LINE_ROOM];
    bool refused = false;
    bool on = (!t->peer->tls_first || begin_tls(t)) &&
              answer(t, "HELLO", "220 peer.example ESMTP", &refused);
    while (on && get_line(t, line)) {
        remember(t, line);
        on = obey(t, line);
    }
}

struct visit {
    struct smtp_peer *peer;
    int index;
};

static void *serve_one(void *with)
{
    struct visit visit = *(struct visit *)with;
    struct talk t = {.peer = visit.peer, .fd = visit.peer->open[visit.index]};
    free(with);
    converse(&t);
    SSL_free(t.ssl);
    (void)shutdown(t.fd, SHUT_RDWR); /* the number is kept until the end: nobody else gets it */
    return NULL;
}

static void *serve(void *with)
{
    struct smtp_peer *peer = with;
    for (;;) {
        int fd = accept(peer->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        need(peer->connections < CONNECTIONS_MAX, "room for connections");
        struct visit *visit = malloc(sizeof(*visit));
        need(visit != NULL, "malloc");
        (void)pthread_mutex_lock(&peer->lock);
        *visit = (struct visit){.peer = peer, .index = peer->connections++};
        peer->open[visit->index] = fd;
        need(pthread_create(&peer->threads[visit->index], NULL, serve_one, visit) == 0, "thread");
        (void)pthread_mutex_unlock(&peer->lock);
    }
}

/* --- for tests ------------------------------------------------------------------------------- */

static SSL_CTX *tls_of(const struct smtp_peer_wish *wish)
{
    if (wish->certificate == NULL)
        return NULL;
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    need(tls != NULL && SSL_CTX_use_certificate_chain_file(tls, wish->certificate) == 1 &&
             SSL_CTX_use_PrivateKey_file(tls, wish->key, SSL_FILETYPE_PEM) == 1,
         "TLS");
    return tls;
}

struct smtp_peer *smtp_peer_start(const struct smtp_peer_wish *wish)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct smtp_peer *peer = calloc(1, sizeof(*peer));
    need(peer != NULL, "calloc");
    (void)signal(SIGPIPE, SIG_IGN); /* of TLS to somebody who left */
    peer->tls = tls_of(wish);
    peer->tls_first = wish->tls_first;
    (void)pthread_mutex_init(&peer->lock, NULL);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(bind(peer->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
             listen(peer->fd, 16) == 0 &&
             getsockname(peer->fd, (struct sockaddr *)&address, &len) == 0 &&
             pthread_create(&peer->thread, NULL, serve, peer) == 0,
         "listening");
    peer->port = ntohs(address.sin_port);
    return peer;
}

void smtp_peer_stop(struct smtp_peer *peer)
{
    (void)shutdown(peer->fd, SHUT_RDWR);
    (void)pthread_join(peer->thread, NULL);
    (void)close(peer->fd);
    for (int i = 0; i < peer->connections; i++) {
        (void)shutdown(peer->open[i], SHUT_RDWR);
        (void)pthread_join(peer->threads[i], NULL);
        (void)close(peer->open[i]);
    }
    for (int i = 0; i < peer->taken; i++)
        free(peer->messages[i]);
    SSL_CTX_free(peer->tls);
    (void)pthread_mutex_destroy(&peer->lock);
    free(peer->heard);
    free(peer);
}

int smtp_peer_port(const struct smtp_peer *peer)
{
    return peer->port;
}

void smtp_peer_says(struct smtp_peer *peer, const char *command, const char *says)
{
    int i = 0;
    (void)pthread_mutex_lock(&peer->lock);
    while (peer->orders[i].command != NULL && strcmp(peer->orders[i].command, command) != 0)
        i++;
    need(i < ORDERS_MAX - 1, "room for orders");
    peer->orders[i].command = command;
    peer->orders[i].answer = says;
    (void)pthread_mutex_unlock(&peer->lock);
}

int smtp_peer_taken(struct smtp_peer *peer)
{
    (void)pthread_mutex_lock(&peer->lock);
    int taken = peer->taken;
    (void)pthread_mutex_unlock(&peer->lock);
    return taken;
}

int smtp_peer_connections(struct smtp_peer *peer)
{
    (void)pthread_mutex_lock(&peer->lock);
    int connections = peer->connections;
    (void)pthread_mutex_unlock(&peer->lock);
    return connections;
}

const char *smtp_peer_message(struct smtp_peer *peer, int i)
{
    (void)pthread_mutex_lock(&peer->lock);
    const char *message = i < peer->taken ? peer->messages[i] : NULL;
    (void)pthread_mutex_unlock(&peer->lock);
    return message;
}

char *smtp_peer_heard(struct smtp_peer *peer)
{
    (void)pthread_mutex_lock(&peer->lock);
    char *heard = strdup(peer->heard != NULL ? peer->heard : "");
    (void)pthread_mutex_unlock(&peer->lock);
    need(heard != NULL, "strdup");
    return heard;
}
