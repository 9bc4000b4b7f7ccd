/* Which TLS the server speaks, what certificate it shows, and how that is replaced. OpenSSL is the
 * client, so that another library than the server's judges. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pthread.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "http/http.h"
#include "http/server.h"
#include "tests/help.h"
#include "tests/wire.h"
#include "tests/wire_tls.h"

enum { HOUR = 3600, HASTY_MS = 300 };

struct app {
    int nothing;
};

static struct world {
    struct app app;
    char *folder, *why;
    struct http_server *server;
    int port;
} w;

static enum idp_err hello(struct request *rq, struct response *rs)
{
    (void)rq;
    return http_respond_bytes(rs, 200, "text/plain", "hello", 5);
}

static void tell(struct request *rq, struct response *rs, enum idp_err err)
{
    (void)rq, (void)err;
    (void)http_respond_bytes(rs, 500, "text/plain", "failed", 6);
}

static const struct route hello_route = {
    .methods = HTTP_GET, .path = "/hello", .handle = hello, .fail = tell};
static const struct route waiting_route = {.methods = HTTP_GET,
                                           .path = "/waiting",
                                           .waits = HTTP_WAITS_ALWAYS,
                                           .handle = hello,
                                           .fail = tell};
static const struct route *const routes[] = {&hello_route, &waiting_route, NULL};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* --- the world ------------------------------------------------------------------------------ */

static void make(const char *name, int64_t from_now, int64_t until)
{
    tls_make_pair(&(struct tls_wish){w.folder, name, from_now, until, false});
}

/* The present files of the server become copies of these. */
static void put(const char *certificate, const char *key)
{
    const char *from[] = {certificate, key};
    static const char *const endings[] = {"crt", "key"};
    for (int i = 0; i < 2; i++) {
        size_t len = 0;
        char *source = tls_file(w.folder, from[i], endings[i]);
        char *target = tls_file(w.folder, "server", endings[i]);
        char *bytes = help_read_file(source, &len);
        assert_non_null(bytes);
        help_write_file(target, bytes, len);
        (void)chmod(target, S_IRUSR | S_IWUSR);
        free(bytes);
        free(source);
        free(target);
    }
}

static enum idp_err start(unsigned deadline_ms)
{
    static char *files[2];
    free(files[0]);
    free(files[1]);
    files[0] = tls_file(w.folder, "server", "crt");
    files[1] = tls_file(w.folder, "server", "key");
    const struct http_settings settings = {.address = "127.0.0.1",
                                           .threads = 2,
                                           .workers = 2,
                                           .quiet = true,
                                           .deadline_ms = deadline_ms,
                                           .certificate = files[0],
                                           .key = files[1]};
    enum idp_err err = http_server_start(&settings, routes, &w.app, &w.why, &w.server);
    w.port = err == IDP_OK ? http_server_port(w.server) : 0;
    return err;
}

static int set_up_files(void **state)
{
    (void)state;
    w = (struct world){.folder = help_temp_folder()};
    make("first", -60, HOUR);
    make("second", -60, 2 * HOUR);
    put("first", "first");
    return 0;
}

static int set_up(void **state)
{
    (void)set_up_files(state);
    return start(0) == IDP_OK ? 0 : 1;
}

static int set_up_hasty(void **state)
{
    (void)set_up_files(state);
    return start(HASTY_MS) == IDP_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    http_server_stop(w.server, 1000);
    help_remove_folder(w.folder);
    free(w.folder);
    free(w.why);
    return 0;
}

/* --- a client ------------------------------------------------------------------------------- */

struct offer {
    int least, most;
    const char *ciphers; /* of TLS 1.2 and before */
};

/* Returns NULL when the handshake fails. */
static SSL *shake_hands(const struct offer *offer)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    SSL_CTX_set_security_level(context, 0); /* so that the client does not refuse for the server */
    assert_int_equal(SSL_CTX_set_min_proto_version(context, offer->least), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, offer->most), 1);
    if (offer->ciphers != NULL)
        assert_int_equal(SSL_CTX_set_cipher_list(context, offer->ciphers), 1);
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    assert_int_equal(SSL_set_fd(ssl, wire_connect(w.port)), 1);
    if (SSL_connect(ssl) == 1)
        return ssl;
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
    return NULL;
}

static void hang_up(SSL *ssl)
{
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static bool gets_hello(SSL *ssl, const char *request)
{
    char answer[2048];
    size_t have = 0;
    if (SSL_write(ssl, request, (int)strlen(request)) <= 0)
        return false;
    while (have < sizeof(answer) - 1) {
        int n = SSL_read(ssl, answer + have, (int)(sizeof(answer) - 1 - have));
        if (n <= 0)
            return false;
        have += (size_t)n;
        answer[have] = '\0';
        if (strstr(answer, "\r\n\r\nhello") != NULL)
            return strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
    }
    return false;
}

/* The common name in the certificate that a client saw. */
static void read_name(const SSL *ssl, char *out, int size)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    assert_non_null(certificate);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, out, size);
    X509_free(certificate);
}

static const struct offer any = {TLS1_2_VERSION, TLS1_3_VERSION, NULL};

static void expect_shown(const char *name)
{
    char shown[64];
    SSL *ssl = shake_hands(&any);
    assert_non_null(ssl);
    read_name(ssl, shown, sizeof(shown));
    assert_string_equal(shown, name);
    assert_true(gets_hello(ssl, GET("/hello")));
    hang_up(ssl);
}

/* --- what is spoken ------------------------------------------------------------------------- */

static void expect_spoken(const struct offer *offer, const char *version, const char *cipher)
{
    SSL *ssl = shake_hands(offer);
    assert_non_null(ssl);
    assert_string_equal(SSL_get_version(ssl), version);
    assert_string_equal(SSL_get_cipher_name(ssl), cipher);
    assert_true(gets_hello(ssl, GET("/hello")));
    assert_true(gets_hello(ssl, GET("/waiting"))); /* suspended and resumed */
    assert_true(gets_hello(ssl, GET("/hello")));
    hang_up(ssl);
}

static void tls_1_3_is_preferred_and_1_2_is_spoken(void **state)
{
    (void)state;
    const struct offer old = {TLS1_2_VERSION, TLS1_2_VERSION, NULL};
    expect_spoken(&any, "TLSv1.3", "TLS_AES_256_GCM_SHA384");
    expect_spoken(&old, "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384");
}

/* RFC 9325 section 4.2: the suites without forward secrecy or AEAD are what attacks were for. */
static void only_ecdhe_with_aead_is_spoken(void **state)
{
    (void)state;
    static const char *const good[] = {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
                                       "ECDHE-RSA-CHACHA20-POLY1305"};
    static const char *const bad[] = {
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA384",
        "ECDHE-RSA-CAMELLIA128-SHA256",
        "AES128-GCM-SHA256",
        "AES256-SHA",
        "DHE-RSA-AES128-GCM-SHA256",
        "ADH-AES128-SHA256",
        "DHE-RSA-CHACHA20-POLY1305",
        "AES128-CCM8",
    };
    tls_make_pair(&(struct tls_wish){w.folder, "rsa", -60, HOUR, true});
    put("rsa", "rsa");
    assert_int_equal(http_server_reload_tls(w.server, &w.why), IDP_OK);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        const struct offer offer = {TLS1_2_VERSION, TLS1_2_VERSION, good[i]};
        expect_spoken(&offer, "TLSv1.2", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const struct offer offer = {TLS1_2_VERSION, TLS1_2_VERSION, bad[i]};
        assert_null(shake_hands(&offer));
    }
}

static void older_versions_are_refused(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION};
    for (size_t i = 0; i < 2; i++) {
        const struct offer offer = {versions[i], versions[i], "ALL"};
        assert_null(shake_hands(&offer));
    }
}

static void client_that_does_not_speak_tls_gets_no_answer(void **state)
{
    (void)state;
    char piece[64] = "";
    int fd = wire_connect(w.port);
    assert_true(wire_send(fd, GET("/hello")));
    ssize_t n = read(fd, piece, sizeof(piece) - 1);
    assert_true(n <= 0 || strncmp(piece, "HTTP", 4) != 0); /* an alert at most */
    assert_true(wire_closes(fd, 5000));
    (void)close(fd);
}

/* --- time ----------------------------------------------------------------------------------- */

/* The first bytes of a ClientHello that announces 16 KiB. */
#define SLOW_HELLO                                                                                 \
    "\x16\x03\x01\x3f\xff\x01\x01\x3f\xfb\x03\x03"                                                 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void client_that_trickles_its_handshake_is_cut(void **state)
{
    (void)state;
    int fd = wire_connect(w.port);
    for (const char *at = SLOW_HELLO; *at != '\0'; at++) {
        const char one[2] = {*at, '\0'};
        if (!wire_send(fd, one) || wire_closes(fd, 30))
            break;
    }
    assert_true(wire_closes(fd, 5000));
    assert_int_equal(http_server_figures(w.server).timed_out, 1);
    (void)close(fd);
}

static void client_that_begins_no_handshake_is_cut(void **state)
{
    (void)state;
    int fd = wire_connect(w.port);
    assert_true(wire_closes(fd, 5000));
    assert_int_equal(http_server_figures(w.server).timed_out, 1);
    (void)close(fd);
}

/* The time of the first request is not begun anew when the handshake is done. */
static void handshake_and_silence_together_have_one_limit(void **state)
{
    (void)state;
    SSL *ssl = shake_hands(&any);
    assert_non_null(ssl);
    assert_true(wire_closes(SSL_get_fd(ssl), 5000));
    assert_int_equal(http_server_figures(w.server).timed_out, 1);
    hang_up(ssl);
}

/* --- replacing ------------------------------------------------------------------------------ */

static void new_connections_see_the_new_certificate(void **state)
{
    (void)state;
    SSL *before = shake_hands(&any);
    assert_non_null(before);
    expect_shown("first");
    int64_t ends = http_server_certificate_ends(w.server);
    put("second", "second");
    expect_shown("first");
    assert_int_equal(http_server_reload_tls(w.server, &w.why), IDP_OK);
    expect_shown("second");
    assert_true(http_server_certificate_ends(w.server) >= ends + HOUR);
    assert_true(gets_hello(before, GET("/hello")));
    hang_up(before);
}

static void expect_kept(enum idp_err err, const char *text)
{
    assert_int_equal(http_server_reload_tls(w.server, &w.why), err);
    assert_non_null(strstr(w.why, text));
    free(w.why);
    w.why = NULL;
    expect_shown("first");
}

static void what_cannot_be_used_leaves_the_old_certificate(void **state)
{
    (void)state;
    char *key = tls_file(w.folder, "server", "key");
    char *certificate = tls_file(w.folder, "server", "crt");
    put("second", "first");
    expect_kept(IDP_BAD_REQUEST, "server.key: is the key of another certificate");
    make("over", -HOUR, -60);
    put("over", "over");
    expect_kept(IDP_BAD_REQUEST, "server.crt: the certificate has expired");
    put("second", "second");
    assert_int_equal(chmod(key, 0640), 0);
    expect_kept(IDP_DENIED, "server.key: has mode 0640: nobody but its owner");
    assert_int_equal(unlink(certificate), 0);
    expect_kept(IDP_UNAVAILABLE, "server.crt: No such file");
    put("second", "second");
    assert_int_equal(http_server_reload_tls(w.server, &w.why), IDP_OK);
    expect_shown("second");
    free(key);
    free(certificate);
}

enum { CLIENTS = 3, ROUNDS = 40 };
static atomic_int begun;

static void *connect_often(void *arg)
{
    int *wrong = arg;
    for (int i = 0; i < ROUNDS; i++) {
        char shown[64] = "";
        SSL *ssl = shake_hands(&any);
        atomic_fetch_add(&begun, 1);
        if (ssl == NULL) {
            ++*wrong;
            continue;
        }
        read_name(ssl, shown, sizeof(shown));
        bool known = strcmp(shown, "first") == 0 || strcmp(shown, "second") == 0;
        if (!known || !gets_hello(ssl, GET("/hello")) || !gets_hello(ssl, GET("/waiting")))
            ++*wrong;
        hang_up(ssl);
    }
    return NULL;
}

static void replacing_under_load_disturbs_nobody(void **state)
{
    (void)state;
    pthread_t threads[CLIENTS];
    int wrong[CLIENTS] = {0};
    atomic_store(&begun, 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, &wrong[i]), 0);
    for (int i = 1; atomic_load(&begun) < CLIENTS * ROUNDS; i++) {
        const char *name = i % 2 == 0 ? "first" : "second";
        put(name, name);
        assert_int_equal(http_server_reload_tls(w.server, &w.why), IDP_OK);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
}

/* --- at the start --------------------------------------------------------------------------- */

static void expect_refused(enum idp_err err, const char *text)
{
    assert_int_equal(start(0), err);
    assert_null(w.server);
    assert_non_null(w.why);
    if (strstr(w.why, text) == NULL)
        fail_msg("%s", w.why);
    free(w.why);
    w.why = NULL;
}

static void write_file(const char *ending, const char *text)
{
    char *path = tls_file(w.folder, "server", ending);
    help_write_file(path, text, strlen(text));
    free(path);
}

static void server_does_not_start_with_files_it_cannot_use(void **state)
{
    (void)state;
    char *key = tls_file(w.folder, "server", "key");
    put("first", "second");
    expect_refused(IDP_BAD_REQUEST, "server.key: is the key of another certificate");
    make("later", HOUR, 2 * HOUR);
    put("later", "later");
    expect_refused(IDP_BAD_REQUEST, "server.crt: the certificate is not valid yet");
    make("over", -HOUR, -60);
    put("over", "over");
    expect_refused(IDP_BAD_REQUEST, "server.crt: the certificate has expired");
    put("first", "first");
    assert_int_equal(chmod(key, 0604), 0);
    expect_refused(IDP_DENIED, "server.key: has mode 0604");
    put("first", "first");
    write_file("key", "no key");
    expect_refused(IDP_BAD_REQUEST, "server.key: expected a private key in PEM");
    put("first", "first");
    write_file("crt", "no certificate");
    expect_refused(IDP_BAD_REQUEST, "server.crt: expected one to eight certificates in PEM");
    assert_int_equal(unlink(key), 0);
    put("first", "first");
    assert_int_equal(unlink(key), 0);
    expect_refused(IDP_UNAVAILABLE, "server.key: No such file");
    free(key);
}

static void more_certificates_than_eight_are_refused(void **state)
{
    (void)state;
    size_t len = 0;
    char *path = tls_file(w.folder, "server", "crt");
    char *one = help_read_file(path, &len);
    char *nine = calloc(9, len + 1);
    assert_non_null(nine);
    for (int i = 0; i < 9; i++)
        memcpy(nine + (size_t)i * len, one, len);
    help_write_file(path, nine, 8 * len);
    assert_int_equal(start(0), IDP_OK);
    http_server_stop(w.server, 0);
    w.server = NULL;
    help_write_file(path, nine, 9 * len);
    expect_refused(IDP_BAD_REQUEST, "expected one to eight certificates in PEM");
    free(nine);
    free(one);
    free(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define HASTY(f) cmocka_unit_test_setup_teardown(f, set_up_hasty, tear_down)
#define FILES(f) cmocka_unit_test_setup_teardown(f, set_up_files, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(tls_1_3_is_preferred_and_1_2_is_spoken),
        TEST(only_ecdhe_with_aead_is_spoken),
        TEST(older_versions_are_refused),
        TEST(client_that_does_not_speak_tls_gets_no_answer),
        HASTY(client_that_trickles_its_handshake_is_cut),
        HASTY(client_that_begins_no_handshake_is_cut),
        HASTY(handshake_and_silence_together_have_one_limit),
        TEST(new_connections_see_the_new_certificate),
        TEST(what_cannot_be_used_leaves_the_old_certificate),
        TEST(replacing_under_load_disturbs_nobody),
        FILES(server_does_not_start_with_files_it_cannot_use),
        FILES(more_certificates_than_eight_are_refused),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("http/tls", tests, NULL, NULL);
}
