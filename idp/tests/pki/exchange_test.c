/* The trust list is exchanged while locks are being judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/refusal.h"
#include "net/fetch.h"
#include "pki/lock/verify.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/pki_region.h"

enum { STAYS, GOES, KINDS, SIGNERS = 4, EXCHANGES = 60 };

static struct region_authority authorities[KINDS];
static struct region_holder locks[KINDS];

static const struct lock_question question = {
    .origin = REGION_ORIGIN, .challenge = REGION_CHALLENGE, .now = REGION_NOW};

static struct {
    struct kv *kv;
    struct pki *pki;
    struct arena *arena;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hold; /* the service of the one that goes waits */
    bool revoked;
    int age; /* of an answer, in seconds */
    enum idp_err sent;
    atomic_int packets, rounds, wrong;
    atomic_bool over;
    atomic_int hosts; /* that the last question was allowed to reach */
} w = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void wait_while_held(bool goes)
{
    (void)pthread_mutex_lock(&w.lock);
    w.packets++;
    (void)pthread_cond_broadcast(&w.changed);
    while (goes && w.hold)
        (void)pthread_cond_wait(&w.changed, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
}

static enum idp_err answer_question(void *context, struct arena *arena,
                                    const struct net_request *request, struct net_answer *out)
{
    size_t len = 0;
    (void)context;
    bool goes = strstr(request->url, "goes") != NULL;
    const struct region_authority *authority = &authorities[goes ? GOES : STAYS];
    const struct region_status status = {.key = authority->responder_key,
                                         .signer = authority->responder,
                                         .issuer = authority->certificate,
                                         .send_signer = true,
                                         .status = w.revoked ? V_OCSP_CERTSTATUS_REVOKED
                                                             : V_OCSP_CERTSTATUS_GOOD,
                                         .revoked_at = REGION_NOW - 60,
                                         .this_update = REGION_NOW - w.age,
                                         .next_update = REGION_NOW + 3600,
                                         .copies = 1};
    int hosts = 0;
    while (request->allow[hosts] != NULL)
        hosts++;
    w.hosts = hosts;
    wait_while_held(goes);
    if (w.sent != IDP_OK)
        return w.sent;
    unsigned char *bytes = region_answer(&status, request->body, request->body_len, &len);
    *out =
        (struct net_answer){.status = 200, .body = arena_copy(arena, bytes, len), .body_len = len};
    free(bytes);
    return IDP_OK;
}

static struct region_way way = {answer_question};

static json_t *entry_of(int which)
{
    json_t *entry = region_entry(&authorities[which]);
    json_t *revocation = json_object_get(entry, "revocation");
    const char *url = which == GOES ? "http://goes.example/" : "http://stays.example/";
    assert_int_equal(json_object_set_new(revocation, "ocsp", json_pack("[{s:s}]", "url", url)), 0);
    return entry;
}

static struct trust *parse(json_t *const *entries)
{
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    char *why = NULL;
    struct trust *trust = NULL;
    assert_int_equal(trust_parse("list", text, strlen(text), &why, &trust), IDP_OK);
    free(text);
    json_decref(list);
    return trust;
}

static struct trust *list_of_both(void)
{
    json_t *entries[] = {entry_of(GOES), entry_of(STAYS), NULL};
    return parse(entries);
}

static struct trust *list_of_one(void)
{
    json_t *entries[] = {entry_of(STAYS), NULL};
    return parse(entries);
}

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    region_authority_make(&authorities[STAYS], "stays", "P-256");
    region_authority_make(&authorities[GOES], "goes", "P-256");
    for (int i = 0; i < KINDS; i++)
        region_lock_make(&authorities[i], &(struct region_lock){.kind = NULL}, &locks[i]);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        region_lock_clear(&locks[i]);
        region_authority_clear(&authorities[i]);
    }
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    struct pki_settings settings = {.trust = list_of_both(), .fetch = {&way, region_race}};
    w.arena = arena_new();
    w.hold = w.revoked = false;
    w.sent = IDP_OK;
    w.age = 0;
    w.packets = w.rounds = w.wrong = 0;
    w.over = false;
    assert_int_equal(kv_memory_open(NULL, NULL, &settings.kv), IDP_OK);
    w.kv = settings.kv;
    return pki_new(&settings, &w.pki) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    pki_free(w.pki);
    kv_close(w.kv);
    return 0;
}

/* A lock's answer; the signature is the arena's. */
static struct lock_answer answer_of(struct arena *arena, int which)
{
    size_t len = 0;
    const struct region_holder *lock = &locks[which];
    const struct region_signing how = {.algorithm = "ES256",
                                       .origin = REGION_ORIGIN,
                                       .challenge = REGION_CHALLENGE,
                                       .certificate = lock->der,
                                       .certificate_len = lock->der_len};
    unsigned char *signature = region_sign(lock->key, &how, &len);
    struct lock_answer answer = {.algorithm = LOCK_ES256,
                                 .certificate = lock->der,
                                 .certificate_len = lock->der_len,
                                 .signature = arena_copy(arena, signature, len),
                                 .signature_len = len};
    free(signature);
    return answer;
}

/* What a sign-in in an arena of its own comes to: "good", a refusal's code, or "failed". */
static const char *sign_in(int which)
{
    struct arena *arena = arena_new();
    struct refusal why = {.count = 0};
    struct lock_identity who;
    struct lock_answer answer = answer_of(arena, which);
    enum idp_err err = lock_prepare(w.pki, arena, REGION_NOW, &answer);
    if (err == IDP_OK)
        err = lock_verify(w.pki, arena, &question, &answer, &why, &who);
    const char *outcome = err == IDP_OK ? "good" : "failed";
    if (err == IDP_REFUSED)
        outcome = why.reason->code;
    arena_free(arena);
    return outcome;
}

static void exchange(struct trust *trust)
{
    assert_int_equal(pki_exchange(w.pki, trust), IDP_OK);
}

static void hold(bool yes)
{
    (void)pthread_mutex_lock(&w.lock);
    w.hold = yes;
    (void)pthread_cond_broadcast(&w.changed);
    (void)pthread_mutex_unlock(&w.lock);
}

static void wait_for_packets(int wanted)
{
    (void)pthread_mutex_lock(&w.lock);
    while (w.packets < wanted)
        (void)pthread_cond_wait(&w.changed, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
}

static void leaf_that_was_good_is_unknown_once_its_authority_is_gone(void **state)
{
    (void)state;
    assert_string_equal(sign_in(GOES), "good");
    exchange(list_of_one());
    assert_string_equal(sign_in(GOES), "lock.authority_unknown");
    assert_string_equal(sign_in(STAYS), "good");
    assert_int_equal(w.packets, 2); /* none about the removed one's */
}

static void authority_that_comes_back_is_believed_again(void **state)
{
    (void)state;
    exchange(list_of_one());
    assert_string_equal(sign_in(GOES), "lock.authority_unknown");
    exchange(list_of_both());
    assert_string_equal(sign_in(GOES), "good");
}

/* The list changes, who may answer does not: nobody has to be asked again. */
static void answers_are_found_again_under_another_list(void **state)
{
    (void)state;
    assert_string_equal(sign_in(STAYS), "good");
    assert_string_equal(sign_in(STAYS), "good");
    assert_int_equal(w.packets, 1);
    exchange(list_of_one());
    assert_string_equal(sign_in(STAYS), "good");
    assert_int_equal(w.packets, 1);
}

/* The list of the one that stays, with another value in its revocation policy. */
static struct trust *list_with(const char *name, json_t *value)
{
    json_t *entries[] = {entry_of(STAYS), NULL};
    assert_int_equal(json_object_set_new(json_object_get(entries[0], "revocation"), name, value),
                     0);
    return parse(entries);
}

static void answers_of_somebody_who_may_not_answer_any_more_are_not_used(void **state)
{
    (void)state;
    const char *const values[][2] = {{"nonce", "off"}, {"hash", "sha256"}};
    for (size_t i = 0; i < 2; i++) {
        exchange(list_of_one());
        assert_string_equal(sign_in(STAYS), "good");
        int packets = w.packets;
        exchange(list_with(values[i][0], json_string(values[i][1])));
        assert_string_equal(sign_in(STAYS), "good");
        assert_int_equal(w.packets, packets + 1);
    }
    char *pem = region_pem(authorities[STAYS].responder);
    exchange(list_with("responder", json_string(pem)));
    assert_string_equal(sign_in(STAYS), "good");
    assert_int_equal(w.packets, 4);
    free(pem);
}

/* How old an answer may be is a matter of the list that it is used under. */
static void answers_that_another_list_finds_too_old_are_not_used(void **state)
{
    (void)state;
    w.age = 60;
    assert_string_equal(sign_in(STAYS), "good");
    exchange(list_with("max_age_s", json_integer(60)));
    w.age = 0;
    assert_string_equal(sign_in(STAYS), "good");
    assert_int_equal(w.packets, 2);
}

static void revoked_stays_revoked_under_another_list(void **state)
{
    (void)state;
    w.revoked = true;
    assert_string_equal(sign_in(STAYS), "lock.revoked");
    w.revoked = false;
    exchange(list_of_one());
    assert_string_equal(sign_in(STAYS), "lock.revoked");
    assert_int_equal(w.packets, 1);
}

static void request_keeps_its_list_till_its_end(void **state)
{
    (void)state;
    struct refusal why = {.count = 0};
    struct lock_identity who;
    assert_string_equal(sign_in(GOES), "good");
    const struct trust *before = pki_trust(w.pki, w.arena);
    struct lock_answer answer = answer_of(w.arena, GOES);
    assert_int_equal(lock_prepare(w.pki, w.arena, REGION_NOW, &answer), IDP_OK);
    exchange(list_of_one());
    exchange(list_of_one());
    assert_int_equal(lock_verify(w.pki, w.arena, &question, &answer, &why, &who), IDP_OK);
    assert_string_equal(who.authority->id, "goes");
    assert_string_equal(who.trust_version, before->version);
    assert_string_not_equal(who.trust_version, pki_trust(w.pki, w.arena)->version);
}

/* docs/security.md row 29: what may be reached follows the list. */
static void question_may_reach_the_services_of_its_own_list_only(void **state)
{
    (void)state;
    assert_string_equal(sign_in(GOES), "good");
    assert_int_equal(w.hosts, 2);
    exchange(list_of_one());
    assert_string_equal(sign_in(STAYS), "good");
    assert_int_equal(w.hosts, 1);
}

static void authority_is_listed_by_id_and_environment(void **state)
{
    (void)state;
    assert_true(pki_lists(w.pki, "goes", NULL, REGION_NOW));
    assert_true(pki_lists(w.pki, "goes", "test", REGION_NOW));
    assert_false(pki_lists(w.pki, "goes", "production", REGION_NOW));
    assert_false(pki_lists(w.pki, "nobody", NULL, REGION_NOW));
    exchange(list_of_one());
    assert_false(pki_lists(w.pki, "goes", NULL, REGION_NOW));
    assert_true(pki_lists(w.pki, "stays", NULL, REGION_NOW));
}

static void rights_from_before_an_authority_left_do_not_count(void **state)
{
    (void)state;
    struct trust *trust = list_of_both();
    trust_set_rights_ended(trust, "goes", REGION_NOW);
    trust_set_rights_ended(trust, "nobody", REGION_NOW);
    exchange(trust);
    assert_false(pki_lists(w.pki, "goes", NULL, REGION_NOW - 1));
    assert_false(pki_lists(w.pki, "goes", NULL, REGION_NOW));
    assert_true(pki_lists(w.pki, "goes", NULL, REGION_NOW + 1));
    assert_true(pki_lists(w.pki, "stays", NULL, REGION_NOW - 1));
}

static void *sign_in_with_the_one_that_goes(void *outcome)
{
    *(const char **)outcome = sign_in(GOES);
    return NULL;
}

/* Whoever is told of the new list neither waits for the old question nor takes its answer. */
static void question_in_flight_about_a_removed_authority_ends_harmlessly(void **state)
{
    (void)state;
    pthread_t thread;
    const char *outcome = NULL;
    hold(true);
    assert_int_equal(pthread_create(&thread, NULL, sign_in_with_the_one_that_goes, &outcome), 0);
    wait_for_packets(1);
    exchange(list_of_one());
    assert_string_equal(sign_in(GOES), "lock.authority_unknown");
    assert_string_equal(sign_in(STAYS), "good");
    hold(false);
    (void)pthread_join(thread, NULL);
    assert_string_equal(outcome, "good"); /* by the list that it began with */
    assert_string_equal(sign_in(GOES), "lock.authority_unknown");
}

static void question_of_the_old_list_does_not_answer_the_new_one(void **state)
{
    (void)state;
    pthread_t old;
    pthread_t new;
    const char *outcomes[2] = {NULL, NULL};
    hold(true);
    assert_int_equal(pthread_create(&old, NULL, sign_in_with_the_one_that_goes, &outcomes[0]), 0);
    wait_for_packets(1);
    exchange(list_of_both());
    assert_int_equal(pthread_create(&new, NULL, sign_in_with_the_one_that_goes, &outcomes[1]), 0);
    wait_for_packets(2); /* a question of its own */
    hold(false);
    (void)pthread_join(old, NULL);
    (void)pthread_join(new, NULL);
    assert_string_equal(outcomes[0], "good");
    assert_string_equal(outcomes[1], "good");
}

static void circuit_of_an_authority_outlives_the_list(void **state)
{
    (void)state;
    w.sent = IDP_UNAVAILABLE;
    assert_string_equal(sign_in(STAYS), "lock.status_unavailable");
    assert_int_equal(w.packets, 1);
    w.sent = IDP_OK;
    exchange(list_of_one());
    assert_string_equal(sign_in(STAYS), "lock.status_unavailable"); /* the circuit is open */
    assert_int_equal(w.packets, 1);
}

static void *sign_in_all_the_time(void *unused)
{
    (void)unused;
    while (!w.over) {
        const char *outcome = sign_in(GOES);
        w.wrong += strcmp(outcome, "good") != 0 && strcmp(outcome, "lock.authority_unknown") != 0;
        w.wrong += strcmp(sign_in(STAYS), "good") != 0;
        w.rounds++;
    }
    return NULL;
}

/* With ASan and TSan. */
static void sign_ins_go_on_while_lists_are_exchanged(void **state)
{
    (void)state;
    pthread_t threads[SIGNERS];
    for (int i = 0; i < SIGNERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_in_all_the_time, NULL), 0);
    for (int i = 0; i < EXCHANGES; i++) {
        int before = w.rounds;
        struct trust *next = i % 2 == 0 ? list_of_one() : list_of_both();
        while (pki_exchange(w.pki, next) != IDP_OK)
            ;
        while (w.rounds == before) /* until somebody has worked by it */
            (void)sched_yield();
    }
    w.over = true;
    for (int i = 0; i < SIGNERS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(w.wrong, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(leaf_that_was_good_is_unknown_once_its_authority_is_gone),
        TEST(authority_that_comes_back_is_believed_again),
        TEST(answers_are_found_again_under_another_list),
        TEST(answers_of_somebody_who_may_not_answer_any_more_are_not_used),
        TEST(answers_that_another_list_finds_too_old_are_not_used),
        TEST(revoked_stays_revoked_under_another_list),
        TEST(question_may_reach_the_services_of_its_own_list_only),
        TEST(request_keeps_its_list_till_its_end),
        TEST(authority_is_listed_by_id_and_environment),
        TEST(rights_from_before_an_authority_left_do_not_count),
        TEST(question_in_flight_about_a_removed_authority_ends_harmlessly),
        TEST(question_of_the_old_list_does_not_answer_the_new_one),
        TEST(circuit_of_an_authority_outlives_the_list),
        TEST(sign_ins_go_on_while_lists_are_exchanged),
    };
    return cmocka_run_group_tests_name("pki/exchange", tests, make_all, free_all);
}
