/* The truth table of SECURITY row 34, the whole way: a service that answers, lists on the shelf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "net/fetch.h"
#include "pki/crl/crl_files.h"
#include "pki/crl/crls.h"
#include "pki/revocation/inquiry.h"
#include "pki/state.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/help.h"
#include "tests/pki/crl_make.h"
#include "tests/pki/truth.h"
#include "tests/pki_region.h"

enum { NOW = REGION_NOW, DAY = REGION_DAY, HOUR = 3600 };

static const char *const policies[TRUTH_POLICIES] = {"ocsp", "ocsp-else-crl", "crl",
                                                     "crl-else-ocsp"};

static struct region_authority authority, twin; /* twin has its names, and other keys */
static struct region_holder lock;
static char serial[CRL_MAKE_SERIAL_SIZE];

static struct world {
    char *folder;
    struct kv *kv;
    struct crls *crls;
    struct pki *pki;
    struct arena *arena;
    int service; /* O_… */
    int packets;
} w;

/* --- the sources ----------------------------------------------------------------------------- */

static enum idp_err answer_question(void *context, struct arena *arena,
                                    const struct net_request *request, struct net_answer *out)
{
    size_t len = 0;
    (void)context;
    w.packets++;
    if (w.service == O_SLOW)
        return IDP_UNAVAILABLE;
    if (w.service == O_NO_URL)
        return IDP_DENIED; /* a list without an address for its policy is refused when it is read */
    const struct region_status status = {.key = authority.responder_key,
                                         .signer = authority.responder,
                                         .issuer = authority.certificate,
                                         .send_signer = true,
                                         .status = w.service == O_GOOD ? V_OCSP_CERTSTATUS_GOOD
                                                   : w.service == O_REVOKED
                                                       ? V_OCSP_CERTSTATUS_REVOKED
                                                       : V_OCSP_CERTSTATUS_UNKNOWN,
                                         .revoked_at = NOW - HOUR,
                                         .this_update = NOW,
                                         .next_update = NOW + HOUR,
                                         .copies = w.service == O_ERROR ? 2 : 1};
    unsigned char *bytes = region_answer(&status, request->body, request->body_len, &len);
    *out =
        (struct net_answer){.status = 200, .body = arena_copy(arena, bytes, len), .body_len = len};
    free(bytes);
    return IDP_OK;
}

static struct region_way way = {answer_question};

static enum crls_outcome offer(const struct crl_making *how)
{
    struct crl_draft draft;
    size_t len = 0;
    unsigned char *der = crl_make(how, &len);
    assert_int_equal(crls_draft(w.crls, &draft), IDP_OK);
    assert_int_equal(write(draft.fd, der, len), len);
    struct crls_result result = crls_offer(w.crls, &draft, authority.id, NOW);
    crl_draft_end(&draft);
    free(der);
    return result.outcome;
}

/* What the authority publishes comes to the shelf. */
static void put_list(int kind)
{
    const struct crl_making_entry listed[] = {{.serial = serial, .reason = 1}, {.serial = NULL}};
    struct crl_making how = {.issuer = authority.certificate,
                             .key = authority.key,
                             .this_update = NOW - HOUR,
                             .next_update = NOW + HOUR,
                             .number = "10"};
    if (kind == L_MISSING)
        return;
    if (kind == L_REVOKED)
        how.entries = listed;
    if (kind == L_STALE)
        how.next_update = NOW - 1;
    if (kind == L_WRONG_SIGNER)
        how.key = twin.key;
    assert_int_equal(offer(&how), kind == L_WRONG_SIGNER ? CRLS_REFUSED : CRLS_TAKEN);
    how.number = "0f";
    if (kind == L_OLDER_THAN_HELD)
        assert_int_equal(offer(&how), CRLS_REFUSED);
}

/* --- the world of one cell ------------------------------------------------------------------- */

static struct trust *make_trust(const char *policy)
{
    json_t *entries[] = {region_entry(&authority), NULL};
    json_t *revocation = json_object_get(entries[0], "revocation");
    char *pem = region_pem(authority.root);
    int set = json_object_set_new(revocation, "policy", json_string(policy));
    set += json_object_set_new(revocation, "crl",
                               json_pack("[{s:s}]", "url", "http://127.0.0.51:8500/a.crl"));
    set += json_object_set_new(entries[0], "roots", json_pack("[s]", pem));
    assert_int_equal(set, 0);
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    char *why = NULL;
    struct trust *trust = NULL;
    if (trust_parse("list", text, strlen(text), &why, &trust) != IDP_OK)
        fail_msg("%s", why);
    free(text);
    free(pem);
    json_decref(list);
    return trust;
}

static void begin(int policy)
{
    char *why = NULL;
    w = (struct world){.folder = help_temp_folder(), .arena = arena_new()};
    assert_int_equal(kv_memory_open(NULL, NULL, &w.kv), IDP_OK);
    assert_int_equal(crls_new(w.folder, &w.crls), IDP_OK);
    assert_int_equal(crls_begin_folder(w.crls, &why), IDP_OK);
    const struct pki_settings settings = {.trust = make_trust(policies[policy]),
                                          .kv = w.kv,
                                          .fetch = {&way, region_race},
                                          .lists = pki_lists_of(w.crls)};
    assert_int_equal(pki_new(&settings, &w.pki), IDP_OK);
}

static void end(void)
{
    arena_free(w.arena);
    pki_free(w.pki);
    crls_free(w.crls);
    kv_close(w.kv);
    help_remove_folder(w.folder);
    free(w.folder);
}

static char sign_of(const struct verdict *verdict)
{
    switch (verdict->says) {
    case VERDICT_GOOD:
        return verdict->source == VERDICT_BY_OCSP ? 'o' : 'l';
    case VERDICT_REVOKED:
        return 'R';
    case VERDICT_UNKNOWN:
        return '?';
    case VERDICT_UNAVAILABLE:
        return '-';
    case VERDICT_ASK:
    case VERDICT_ISSUER_REVOKED:
    case VERDICT_ON_HOLD:
    default:
        return '!';
    }
}

static char decide(void)
{
    struct inquiry inquiry;
    struct leaf *leaf = NULL;
    struct view *view = pki_view(w.pki, w.arena);
    assert_int_equal(view_leaf(view, lock.der, lock.der_len, &leaf), IDP_OK);
    const struct asking_about about = {.view = view, .leaf = leaf, .now = NOW};
    assert_int_equal(inquiry_make(w.pki, w.arena, &about, &inquiry), IDP_OK);
    leaf_release(leaf);
    return sign_of(&inquiry.verdict);
}

/* Where the list decides, the service is not asked, and its column does not matter. */
static void go_through(int policy, int service, int list)
{
    char unasked = truth_unasked[policy][list];
    char wanted = unasked == 'A' ? truth[policy][service][list] : unasked;
    begin(policy);
    put_list(list);
    w.service = service;
    char said = decide();
    if (said != wanted)
        fail_msg("%s, service %d, list %d: %c instead of %c", policies[policy], service, list, said,
                 wanted);
    assert_int_equal(w.packets > 0, unasked == 'A');
    end();
}

static void each_cell_of_the_truth_table_comes_about(void **state)
{
    (void)state;
    for (int policy = 0; policy < TRUTH_POLICIES; policy++)
        for (int service = 0; service < O_KINDS; service++)
            for (int list = 0; list < L_KINDS; list++)
                go_through(policy, service, list);
}

static int make_all(void **state)
{
    (void)state;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    region_authority_make(&authority, "windchime", "P-256");
    region_authority_make(&twin, "windchime", "P-256");
    region_lock_make(&authority, &(struct region_lock){.kind = NULL}, &lock);
    crl_make_serial(lock.certificate, serial);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_lock_clear(&lock);
    region_authority_clear(&authority);
    region_authority_clear(&twin);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cell_of_the_truth_table_comes_about),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
