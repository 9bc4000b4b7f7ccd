/*
 * The fake provider: one thread, one connection at a time, one answer each.
 */
#include "rp/tests/fake_provider.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct page {
    int status;
    char *type, *body, *header, *heard;
    unsigned asked;
};

struct fake {
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    char issuer[64];
    struct page pages[FAKE_PAGES];
};

static const char *const paths[FAKE_PAGES] = {
    [FAKE_DISCOVERY] = "/.well-known/openid-configuration",
    [FAKE_JWKS] = "/jwks",
    [FAKE_TOKEN] = "/token",
    [FAKE_USERINFO] = "/userinfo",
};

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fake provider: %s\n", what);
    abort();
}

static char *copy(const char *s)
{
    char *own = s != NULL ? strdup(s) : NULL;
    demand(s == NULL || own != NULL, "no memory");
    return own;
}

/* Whether the request is whole: the head, and as much body as it announces. */
static bool is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");
    if (end == NULL)
        return false;
    return length == NULL ||
           strlen(end + 4) >= strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static void read_request(int peer, char *request, size_t size)
{
    size_t len = 0;
    request[0] = '\0';
    while (len + 1 < size && !is_whole(request)) {
        ssize_t n = read(peer, request + len, size - len - 1);
        if (n <= 0)
            return;
        len += (size_t)n;
        request[len] = '\0';
    }
}

static struct page *page_of(struct fake *fake, const char *request)
{
    const char *path = strchr(request, ' ');
    for (size_t i = 0; path != NULL && i < FAKE_PAGES; i++)
        if (strncmp(path + 1, paths[i], strlen(paths[i])) == 0)
            return &fake->pages[i];
    return NULL;
}

static char *make_answer(const struct page *page)
{
    char *answer = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&answer, &size);
    demand(to != NULL, "no memory");
    (void)fprintf(to,
                  "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Type: %s\r\n%s%s"
                  "Content-Length: %zu\r\n\r\n%s",
                  page->status, page->type != NULL ? page->type : "application/json",
                  page->header != NULL ? page->header : "", page->header != NULL ? "\r\n" : "",
                  strlen(page->body), page->body);
    demand(fclose(to) == 0, "no memory");
    return answer;
}

static void send_all(int peer, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        ssize_t n = send(peer, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static void answer(struct fake *fake, int peer)
{
    static char empty[] = "{}";
    static const struct page nothing = {.status = 404, .body = empty};
    char request[16384];
    read_request(peer, request, sizeof(request));
    (void)pthread_mutex_lock(&fake->lock);
    struct page *page = page_of(fake, request);
    if (page != NULL) {
        page->asked++;
        free(page->heard);
        page->heard = copy(request);
    }
    char *text = make_answer(page != NULL && page->body != NULL ? page : &nothing);
    (void)pthread_mutex_unlock(&fake->lock);
    send_all(peer, text);
    free(text);
}

static void *serve(void *of)
{
    struct fake *fake = of;
    for (;;) {
        int peer = accept(fake->listener, NULL, NULL);
        if (peer < 0)
            return NULL; /* fake_stop() shut the socket down */
        answer(fake, peer);
        (void)close(peer);
    }
}

struct fake *fake_start(void)
{
    struct fake *fake = calloc(1, sizeof(*fake));
    demand(fake != NULL, "no memory");
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    fake->listener = socket(AF_INET, SOCK_STREAM, 0);
    demand(fake->listener >= 0 &&
               bind(fake->listener, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
               listen(fake->listener, 16) == 0 &&
               getsockname(fake->listener, (struct sockaddr *)&at, &len) == 0,
           "no free port");
    (void)snprintf(fake->issuer, sizeof(fake->issuer), "http://127.0.0.1:%d", ntohs(at.sin_port));
    demand(pthread_mutex_init(&fake->lock, NULL) == 0 &&
               pthread_create(&fake->thread, NULL, serve, fake) == 0,
           "no thread");
    return fake;
}

void fake_stop(struct fake *fake)
{
    (void)shutdown(fake->listener, SHUT_RDWR);
    (void)pthread_join(fake->thread, NULL);
    (void)close(fake->listener);
    for (size_t i = 0; i < FAKE_PAGES; i++) {
        free(fake->pages[i].type);
        free(fake->pages[i].body);
        free(fake->pages[i].header);
        free(fake->pages[i].heard);
    }
    (void)pthread_mutex_destroy(&fake->lock);
    free(fake);
}

const char *fake_issuer(const struct fake *fake)
{
    return fake->issuer;
}

void fake_says(struct fake *fake, enum fake_page page, int status, const char *type,
               const char *body)
{
    (void)pthread_mutex_lock(&fake->lock);
    struct page *at = &fake->pages[page];
    free(at->type);
    free(at->body);
    at->status = status;
    at->type = copy(type);
    at->body = copy(body);
    (void)pthread_mutex_unlock(&fake->lock);
}

void fake_says_json(struct fake *fake, enum fake_page page, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    demand(text != NULL, "no JSON");
    fake_says(fake, page, 200, NULL, text);
    free(text);
    json_decref(body);
}

void fake_adds_header(struct fake *fake, enum fake_page page, const char *line)
{
    (void)pthread_mutex_lock(&fake->lock);
    free(fake->pages[page].header);
    fake->pages[page].header = copy(line);
    (void)pthread_mutex_unlock(&fake->lock);
}

unsigned fake_asked(struct fake *fake, enum fake_page page)
{
    (void)pthread_mutex_lock(&fake->lock);
    unsigned asked = fake->pages[page].asked;
    (void)pthread_mutex_unlock(&fake->lock);
    return asked;
}

char *fake_heard(struct fake *fake, enum fake_page page)
{
    (void)pthread_mutex_lock(&fake->lock);
    char *heard = copy(fake->pages[page].heard != NULL ? fake->pages[page].heard : "");
    (void)pthread_mutex_unlock(&fake->lock);
    return heard;
}
