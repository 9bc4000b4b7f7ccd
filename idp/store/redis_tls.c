#include "store/redis_tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "store/redis_place.h"

/* What TLS 1.3 would choose, for servers that know 1.2 only (RFC 9325 section 4.2). */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static enum idp_err load_authorities(SSL_CTX *tls, const char *ca_file)
{
    int done = ca_file != NULL ? SSL_CTX_load_verify_file(tls, ca_file)
                               : SSL_CTX_set_default_verify_paths(tls);
    return done == 1 ? IDP_OK : IDP_UNAVAILABLE;
}

enum idp_err redis_tls_new(const char *ca_file, SSL_CTX **out)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(tls, ciphers) != 1) {
        SSL_CTX_free(tls);
        return IDP_FAULT;
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(tls,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    enum idp_err err = load_authorities(tls, ca_file);
    if (err != IDP_OK) {
        SSL_CTX_free(tls);
        return err;
    }
    *out = tls;
    return IDP_OK;
}

static bool is_address(const char *host)
{
    struct in6_addr room;
    return inet_pton(AF_INET, host, &room) == 1 || inet_pton(AF_INET6, host, &room) == 1;
}

/* RFC 9110 section 4.3.5: an address is compared with addresses, a name with names. */
static bool expect_host(SSL *session, const char *host)
{
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
    char name[REDIS_HOST_MAX + 1]; /* OpenSSL's macro takes no const */
    (void)snprintf(name, sizeof(name), "%s", host);
    return SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, name) == 1;
}

/* --- the socket, without SIGPIPE: OpenSSL's own way of writing raises it ---------------------- */

static int finish(BIO *bio, ssize_t n, int retry_flag)
{
    BIO_clear_retry_flags(bio);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    return (int)n;
}

static int write_socket(BIO *bio, const char *bytes, int len)
{
    const int *fd = BIO_get_data(bio);
    return finish(bio, send(*fd, bytes, (size_t)len, MSG_NOSIGNAL), BIO_FLAGS_WRITE);
}

static int read_socket(BIO *bio, char *bytes, int size)
{
    const int *fd = BIO_get_data(bio);
    return finish(bio, recv(*fd, bytes, (size_t)size, 0), BIO_FLAGS_READ);
}

static long control_socket(BIO *bio, int command, long number, void *with)
{
    (void)bio, (void)number, (void)with;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method; /* made once, and kept */

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "redis");
    if (method == NULL || BIO_meth_set_write(method, write_socket) != 1 ||
        BIO_meth_set_read(method, read_socket) != 1 ||
        BIO_meth_set_ctrl(method, control_socket) != 1) {
        BIO_meth_free(method);
        method = NULL;
    }
}

static bool use_socket(SSL *session, int *fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_method);
    BIO *bio = method != NULL ? BIO_new(method) : NULL;
    if (bio == NULL)
        return false;
    BIO_set_data(bio, fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(session, bio, bio);
    return true;
}

SSL *redis_tls_session(SSL_CTX *tls, int *fd, const char *host)
{
    SSL *session = SSL_new(tls);
    if (session == NULL || !use_socket(session, fd) || !expect_host(session, host)) {
        SSL_free(session);
        return NULL;
    }
    SSL_set_connect_state(session);
    return session;
}

const char *redis_tls_problem(const SSL *session)
{
    long result = SSL_get_verify_result(session);
    return result != X509_V_OK ? X509_verify_cert_error_string(result) : "the TLS handshake failed";
}
