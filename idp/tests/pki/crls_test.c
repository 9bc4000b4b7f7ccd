#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "pki/crl/crl_files.h"
#include "pki/crl/crl_issuers.h"
#include "pki/crl/crls.h"
#include "pki/trust/trust.h"
#include "tests/help.h"
#include "tests/pki/crl_make.h"
#include "tests/pki_region.h"

enum { DAY = REGION_DAY, NOW = REGION_NOW, READERS = 3, ROUNDS = 60 };

#define MINE "0abc"
#define OTHER "0abd"

static struct region_authority rsa, p256, sm2, twin; /* twin has the names of p256, other keys */

static struct world {
    char *folder;
    struct trust *trust;
    struct crls *crls;
    struct crl_making how; /* of the next list */
    struct crl_making_entry entries[3];
    struct crls_result result;
    const struct region_authority *authority; /* under whose addresses it was found */
} w;

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR + 1);
    region_authority_make(&rsa, "rsa", "RSA");
    region_authority_make(&p256, "p256", "P-256");
    region_authority_make(&sm2, "sm2", "SM2");
    region_authority_make(&twin, "p256", "P-256");
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    region_authority_clear(&rsa);
    region_authority_clear(&p256);
    region_authority_clear(&sm2);
    region_authority_clear(&twin);
    return 0;
}

/* The authority's entry, with an address of lists and its root. */
static json_t *entry_of(const struct region_authority *authority)
{
    json_t *entry = region_entry(authority);
    char *pem = region_pem(authority->root);
    json_t *urls = json_pack("[{s:s}]", "url", "http://127.0.0.1:9/full.crl");
    assert_int_equal(json_object_set_new(json_object_get(entry, "revocation"), "crl", urls), 0);
    assert_int_equal(json_object_set_new(entry, "roots", json_pack("[s]", pem)), 0);
    free(pem);
    return entry;
}

static struct trust *make_trust(json_t *const *entries)
{
    char *why = NULL;
    struct trust *trust = NULL;
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    assert_int_equal(trust_parse("list", text, strlen(text), &why, &trust), IDP_OK);
    free(text);
    json_decref(list);
    return trust;
}

static void open_shelf(void)
{
    crls_free(w.crls);
    assert_int_equal(crls_new(w.folder, &w.crls), IDP_OK);
    assert_int_equal(crls_follow(w.crls, w.trust), IDP_OK);
}

/* Back to the first list of an authority. */
static void list_of(const struct region_authority *authority)
{
    w.authority = authority;
    w.entries[0] = (struct crl_making_entry){.serial = MINE, .at = NOW - 5, .reason = 1};
    w.entries[1] = (struct crl_making_entry){.serial = NULL};
    w.how = (struct crl_making){.issuer = authority->certificate,
                                .key = authority->key,
                                .this_update = NOW - 60,
                                .next_update = NOW + DAY,
                                .number = "10",
                                .entries = w.entries};
}

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    json_t *entries[] = {entry_of(&rsa), entry_of(&p256), entry_of(&sm2), NULL};
    w.trust = make_trust(entries);
    w.folder = help_temp_folder();
    open_shelf();
    list_of(&p256);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    crls_free(w.crls);
    trust_free(w.trust);
    help_remove_folder(w.folder);
    free(w.folder);
    return 0;
}

/* --- what a test does ------------------------------------------------------------------------- */

static enum crls_outcome offer_bytes(const unsigned char *der, size_t len)
{
    struct crl_draft draft;
    assert_int_equal(crls_draft(w.crls, &draft), IDP_OK);
    assert_int_equal(write(draft.fd, der, len), len);
    w.result = crls_offer(w.crls, &draft, w.authority->id, NOW);
    crl_draft_end(&draft);
    return w.result.outcome;
}

static enum crls_outcome offer(void)
{
    size_t len = 0;
    unsigned char *der = crl_make(&w.how, &len);
    enum crls_outcome outcome = offer_bytes(der, len);
    free(der);
    return outcome;
}

static void expect_refused(const char *why)
{
    assert_int_equal(offer(), CRLS_REFUSED);
    assert_string_equal(w.result.why, why);
}

static void hash_of(const X509 *certificate, unsigned char hash[DIGEST_SIZE])
{
    unsigned size = DIGEST_SIZE;
    assert_int_equal(X509_digest(certificate, EVP_sha256(), hash, &size), 1);
}

static struct crl_finding find_at(const X509 *issuer, const char *hex)
{
    unsigned char hash[DIGEST_SIZE];
    unsigned char serial[CRL_SERIAL_MAX];
    struct crl_finding finding;
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        serial[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    hash_of(issuer, hash);
    crls_find(w.crls, hash, serial, len, &finding);
    return finding;
}

static struct crl_finding find(const char *hex)
{
    return find_at(w.authority->certificate, hex);
}

static bool anchor_is_revoked(void)
{
    unsigned char hash[DIGEST_SIZE];
    hash_of(w.authority->certificate, hash);
    return crls_anchor_revoked(w.crls, hash);
}

/* The root's list, with the anchor in it when that is wanted. */
static void list_of_root(const struct region_authority *authority, bool listed, int reason)
{
    static char serial[CRL_MAKE_SERIAL_SIZE];
    list_of(authority);
    crl_make_serial(authority->certificate, serial);
    w.how.issuer = authority->root;
    w.how.key = authority->root_key;
    w.entries[0] = (struct crl_making_entry){.serial = listed ? serial : OTHER, .reason = reason};
}

static void path_of(const X509 *issuer, const char *ending, char path[512])
{
    unsigned char hash[DIGEST_SIZE];
    int n = snprintf(path, 512, "%s/", w.folder);
    hash_of(issuer, hash);
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        n += snprintf(path + n, 512 - (size_t)n, "%02x", hash[i]);
    (void)snprintf(path + n, 512 - (size_t)n, "%s", ending);
}

static bool has_file(const X509 *issuer, const char *ending)
{
    char path[512];
    path_of(issuer, ending, path);
    return access(path, F_OK) == 0;
}

static size_t count_files(void)
{
    size_t n = 0;
    DIR *dir = opendir(w.folder);
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n - 2;
}

/* --- what is found ---------------------------------------------------------------------------- */

static void without_a_list_nothing_is_known(void **state)
{
    (void)state;
    struct crl_finding finding = find(MINE);
    assert_false(finding.present);
    assert_int_equal(finding.entry, CRL_NOT_LISTED);
    assert_string_equal(finding.full.number, "");
}

static void what_is_listed_is_found_with_the_lists_name(void **state)
{
    static const struct region_authority *const authorities[] = {&rsa, &p256, &sm2};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        list_of(authorities[i]);
        assert_int_equal(offer(), CRLS_TAKEN);
        struct crl_finding finding = find(MINE);
        assert_true(finding.present);
        assert_int_equal(finding.entry, CRL_LISTED);
        assert_int_equal(finding.revoked_at, NOW - 5);
        assert_int_equal(finding.reason, 1);
        assert_string_equal(finding.full.number, "10");
        assert_int_equal(finding.full.this_update, NOW - 60);
        assert_int_equal(finding.full.next_update, NOW + DAY);
        assert_string_equal(finding.delta.number, "");
        assert_int_equal(find(OTHER).entry, CRL_NOT_LISTED);
        assert_true(find(OTHER).present);
    }
}

static void a_hold_is_told_apart(void **state)
{
    (void)state;
    w.entries[0].reason = 6;
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_LISTED_ON_HOLD);
}

static void what_a_full_list_calls_removed_is_listed(void **state)
{
    (void)state;
    w.entries[0].reason = 8;
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_LISTED);
}

static void lists_of_one_authority_say_nothing_of_anothers_locks(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_false(find_at(rsa.certificate, MINE).present);
    assert_false(find_at(p256.root, MINE).present);
}

/* --- SECURITY row 38 -------------------------------------------------------------------------- */

static void a_bad_signature_replaces_nothing(void **state)
{
    static const struct region_authority *const authorities[] = {&rsa, &p256, &sm2};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        list_of(authorities[i]);
        assert_int_equal(offer(), CRLS_TAKEN);
        w.how.number = "11";
        w.how.spoil = true;
        w.how.entries = NULL;
        expect_refused("bad_signature");
        assert_int_equal(find(MINE).entry, CRL_LISTED);
        assert_string_equal(find(MINE).full.number, "10");
    }
}

static void another_key_of_the_same_name_replaces_nothing(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    w.how.number = "11";
    w.how.issuer = twin.certificate;
    w.how.key = twin.key;
    expect_refused("bad_signature");
    assert_string_equal(find(MINE).full.number, "10");
}

static void an_sm2_signature_without_the_identifier_is_none(void **state)
{
    (void)state;
    list_of(&sm2);
    w.how.sm2_id = "";
    expect_refused("bad_signature");
    assert_false(find(MINE).present);
}

static void a_lower_number_replaces_nothing(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    w.how.number = "0f";
    w.how.this_update = NOW;
    w.how.entries = NULL;
    expect_refused("number_lower");
    assert_int_equal(find(MINE).entry, CRL_LISTED);
}

static void an_earlier_list_replaces_nothing_whatever_its_number(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    w.how.number = "11";
    w.how.this_update = NOW - 61;
    w.how.entries = NULL;
    expect_refused("this_update_earlier");
    assert_int_equal(find(MINE).entry, CRL_LISTED);
}

static void the_same_number_with_the_same_date_is_one_list_only(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    w.how.entries = NULL;
    expect_refused("number_same");
}

static void the_same_number_with_a_later_date_goes_on(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    w.how.this_update = NOW;
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).full.this_update, NOW);
}

static void numbers_are_compared_as_numbers(void **state)
{
    (void)state;
    w.how.number = "00ff";
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_string_equal(find(MINE).full.number, "FF");
    w.how.number = "7f";
    expect_refused("number_lower");
    w.how.number = "0100";
    assert_int_equal(offer(), CRLS_TAKEN);
    w.how.number = "7fffffffffffffffffffffffffffffffffffffff";
    assert_int_equal(offer(), CRLS_TAKEN);
    w.how.number = "0101";
    expect_refused("number_lower");
}

static void what_was_restored_is_not_gone_back_behind(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    open_shelf();
    w.how.number = "0f";
    w.how.this_update = NOW;
    expect_refused("number_lower");
}

/* --- what else is refused --------------------------------------------------------------------- */

static void the_same_list_again_changes_nothing(void **state)
{
    size_t len = 0;
    (void)state;
    unsigned char *der = crl_make(&w.how, &len);
    assert_int_equal(offer_bytes(der, len), CRLS_TAKEN);
    assert_int_equal(offer_bytes(der, len), CRLS_SAME);
    free(der);
}

static void a_list_of_somebody_else_is_refused(void **state)
{
    (void)state;
    w.how.issuer = rsa.certificate; /* found under an address of p256 */
    w.how.key = rsa.key;
    expect_refused("other_issuer");
    assert_false(find_at(rsa.certificate, MINE).present);
}

static void what_cannot_be_read_is_refused_by_name(void **state)
{
    (void)state;
    w.how.next_update = 0;
    expect_refused("no_next_update");
    w.how.next_update = NOW + DAY;
    w.how.number = NULL;
    expect_refused("no_number");
    w.how.number = "10";
    w.how.extensions = "300c0603551d630101ff04020500";
    expect_refused("extension_unknown");
    assert_int_equal(offer_bytes((const unsigned char *)"<html>", 6), CRLS_REFUSED);
    assert_string_equal(w.result.why, "shape");
    assert_int_equal(offer_bytes(NULL, 0), CRLS_REFUSED);
    assert_string_equal(w.result.why, "empty");
}

static void a_list_from_the_future_is_refused(void **state)
{
    (void)state;
    w.how.this_update = NOW + 301;
    expect_refused("from_future");
    w.how.this_update = NOW + 300;
    assert_int_equal(offer(), CRLS_TAKEN);
}

static void a_list_that_is_over_is_taken_for_what_it_lists(void **state)
{
    (void)state;
    w.how.this_update = NOW - 2 * DAY;
    w.how.next_update = NOW - DAY;
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_LISTED);
    assert_int_equal(find(OTHER).full.next_update, NOW - DAY);
}

/* What such a list leaves out would look as if it were not revoked. */
static void a_list_of_a_part_is_refused(void **state)
{
    static const struct {
        const char *scope, *why;
    } scopes[] = {
        {"30038401ff", "indirect"},           {"300483020640", "some_reasons"},
        {"30038501ff", "other_certificates"}, {"300da00ba0098607687474703a2f2f", "other_point"},
        {"30038201ff", "other_certificates"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
        w.how.scope = scopes[i].scope;
        expect_refused(scopes[i].why);
        assert_false(find(MINE).present);
    }
    w.how.scope = "30038101ff";
    assert_int_equal(offer(), CRLS_TAKEN);
}

static void a_roots_list_has_to_cover_authorities(void **state)
{
    (void)state;
    list_of_root(&p256, true, 1);
    w.how.scope = "30038101ff";
    expect_refused("other_certificates");
    w.how.scope = "30038201ff";
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_true(anchor_is_revoked());
}

static void only_who_may_sign_lists_does(void **state)
{
    static const struct region_pair name[] = {{"CN", "an issuer of certificates only"},
                                              {NULL, NULL}};
    static const struct region_pair extensions[] = {{"basicConstraints", "critical,CA:TRUE"},
                                                    {"keyUsage", "critical,keyCertSign"},
                                                    {NULL, NULL}};
    struct region_authority other = p256;
    (void)state;
    other.certificate = region_issue(&(struct region_certificate){.key = p256.key,
                                                                  .issuer = p256.root,
                                                                  .issuer_key = p256.root_key,
                                                                  .subject = name,
                                                                  .extensions = extensions,
                                                                  .from = NOW - DAY,
                                                                  .to = NOW + DAY});
    json_t *entries[] = {entry_of(&other), NULL};
    trust_free(w.trust);
    w.trust = make_trust(entries);
    assert_int_equal(crls_follow(w.crls, w.trust), IDP_OK);
    list_of(&other);
    expect_refused("no_signer");
    X509_free(other.certificate);
}

/* --- deltas ----------------------------------------------------------------------------------- */

static void take_full(const char *number)
{
    list_of(&p256);
    w.how.number = number;
    w.how.entries = NULL;
    assert_int_equal(offer(), CRLS_TAKEN);
}

static void delta(const char *number, const char *base, int reason)
{
    list_of(&p256);
    w.how.number = number;
    w.how.base = base;
    w.entries[0].reason = reason;
}

static void a_delta_adds_to_its_full_list(void **state)
{
    (void)state;
    take_full("10");
    delta("12", "10", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    struct crl_finding finding = find(MINE);
    assert_int_equal(finding.entry, CRL_LISTED);
    assert_int_equal(finding.revoked_at, NOW - 5);
    assert_string_equal(finding.full.number, "10");
    assert_string_equal(finding.delta.number, "12");
}

static void a_delta_over_an_older_base_stands_too(void **state)
{
    (void)state;
    take_full("10");
    delta("11", "0f", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_LISTED);
}

static void a_delta_needs_its_base(void **state)
{
    (void)state;
    delta("12", "11", 1);
    assert_int_equal(offer(), CRLS_NO_BASE);
    take_full("10");
    delta("12", "11", 1);
    assert_int_equal(offer(), CRLS_NO_BASE);
    assert_int_equal(find(MINE).entry, CRL_NOT_LISTED);
}

static void a_delta_that_the_full_list_covers_is_not_wanted(void **state)
{
    (void)state;
    take_full("12");
    delta("12", "10", 1);
    assert_int_equal(offer(), CRLS_SAME);
    delta("11", "10", 1);
    assert_int_equal(offer(), CRLS_SAME);
    assert_string_equal(find(MINE).delta.number, "");
}

static void deltas_never_go_back(void **state)
{
    (void)state;
    take_full("10");
    delta("13", "10", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    delta("12", "10", 1);
    w.how.this_update = NOW;
    w.how.entries = NULL;
    expect_refused("number_lower");
    assert_int_equal(find(MINE).entry, CRL_LISTED);
}

static void a_delta_of_another_scope_is_refused(void **state)
{
    (void)state;
    take_full("10");
    delta("12", "10", 1);
    w.how.scope = "30038101ff";
    expect_refused("other_scope");
}

static void a_delta_lifts_a_hold(void **state)
{
    (void)state;
    list_of(&p256);
    w.entries[0].reason = 6;
    assert_int_equal(offer(), CRLS_TAKEN);
    delta("11", "10", 8);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_NOT_LISTED);
    delta("12", "10", 6);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_LISTED_ON_HOLD);
    delta("13", "10", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_LISTED);
}

static void a_delta_takes_no_revocation_back(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    delta("11", "10", 8);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_LISTED);
    delta("12", "10", 6);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(find(MINE).entry, CRL_LISTED);
}

static void a_newer_full_list_ends_the_deltas_it_covers(void **state)
{
    (void)state;
    take_full("10");
    delta("12", "10", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    take_full("11");
    assert_string_equal(find(MINE).delta.number, "12");
    assert_int_equal(find(MINE).entry, CRL_LISTED);
    assert_true(has_file(p256.certificate, ".delta.crl"));
    take_full("12");
    assert_string_equal(find(MINE).delta.number, "");
    assert_false(has_file(p256.certificate, ".delta.crl"));
}

/* --- anchors ---------------------------------------------------------------------------------- */

static void an_anchor_in_its_roots_list_is_revoked(void **state)
{
    (void)state;
    assert_false(anchor_is_revoked());
    list_of_root(&p256, false, 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_false(anchor_is_revoked());
    list_of_root(&p256, true, 1);
    w.how.number = "11";
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_true(anchor_is_revoked());
    w.authority = &rsa;
    assert_false(anchor_is_revoked());
}

static void a_revoked_anchor_stays_so_whatever_comes_later(void **state)
{
    char path[512];
    (void)state;
    list_of_root(&p256, true, 0);
    assert_int_equal(offer(), CRLS_TAKEN);
    list_of_root(&p256, false, 0);
    w.how.number = "11";
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_true(anchor_is_revoked());
    path_of(p256.root, ".full.crl", path);
    assert_int_equal(unlink(path), 0);
    open_shelf();
    assert_true(anchor_is_revoked());
}

static void an_anchors_hold_ends_with_its_entry(void **state)
{
    (void)state;
    list_of_root(&p256, true, 6);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_true(anchor_is_revoked());
    list_of_root(&p256, false, 6);
    w.how.number = "11";
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_false(anchor_is_revoked());
}

/* Serial numbers are an issuer's own: another root's list means another certificate. */
static void another_roots_list_revokes_no_anchor(void **state)
{
    (void)state;
    list_of_root(&p256, true, 1);
    struct crl_making_entry entry = w.entries[0];
    list_of_root(&rsa, true, 1);
    w.entries[1] = entry;
    w.entries[2] = (struct crl_making_entry){.serial = NULL};
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_true(anchor_is_revoked());
    w.authority = &p256;
    assert_false(anchor_is_revoked());
}

static void an_anchors_own_list_does_not_revoke_it(void **state)
{
    char serial[CRL_MAKE_SERIAL_SIZE];
    (void)state;
    crl_make_serial(p256.certificate, serial);
    w.entries[0].serial = serial;
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_false(anchor_is_revoked());
}

/* --- files ------------------------------------------------------------------------------------ */

static void a_restart_needs_nobody(void **state)
{
    (void)state;
    list_of(&sm2);
    assert_int_equal(offer(), CRLS_TAKEN);
    take_full("10");
    delta("12", "10", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    list_of_root(&rsa, true, 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    open_shelf();
    assert_true(anchor_is_revoked());
    w.authority = &p256;
    assert_int_equal(find(MINE).entry, CRL_LISTED);
    assert_string_equal(find(MINE).delta.number, "12");
    w.authority = &sm2;
    assert_int_equal(find(MINE).entry, CRL_LISTED);
}

/* A backup that is put back, an editor, a copy over the file: what is mapped has to be another. */
static void a_file_that_is_cut_ends_nobody(void **state)
{
    char path[512];
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    path_of(p256.certificate, ".full.crl", path);
    for (int restarted = 0; restarted <= 1; restarted++) {
        if (restarted == 1)
            open_shelf();
        size_t len = 0;
        char *bytes = help_read_file(path, &len);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(find(MINE).entry, CRL_LISTED);
        help_write_file(path, bytes, len);
        free(bytes);
    }
}

static void a_file_that_is_written_to_changes_nothing_that_was_verified(void **state)
{
    char path[512];
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    path_of(p256.certificate, ".full.crl", path);
    for (int restarted = 0; restarted <= 1; restarted++) {
        if (restarted == 1)
            open_shelf();
        size_t len = 0;
        char *bytes = help_read_file(path, &len);
        char *zeros = calloc(1, len);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, zeros, len, 0), len);
        assert_int_equal(find(MINE).entry, CRL_LISTED);
        assert_int_equal(pwrite(fd, bytes, len, 0), len);
        (void)close(fd);
        free(zeros);
        free(bytes);
    }
}

static void a_folder_that_is_gone_is_made_again(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    help_remove_folder(w.folder);
    assert_int_equal(find(MINE).entry, CRL_LISTED);
    take_full("11");
    open_shelf();
    assert_string_equal(find(MINE).full.number, "11");
}

static void files_are_for_their_owner_only(void **state)
{
    struct stat stats;
    char path[512];
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    path_of(p256.certificate, ".full.crl", path);
    assert_int_equal(stat(path, &stats), 0);
    assert_int_equal(stats.st_mode & 077, 0);
    assert_int_equal(count_files(), 1); /* no draft is left */
}

static void what_is_refused_leaves_no_file(void **state)
{
    (void)state;
    w.how.spoil = true;
    expect_refused("bad_signature");
    assert_int_equal(count_files(), 0);
}

static void damage_file(const char *ending, size_t keep, bool flip)
{
    char path[512];
    size_t len = 0;
    path_of(p256.certificate, ending, path);
    char *bytes = help_read_file(path, &len);
    assert_non_null(bytes);
    if (flip)
        bytes[len / 2] = (char)(bytes[len / 2] ^ 1);
    assert_int_equal(unlink(path), 0);
    help_write_file(path, bytes, keep < len ? keep : len);
    free(bytes);
}

static void a_damaged_file_is_dropped_and_the_list_taken_anew(void **state)
{
    static const struct {
        size_t keep;
        bool flip;
    } damages[] = {{0, false}, {1, false}, {100, false}, {SIZE_MAX, true}};
    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        list_of(&p256);
        w.how.random = 100;
        assert_int_equal(offer(), CRLS_TAKEN);
        damage_file(".full.crl", damages[i].keep, damages[i].flip);
        open_shelf();
        assert_false(find(MINE).present);
        assert_false(has_file(p256.certificate, ".full.crl"));
    }
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_true(find(MINE).present);
}

static void another_issuers_file_is_not_believed(void **state)
{
    char from[512];
    char to[512];
    (void)state;
    list_of(&rsa);
    assert_int_equal(offer(), CRLS_TAKEN);
    path_of(rsa.certificate, ".full.crl", from);
    path_of(p256.certificate, ".full.crl", to);
    assert_int_equal(rename(from, to), 0);
    open_shelf();
    w.authority = &p256;
    assert_false(find(MINE).present);
    assert_false(has_file(p256.certificate, ".full.crl"));
}

static void a_delta_whose_full_list_is_lost_is_dropped(void **state)
{
    (void)state;
    take_full("10");
    delta("12", "10", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    damage_file(".full.crl", 10, false);
    open_shelf();
    assert_false(find(MINE).present);
    assert_false(has_file(p256.certificate, ".delta.crl"));
}

static void an_issuer_that_is_gone_takes_its_lists_along(void **state)
{
    (void)state;
    assert_int_equal(offer(), CRLS_TAKEN);
    list_of(&rsa);
    assert_int_equal(offer(), CRLS_TAKEN);
    json_t *entries[] = {entry_of(&rsa), NULL};
    struct trust *only_rsa = make_trust(entries);
    assert_int_equal(crls_follow(w.crls, only_rsa), IDP_OK);
    trust_free(only_rsa);
    assert_true(find(MINE).present);
    w.authority = &p256;
    assert_false(find(MINE).present);
    assert_false(has_file(p256.certificate, ".full.crl"));
    assert_true(has_file(rsa.certificate, ".full.crl"));
    assert_int_equal(crls_follow(w.crls, w.trust), IDP_OK);
    assert_false(find(MINE).present);
    list_of(&p256);
    assert_int_equal(offer(), CRLS_TAKEN);
}

static void an_authority_without_addresses_has_no_lists(void **state)
{
    (void)state;
    json_t *entries[] = {region_entry(&p256), NULL};
    struct trust *trust = make_trust(entries);
    assert_int_equal(crls_follow(w.crls, trust), IDP_OK);
    trust_free(trust);
    expect_refused("other_issuer");
}

static void other_files_in_the_folder_are_left_alone(void **state)
{
    char path[512];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/notes.txt", w.folder);
    help_write_file(path, "x", 1);
    open_shelf();
    assert_int_equal(access(path, F_OK), 0);
}

static void expect_no_folder(const char *path)
{
    char *why = NULL;
    struct crls *crls = NULL;
    struct crl_draft draft;
    assert_int_equal(crls_new(path, &crls), IDP_OK);
    assert_int_equal(crls_begin_folder(crls, &why), IDP_UNAVAILABLE);
    assert_memory_equal(why, path, strlen(path));
    free(why);
    assert_int_equal(crls_follow(crls, w.trust), IDP_OK); /* it says so in the log, and goes on */
    assert_int_equal(crls_draft(crls, &draft), IDP_UNAVAILABLE);
    crls_free(crls);
}

static void a_folder_that_cannot_be_written_is_refused_by_name(void **state)
{
    char path[512];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/file", w.folder);
    help_write_file(path, "x", 1);
    expect_no_folder(path);
    (void)snprintf(path, sizeof(path), "%s/missing/folder", w.folder);
    expect_no_folder(path);
}

static void a_folder_is_made_for_its_owner_when_lists_are_wanted(void **state)
{
    char path[512];
    struct crls *crls = NULL;
    struct stat stats;
    (void)state;
    json_t *entries[] = {region_entry(&p256), NULL};
    struct trust *without = make_trust(entries);
    (void)snprintf(path, sizeof(path), "%s/lists", w.folder);
    assert_int_equal(crls_new(path, &crls), IDP_OK);
    assert_false(crls_are_wanted(without));
    assert_int_equal(crls_follow(crls, without), IDP_OK);
    assert_int_equal(stat(path, &stats), -1);
    assert_true(crls_are_wanted(w.trust));
    assert_int_equal(crls_follow(crls, w.trust), IDP_OK);
    assert_int_equal(stat(path, &stats), 0);
    assert_int_equal(stats.st_mode & 0777, 0700);
    crls_free(crls);
    trust_free(without);
}

static void without_a_folder_there_are_no_lists(void **state)
{
    struct crl_draft draft;
    (void)state;
    crls_free(w.crls);
    assert_int_equal(crls_new(NULL, &w.crls), IDP_OK);
    assert_int_equal(crls_follow(w.crls, w.trust), IDP_OK);
    assert_int_equal(crls_draft(w.crls, &draft), IDP_UNAVAILABLE);
    assert_false(find(MINE).present);
    assert_false(anchor_is_revoked());
}

static void lists_in_use_are_found_by_their_hash(void **state)
{
    struct crl_name name;
    (void)state;
    take_full("10");
    struct crls_result full = w.result;
    delta("12", "10", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_true(crls_hold(w.crls, full.hash, &name));
    assert_string_equal(name.number, "10");
    assert_true(crls_hold(w.crls, w.result.hash, &name));
    assert_string_equal(name.number, "12");
    take_full("12");
    assert_false(crls_hold(w.crls, full.hash, &name));
}

/* --- figures ---------------------------------------------------------------------------------- */

static void figures_tell_of_each_issuer(void **state)
{
    struct crls_figure figures[4];
    (void)state;
    take_full("10");
    delta("12", "10", 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    list_of_root(&p256, true, 1);
    assert_int_equal(offer(), CRLS_TAKEN);
    assert_int_equal(crls_figures(w.crls, "p256", figures, 4), 2);
    assert_false(figures[0].is_root);
    assert_true(figures[0].present && figures[0].revoked);
    assert_int_equal(figures[0].entries, 0);
    assert_int_equal(figures[0].delta_entries, 1);
    assert_string_equal(figures[0].delta.number, "12");
    assert_true(figures[1].is_root);
    assert_int_equal(figures[1].entries, 1);
    assert_int_equal(crls_figures(w.crls, "p256", figures, 1), 1);
    assert_int_equal(crls_figures(w.crls, "nobody", figures, 4), 0);
}

/* --- threads ---------------------------------------------------------------------------------- */

static atomic_bool over;
static atomic_int wrong;

/* Each list names `MINE`, and each later one has a higher number. */
static void *keep_looking(void *with)
{
    char last[CRL_NUMBER_SIZE] = "";
    (void)with;
    while (!over) {
        struct crl_finding finding = find_at(p256.certificate, MINE);
        if (finding.entry != CRL_LISTED || strcmp(finding.full.number, last) < 0 ||
            find_at(p256.certificate, OTHER).entry != CRL_NOT_LISTED)
            wrong++;
        memcpy(last, finding.full.number, sizeof(last));
    }
    return NULL;
}

static void lists_are_exchanged_while_they_are_read(void **state)
{
    pthread_t threads[READERS];
    char number[3];
    (void)state;
    over = false;
    wrong = 0;
    assert_int_equal(offer(), CRLS_TAKEN);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_looking, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(number, sizeof(number), "%02x", 0x11 + i);
        w.how.number = number;
        w.how.random = (size_t)i;
        assert_int_equal(offer(), CRLS_TAKEN);
        assert_int_equal(crls_follow(w.crls, w.trust), IDP_OK);
    }
    over = true;
    for (int i = 0; i < READERS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(wrong, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(without_a_list_nothing_is_known),
        TEST(what_is_listed_is_found_with_the_lists_name),
        TEST(a_hold_is_told_apart),
        TEST(what_a_full_list_calls_removed_is_listed),
        TEST(lists_of_one_authority_say_nothing_of_anothers_locks),
        TEST(a_bad_signature_replaces_nothing),
        TEST(another_key_of_the_same_name_replaces_nothing),
        TEST(an_sm2_signature_without_the_identifier_is_none),
        TEST(a_lower_number_replaces_nothing),
        TEST(an_earlier_list_replaces_nothing_whatever_its_number),
        TEST(the_same_number_with_the_same_date_is_one_list_only),
        TEST(the_same_number_with_a_later_date_goes_on),
        TEST(numbers_are_compared_as_numbers),
        TEST(what_was_restored_is_not_gone_back_behind),
        TEST(the_same_list_again_changes_nothing),
        TEST(a_list_of_somebody_else_is_refused),
        TEST(what_cannot_be_read_is_refused_by_name),
        TEST(a_list_from_the_future_is_refused),
        TEST(a_list_that_is_over_is_taken_for_what_it_lists),
        TEST(a_list_of_a_part_is_refused),
        TEST(a_roots_list_has_to_cover_authorities),
        TEST(only_who_may_sign_lists_does),
        TEST(a_delta_adds_to_its_full_list),
        TEST(a_delta_over_an_older_base_stands_too),
        TEST(a_delta_needs_its_base),
        TEST(a_delta_that_the_full_list_covers_is_not_wanted),
        TEST(deltas_never_go_back),
        TEST(a_delta_of_another_scope_is_refused),
        TEST(a_delta_lifts_a_hold),
        TEST(a_delta_takes_no_revocation_back),
        TEST(a_newer_full_list_ends_the_deltas_it_covers),
        TEST(an_anchor_in_its_roots_list_is_revoked),
        TEST(a_revoked_anchor_stays_so_whatever_comes_later),
        TEST(an_anchors_hold_ends_with_its_entry),
        TEST(another_roots_list_revokes_no_anchor),
        TEST(an_anchors_own_list_does_not_revoke_it),
        TEST(a_restart_needs_nobody),
        TEST(a_file_that_is_cut_ends_nobody),
        TEST(a_file_that_is_written_to_changes_nothing_that_was_verified),
        TEST(a_folder_that_is_gone_is_made_again),
        TEST(files_are_for_their_owner_only),
        TEST(what_is_refused_leaves_no_file),
        TEST(a_damaged_file_is_dropped_and_the_list_taken_anew),
        TEST(another_issuers_file_is_not_believed),
        TEST(a_delta_whose_full_list_is_lost_is_dropped),
        TEST(an_issuer_that_is_gone_takes_its_lists_along),
        TEST(an_authority_without_addresses_has_no_lists),
        TEST(other_files_in_the_folder_are_left_alone),
        TEST(a_folder_that_cannot_be_written_is_refused_by_name),
        TEST(a_folder_is_made_for_its_owner_when_lists_are_wanted),
        TEST(lists_in_use_are_found_by_their_hash),
        TEST(without_a_folder_there_are_no_lists),
        TEST(figures_tell_of_each_issuer),
        TEST(lists_are_exchanged_while_they_are_read),
    };
    return cmocka_run_group_tests_name("pki/crls", tests, make_all, free_all);
}
