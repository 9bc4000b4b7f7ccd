/*
 * docs/security.md row 30, and attack 19 of row 41: what a certificate that is not trusted may set
 * in motion, and where its addresses lead: nothing, and nowhere. The network is the real one, and
 * both sockets are on its allow-list, so that nothing else keeps it from going there.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/refusal.h"
#include "net/net.h"
#include "pki/lock/verify.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/pki_region.h"

/* A socket that counts who comes, and says nothing. */
struct listener {
    int fd;
    int port;
    pthread_t thread;
    atomic_int visits;
};

enum { TRUSTED, STRANGER, TWIN, AUTHORITIES };

static struct region_authority authorities[AUTHORITIES];

static struct world {
    struct arena *arena;
    struct listener ours;   /* where the trust list says that the authority answers */
    struct listener theirs; /* what certificates name */
    struct net *net;
    struct kv *kv;
    struct pki *pki;
    struct refusal why;
} w;

/* --- sockets -------------------------------------------------------------------------------- */

static void *count_visits(void *with)
{
    struct listener *listener = with;
    for (;;) {
        int fd = accept(listener->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        (void)atomic_fetch_add(&listener->visits, 1);
        (void)close(fd);
    }
}

static void listen_at(struct listener *listener)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener->fd >= 0);
    assert_int_equal(bind(listener->fd, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
    assert_int_equal(listen(listener->fd, 64), 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)(void *)&at, &len), 0);
    listener->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&listener->thread, NULL, count_visits, listener), 0);
}

static void stop(struct listener *listener)
{
    (void)shutdown(listener->fd, SHUT_RDWR);
    (void)pthread_join(listener->thread, NULL);
    (void)close(listener->fd);
}

/* Comes to the socket as anybody might, and waits until that was counted: whoever came before has
 * been counted, too. Returns how many those were. */
static int visits_before(struct listener *listener)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)listener->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char end = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int before = atomic_load(&listener->visits);
    assert_int_equal(connect(fd, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
    assert_true(read(fd, &end, 1) <= 0); /* until it is closed, which comes after counting */
    (void)close(fd);
    while (atomic_load(&listener->visits) == before)
        (void)nanosleep(&moment, NULL);
    return atomic_load(&listener->visits) - 1;
}

/* --- the world ------------------------------------------------------------------------------ */

static struct trust *list_of_one(void)
{
    char *why = NULL;
    struct trust *trust = NULL;
    json_t *entries[] = {region_entry(&authorities[TRUSTED]), NULL};
    json_t *ocsp = json_object_get(json_object_get(entries[0], "revocation"), "ocsp");
    const char *url = arena_printf(w.arena, "http://127.0.0.1:%d/ocsp", w.ours.port);
    assert_int_equal(json_object_set_new(json_array_get(ocsp, 0), "url", json_string(url)), 0);
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    assert_int_equal(trust_parse("list", text, strlen(text), &why, &trust), IDP_OK);
    free(text);
    json_decref(list);
    return trust;
}

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.arena = arena_new()};
    listen_at(&w.ours);
    listen_at(&w.theirs);
    const char *const allow[] = {arena_printf(w.arena, "127.0.0.1:%d", w.ours.port),
                                 arena_printf(w.arena, "127.0.0.1:%d", w.theirs.port), NULL};
    assert_int_equal(net_new(allow, &w.net), IDP_OK);
    assert_int_equal(kv_memory_open(NULL, NULL, &w.kv), IDP_OK);
    const struct pki_settings settings = {
        .trust = list_of_one(), .kv = w.kv, .fetch = pki_fetch_by_net(w.net), .background = 1};
    assert_int_equal(pki_new(&settings, &w.pki), IDP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    pki_free(w.pki);
    net_free(w.net);
    kv_close(w.kv);
    stop(&w.ours);
    stop(&w.theirs);
    return 0;
}

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&authorities[TRUSTED], "one", "P-256");
    region_authority_make(&authorities[STRANGER], "stranger", "P-256");
    region_authority_make(&authorities[TWIN], "one", "P-256"); /* its names, other keys */
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (int i = 0; i < AUTHORITIES; i++)
        region_authority_clear(&authorities[i]);
    return 0;
}

/* --- certificates --------------------------------------------------------------------------- */

/* Where certificates may name addresses (RFC 5280 section 4.2), all of them those of a socket. */
static const struct region_pair *extensions_naming(int port)
{
    static struct region_pair list[24];
    const struct region_pair named[] = {
        {"authorityInfoAccess",
         arena_printf(w.arena,
                      "OCSP;URI:http://127.0.0.1:%d/ocsp,caIssuers;URI:http://127.0.0.1:%d/ca.cer,"
                      "caIssuers;URI:ldap://127.0.0.1:%d/cn=ca?cACertificate",
                      port, port, port)},
        {"crlDistributionPoints",
         arena_printf(w.arena, "URI:http://127.0.0.1:%d/x.crl,URI:ldap://127.0.0.1:%d/cn=crl", port,
                      port)},
        {"freshestCRL", arena_printf(w.arena, "URI:http://127.0.0.1:%d/delta.crl", port)},
        {"subjectInfoAccess",
         arena_printf(w.arena, "caRepository;URI:http://127.0.0.1:%d/all", port)},
        {"issuerAltName", arena_printf(w.arena, "URI:http://127.0.0.1:%d/issuer", port)},
    };
    size_t n = 0;
    for (; region_extensions[n].name != NULL; n++)
        list[n] = region_extensions[n];
    for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
        list[n++] = named[i];
    list[n] = (struct region_pair){NULL, NULL};
    return list;
}

/* A lock of an authority that names the socket in every place; valid now, whatever the clock. */
static struct region_holder lock_of(int authority, const char *usage)
{
    struct region_holder lock;
    int64_t now = (int64_t)time(NULL);
    struct region_pair list[24] = {{NULL, NULL}};
    memcpy(list, extensions_naming(w.theirs.port), sizeof(list));
    for (size_t i = 0; usage != NULL && list[i].name != NULL; i++)
        if (strcmp(list[i].name, "keyUsage") == 0)
            list[i].value = usage;
    const struct region_lock how = {
        .extensions = list, .from = now - REGION_DAY, .to = now + REGION_DAY};
    region_lock_make(&authorities[authority], &how, &lock);
    return lock;
}

static const char *present(const struct region_holder *lock, const char *signed_challenge)
{
    size_t len = 0;
    struct lock_identity who;
    const struct region_signing how = {.algorithm = "ES256",
                                       .origin = REGION_ORIGIN,
                                       .challenge = signed_challenge,
                                       .certificate = lock->der,
                                       .certificate_len = lock->der_len};
    unsigned char *signature = region_sign(lock->key, &how, &len);
    const struct lock_question question = {
        .origin = REGION_ORIGIN, .challenge = REGION_CHALLENGE, .now = (int64_t)time(NULL)};
    const struct lock_answer answer = {.algorithm = LOCK_ES256,
                                       .certificate = lock->der,
                                       .certificate_len = lock->der_len,
                                       .signature = signature,
                                       .signature_len = len,
                                       .agent_version = "0.1.0"};
    w.why = (struct refusal){.count = 0};
    enum idp_err err = lock_verify(w.pki, w.arena, &question, &answer, &w.why, &who);
    free(signature);
    return err == IDP_REFUSED ? w.why.reason->code : "not refused";
}

static void expect_silence(struct region_holder lock, const char *challenge, const char *code)
{
    const char *said = present(&lock, challenge);
    region_lock_clear(&lock);
    assert_string_equal(said, code);
    assert_int_equal(visits_before(&w.ours), 0);
    atomic_store(&w.ours.visits, 0);
    assert_int_equal(visits_before(&w.theirs), 0);
    atomic_store(&w.theirs.visits, 0);
}

static void certificate_that_is_not_trusted_causes_no_packet(void **state)
{
    (void)state;
    expect_silence(lock_of(STRANGER, NULL), REGION_CHALLENGE, "lock.authority_unknown");
    expect_silence(lock_of(TWIN, NULL), REGION_CHALLENGE, "lock.authority_unknown");
    expect_silence(lock_of(TRUSTED, "critical,keyEncipherment"), REGION_CHALLENGE,
                   "lock.encryption_certificate");
    expect_silence(lock_of(TRUSTED, NULL), "login.somebody-elses", "lock.not_accepted");
}

/* The socket that counts nothing above does count: the authority is asked where the list says. */
static void trusted_certificate_is_asked_about_where_the_trust_list_says_only(void **state)
{
    (void)state;
    struct region_holder lock = lock_of(TRUSTED, NULL);
    assert_string_equal(present(&lock, REGION_CHALLENGE), "lock.status_unavailable");
    region_lock_clear(&lock);
    assert_true(visits_before(&w.ours) > 0);
    assert_int_equal(visits_before(&w.theirs), 0);
}

static void send_ahead(struct region_holder lock)
{
    pki_ask_ahead(w.pki, lock.der, lock.der_len);
    region_lock_clear(&lock);
}

/* The queue is worked off in order: the third of a second is for what must not happen. */
static void certificate_sent_ahead_causes_no_packet_either_unless_it_is_trusted(void **state)
{
    (void)state;
    const struct timespec moment = {.tv_nsec = 1000000};
    send_ahead(lock_of(STRANGER, NULL));
    send_ahead(lock_of(TWIN, NULL));
    send_ahead(lock_of(TRUSTED, "critical,keyEncipherment"));
    for (int i = 0; i < 300; i++)
        (void)nanosleep(&moment, NULL);
    assert_int_equal(atomic_load(&w.ours.visits), 0);
    send_ahead(lock_of(TRUSTED, NULL));
    while (atomic_load(&w.ours.visits) == 0)
        (void)nanosleep(&moment, NULL);
    assert_int_equal(visits_before(&w.theirs), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(certificate_that_is_not_trusted_causes_no_packet),
        TEST(trusted_certificate_is_asked_about_where_the_trust_list_says_only),
        TEST(certificate_sent_ahead_causes_no_packet_either_unless_it_is_trusted),
    };
    return cmocka_run_group_tests_name("pki/packets", tests, make_all, free_all);
}
