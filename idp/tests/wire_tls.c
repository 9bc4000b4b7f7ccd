#include "tests/wire_tls.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static void need(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "tls: %s failed\n", what);
    abort();
}

/* --- certificates --------------------------------------------------------------------------- */

char *tls_file(const char *folder, const char *name, const char *ending)
{
    size_t size = strlen(folder) + strlen(name) + strlen(ending) + 3;
    char *path = malloc(size);
    need(path != NULL, "malloc");
    (void)snprintf(path, size, "%s/%s.%s", folder, name, ending);
    return path;
}

static X509 *make_certificate(const struct tls_wish *wish, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    need(certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1, "X509_new");
    X509_NAME *name = X509_get_subject_name(certificate);
    need(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(certificate), wish->from_now) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(certificate), wish->until) != NULL &&
             X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                        (const unsigned char *)wish->name, -1, -1, 0) == 1 &&
             X509_set_issuer_name(certificate, name) == 1 &&
             X509_set_pubkey(certificate, key) == 1 &&
             X509_sign(certificate, key, EVP_sha256()) > 0,
         "making a certificate");
    return certificate;
}

static FILE *open_for_writing(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    need(file != NULL, path);
    return file;
}

void tls_make_pair(const struct tls_wish *wish)
{
    char *paths[] = {tls_file(wish->folder, wish->name, "crt"),
                     tls_file(wish->folder, wish->name, "key")};
    EVP_PKEY *key = wish->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    need(key != NULL, "making a key");
    X509 *certificate = make_certificate(wish, key);
    FILE *files[] = {open_for_writing(paths[0]), open_for_writing(paths[1])};
    need(PEM_write_X509(files[0], certificate) == 1, "PEM_write_X509");
    need(PEM_write_PrivateKey(files[1], key, NULL, NULL, 0, NULL, NULL) == 1, "PEM_write");
    for (int i = 0; i < 2; i++) {
        need(fclose(files[i]) == 0, "fclose");
        free(paths[i]);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* --- the carrier ---------------------------------------------------------------------------- */

struct way {
    char bytes[16384];
    size_t len, at;
};

struct carrier {
    SSL *ssl;
    int net, local;
    struct way up, down;
    bool wants_write; /* the last call on ssl waits for room in the socket */
};

/* Whether a call on ssl that returned n may be tried again later. */
static bool may_retry(struct carrier *c, int n)
{
    int why = SSL_get_error(c->ssl, n);
    c->wants_write = why == SSL_ERROR_WANT_WRITE;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

/* Carries what the test sends. Returns false at the end. */
static bool carry_up(struct carrier *c)
{
    if (c->up.len == 0) {
        ssize_t n = recv(c->local, c->up.bytes, sizeof(c->up.bytes), MSG_DONTWAIT);
        if (n <= 0)
            return n < 0;
        c->up.len = (size_t)n;
        c->up.at = 0;
    }
    while (c->up.at < c->up.len) {
        int n = SSL_write(c->ssl, c->up.bytes + c->up.at, (int)(c->up.len - c->up.at));
        if (n <= 0)
            return may_retry(c, n);
        c->up.at += (size_t)n;
    }
    c->up.len = 0;
    return true;
}

static bool empty_down(struct carrier *c)
{
    while (c->down.at < c->down.len) {
        ssize_t n = send(c->local, c->down.bytes + c->down.at, c->down.len - c->down.at,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        c->down.at += (size_t)n;
    }
    c->down.len = 0;
    return true;
}

/* Carries what the server sends. Returns false at the end. */
static bool carry_down(struct carrier *c)
{
    while (empty_down(c)) {
        int n = SSL_read(c->ssl, c->down.bytes, sizeof(c->down.bytes));
        if (n <= 0)
            return may_retry(c, n);
        c->down.len = (size_t)n;
        c->down.at = 0;
    }
    return true;
}

static void wait_for_more(struct carrier *c)
{
    bool net_full = c->down.len > 0;
    struct pollfd ready[] = {
        {.fd = c->net, .events = (short)((net_full ? 0 : POLLIN) | (c->wants_write ? POLLOUT : 0))},
        {.fd = c->local,
         .events = (short)((c->up.len == 0 ? POLLIN : 0) | (net_full ? POLLOUT : 0))},
    };
    (void)poll(ready, 2, -1);
}

static void *carry(void *arg)
{
    struct carrier *c = arg;
    sigset_t all; /* SIGPIPE above all: OpenSSL writes to sockets as if they were files */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    while (carry_down(c) && carry_up(c))
        wait_for_more(c);
    (void)SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    (void)close(c->net);
    (void)close(c->local);
    free(c);
    return NULL;
}

static SSL *new_client(int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    need(context != NULL, "SSL_CTX_new");
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    need(ssl != NULL && SSL_set_fd(ssl, fd) == 1, "SSL_new");
    (void)SSL_set_mode(ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_connect_state(ssl);
    return ssl;
}

int tls_wrap(int fd)
{
    int ends[2];
    pthread_t thread;
    pthread_attr_t small;
    struct carrier *c = calloc(1, sizeof(*c));
    need(c != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    int on = 1; /* else the request waits for the acknowledgement of the handshake's last word */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    need(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "fcntl");
    *c = (struct carrier){.ssl = new_client(fd), .net = fd, .local = ends[1]};
    (void)pthread_attr_init(&small);
    (void)pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    need(pthread_create(&thread, &small, carry, c) == 0, "pthread_create");
    (void)pthread_attr_destroy(&small);
    return ends[0];
}
