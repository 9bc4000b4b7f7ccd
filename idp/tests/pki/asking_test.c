#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/fetch.h"
#include "pki/lock/verify.h"
#include "pki/ocsp/asking.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/pki_region.h"

enum { ASKERS = 6, CROWD = 40 };

static struct region_authority slow, quick;
static struct region_holder many[ASKING_WAITERS + 2], one, two;

/* The services: those of the slow authority wait until they are let go. */
static struct world {
    struct view *view;
    struct asking *asking;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hold;
    enum idp_err sent;
    bool revoked;
    atomic_int packets, good, over;
    int64_t now;
} w = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static enum idp_err answer_question(void *context, struct arena *arena,
                                    const struct net_request *request, struct net_answer *out)
{
    size_t len = 0;
    (void)context;
    bool is_slow = strstr(request->url, "slow") != NULL;
    const struct region_authority *authority = is_slow ? &slow : &quick;
    const struct region_status status = {.key = authority->responder_key,
                                         .signer = authority->responder,
                                         .issuer = authority->certificate,
                                         .send_signer = true,
                                         .status = w.revoked ? V_OCSP_CERTSTATUS_REVOKED
                                                             : V_OCSP_CERTSTATUS_GOOD,
                                         .revoked_at = w.now - 60,
                                         .this_update = w.now,
                                         .next_update = w.now + 3600,
                                         .copies = 1};
    w.packets++;
    (void)pthread_mutex_lock(&w.lock);
    while (is_slow && w.hold)
        (void)pthread_cond_wait(&w.changed, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
    if (w.sent != IDP_OK)
        return w.sent;
    unsigned char *bytes = region_answer(&status, request->body, request->body_len, &len);
    *out =
        (struct net_answer){.status = 200, .body = arena_copy(arena, bytes, len), .body_len = len};
    free(bytes);
    return IDP_OK;
}

static struct region_way way = {answer_question};

static json_t *entry_of(const struct region_authority *authority, const char *url)
{
    json_t *entry = region_entry(authority);
    json_t *revocation = json_object_get(entry, "revocation");
    assert_int_equal(json_object_set_new(revocation, "ocsp", json_pack("[{s:s}]", "url", url)), 0);
    return entry;
}

static struct trust *make_trust(void)
{
    json_t *entries[] = {entry_of(&slow, "http://slow.example/"),
                         entry_of(&quick, "http://quick.example/"), NULL};
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    char *why = NULL;
    struct trust *trust = NULL;
    assert_int_equal(trust_parse("list", text, strlen(text), &why, &trust), IDP_OK);
    free(text);
    json_decref(list);
    return trust;
}

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&slow, "slow", "P-256");
    region_authority_make(&quick, "quick", "P-256");
    struct region_lock how = {.from = clock_now() - REGION_DAY, .to = clock_now() + REGION_DAY};
    for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++)
        region_lock_make(&slow, &how, &many[i]);
    region_lock_make(&quick, &how, &one);
    region_lock_make(&quick, &how, &two);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++)
        region_lock_clear(&many[i]);
    region_lock_clear(&one);
    region_lock_clear(&two);
    region_authority_clear(&slow);
    region_authority_clear(&quick);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    w.view = view_new(make_trust(), NULL);
    w.asking =
        asking_new((struct pki_fetch){&way, region_race}, (struct pki_lists){.context = NULL}, 0);
    w.hold = false;
    w.sent = IDP_OK;
    w.revoked = false;
    w.packets = w.good = w.over = 0;
    w.now = REGION_NOW;
    return w.asking == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    asking_free(w.asking);
    view_free(w.view);
    return 0;
}

static void hold(bool yes)
{
    (void)pthread_mutex_lock(&w.lock);
    w.hold = yes;
    (void)pthread_cond_broadcast(&w.changed);
    (void)pthread_mutex_unlock(&w.lock);
}

static struct ocsp_answer ask(const struct region_holder *holder)
{
    struct arena *arena = arena_new();
    struct leaf *leaf = NULL;
    struct status status;
    enum pki_reason why = PKI_REASONS;
    assert_int_equal(leaf_parse(holder->der, holder->der_len, &why, &leaf), IDP_OK);
    assert_int_equal(leaf_judge(leaf, w.view->trust), IDP_OK);
    const struct asking_about about = {.view = w.view, .leaf = leaf, .now = w.now};
    assert_int_equal(asking_ask(w.asking, arena, &about, &status), IDP_OK);
    leaf_release(leaf);
    arena_free(arena);
    w.good += status.answer.verdict == STATUS_GOOD;
    return status.answer;
}

static void *ask_in_thread(void *holder)
{
    (void)ask(holder);
    w.over++;
    return NULL;
}

static void nap(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

static void wait_for(atomic_int *counter, int wanted)
{
    for (int i = 0; i < 500 && *counter < wanted; i++)
        nap(10);
    assert_int_equal(*counter, wanted);
}

/* Until so many ask the slow authority, or wait for its answer. */
static void wait_for_people(unsigned wanted)
{
    for (int i = 0; i < 500 && atomic_load(&w.view->lines[0]->people) < wanted; i++)
        nap(10);
    assert_int_equal(atomic_load(&w.view->lines[0]->people), wanted);
}

static void many_who_ask_cause_one_question(void **state)
{
    (void)state;
    pthread_t ids[ASKERS];
    hold(true);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, ask_in_thread, &many[0]), 0);
    wait_for(&w.packets, 1);
    wait_for_people(ASKERS);
    hold(false);
    for (int i = 0; i < ASKERS; i++)
        (void)pthread_join(ids[i], NULL);
    assert_int_equal(w.packets, 1);
    assert_int_equal(w.good, ASKERS);
}

static void begin_to_ask(pthread_t *ids, int count, struct region_holder *holders, int kinds)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, ask_in_thread, &holders[i % kinds]), 0);
}

static void end_to_ask(pthread_t *ids, int count)
{
    hold(false);
    for (int i = 0; i < count; i++)
        (void)pthread_join(ids[i], NULL);
}

static void slow_authority_takes_no_more_than_its_share(void **state)
{
    (void)state;
    pthread_t ids[ASKING_WAITERS];
    hold(true);
    begin_to_ask(ids, ASKING_WAITERS, many, ASKING_WAITERS);
    wait_for(&w.packets, ASKING_WAITERS);
    int64_t before = clock_ticks_ms();
    assert_int_equal(ask(&many[ASKING_WAITERS]).verdict, STATUS_UNUSABLE);
    assert_int_equal(ask(&many[0]).verdict, STATUS_UNUSABLE); /* nor may one wait for another's */
    assert_in_range(clock_ticks_ms() - before, 0, 400);
    assert_int_equal(ask(&one).verdict, STATUS_GOOD); /* of the other authority */
    end_to_ask(ids, ASKING_WAITERS);
    assert_int_equal(w.packets, ASKING_WAITERS + 1);
    assert_int_equal(ask(&many[ASKING_WAITERS]).verdict, STATUS_GOOD);
}

/* One lock of a slow authority, tried again and again, held every worker of the house. */
static void crowd_with_one_lock_leaves_the_workers_to_others(void **state)
{
    (void)state;
    pthread_t ids[CROWD];
    hold(true);
    begin_to_ask(ids, CROWD, many, 1);
    wait_for(&w.over, CROWD - ASKING_WAITERS);
    assert_int_equal(ask(&one).verdict, STATUS_GOOD);
    end_to_ask(ids, CROWD);
    assert_int_equal(w.packets, 2);
    assert_int_equal(w.good, ASKING_WAITERS + 1);
}

static void questions_are_counted_by_what_came_back(void **state)
{
    (void)state;
    const struct line *line = w.view->lines[1]; /* the quick authority's */
    (void)ask(&one);
    w.revoked = true;
    (void)ask(&two);
    (void)ask(&two); /* remembered: no question */
    w.revoked = false;
    w.sent = IDP_UNAVAILABLE;
    (void)ask(&one);
    assert_int_equal(line->good, 1);
    assert_int_equal(line->other, 1);
    assert_int_equal(line->unusable, 1);
    assert_int_equal(w.view->lines[0]->good, 0);
    assert_true(circuit_is_open(&line->circuit));
}

static void refused_lock_is_not_asked_about_again_at_once(void **state)
{
    (void)state;
    w.revoked = true;
    struct ocsp_answer first = ask(&one);
    for (int i = 0; i < 10; i++) {
        struct ocsp_answer again = ask(&one);
        assert_int_equal(again.verdict, STATUS_REVOKED);
        assert_int_equal(again.revoked_at, first.revoked_at);
    }
    assert_int_equal(w.packets, 1);
    assert_int_equal(ask(&many[0]).verdict, STATUS_REVOKED);
    assert_int_equal(w.packets, 2);
}

static void missed_deadline_spares_the_next_ones_the_wait(void **state)
{
    (void)state;
    w.sent = IDP_UNAVAILABLE;
    assert_int_equal(ask(&many[0]).verdict, STATUS_UNUSABLE);
    w.sent = IDP_OK;
    assert_string_equal(ask(&many[1]).problem, "the circuit is open");
    assert_int_equal(ask(&one).verdict, STATUS_GOOD);
    assert_int_equal(w.packets, 2);
}

static void nonsense_is_an_answer_and_opens_no_circuit(void **state)
{
    (void)state;
    w.now = REGION_NOW; /* the service is asked about a time when its answer is too old */
    struct arena *arena = arena_new();
    struct leaf *leaf = NULL;
    struct status status;
    enum pki_reason why = PKI_REASONS;
    assert_int_equal(leaf_parse(one.der, one.der_len, &why, &leaf), IDP_OK);
    assert_int_equal(leaf_judge(leaf, w.view->trust), IDP_OK);
    const struct asking_about about = {.view = w.view, .leaf = leaf, .now = w.now + 7200};
    assert_int_equal(asking_ask(w.asking, arena, &about, &status), IDP_OK);
    assert_string_equal(status.answer.problem, "it is too old");
    leaf_release(leaf);
    arena_free(arena);
    assert_int_equal(ask(&two).verdict, STATUS_GOOD);
}

/* --- ahead ---------------------------------------------------------------------------------- */

static struct pki *begin_ahead(struct kv **kv)
{
    struct pki_settings settings = {
        .trust = make_trust(), .fetch = {&way, region_race}, .background = 2};
    struct pki *pki = NULL;
    w.now = clock_now();
    assert_int_equal(kv_memory_open(NULL, NULL, &settings.kv), IDP_OK);
    assert_int_equal(pki_new(&settings, &pki), IDP_OK);
    *kv = settings.kv;
    return pki;
}

static void certificate_sent_ahead_is_known_at_sign_in(void **state)
{
    (void)state;
    struct kv *kv = NULL;
    struct pki *pki = begin_ahead(&kv);
    struct lock_answer answer = {.certificate = one.der, .certificate_len = one.der_len};
    struct arena *arena = arena_new();
    pki_ask_ahead(pki, one.der, one.der_len);
    wait_for(&w.packets, 1);
    nap(100); /* the answer is kept */
    pki_ask_ahead(pki, one.der, one.der_len);
    nap(100);
    assert_int_equal(w.packets, 1);
    assert_int_equal(lock_prepare(pki, arena, w.now, &answer), IDP_OK);
    assert_non_null(answer.known);
    arena_free(arena);
    pki_free(pki);
    kv_close(kv);
}

static void stranger_sent_ahead_causes_no_packet(void **state)
{
    (void)state;
    struct kv *kv = NULL;
    struct pki *pki = begin_ahead(&kv);
    struct region_authority twin;
    struct region_holder stranger;
    region_authority_make(&twin, "slow", "P-256");
    region_lock_make(&twin, &(struct region_lock){.kind = NULL}, &stranger);
    unsigned char *bent = malloc(many[0].der_len);
    memcpy(bent, many[0].der, many[0].der_len);
    bent[many[0].der_len - 1] ^= 1;
    pki_ask_ahead(pki, stranger.der, stranger.der_len);
    pki_ask_ahead(pki, bent, many[0].der_len);
    pki_ask_ahead(pki, "x", 1);
    pki_ask_ahead(pki, "", 0);
    nap(200);
    assert_int_equal(w.packets, 0);
    free(bent);
    region_lock_clear(&stranger);
    region_authority_clear(&twin);
    pki_free(pki);
    kv_close(kv);
}

static void queue_is_bounded_and_never_waits(void **state)
{
    (void)state;
    struct kv *kv = NULL;
    struct pki *pki = begin_ahead(&kv);
    hold(true);
    int64_t before = clock_ticks_ms();
    for (int i = 0; i < 10000; i++)
        pki_ask_ahead(pki, many[i % ASKING_WAITERS].der, many[i % ASKING_WAITERS].der_len);
    assert_true(clock_ticks_ms() - before < 2000);
    nap(100);
    assert_true(w.packets <= 2); /* both threads wait for the slow authority */
    hold(false);
    pki_free(pki);
    kv_close(kv);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(many_who_ask_cause_one_question),
        TEST(slow_authority_takes_no_more_than_its_share),
        TEST(crowd_with_one_lock_leaves_the_workers_to_others),
        TEST(questions_are_counted_by_what_came_back),
        TEST(refused_lock_is_not_asked_about_again_at_once),
        TEST(missed_deadline_spares_the_next_ones_the_wait),
        TEST(nonsense_is_an_answer_and_opens_no_circuit),
        TEST(certificate_sent_ahead_is_known_at_sign_in),
        TEST(stranger_sent_ahead_causes_no_packet),
        TEST(queue_is_bounded_and_never_waits),
    };
    return cmocka_run_group_tests_name("pki/asking", tests, make_all, free_all);
}
