#include "tests/wire.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/wire_tls.h"

enum { ANSWER_MAX = 1024 * 1024, PATIENCE_MS = 10000 };

static bool tls;

void wire_speak_tls(bool on)
{
    tls = on;
}

int wire_take(int fd)
{
    return tls ? tls_wrap(fd) : fd;
}

int wire_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("connect");
        abort();
    }
    return wire_take(fd);
}

bool wire_send(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* Returns how many bytes came, or 0 at the end or after too long a silence. */
static size_t receive(int fd, char *out, size_t room, int patience_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, patience_ms) != 1)
        return 0;
    ssize_t n = recv(fd, out, room, 0);
    return n > 0 ? (size_t)n : 0;
}

static const char *find_header(const char *head, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " ");
    }
    return NULL;
}

static size_t body_length(const char *head)
{
    const char *value = find_header(head, "Content-Length");
    return value != NULL ? (size_t)strtoul(value, NULL, 10) : 0;
}

struct wire_answer wire_read(int fd, bool without_body)
{
    struct wire_answer answer = {.head = calloc(1, ANSWER_MAX + 1)};
    size_t have = 0;
    if (answer.head == NULL)
        abort();
    while (have < ANSWER_MAX) {
        char *end = strstr(answer.head, "\r\n\r\n");
        size_t wanted = end != NULL && !without_body ? body_length(answer.head) : 0;
        if (end != NULL && have >= (size_t)(end + 4 - answer.head) + wanted) {
            answer.status = (int)strtol(answer.head + strlen("HTTP/1.1 "), NULL, 10);
            answer.body = end + 4;
            answer.length = wanted;
            return answer;
        }
        size_t n = receive(fd, answer.head + have, ANSWER_MAX - have, PATIENCE_MS);
        if (n == 0)
            break;
        have += n;
    }
    answer.body = answer.head + have;
    return answer;
}

struct wire_answer wire_ask(int port, const char *request)
{
    int fd = wire_connect(port);
    (void)wire_send(fd, request);
    struct wire_answer answer = wire_read(fd, strncmp(request, "HEAD ", 5) == 0);
    (void)close(fd);
    return answer;
}

char *wire_header(const struct wire_answer *answer, const char *name)
{
    const char *value = find_header(answer->head, name);
    if (value == NULL || value >= answer->body)
        return NULL;
    return strndup(value, strcspn(value, "\r"));
}

static long long now_ms(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool wire_closes(int fd, int ms)
{
    char dropped[4096];
    long long until = now_ms() + ms;
    for (long long left = ms; left > 0; left = until - now_ms()) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, (int)left) == 1 && recv(fd, dropped, sizeof(dropped), 0) <= 0)
            return true;
    }
    return false;
}
