/* Watching certificates, turn by turn, with a service and lists of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "net/fetch.h"
#include "pki/figures.h"
#include "pki/revocation/watch_lane.h"
#include "pki/revocation/watch_plan.h"
#include "pki/state.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/pki_region.h"

enum { LOCKS = 6, PER_SECOND = 2 };

static struct region_authority authority;
static struct region_holder locks[LOCKS];

/* The world of one test. */
static struct world {
    struct kv *kv;
    struct pki *pki;
    struct watch_lane *lane;
    struct seen_certificate seen[LOCKS];
    char serials[LOCKS][LEAF_SERIAL_SIZE];
    int64_t now;
    int status;
    enum idp_err sent;
    _Atomic int packets;
    bool archived;
    unsigned char list; /* which list is in use; 0: none */
    const unsigned char
        *listed; /* what the list holds: the only serial's first octet is compared */
    size_t listed_len;
    _Atomic int turned;
    enum idp_err taken; /* how it ends when that is told */
    _Atomic(enum verdict_says) says;
} w;

static enum idp_err answer_question(void *context, struct arena *arena,
                                    const struct net_request *request, struct net_answer *out)
{
    size_t len = 0;
    (void)context;
    w.packets++;
    if (w.sent != IDP_OK)
        return w.sent;
    const struct region_status status = {.key = authority.responder_key,
                                         .signer = authority.responder,
                                         .issuer = authority.certificate,
                                         .send_signer = true,
                                         .status = w.status,
                                         .revoked_at = REGION_NOW - 60,
                                         .this_update = w.now,
                                         .next_update = w.now + 3600,
                                         .copies = 1};
    unsigned char *bytes = region_answer(&status, request->body, request->body_len, &len);
    *out =
        (struct net_answer){.status = 200, .body = arena_copy(arena, bytes, len), .body_len = len};
    free(bytes);
    return IDP_OK;
}

static struct region_way way = {answer_question};

static void find_in_list(void *context, const unsigned char *issuer, const unsigned char *serial,
                         size_t serial_len, struct crl_finding *out)
{
    (void)context;
    (void)issuer;
    *out = (struct crl_finding){
        .present = w.list != 0,
        .full = {.number = "01", .this_update = w.now - 60, .next_update = w.now + 3600}};
    out->full.hash[0] = w.list;
    if (w.list != 0 && w.listed != NULL && serial_len == w.listed_len &&
        memcmp(serial, w.listed, serial_len) == 0)
        out->entry = CRL_LISTED;
}

static enum idp_err read_archive(void *context, struct arena *arena, const unsigned char *hash,
                                 const unsigned char **der, size_t *len)
{
    (void)context;
    for (size_t i = 0; w.archived && i < LOCKS; i++) {
        if (memcmp(w.seen[i].hash, hash, DIGEST_SIZE) != 0)
            continue;
        *der = arena_copy(arena, locks[i].der, locks[i].der_len);
        *len = locks[i].der_len;
        return IDP_OK;
    }
    return IDP_NOT_FOUND;
}

static enum idp_err note_turn(void *context, const struct seen_certificate *certificate,
                              const struct verdict *verdict, int64_t now)
{
    (void)context;
    (void)now;
    assert_string_equal(certificate->authority, "windchime");
    w.turned++;
    w.says = verdict->says;
    return w.taken;
}

static const struct watch_hook hook = {.turned = note_turn};

static struct trust *make_trust(const char *policy)
{
    json_t *entries[] = {region_entry(&authority), NULL};
    json_t *revocation = json_object_get(entries[0], "revocation");
    int set = json_object_set_new(revocation, "policy", json_string(policy));
    set += json_object_set_new(revocation, "questions_per_second", json_integer(PER_SECOND));
    set += json_object_set_new(revocation, "crl",
                               json_pack("[{s:s}]", "url", "http://127.0.0.51:8500/a.crl"));
    assert_int_equal(set, 0);
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    char *why = NULL;
    struct trust *trust = NULL;
    if (trust_parse("list", text, strlen(text), &why, &trust) != IDP_OK)
        fail_msg("%s", why);
    free(text);
    json_decref(list);
    return trust;
}

static void describe_lock(size_t i, const unsigned char *issuer)
{
    enum pki_reason why = PKI_REASONS;
    struct leaf *leaf = NULL;
    assert_int_equal(leaf_parse(locks[i].der, locks[i].der_len, &why, &leaf), IDP_OK);
    memcpy(w.serials[i], leaf->serial, sizeof(w.serials[i]));
    w.seen[i] = (struct seen_certificate){.authority = "windchime", .serial = w.serials[i]};
    memcpy(w.seen[i].hash, leaf->hash, DIGEST_SIZE);
    memcpy(w.seen[i].issuer, issuer, DIGEST_SIZE);
    leaf_release(leaf);
}

static void begin(const char *policy)
{
    memset(&w, 0, sizeof(w));
    w.now = REGION_NOW;
    w.status = V_OCSP_CERTSTATUS_GOOD;
    w.archived = true;
    assert_int_equal(kv_memory_open(NULL, NULL, &w.kv), IDP_OK);
    struct pki_settings settings = {.trust = make_trust(policy),
                                    .kv = w.kv,
                                    .fetch = {&way, region_race},
                                    .lists.find = find_in_list,
                                    .archive.read = read_archive};
    const unsigned char *issuer = settings.trust->authorities[0].rules->anchors.list[0].hash;
    for (size_t i = 0; i < LOCKS; i++)
        describe_lock(i, issuer);
    assert_int_equal(pki_new(&settings, &w.pki), IDP_OK);
    w.lane = watch_lane_new(w.pki, &hook, "windchime");
    assert_non_null(w.lane);
}

static int set_up(void **state)
{
    (void)state;
    begin("ocsp");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    watch_lane_free(w.lane);
    pki_free(w.pki);
    kv_close(w.kv);
    return 0;
}

static void begin_again(const char *policy)
{
    (void)tear_down(NULL);
    begin(policy);
}

static int make_all(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    region_authority_make(&authority, "windchime", "P-256");
    for (int i = 0; i < LOCKS; i++)
        region_lock_make(&authority, &(struct region_lock){.serial = 0x11 + i}, &locks[i]);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < LOCKS; i++)
        region_lock_clear(&locks[i]);
    region_authority_clear(&authority);
    return 0;
}

static void watch(size_t i, bool signed_in)
{
    assert_int_equal(watch_lane_add(w.lane, &w.seen[i], signed_in, w.now), IDP_OK);
}

static void turn_after(int64_t seconds)
{
    w.now += seconds;
    watch_lane_turn(w.lane, w.now);
}

static struct pki_figure figure(void)
{
    struct pki_figure figure;
    struct arena *arena = arena_new();
    assert_int_equal(pki_figures(w.pki, arena, &figure, 1), 1);
    arena_free(arena);
    return figure;
}

/* What a sign-in would find without asking. */
static enum verdict_says known(size_t i)
{
    struct again again = {.until = 0};
    struct arena *arena = arena_new();
    assert_int_equal(again_known(w.pki, arena, &w.seen[i], w.now, &again), IDP_OK);
    arena_free(arena);
    return again.verdict.says;
}

/* --- renewing -------------------------------------------------------------------------------- */

static void answers_are_renewed_so_that_a_sign_in_finds_one_at_any_time(void **state)
{
    (void)state;
    watch(0, false);
    turn_after(60);
    assert_int_equal(w.packets, 1);
    for (int i = 0; i < 40; i++) { /* twenty minutes: an answer may be used for ten */
        turn_after(30);
        assert_int_equal(known(0), VERDICT_GOOD);
    }
    assert_in_range(w.packets, 3, 6);
    assert_int_equal(figure().renewed, w.packets);
    assert_int_equal(figure().late, 0);
}

static void what_is_known_already_is_not_asked_for(void **state)
{
    (void)state;
    struct again again;
    struct arena *arena = arena_new();
    assert_int_equal(again_ask(w.pki, arena, &w.seen[0], w.now, &again), IDP_OK);
    arena_free(arena);
    watch(0, false);
    turn_after(60);
    assert_int_equal(w.packets, 1);
}

static void no_more_is_asked_in_a_turn_than_the_list_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LOCKS; i++)
        watch(i, false);
    for (int turn = 1; turn <= LOCKS / PER_SECOND; turn++) {
        turn_after(turn == 1 ? 60 : 1);
        assert_int_equal(w.packets, turn * PER_SECOND);
    }
    turn_after(1);
    assert_int_equal(w.packets, LOCKS);
    assert_int_equal(figure().watched, LOCKS);
}

static void service_that_is_away_is_counted_and_tried_again(void **state)
{
    (void)state;
    w.sent = IDP_FULL;
    watch(0, false);
    turn_after(60);
    assert_int_equal(figure().failed, 1);
    w.sent = IDP_OK;
    assert_int_equal(pki_exchange(w.pki, make_trust("ocsp")), IDP_OK); /* what is remembered goes */
    turn_after(20);
    assert_int_equal(figure().renewed, 1);
    assert_int_equal(known(0), VERDICT_GOOD);
}

static void certificate_that_is_not_kept_cannot_be_asked_about(void **state)
{
    (void)state;
    w.archived = false;
    watch(0, true);
    turn_after(60);
    assert_int_equal(w.packets, 0);
    assert_int_equal(figure().failed, 1);
}

/* --- those who are signed in ----------------------------------------------------------------- */

static void who_is_signed_in_is_found_revoked_although_an_answer_is_known(void **state)
{
    (void)state;
    watch(0, true);
    turn_after(60);
    assert_int_equal(known(0), VERDICT_GOOD);
    w.status = V_OCSP_CERTSTATUS_REVOKED;
    turn_after(600);
    assert_int_equal(known(0), VERDICT_REVOKED);
    assert_int_equal(w.says, VERDICT_REVOKED);
    int packets = w.packets;
    turn_after(6000);
    assert_int_equal(w.packets, packets);
}

static void turn_is_told_once(void **state)
{
    (void)state;
    watch(0, true);
    turn_after(60);
    assert_int_equal(w.turned, 1); /* good: nothing was said before */
    w.status = V_OCSP_CERTSTATUS_UNKNOWN;
    turn_after(600);
    turn_after(600);
    assert_int_equal(w.turned, 2);
    assert_int_equal(w.says, VERDICT_UNKNOWN);
}

/* It was a fault: what the database missed when a lock was on hold was never ended. */
static void turn_that_could_not_be_taken_is_told_again(void **state)
{
    (void)state;
    watch(0, true);
    w.taken = IDP_UNAVAILABLE;
    turn_after(60);
    assert_int_equal(w.turned, 1);
    w.taken = IDP_OK;
    turn_after(PLAN_AGAIN_S);
    assert_int_equal(w.turned, 2);
    turn_after(600);
    assert_int_equal(w.turned, 2);
}

/* --- lists ----------------------------------------------------------------------------------- */

static void new_list_is_looked_into_at_once_for_all_of_its_issuer(void **state)
{
    (void)state;
    static const unsigned char serial[] = {0x13};
    begin_again("crl");
    w.list = 1;
    for (size_t i = 0; i < LOCKS; i++)
        watch(i, i % 2 == 0);
    turn_after(60);
    assert_int_equal(known(2), VERDICT_GOOD);
    w.list = 2;
    w.listed = serial;
    w.listed_len = sizeof(serial);
    turn_after(1);
    assert_int_equal(w.says, VERDICT_REVOKED);
    w.listed = NULL; /* known for ever, whatever comes next */
    assert_int_equal(known(2), VERDICT_REVOKED);
    assert_int_equal(known(1), VERDICT_GOOD);
    assert_int_equal(w.packets, 0);
}

static void list_speaks_under_every_policy(void **state)
{
    (void)state;
    static const unsigned char serial[] = {0x11};
    watch(0, false);
    turn_after(60);
    w.list = 1;
    w.listed = serial;
    w.listed_len = sizeof(serial);
    turn_after(1);
    assert_int_equal(known(0), VERDICT_REVOKED);
}

/* --- who is watched -------------------------------------------------------------------------- */

static void certificate_of_an_anchor_that_left_the_list_harms_nobody(void **state)
{
    (void)state;
    w.seen[0].issuer[0] ^= 1;
    watch(0, true);
    turn_after(60);
    assert_int_equal(w.packets, 0);
}

static void lane_begins_anew_after_another_node_has_watched(void **state)
{
    (void)state;
    for (size_t i = 0; i < LOCKS; i++)
        watch(i, false);
    watch_lane_begin(w.lane, true);
    watch(0, false);
    watch_lane_end(w.lane);
    turn_after(60);
    assert_int_equal(figure().watched, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_are_renewed_so_that_a_sign_in_finds_one_at_any_time),
        TEST(what_is_known_already_is_not_asked_for),
        TEST(no_more_is_asked_in_a_turn_than_the_list_says),
        TEST(service_that_is_away_is_counted_and_tried_again),
        TEST(certificate_that_is_not_kept_cannot_be_asked_about),
        TEST(who_is_signed_in_is_found_revoked_although_an_answer_is_known),
        TEST(turn_is_told_once),
        TEST(turn_that_could_not_be_taken_is_told_again),
        TEST(new_list_is_looked_into_at_once_for_all_of_its_issuer),
        TEST(list_speaks_under_every_policy),
        TEST(certificate_of_an_anchor_that_left_the_list_harms_nobody),
        TEST(lane_begins_anew_after_another_node_has_watched),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
