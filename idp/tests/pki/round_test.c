#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/log.h"
#include "net/race.h"
#include "pki/ocsp/asking.h"
#include "pki/ocsp/round.h"
#include "tests/net/http_peer.h"
#include "tests/pki_region.h"

enum { PEERS = 2, URL_SIZE = 64, DEADLINE_MS = 4000, DER_MAX = 1024, HEAD_SIZE = 256 };

static struct region_authority authority, other;
static struct region_holder lock;

/* --- two addresses of a status service ------------------------------------------------------ */

/* How an address behaves. */
struct behaviour {
    bool held;  /* it says nothing until the end of the test */
    bool lies;  /* it signs with another's key */
    bool fails; /* HTTP 500 */
    bool revoked;
    int64_t age;
};

static bool answer_first(int fd, const char *request, int nth);
static bool answer_second(int fd, const char *request, int nth);

static struct world {
    struct http_peer peers[PEERS];
    pthread_mutex_t lock; /* guards how */
    struct behaviour how[PEERS];
    atomic_int tests; /* that are over: nobody is held any longer */
    struct net *net;
    struct view *view;
    struct leaf *leaf;
    struct arena *arena;
    struct asking_about about;
    struct round round;
    struct status status;
    char urls[PEERS][URL_SIZE];
} w = {.lock = PTHREAD_MUTEX_INITIALIZER,
       .peers = {{.answer = answer_first}, {.answer = answer_second}}};

/* GET /<base64, URL-encoded> (RFC 6960 appendix A.1). Returns the question's length. */
static size_t read_path(const char *path, unsigned char *der)
{
    char base64[2048];
    size_t len = 0;
    size_t n = 0;
    for (; *path != ' ' && len < sizeof(base64); path++) {
        unsigned code = (unsigned char)*path;
        if (code == '%') {
            assert_int_equal(sscanf(path + 1, "%2x", &code), 1);
            path += 2;
        }
        base64[len++] = (char)code;
    }
    assert_int_equal(base64_decode(base64, len, der, DER_MAX, &n), IDP_OK);
    return n;
}

static size_t read_question(const char *request, unsigned char *der)
{
    if (strncmp(request, "GET /", 5) == 0)
        return read_path(request + 5, der);
    size_t n = strtoul(strstr(request, "Content-Length: ") + 16, NULL, 10);
    assert_true(n <= DER_MAX);
    memcpy(der, strstr(request, "\r\n\r\n") + 4, n);
    return n;
}

static bool answer(const struct behaviour *how, int fd, const char *request)
{
    unsigned char der[DER_MAX];
    char head[HEAD_SIZE];
    size_t len = 0;
    size_t n = read_question(request, der);
    const struct region_authority *signer = how->lies ? &other : &authority;
    const struct timespec pause = {.tv_nsec = 1000000};
    int tests = w.tests;
    while (how->held && w.tests == tests)
        (void)nanosleep(&pause, NULL);
    if (how->fails) {
        http_peer_say(fd, "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    const struct region_status status = {.key = signer->responder_key,
                                         .signer = signer->responder,
                                         .issuer = authority.certificate,
                                         .send_signer = true,
                                         .status = how->revoked ? V_OCSP_CERTSTATUS_REVOKED
                                                                : V_OCSP_CERTSTATUS_GOOD,
                                         .revoked_at = REGION_NOW - 60,
                                         .this_update = REGION_NOW - how->age,
                                         .next_update = REGION_NOW + 3600,
                                         .copies = 1};
    unsigned char *bytes = region_answer(&status, der, n, &len);
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n"
                   "Cache-Control: public, max-age=31536000\r\n"
                   "Expires: Fri, 31 Dec 2027 23:59:59 GMT\r\nContent-Length: %zu\r\n\r\n",
                   len);
    http_peer_say(fd, head);
    (void)send(fd, bytes, len, MSG_NOSIGNAL);
    free(bytes);
    return true;
}

static struct behaviour behaviour_of(int which)
{
    (void)pthread_mutex_lock(&w.lock);
    struct behaviour how = w.how[which];
    (void)pthread_mutex_unlock(&w.lock);
    return how;
}

static void behave(int which, struct behaviour how)
{
    (void)pthread_mutex_lock(&w.lock);
    w.how[which] = how;
    (void)pthread_mutex_unlock(&w.lock);
}

static bool answer_first(int fd, const char *request, int nth)
{
    (void)nth;
    const struct behaviour how = behaviour_of(0);
    return answer(&how, fd, request);
}

static bool answer_second(int fd, const char *request, int nth)
{
    (void)nth;
    const struct behaviour how = behaviour_of(1);
    return answer(&how, fd, request);
}

/* --- the world ------------------------------------------------------------------------------ */

static struct trust *make_trust(void)
{
    char *why = NULL;
    struct trust *trust = NULL;
    json_t *entry = region_entry(&authority);
    json_t *revocation = json_object_get(entry, "revocation");
    json_t *services = json_pack("[{s:s},{s:s}]", "url", w.urls[0], "url", w.urls[1]);
    assert_int_equal(json_object_set_new(revocation, "ocsp", services), 0);
    json_t *entries[] = {entry, NULL};
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    assert_int_equal(trust_parse("list", text, strlen(text), &why, &trust), IDP_OK);
    free(text);
    json_decref(list);
    return trust;
}

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&authority, "first", "P-256");
    region_authority_make(&other, "first", "P-256");
    region_lock_make(&authority, &(struct region_lock){.kind = NULL}, &lock);
    for (int i = 0; i < PEERS; i++) {
        http_peer_start(&w.peers[i]);
        (void)snprintf(w.urls[i], URL_SIZE, "http://127.0.0.1:%d/", w.peers[i].port);
    }
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (int i = 0; i < PEERS; i++)
        http_peer_stop(&w.peers[i]);
    region_lock_clear(&lock);
    region_authority_clear(&authority);
    region_authority_clear(&other);
    return 0;
}

static int set_up(void **state)
{
    enum pki_reason why = PKI_REASONS;
    (void)state;
    for (int i = 0; i < PEERS; i++) {
        behave(i, (struct behaviour){.held = false});
        w.peers[i].connections = w.peers[i].requests = 0;
    }
    w.view = view_new(make_trust(), NULL);
    w.arena = arena_new();
    assert_non_null(w.view);
    const char *const *allow = trust_hosts(w.view->trust);
    assert_int_equal(net_new(allow, &w.net), IDP_OK);
    assert_int_equal(leaf_parse(lock.der, lock.der_len, &why, &w.leaf), IDP_OK);
    assert_int_equal(leaf_judge(w.leaf, w.view->trust), IDP_OK);
    w.about = (struct asking_about){.view = w.view, .leaf = w.leaf, .now = REGION_NOW};
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    w.tests++;
    leaf_release(w.leaf);
    view_free(w.view);
    net_free(w.net);
    arena_free(w.arena);
    return 0;
}

/* The list's, to be changed. */
static struct revocation *rules(void)
{
    return (struct revocation *)(uintptr_t)&w.view->trust->authorities[0].rules->revocation;
}

static enum status_verdict ask(void)
{
    w.round = (struct round){.fetch = pki_fetch_by_net(w.net), .about = &w.about};
    assert_int_equal(round_ask(&w.round, w.arena, &w.status), IDP_OK);
    return w.status.answer.verdict;
}

static struct service look(int which)
{
    struct service service;
    services_look(&w.view->lines[0]->services, w.urls[which], &service);
    return service;
}

/* --- one after another ---------------------------------------------------------------------- */

static void first_address_alone_is_asked(void **state)
{
    (void)state;
    assert_int_equal(ask(), STATUS_GOOD);
    assert_true(w.round.answered);
    assert_non_null(w.status.response);
    assert_int_equal(w.peers[1].requests, 0);
    assert_int_equal(look(0).won, 1);
    assert_int_equal(look(1).asked, 0);
}

static void slow_first_is_joined_by_the_second_which_wins(void **state)
{
    (void)state;
    behave(0, (struct behaviour){.held = true});
    rules()->deadline_ms = 400; /* so that patience ends after 100 ms */
    assert_int_equal(ask(), STATUS_GOOD);
    assert_int_equal(look(0).asked, 1);
    assert_int_equal(look(0).lost, 1);
    assert_int_equal(look(1).hedged, 1);
    assert_int_equal(look(1).won, 1);
}

/* A lie is no answer: the next one is asked, and for a while it is asked first. */
static void lying_first_is_passed_over_and_moves_down(void **state)
{
    (void)state;
    behave(0, (struct behaviour){.lies = true});
    assert_int_equal(ask(), STATUS_GOOD);
    assert_int_equal(look(0).unusable[FAULT_SIGNER], 1);
    assert_int_equal(look(1).won, 1);
    assert_int_equal(look(1).hedged, 0); /* nobody was waited for */
    assert_int_equal(ask(), STATUS_GOOD);
    assert_int_equal(look(0).asked, 1);
    assert_int_equal(look(1).asked, 2);
}

static void revoked_counts_from_whichever_address(void **state)
{
    (void)state;
    behave(0, (struct behaviour){.fails = true});
    behave(1, (struct behaviour){.revoked = true});
    assert_int_equal(ask(), STATUS_REVOKED);
    assert_int_equal(look(0).unusable[FAULT_HTTP], 1);
}

/* The first usable answer counts; another address is not asked to find a better one. */
static void revoked_answer_is_not_appealed(void **state)
{
    (void)state;
    behave(0, (struct behaviour){.revoked = true});
    assert_int_equal(ask(), STATUS_REVOKED);
    assert_int_equal(w.peers[1].requests, 0);
}

static void silence_of_all_is_no_answer(void **state)
{
    (void)state;
    behave(0, (struct behaviour){.held = true});
    behave(1, (struct behaviour){.held = true});
    rules()->deadline_ms = 200;
    assert_int_equal(ask(), STATUS_UNUSABLE);
    assert_int_equal(w.status.answer.fault, FAULT_SILENT);
    assert_false(w.round.answered);
    assert_int_equal(look(0).unusable[FAULT_SILENT], 1);
    assert_int_equal(look(1).unusable[FAULT_SILENT], 1);
    assert_null(w.status.response);
}

static void nonsense_of_all_is_an_answer_that_does_not_count(void **state)
{
    (void)state;
    behave(0, (struct behaviour){.lies = true});
    behave(1, (struct behaviour){.age = 7200});
    assert_int_equal(ask(), STATUS_UNUSABLE);
    assert_string_equal(w.status.answer.problem, "it is too old");
    assert_true(w.round.answered);
}

/* --- POST and GET --------------------------------------------------------------------------- */

static void question_is_posted(void **state)
{
    (void)state;
    assert_int_equal(ask(), STATUS_GOOD);
    assert_int_equal(strncmp(w.peers[0].seen, "POST / HTTP/1.1\r\n", 17), 0);
    assert_non_null(strstr(w.peers[0].seen, "Content-Type: application/ocsp-request\r\n"));
}

static void question_stands_in_the_address_where_the_list_says_so(void **state)
{
    (void)state;
    rules()->method = OCSP_GET;
    assert_int_equal(ask(), STATUS_GOOD);
    assert_int_equal(strncmp(w.peers[0].seen, "GET /M", 6), 0); /* base64 of 0x30 */
    assert_null(strstr(w.peers[0].seen, "Content-"));
    rules()->nonce = NONCE_OFF;
    assert_int_equal(ask(), STATUS_GOOD);
}

/* RFC 6960 appendix A.1: GET only where the address stays short. */
static void question_that_is_too_long_for_an_address_is_posted(void **state)
{
    static char longer[256];
    const char **list = rules()->ocsp.list;
    (void)state;
    (void)snprintf(longer, sizeof(longer), "%s%0150d", w.urls[0], 0);
    list[0] = longer;
    rules()->method = OCSP_GET;
    assert_int_equal(ask(), STATUS_GOOD);
    assert_int_equal(strncmp(w.peers[0].seen, "POST /0", 7), 0);
}

/* What a cache says of an answer's life is not signed. */
static void headers_of_caches_do_not_prolong_an_answer(void **state)
{
    (void)state;
    rules()->method = OCSP_GET;
    rules()->nonce = NONCE_OFF;
    behave(0, (struct behaviour){.age = 100});
    assert_int_equal(ask(), STATUS_GOOD); /* echoes nothing: there is no nonce */
    assert_int_equal(w.status.answer.usable_until, REGION_NOW - 100 + OCSP_NO_NONCE_AGE_S);
    behave(0, (struct behaviour){.age = OCSP_NO_NONCE_AGE_S});
    behave(1, (struct behaviour){.age = OCSP_NO_NONCE_AGE_S});
    assert_int_equal(ask(), STATUS_UNUSABLE);
}

/* --- connections ---------------------------------------------------------------------------- */

static void one_connection_serves_many_questions(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(), STATUS_GOOD);
    assert_int_equal(w.peers[0].requests, 5);
    assert_int_equal(w.peers[0].connections, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(first_address_alone_is_asked),
        TEST(slow_first_is_joined_by_the_second_which_wins),
        TEST(lying_first_is_passed_over_and_moves_down),
        TEST(revoked_counts_from_whichever_address),
        TEST(revoked_answer_is_not_appealed),
        TEST(silence_of_all_is_no_answer),
        TEST(nonsense_of_all_is_an_answer_that_does_not_count),
        TEST(question_is_posted),
        TEST(question_stands_in_the_address_where_the_list_says_so),
        TEST(question_that_is_too_long_for_an_address_is_posted),
        TEST(headers_of_caches_do_not_prolong_an_answer),
        TEST(one_connection_serves_many_questions),
    };
    return cmocka_run_group_tests_name("pki/round", tests, make_all, free_all);
}
