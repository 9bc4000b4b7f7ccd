/* What is looked at and who is asked, under each policy, before a certificate is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ecdsa.h>

#include "base/arena.h"
#include "base/lane.h"
#include "base/log.h"
#include "net/fetch.h"
#include "pki/der.h"
#include "pki/revocation/inquiry.h"
#include "pki/state.h"
#include "store/kv.h"
#include "store/memory.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/pki_region.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

static struct region_authority authority;
static struct region_holder lock;

/* The world of one test. */
static struct world {
    struct kv *kv;
    struct faulty_kv faulty;
    struct pki *pki;
    struct arena *arena;
    struct leaf *leaf;
    struct region_status status; /* how the service answers */
    enum idp_err sent;           /* what becomes of a question */
    int packets;
    struct crl_finding list;
    unsigned char serial[32]; /* that the lists were asked for */
    size_t serial_len;
    int64_t now;
    struct inquiry said;
} w;

/* --- the sources ----------------------------------------------------------------------------- */

static enum idp_err answer_question(void *context, struct arena *arena,
                                    const struct net_request *request, struct net_answer *out)
{
    size_t len = 0;
    (void)context;
    w.packets++;
    if (w.sent != IDP_OK)
        return w.sent;
    w.status.this_update = w.now;
    w.status.next_update = w.now + 3600;
    unsigned char *bytes = region_answer(&w.status, request->body, request->body_len, &len);
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
    assert_memory_equal(issuer, w.leaf->anchor->hash, DIGEST_SIZE);
    assert_in_range(serial_len, 1, sizeof(w.serial));
    memcpy(w.serial, serial, serial_len);
    w.serial_len = serial_len;
    *out = w.list;
}

static void serve(int status)
{
    w.status = (struct region_status){.key = authority.responder_key,
                                      .signer = authority.responder,
                                      .issuer = authority.certificate,
                                      .send_signer = true,
                                      .status = status,
                                      .reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                      .revoked_at = REGION_NOW - REGION_DAY,
                                      .copies = 1};
}

/* A list that is in use: as of an hour ago, for two. */
static void list_says(enum crl_entry entry)
{
    w.list = (struct crl_finding){.present = true,
                                  .entry = entry,
                                  .revoked_at = REGION_NOW - 2 * REGION_DAY,
                                  .reason = 4,
                                  .full = {.hash = "the hash",
                                           .number = "07",
                                           .this_update = REGION_NOW - 3600,
                                           .next_update = REGION_NOW + 3600}};
}

/* --- the world ------------------------------------------------------------------------------- */

static struct trust *make_trust(const char *policy, json_t *degraded)
{
    json_t *entries[] = {region_entry(&authority), NULL};
    json_t *revocation = json_object_get(entries[0], "revocation");
    int set = json_object_set_new(revocation, "policy", json_string(policy));
    set += json_object_set_new(revocation, "crl",
                               json_pack("[{s:s}]", "url", "http://127.0.0.51:8500/a.crl"));
    if (degraded != NULL)
        set += json_object_set_new(revocation, "degraded", degraded);
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

/* The leaf as the present list judges it. */
static void find_leaf_of(const struct region_holder *holder)
{
    enum pki_reason why = PKI_REASONS;
    leaf_release(w.leaf);
    w.leaf = NULL;
    assert_int_equal(leaf_parse(holder->der, holder->der_len, &why, &w.leaf), IDP_OK);
    assert_int_equal(leaf_judge(w.leaf, pki_view(w.pki, w.arena)->trust), IDP_OK);
    assert_true(w.leaf->path_is_good);
}

static void find_leaf(void)
{
    find_leaf_of(&lock);
}

static void turn_to(const char *policy, json_t *degraded)
{
    assert_int_equal(pki_exchange(w.pki, make_trust(policy, degraded)), IDP_OK);
    find_leaf();
}

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.arena = arena_new(), .now = REGION_NOW};
    if (kv_memory_open(NULL, NULL, &w.kv) != IDP_OK)
        return 1;
    faulty_kv_init(&w.faulty, w.kv);
    struct pki_settings settings = {.trust = make_trust("ocsp", NULL),
                                    .kv = &w.faulty.kv,
                                    .fetch = {&way, region_race},
                                    .lists.find = find_in_list};
    serve(V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(pki_new(&settings, &w.pki), IDP_OK);
    find_leaf();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lane_set_may_wait(true);
    leaf_release(w.leaf);
    arena_free(w.arena);
    pki_free(w.pki);
    kv_close(w.kv);
    return 0;
}

static int make_all(void **state)
{
    (void)state;
    const struct region_lock high = {.serial = 0x00c1a2b3};
    log_set_level((enum log_level)(LOG_ERROR + 1));
    database_prepare();
    region_authority_make(&authority, "windchime", "P-256");
    region_lock_make(&authority, &high, &lock);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_lock_clear(&lock);
    region_authority_clear(&authority);
    return 0;
}

static struct asking_about about(void)
{
    return (struct asking_about){.view = pki_view(w.pki, w.arena), .leaf = w.leaf, .now = w.now};
}

static enum verdict_says make(void)
{
    const struct asking_about leaf = about();
    assert_int_equal(inquiry_make(w.pki, w.arena, &leaf, &w.said), IDP_OK);
    return w.said.verdict.says;
}

static enum verdict_says renew(void)
{
    const struct asking_about leaf = about();
    assert_int_equal(inquiry_renew(w.pki, w.arena, &leaf, &w.said), IDP_OK);
    return w.said.verdict.says;
}

/* On a thread that may not wait. */
static enum idp_err known(void)
{
    const struct asking_about leaf = about();
    lane_set_may_wait(false);
    enum idp_err err = inquiry_known(w.pki, w.arena, &leaf, &w.said);
    lane_set_may_wait(true);
    return err;
}

/* --- who is asked ---------------------------------------------------------------------------- */

static void fresh_list_needs_neither_store_nor_question(void **state)
{
    (void)state;
    list_says(CRL_NOT_LISTED);
    turn_to("crl", NULL);
    assert_int_equal(known(), IDP_OK);
    assert_int_equal(w.said.verdict.says, VERDICT_GOOD);
    turn_to("crl-else-ocsp", NULL);
    assert_int_equal(known(), IDP_OK);
    assert_int_equal(w.said.verdict.says, VERDICT_GOOD);
    assert_int_equal(w.packets, 0);
    assert_int_equal(w.faulty.asked, 0);
}

static void answer_is_asked_for_once_and_then_found(void **state)
{
    (void)state;
    assert_int_equal(known(), IDP_NOT_FOUND);
    assert_int_equal(make(), VERDICT_GOOD);
    assert_true(w.said.asked);
    assert_int_equal(known(), IDP_OK);
    assert_int_equal(make(), VERDICT_GOOD);
    assert_false(w.said.asked);
    assert_int_equal(w.packets, 1);
}

static void known_answer_costs_one_look_into_the_store(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD);
    unsigned before = w.faulty.asked;
    assert_int_equal(known(), IDP_OK);
    assert_int_equal(w.faulty.asked, before + 1);
}

static void list_falls_in_for_a_service_that_does_not_answer(void **state)
{
    (void)state;
    list_says(CRL_NOT_LISTED);
    turn_to("ocsp-else-crl", NULL);
    w.sent = IDP_UNAVAILABLE;
    assert_int_equal(make(), VERDICT_GOOD);
    assert_int_equal(w.said.verdict.source, VERDICT_BY_CRL);
    assert_int_equal(w.packets, 1);
}

static void service_falls_in_for_a_list_that_is_over(void **state)
{
    (void)state;
    list_says(CRL_NOT_LISTED);
    w.list.full.next_update = REGION_NOW;
    turn_to("crl-else-ocsp", NULL);
    assert_int_equal(make(), VERDICT_GOOD);
    assert_int_equal(w.said.verdict.source, VERDICT_BY_OCSP);
}

static void list_alone_asks_nobody_whatever_is_missing(void **state)
{
    (void)state;
    turn_to("crl", NULL);
    assert_int_equal(make(), VERDICT_UNAVAILABLE);
    assert_int_equal(w.packets, 0);
}

static void list_is_looked_into_by_the_content_of_the_serial_number(void **state)
{
    (void)state;
    static const unsigned char content[] = {0x00, 0xc1, 0xa2, 0xb3}; /* X.690 section 8.3 */
    list_says(CRL_NOT_LISTED);
    turn_to("crl", NULL); /* nobody is asked, whose responder would be looked up, too */
    assert_int_equal(make(), VERDICT_GOOD);
    assert_int_equal(w.serial_len, sizeof(content));
    assert_memory_equal(w.serial, content, sizeof(content));
}

static void store_that_does_not_answer_is_neither_good_nor_revoked(void **state)
{
    (void)state;
    const struct asking_about leaf = about();
    w.faulty.calls = FAULTY_GET;
    w.faulty.error = IDP_UNAVAILABLE;
    assert_int_equal(inquiry_make(w.pki, w.arena, &leaf, &w.said), IDP_UNAVAILABLE);
    assert_int_equal(w.packets, 0);
}

/* --- revoked (SECURITY row 38) --------------------------------------------------------------- */

static void revoked_by_the_service_is_never_good_again(void **state)
{
    (void)state;
    serve(V_OCSP_CERTSTATUS_REVOKED);
    assert_int_equal(make(), VERDICT_REVOKED);
    serve(V_OCSP_CERTSTATUS_GOOD);
    list_says(CRL_NOT_LISTED);
    assert_int_equal(make(), VERDICT_REVOKED);
    assert_int_equal(renew(), VERDICT_REVOKED);
    assert_int_equal(known(), IDP_OK);
    assert_int_equal(w.said.verdict.says, VERDICT_REVOKED);
    turn_to("crl", NULL);
    assert_int_equal(make(), VERDICT_REVOKED);
    assert_int_equal(w.said.verdict.since, REGION_NOW - REGION_DAY);
    assert_int_equal(w.said.verdict.reason, OCSP_REVOKED_STATUS_KEYCOMPROMISE);
    assert_int_equal(w.packets, 1);
}

static void revoked_by_a_list_is_never_good_again(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD); /* and kept */
    list_says(CRL_LISTED);
    assert_int_equal(make(), VERDICT_REVOKED);
    list_says(CRL_NOT_LISTED);
    assert_int_equal(make(), VERDICT_REVOKED);
}

/*
 * With r and s, r and n - s sign the same (SEC 1 section 4.1.4). So a certificate of an authority
 * with a key on P-256 can be written in two ways, without that authority, and has two hashes.
 */
static void write_otherwise(const struct region_holder *holder, unsigned char *out, size_t *out_len)
{
    struct der rest = {.at = holder->der, .left = holder->der_len};
    struct der_item whole;
    struct der_item body;
    struct der_item algorithm;
    struct der_item bits;
    assert_true(der_next(&rest, &whole));
    rest = der_inside(&whole);
    assert_true(der_next(&rest, &body) && der_next(&rest, &algorithm) && der_next(&rest, &bits));
    const unsigned char *at = bits.bytes + 1;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)bits.len - 1);
    EC_GROUP *curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BIGNUM *s = BN_new();
    assert_true(BN_sub(s, EC_GROUP_get0_order(curve), ECDSA_SIG_get0_s(pair)) == 1);
    assert_int_equal(ECDSA_SIG_set0(pair, BN_dup(ECDSA_SIG_get0_r(pair)), s), 1);
    unsigned char signature[80];
    unsigned char *end = signature;
    size_t signature_len = (size_t)i2d_ECDSA_SIG(pair, &end);
    size_t signed_len = body.whole_len + algorithm.whole_len;
    size_t inside = signed_len + 3 + signature_len;
    const unsigned char head[] = {0x30, 0x82, (unsigned char)(inside >> 8), (unsigned char)inside};
    const unsigned char bits_head[] = {0x03, (unsigned char)(signature_len + 1), 0};
    memcpy(out, head, sizeof(head));
    memcpy(out + 4, body.whole, signed_len);
    memcpy(out + 4 + signed_len, bits_head, sizeof(bits_head));
    memcpy(out + 4 + signed_len + 3, signature, signature_len);
    *out_len = inside + 4;
    EC_GROUP_free(curve);
    ECDSA_SIG_free(pair);
}

/* Attack: a revoked lock's certificate is written otherwise, its authority's service is cut off,
 * and the list in use is from before. */
static void revoked_certificate_that_is_written_otherwise_stays_revoked(void **state)
{
    (void)state;
    unsigned char hash[DIGEST_SIZE];
    struct revoked_fact fact;
    struct region_holder twin = lock;
    unsigned char der[LOCK_CERTIFICATE_MAX];
    list_says(CRL_NOT_LISTED);
    turn_to("ocsp-else-crl", NULL);
    serve(V_OCSP_CERTSTATUS_REVOKED);
    assert_int_equal(make(), VERDICT_REVOKED);
    memcpy(hash, w.leaf->hash, sizeof(hash));
    write_otherwise(&lock, der, &twin.der_len);
    twin.der = der;
    find_leaf_of(&twin);
    assert_memory_not_equal(w.leaf->hash, hash, sizeof(hash));
    w.sent = IDP_UNAVAILABLE;
    assert_int_equal(known(), IDP_WAIT); /* to be written down */
    assert_int_equal(make(), VERDICT_REVOKED);
    assert_int_equal(w.said.verdict.since, REGION_NOW - REGION_DAY);
    assert_true(revoked_find(w.pki->revoked, w.leaf->hash, &fact)); /* what rests on it ends */
    assert_int_equal(known(), IDP_OK);
}

/* It has to be written down, which waits. */
static void revoked_is_learned_on_a_thread_that_may_wait(void **state)
{
    (void)state;
    list_says(CRL_LISTED);
    assert_int_equal(known(), IDP_WAIT);
    assert_int_equal(make(), VERDICT_REVOKED);
    assert_int_equal(known(), IDP_OK);
}

/* Another node may not have renewed its set yet, but looks into the store that it shares. */
static void another_node_finds_the_mark_in_the_store(void **state)
{
    (void)state;
    struct pki *first = w.pki;
    struct pki_settings settings = {.trust = make_trust("ocsp", NULL),
                                    .kv = w.kv,
                                    .fetch = {&way, region_race},
                                    .lists.find = find_in_list};
    assert_int_equal(make(), VERDICT_GOOD);
    list_says(CRL_LISTED);
    assert_int_equal(make(), VERDICT_REVOKED);
    w.list.present = false;
    w.packets = 0;
    assert_int_equal(pki_new(&settings, &w.pki), IDP_OK);
    find_leaf();
    assert_int_equal(make(), VERDICT_REVOKED);
    assert_int_equal(w.packets, 0);
    leaf_release(w.leaf);
    w.leaf = NULL;
    arena_free(w.arena); /* it holds views of both */
    w.arena = arena_new();
    pki_free(w.pki);
    w.pki = first;
}

/*
 * Another node was told that it is revoked, could not write that down, and was killed: its mark is
 * all there is. A good answer that was slow, or comes from a service that lags, leaves it there.
 */
static void mark_of_another_node_outlasts_a_late_answer(void **state)
{
    (void)state;
    static const int answers[] = {V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_UNKNOWN};
    struct revoked_fact fact;
    const struct asking_about leaf = about();
    const struct status mark = {
        .answer = {.verdict = STATUS_REVOKED, .revoked_at = REGION_NOW - 7, .reason = 1}};
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        revoked_free(w.pki->revoked);
        w.pki->revoked = revoked_new(NULL);
        assert_int_equal(status_keep(w.kv, w.arena, &leaf, &mark), IDP_OK);
        serve(answers[i]);
        assert_int_equal(renew(), VERDICT_REVOKED);
        assert_int_equal(w.said.verdict.since, REGION_NOW - 7);
        assert_true(revoked_find(w.pki->revoked, w.leaf->hash, &fact)); /* and written down here */
    }
}

/* Between a row of another node and this node's next reading nobody gets in. */
static void table_is_looked_into_before_a_new_answer_is_believed(void **state)
{
    (void)state;
    char where[DATABASE_WHERE_MAX];
    char *folder = help_temp_folder();
    struct sql *db = NULL;
    database_make(database_kind(), folder, where);
    assert_int_equal(sql_open(where, NULL, &db), IDP_OK);
    assert_int_equal(migrate_run(db), IDP_OK);
    struct revoked *other = revoked_new(db);
    struct revoked *own = w.pki->revoked;
    w.pki->revoked = revoked_new(db);
    struct revoked_news news = {.authority = "windchime", .serial = "C1A2B3", .learned = w.now};
    memcpy(news.hash, w.leaf->hash, DIGEST_SIZE);
    assert_int_equal(revoked_learn(other, &news), IDP_OK);
    assert_int_equal(make(), VERDICT_REVOKED);
    assert_int_equal(w.packets, 1); /* the service said good */
    revoked_free(w.pki->revoked);
    w.pki->revoked = own;
    assert_int_equal(known(), IDP_NOT_FOUND); /* nor was its answer kept */
    revoked_free(other);
    sql_close(db);
    help_remove_folder(folder);
    free(folder);
}

/* --- on hold --------------------------------------------------------------------------------- */

static void hold_takes_back_what_was_kept_and_may_be_lifted(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD);
    serve(V_OCSP_CERTSTATUS_REVOKED);
    w.status.reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
    assert_int_equal(renew(), VERDICT_ON_HOLD);
    assert_int_equal(known(), IDP_NOT_FOUND); /* the good answer is gone */
    turn_to("ocsp", NULL);                    /* what is remembered for seconds ends with a view */
    serve(V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(make(), VERDICT_GOOD);
}

static void hold_in_a_list_refuses_until_it_is_removed(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD);
    list_says(CRL_LISTED_ON_HOLD);
    assert_int_equal(make(), VERDICT_ON_HOLD);
    list_says(CRL_NOT_LISTED);
    assert_int_equal(make(), VERDICT_GOOD);
}

static void unknown_takes_back_what_was_kept(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD);
    serve(V_OCSP_CERTSTATUS_UNKNOWN);
    assert_int_equal(renew(), VERDICT_UNKNOWN);
    assert_int_equal(known(), IDP_NOT_FOUND);
}

/* --- renewing -------------------------------------------------------------------------------- */

static void renewing_asks_although_an_answer_is_known(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD);
    w.now += 300;
    assert_int_equal(renew(), VERDICT_GOOD);
    assert_int_equal(w.packets, 2);
    w.now += 400; /* longer than the first answer lives */
    assert_int_equal(known(), IDP_OK);
}

static void renewing_that_fails_leaves_the_answer_for_its_time(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD);
    w.sent = IDP_UNAVAILABLE;
    assert_int_equal(renew(), VERDICT_UNAVAILABLE);
    assert_int_equal(known(), IDP_OK);
    assert_int_equal(w.said.verdict.says, VERDICT_GOOD);
}

static void renewing_asks_nobody_where_a_list_suffices(void **state)
{
    (void)state;
    list_says(CRL_NOT_LISTED);
    turn_to("crl-else-ocsp", NULL);
    assert_int_equal(renew(), VERDICT_GOOD);
    assert_int_equal(w.packets, 0);
}

/* --- the degraded mode ----------------------------------------------------------------------- */

static json_t *degraded_until(const char *moment)
{
    return json_pack("{s:s, s:i}", "until", moment, "max_age_s", 7200);
}

static void degraded_verdict_shows_the_older_answer(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD);
    turn_to("ocsp",
            degraded_until(
                "2026-11-23T13:20:00Z")); /* by a list that came when the authority was down */
    w.sent = IDP_UNAVAILABLE;
    w.now += 7199;
    assert_int_equal(make(), VERDICT_GOOD);
    assert_true(w.said.verdict.degraded);
    struct lock_status status = inquiry_describe(&w.said, &w.leaf->authority->rules->revocation);
    assert_true(status.degraded);
    assert_int_equal(status.this_update, REGION_NOW);
    assert_non_null(status.response);
    w.now += 1;
    assert_int_equal(make(), VERDICT_UNAVAILABLE);
}

static void degraded_mode_ends_when_the_list_says(void **state)
{
    (void)state;
    assert_int_equal(make(), VERDICT_GOOD);
    turn_to("ocsp", degraded_until("2026-11-22T14:20:00Z"));
    w.sent = IDP_UNAVAILABLE;
    w.now += 3600;
    assert_int_equal(make(), VERDICT_UNAVAILABLE);
}

static void degraded_mode_believes_nothing_that_was_taken_back(void **state)
{
    (void)state;
    turn_to("ocsp", degraded_until("2026-11-23T13:20:00Z"));
    assert_int_equal(make(), VERDICT_GOOD);
    serve(V_OCSP_CERTSTATUS_REVOKED);
    w.status.reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
    assert_int_equal(renew(), VERDICT_ON_HOLD);
    turn_to("ocsp", degraded_until("2026-11-23T13:20:00Z"));
    w.sent = IDP_UNAVAILABLE;
    assert_int_equal(make(), VERDICT_UNAVAILABLE);
}

static void authority_that_answers_is_not_degraded(void **state)
{
    (void)state;
    turn_to("ocsp", degraded_until("2026-11-23T13:20:00Z"));
    assert_int_equal(make(), VERDICT_GOOD);
    w.now += 3600;
    assert_int_equal(make(), VERDICT_GOOD);
    assert_false(w.said.verdict.degraded);
    assert_int_equal(w.packets, 2);
}

/* --- evidence -------------------------------------------------------------------------------- */

static void verdict_by_a_list_names_it(void **state)
{
    (void)state;
    list_says(CRL_NOT_LISTED);
    turn_to("crl", NULL);
    assert_int_equal(make(), VERDICT_GOOD);
    struct lock_status status = inquiry_describe(&w.said, &w.leaf->authority->rules->revocation);
    assert_int_equal(status.source, LOCK_BY_CRL);
    assert_string_equal(status.policy, "crl");
    assert_string_equal(status.list.number, "07");
    assert_string_equal((const char *)status.list.hash, "the hash");
    assert_null(status.delta.hash);
    assert_null(status.response);
    assert_int_equal(status.this_update, REGION_NOW - 3600);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fresh_list_needs_neither_store_nor_question),
        TEST(answer_is_asked_for_once_and_then_found),
        TEST(known_answer_costs_one_look_into_the_store),
        TEST(list_falls_in_for_a_service_that_does_not_answer),
        TEST(service_falls_in_for_a_list_that_is_over),
        TEST(list_alone_asks_nobody_whatever_is_missing),
        TEST(list_is_looked_into_by_the_content_of_the_serial_number),
        TEST(store_that_does_not_answer_is_neither_good_nor_revoked),
        TEST(revoked_by_the_service_is_never_good_again),
        TEST(revoked_by_a_list_is_never_good_again),
        TEST(revoked_certificate_that_is_written_otherwise_stays_revoked),
        TEST(revoked_is_learned_on_a_thread_that_may_wait),
        TEST(another_node_finds_the_mark_in_the_store),
        TEST(mark_of_another_node_outlasts_a_late_answer),
        TEST(table_is_looked_into_before_a_new_answer_is_believed),
        TEST(hold_takes_back_what_was_kept_and_may_be_lifted),
        TEST(hold_in_a_list_refuses_until_it_is_removed),
        TEST(unknown_takes_back_what_was_kept),
        TEST(renewing_asks_although_an_answer_is_known),
        TEST(renewing_that_fails_leaves_the_answer_for_its_time),
        TEST(renewing_asks_nobody_where_a_list_suffices),
        TEST(degraded_verdict_shows_the_older_answer),
        TEST(degraded_mode_ends_when_the_list_says),
        TEST(degraded_mode_believes_nothing_that_was_taken_back),
        TEST(authority_that_answers_is_not_degraded),
        TEST(verdict_by_a_list_names_it),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
