/* The service over real sockets, with a SoftHSM2 token and an SM2 lock of the SKF double behind it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>

#include "assistant/body.h"
#include "assistant/bucket.h"
#include "assistant/command.h"
#include "assistant/service.h"
#include "assistant/tests/medium.h"
#include "base/base64.h"
#include "base/log.h"

static struct settings settings;
static struct assistant assistant;
static struct service *service;
static EVP_PKEY *rsa, *sm2;
static X509 *rsa_certificate, *sm2_certificate;

struct reply {
    int status;
    char text[65536]; /* head and body */
    const char *body;
};

static struct reply reply;

/* --- asking ----------------------------------------------------------------------------------- */

static int connect_v4(void)
{
    const struct timeval patience = {.tv_sec = 20};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((in_port_t)settings.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Reads all that comes until the service closes. A status of 0 means that nothing came. */
static void read_reply(int fd, struct reply *out)
{
    size_t len = 0;
    ssize_t n = 1;
    while (n != 0 && len < sizeof(out->text) - 1) {
        n = recv(fd, out->text + len, sizeof(out->text) - 1 - len, 0);
        if (n < 0 && errno != EINTR) /* a stand-in that ended */
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    out->text[len] = '\0';
    out->status = len > 12 ? (int)strtol(out->text + 9, NULL, 10) : 0;
    const char *end = strstr(out->text, "\r\n\r\n");
    out->body = end != NULL ? end + 4 : "";
    (void)close(fd);
}

static void send_raw(const char *request, struct reply *out)
{
    int fd = connect_v4();
    size_t len = strlen(request);
    assert_int_equal(send(fd, request, len, MSG_NOSIGNAL), (ssize_t)len);
    read_reply(fd, out);
}

/* A request as a page of the provider sends it; each NULL or other value spoils one thing. */
struct ask {
    const char *method, *path, *host, *origin, *type, *agent, *mode, *body, *extra;
};

static struct ask usual(const char *path, const char *body)
{
    return (struct ask){.method = "POST",
                        .path = path,
                        .origin = MEDIUM_ORIGIN,
                        .type = "application/json",
                        .agent = "1",
                        .mode = "cors",
                        .body = body};
}

static void add(char *request, size_t size, const char *name, const char *value)
{
    size_t len = strlen(request);
    if (value != NULL)
        (void)snprintf(request + len, size - len, "%s: %s\r\n", name, value);
}

static void ask(const struct ask *a, struct reply *out)
{
    static _Thread_local char request[2 * BODY_MAX + 2048];
    char host[64];
    (void)snprintf(host, sizeof(host), "127.0.0.1:%u", settings.port);
    (void)snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\n", a->method, a->path);
    add(request, sizeof(request), "Host", a->host != NULL ? a->host : host);
    add(request, sizeof(request), "Origin", a->origin);
    add(request, sizeof(request), "Content-Type", a->type);
    add(request, sizeof(request), "X-Tamga-Agent", a->agent);
    add(request, sizeof(request), "Sec-Fetch-Mode", a->mode);
    size_t len = strlen(request);
    (void)snprintf(request + len, sizeof(request) - len, "%sContent-Length: %zu\r\n\r\n%s",
                   a->extra != NULL ? a->extra : "", strlen(a->body), a->body);
    send_raw(request, out);
}

static void post(const char *path, const char *body)
{
    struct ask a = usual(path, body);
    ask(&a, &reply);
}

static bool has(const char *header)
{
    return strstr(reply.text, header) != NULL;
}

static bool is_readable(void)
{
    return has("Access-Control-Allow-Origin: " MEDIUM_ORIGIN "\r\n");
}

static void expect_code(int status, const char *code)
{
    char body[128];
    (void)snprintf(body, sizeof(body), "{\"error\":{\"code\":\"%s\"}}", code);
    assert_int_equal(reply.status, status);
    assert_string_equal(reply.body, body);
}

/* --- the world -------------------------------------------------------------------------------- */

static unsigned int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static void name_driver(size_t i, const char *kind, const char *library)
{
    (void)snprintf(settings.drivers[i].kind, sizeof(settings.drivers[i].kind), "%s", kind);
    (void)snprintf(settings.drivers[i].library, SETTINGS_PATH_MAX, "%s", library);
}

static int set_up_all(void **state)
{
    int result = medium_set_up(state);
    rsa = medium_key("RSA");
    sm2 = medium_key("SM2");
    rsa_certificate = medium_certificate(rsa, "rsa", "digitalSignature");
    sm2_certificate = medium_certificate(sm2, "sm2", "digitalSignature");
    medium_token("RSA lock", rsa, rsa_certificate);
    medium_skf("sm2-lock", sm2, sm2_certificate);
    log_set_level(LOG_ERROR);
    return result;
}

static int tear_down_all(void **state)
{
    X509_free(rsa_certificate);
    X509_free(sm2_certificate);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(sm2);
    return medium_tear_down(state);
}

static int set_up(void **state)
{
    char why[256];
    (void)state;
    settings = (struct settings){.port = free_port(),
                                 .origin_count = 2,
                                 .origins = {MEDIUM_ORIGIN, "https://other.example"},
                                 .pin = PIN_BY_PAGE,
                                 .driver_count = 2};
    name_driver(0, "pkcs11", MEDIUM_SOFTHSM);
    name_driver(1, "skf", medium_library("skf-double-64.so"));
    if (!assistant_init(&assistant, &settings))
        return 1;
    service = service_start(&assistant, why, sizeof(why));
    return service == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    bool stopped = service_stop(service);
    assistant_free(&assistant);
    return !stopped;
}

/* --- commands --------------------------------------------------------------------------------- */

static void status_tells_version_and_presence_and_no_more(void **state)
{
    (void)state;
    post("/status", "{}");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body,
                        "{\"version\":\"0.1.0\",\"protocol\":1,\"locks\":true,\"pin\":\"page\"}");
}

static void certificates_are_listed(void **state)
{
    (void)state;
    post("/certificates", "{}");
    assert_int_equal(reply.status, 200);
    json_t *body = json_loads(reply.body, 0, NULL);
    const json_t *locks = json_object_get(body, "locks");
    assert_int_equal(json_array_size(locks), 2);
    const json_t *lock = json_array_get(locks, 1);
    assert_int_equal(json_object_size(lock), 7);
    assert_string_equal(json_string_value(json_object_get(lock, "lock")),
                        "skf:sm2-lock/TAMGA/SIGN");
    assert_string_equal(json_string_value(json_object_get(lock, "label")), "sm2-lock");
    assert_string_equal(json_string_value(json_object_get(lock, "medium")), "SKF-0001");
    assert_string_equal(json_string_value(json_object_get(lock, "subject")), "sm2");
    assert_string_equal(json_string_value(json_object_get(lock, "organisation")), "");
    assert_true(json_integer_value(json_object_get(lock, "not_after")) > time(NULL));
    json_decref(body);
}

static void expect_signed(const struct reply *from, X509 *certificate, const char *algorithm)
{
    unsigned char bytes[1024];
    size_t len = 0;
    json_t *body = json_loads(from->body, 0, NULL);
    const char *signature = json_string_value(json_object_get(body, "signature"));
    assert_int_equal(from->status, 200);
    assert_int_equal(json_object_size(body), 5);
    assert_string_equal(json_string_value(json_object_get(body, "format")), "tamga-lock:1");
    assert_string_equal(json_string_value(json_object_get(body, "algorithm")), algorithm);
    assert_string_equal(json_string_value(json_object_get(body, "agentVersion")), "0.1.0");
    assert_non_null(signature);
    assert_int_equal(base64_decode(signature, strlen(signature), bytes, sizeof(bytes), &len),
                     IDP_OK);
    assert_true(
        medium_verifies(certificate, algorithm, MEDIUM_ORIGIN, MEDIUM_CHALLENGE, bytes, len));
    json_decref(body);
}

#define SIGN_WITH(lock, pin)                                                                       \
    "{\"challenge\":\"" MEDIUM_CHALLENGE "\",\"lock\":\"" lock "\",\"pin\":\"" pin "\"}"

static void page_gets_a_signature_over_its_origin(void **state)
{
    (void)state;
    post("/sign", SIGN_WITH("RSA lock", MEDIUM_PIN));
    expect_signed(&reply, rsa_certificate, "RS256");
    post("/sign", SIGN_WITH("skf:sm2-lock/TAMGA/SIGN", MEDIUM_PIN));
    expect_signed(&reply, sm2_certificate, "SM2");
}

/* The page cannot choose the origin: the header counts. */
static void other_origin_gives_another_message(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    size_t len = 0;
    struct ask a = usual("/sign", SIGN_WITH("RSA lock", MEDIUM_PIN));
    a.origin = "https://other.example";
    ask(&a, &reply);
    json_t *body = json_loads(reply.body, 0, NULL);
    const char *signature = json_string_value(json_object_get(body, "signature"));
    assert_non_null(signature);
    assert_int_equal(base64_decode(signature, strlen(signature), bytes, sizeof(bytes), &len),
                     IDP_OK);
    assert_false(
        medium_verifies(rsa_certificate, "RS256", MEDIUM_ORIGIN, MEDIUM_CHALLENGE, bytes, len));
    assert_true(medium_verifies(rsa_certificate, "RS256", "https://other.example", MEDIUM_CHALLENGE,
                                bytes, len));
    json_decref(body);
}

static void refusals_carry_their_codes(void **state)
{
    (void)state;
    post("/sign", SIGN_WITH("RSA lock", "654321"));
    expect_code(409, "pin_wrong");
    post("/sign", SIGN_WITH("sm2-lock", "654321"));
    assert_string_equal(reply.body, "{\"error\":{\"code\":\"pin_wrong\",\"tries_left\":9}}");
    post("/sign", SIGN_WITH("nobody's", MEDIUM_PIN));
    expect_code(404, "lock_not_found");
    post("/sign", "{\"challenge\":\"" MEDIUM_CHALLENGE "\",\"pin\":\"1\"}");
    expect_code(409, "several_locks");
    post("/sign", "{\"challenge\":\"" MEDIUM_CHALLENGE "\",\"lock\":\"RSA lock\"}");
    expect_code(400, "pin_required");
    post("/sign", "{\"challenge\":\"login.x\",\"lock\":\"RSA lock\",\"pin\":\"123456\"}");
    expect_code(400, "bad_challenge");
    assert_true(is_readable());
}

static void unknown_keys_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"/status", "/certificates", "/sign"};
    for (size_t i = 0; i < 3; i++) {
        post(paths[i], "{\"hash\":\"00\"}");
        expect_code(400, "bad_request");
    }
    post("/sign", "{\"challenge\":\"" MEDIUM_CHALLENGE "\",\"origin\":\"https://idp.example\"}");
    expect_code(400, "bad_request");
}

/* --- the rules of the README, over the wire ----------------------------------------------------
 */

static void foreign_pages_are_refused_unread(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://evil.example", "null", "http://idp.example",
                                          "https://idp.example.evil.example", NULL};
    for (size_t i = 0; i < sizeof(origins) / sizeof(*origins); i++) {
        struct ask a = usual("/certificates", "{}");
        a.origin = origins[i];
        ask(&a, &reply);
        expect_code(403, "forbidden");
        assert_false(has("Access-Control-"));
    }
}

static void rebound_name_is_refused(void **state)
{
    (void)state;
    char host[64];
    (void)snprintf(host, sizeof(host), "evil.test:%u", settings.port);
    struct ask a = usual("/certificates", "{}");
    a.host = host;
    ask(&a, &reply);
    expect_code(403, "forbidden");
    assert_false(has("Access-Control-"));
    a.origin = NULL;
    ask(&a, &reply);
    expect_code(403, "forbidden");
}

static void request_with_two_origins_is_refused(void **state)
{
    (void)state;
    struct ask a = usual("/certificates", "{}");
    a.extra = "Origin: https://evil.example\r\n";
    ask(&a, &reply);
    assert_int_equal(reply.status, 400);
    assert_false(has("Access-Control-"));
}

/* What a form of a foreign page can send without any question asked. */
static void form_posts_are_refused(void **state)
{
    (void)state;
    struct ask a = usual("/sign", SIGN_WITH("RSA lock", MEDIUM_PIN));
    a.origin = "null";
    a.type = "text/plain";
    a.agent = NULL;
    a.mode = "navigate";
    ask(&a, &reply);
    expect_code(403, "forbidden");
    a.origin = MEDIUM_ORIGIN;
    a.mode = NULL;
    ask(&a, &reply);
    expect_code(403, "forbidden");
    a.agent = "1";
    ask(&a, &reply);
    expect_code(415, "bad_request");
    a = usual("/sign", SIGN_WITH("RSA lock", MEDIUM_PIN));
    a.mode = "no-cors";
    ask(&a, &reply);
    expect_code(403, "forbidden");
}

static void get_is_refused(void **state)
{
    (void)state;
    struct ask a = usual("/status", "");
    a.method = "GET";
    ask(&a, &reply);
    assert_int_equal(reply.status, 405);
    assert_true(has("Allow: POST, OPTIONS\r\n"));
    a.origin = NULL;
    ask(&a, &reply);
    assert_int_equal(reply.status, 405);
    assert_false(has("Access-Control-"));
    a = usual("/status?x=1", "{}");
    ask(&a, &reply);
    assert_int_equal(reply.status, 404);
}

static void preflight_is_answered_for_the_provider_only(void **state)
{
    (void)state;
    struct ask a = {.method = "OPTIONS",
                    .path = "/sign",
                    .origin = MEDIUM_ORIGIN,
                    .mode = "cors",
                    .body = "",
                    .extra = "Access-Control-Request-Method: POST\r\n"
                             "Access-Control-Request-Headers: content-type,x-tamga-agent\r\n"};
    ask(&a, &reply);
    assert_int_equal(reply.status, 204);
    assert_true(is_readable());
    assert_true(has("Access-Control-Allow-Methods: POST\r\n"));
    assert_true(has("Access-Control-Allow-Headers: content-type, x-tamga-agent\r\n"));
    assert_true(has("Access-Control-Max-Age: 0\r\n"));
    assert_true(has("Vary: Origin\r\n"));
    assert_false(has("Allow-Credentials"));
    static const char *const strangers[] = {"https://evil.example", "null", NULL};
    for (size_t i = 0; i < 3; i++) {
        a.origin = strangers[i];
        ask(&a, &reply);
        assert_int_equal(reply.status, 403);
        assert_false(has("Access-Control-"));
    }
}

static void answers_are_for_one_origin_and_not_kept(void **state)
{
    (void)state;
    post("/status", "{}");
    assert_true(is_readable());
    assert_true(has("Vary: Origin\r\n"));
    assert_true(has("Cache-Control: no-store\r\n"));
    assert_true(has("X-Content-Type-Options: nosniff\r\n"));
    assert_false(has("Allow-Credentials"));
    assert_false(has("Allow-Origin: *"));
}

static void long_bodies_are_refused(void **state)
{
    (void)state;
    static char body[BODY_MAX + 2];
    memset(body, ' ', sizeof(body) - 1);
    memcpy(body, "{}", 2);
    post("/status", body);
    expect_code(413, "bad_request");
    body[BODY_MAX] = '\0';
    post("/status", body);
    assert_int_equal(reply.status, 200);
}

/* A body whose length was not announced ends with its first byte too many. */
static void chunks_over_the_limit_are_cut_off(void **state)
{
    (void)state;
    char head[512];
    char chunk[1024 + 16];
    (void)snprintf(head, sizeof(head),
                   "POST /status HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nOrigin: " MEDIUM_ORIGIN
                   "\r\nContent-Type: application/json\r\nX-Tamga-Agent: 1\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n",
                   settings.port);
    int fd = connect_v4();
    assert_true(send(fd, head, strlen(head), MSG_NOSIGNAL) > 0);
    int head_len = snprintf(chunk, sizeof(chunk), "400\r\n");
    memset(chunk + head_len, ' ', 1024);
    memcpy(chunk + head_len + 1024, "\r\n", 2);
    for (int i = 0; i < 64; i++)
        if (send(fd, chunk, (size_t)head_len + 1026, MSG_NOSIGNAL) < 0)
            break;
    read_reply(fd, &reply);
    assert_int_not_equal(reply.status, 200);
    post("/status", "{}");
    assert_int_equal(reply.status, 200);
}

static void flood_of_one_origin_is_held_back(void **state)
{
    (void)state;
    int refused = 0;
    for (int i = 0; i < BUCKET_SIZE + 20; i++) {
        post("/status", "[]");
        refused += reply.status == 429;
    }
    assert_true(refused > 0);
    struct ask a = usual("/status", "{}");
    a.origin = "https://other.example";
    ask(&a, &reply);
    assert_int_equal(reply.status, 200);
}

/* --- one at a time ---------------------------------------------------------------------------- */

static struct reply slow_reply;

static void *sign_slowly(void *context)
{
    struct ask a = usual("/sign", SIGN_WITH("sm2-lock", MEDIUM_PIN));
    ask(&a, &slow_reply);
    return context;
}

static void second_command_is_told_to_wait(void **state)
{
    (void)state;
    char faults[MEDIUM_PATH];
    pthread_t thread;
    const struct timespec wait = {.tv_nsec = 700000000};
    medium_path("skf/faults", faults);
    medium_write(faults, "slow", "1500");
    post("/status", "{}");
    assert_int_equal(pthread_create(&thread, NULL, sign_slowly, NULL), 0);
    (void)nanosleep(&wait, NULL);
    post("/sign", SIGN_WITH("RSA lock", MEDIUM_PIN));
    expect_code(409, "busy");
    post("/certificates", "{}");
    expect_code(409, "busy");
    post("/status", "{}"); /* tells what was last seen */
    assert_int_equal(reply.status, 200);
    assert_int_equal(pthread_join(thread, NULL), 0);
    medium_remove(faults, "slow");
    expect_signed(&slow_reply, sm2_certificate, "SM2");
    post("/sign", SIGN_WITH("RSA lock", MEDIUM_PIN));
    assert_int_equal(reply.status, 200);
}

/* --- the prompt ------------------------------------------------------------------------------- */

/* A STAND-IN for the dialog program pinentry. */
static void stand_in(const char *on_getpin)
{
    char script[512];
    (void)snprintf(script, sizeof(script),
                   "#!/bin/sh\necho OK\nwhile read -r line; do\n"
                   "case \"$line\" in GETPIN) %s;; esac\necho OK\ndone\n",
                   on_getpin);
    medium_write(medium_folder, "pinentry", script);
    medium_path("pinentry", settings.pinentry);
    assert_int_equal(chmod(settings.pinentry, 0700), 0);
    settings.pin = PIN_BY_PROMPT;
}

#define SIGN_ASKING(lock) "{\"challenge\":\"" MEDIUM_CHALLENGE "\",\"lock\":\"" lock "\"}"

static void prompt_gives_the_pin_and_the_page_may_not(void **state)
{
    (void)state;
    stand_in("echo 'D " MEDIUM_PIN "'");
    post("/status", "{}");
    assert_non_null(strstr(reply.body, "\"pin\":\"prompt\""));
    post("/sign", SIGN_ASKING("RSA lock"));
    expect_signed(&reply, rsa_certificate, "RS256");
    post("/sign", SIGN_WITH("RSA lock", MEDIUM_PIN));
    expect_code(400, "pin_page_refused");
}

static void prompt_that_fails_has_its_own_codes(void **state)
{
    (void)state;
    stand_in("echo 'ERR 83886179 cancelled'");
    post("/sign", SIGN_ASKING("RSA lock"));
    expect_code(409, "cancelled");
    stand_in("echo 'D 654321'");
    post("/sign", SIGN_ASKING("RSA lock"));
    expect_code(409, "pin_wrong");
    (void)snprintf(settings.pinentry, sizeof(settings.pinentry), "/nonexistent");
    post("/sign", SIGN_ASKING("RSA lock"));
    expect_code(500, "no_prompt");
}

/* clients/assistant/README.md, the PIN. */
static void prompt_does_not_offer_the_last_try(void **state)
{
    (void)state;
    char lock[MEDIUM_PATH];
    medium_path("skf/sm2-lock", lock);
    stand_in("echo 'D " MEDIUM_PIN "'");
    medium_write(lock, "tries", "1");
    post("/sign", SIGN_ASKING("sm2-lock"));
    assert_string_equal(reply.body, "{\"error\":{\"code\":\"pin_last_try\",\"tries_left\":1}}");
    medium_write(lock, "tries", "0");
    post("/sign", SIGN_ASKING("sm2-lock"));
    assert_string_equal(reply.body, "{\"error\":{\"code\":\"pin_blocked\",\"tries_left\":0}}");
    medium_write(lock, "tries", "10");
}

/* A page on the allow-list that is taken over could block every lock with three wrong PINs. */
static void page_cannot_spend_the_last_try_either(void **state)
{
    (void)state;
    char lock[MEDIUM_PATH];
    medium_path("skf/sm2-lock", lock);
    medium_write(lock, "tries", "2");
    post("/sign", SIGN_WITH("sm2-lock", "654321"));
    assert_string_equal(reply.body, "{\"error\":{\"code\":\"pin_wrong\",\"tries_left\":1}}");
    static const char last_try[] = "{\"error\":{\"code\":\"pin_last_try\",\"tries_left\":1}}";
    post("/sign", SIGN_WITH("sm2-lock", "654321"));
    assert_string_equal(reply.body, last_try);
    post("/sign", SIGN_WITH("sm2-lock", MEDIUM_PIN));
    assert_string_equal(reply.body, last_try);
    medium_write(lock, "tries", "10");
}

/* --- where it listens ------------------------------------------------------------------------- */

static void second_assistant_at_the_port_is_refused(void **state)
{
    (void)state;
    char why[256];
    struct assistant second;
    assert_true(assistant_init(&second, &settings));
    assert_null(service_start(&second, why, sizeof(why)));
    assert_non_null(strstr(why, "127.0.0.1:"));
    assert_null(strchr(why, '\n'));
    assistant_free(&second);
}

static void other_addresses_of_the_machine_do_not_answer(void **state)
{
    (void)state;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((in_port_t)settings.port)};
    assert_int_equal(inet_pton(AF_INET, "127.0.0.2", &to.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
    (void)close(fd);
}

static void ipv6_loopback_answers_where_there_is_one(void **state)
{
    (void)state;
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_port = htons((in_port_t)settings.port),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    char request[512];
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)close(fd);
        skip();
    }
    int len = snprintf(request, sizeof(request),
                       "POST /status HTTP/1.1\r\nHost: [::1]:%u\r\nOrigin: " MEDIUM_ORIGIN
                       "\r\nContent-Type: application/json\r\nX-Tamga-Agent: 1\r\n"
                       "Content-Length: 2\r\n\r\n{}",
                       settings.port);
    assert_int_equal(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
    read_reply(fd, &reply);
    assert_int_equal(reply.status, 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(status_tells_version_and_presence_and_no_more),
        TEST(certificates_are_listed),
        TEST(page_gets_a_signature_over_its_origin),
        TEST(other_origin_gives_another_message),
        TEST(refusals_carry_their_codes),
        TEST(unknown_keys_are_refused),
        TEST(foreign_pages_are_refused_unread),
        TEST(rebound_name_is_refused),
        TEST(request_with_two_origins_is_refused),
        TEST(form_posts_are_refused),
        TEST(get_is_refused),
        TEST(preflight_is_answered_for_the_provider_only),
        TEST(answers_are_for_one_origin_and_not_kept),
        TEST(long_bodies_are_refused),
        TEST(chunks_over_the_limit_are_cut_off),
        TEST(flood_of_one_origin_is_held_back),
        TEST(second_command_is_told_to_wait),
        TEST(prompt_gives_the_pin_and_the_page_may_not),
        TEST(prompt_that_fails_has_its_own_codes),
        TEST(prompt_does_not_offer_the_last_try),
        TEST(page_cannot_spend_the_last_try_either),
        TEST(second_assistant_at_the_port_is_refused),
        TEST(other_addresses_of_the_machine_do_not_answer),
        TEST(ipv6_loopback_answers_where_there_is_one),
    };
    return cmocka_run_group_tests_name("assistant/service", tests, set_up_all, tear_down_all);
}
