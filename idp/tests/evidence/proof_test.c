#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/log.h"
#include "evidence/audit.h"
#include "evidence/kept.h"
#include "evidence/proof.h"
#include "pki/lock/verify.h"
#include "pki/trust/trust.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"

static struct {
    struct arena *arena;
    char *folder;
    struct sql *db;
} w;

static int set_up(void **state)
{
    (void)state;
    char *why = NULL;
    char where[DATABASE_WHERE_MAX];
    log_set_level(LOG_ERROR);
    w.arena = arena_new();
    w.folder = help_temp_folder();
    database_make(database_kind(), w.folder, where);
    assert_int_equal(sql_open(where, &why, &w.db), IDP_OK);
    assert_int_equal(migrate_run(w.db), IDP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sql_close(w.db);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

static struct sql_rows read_rows(const char *query)
{
    struct sql_rows rows;
    assert_int_equal(sql_read(w.db, w.arena, &(struct sql_call){.text = query}, &rows), IDP_OK);
    return rows;
}

/* --- audit
 * ---------------------------------------------------------------------------------------- */

static enum idp_err add(struct sql_tx *tx, void *with)
{
    return audit_add(tx, w.arena, with);
}

static enum idp_err add_and_fail(struct sql_tx *tx, void *with)
{
    enum idp_err err = audit_add(tx, w.arena, with);
    return err == IDP_OK ? IDP_DENIED : err;
}

static struct audit_entry entry = {.event = "bound",
                                   .at_ms = 1234567,
                                   .enterprise = "e",
                                   .lock = "l",
                                   .client = NULL,
                                   .detail = "{}"};

static void row_tells_what_happened(void **state)
{
    (void)state;
    assert_int_equal(sql_transact(w.db, add, &entry), IDP_OK);
    const struct sql_rows rows =
        read_rows("SELECT event, at_ms, enterprise, lock, client, detail FROM audit");
    assert_int_equal(rows.rows, 1);
    assert_string_equal(sql_cell_text(&rows, 0, 0), "bound");
    assert_int_equal(sql_cell_int(&rows, 0, 1), 1234567);
    assert_string_equal(sql_cell_text(&rows, 0, 2), "e");
    assert_string_equal(sql_cell_text(&rows, 0, 3), "l");
    assert_null(sql_cell(&rows, 0, 4));
    assert_string_equal(sql_cell_text(&rows, 0, 5), "{}");
}

static void row_shares_the_fate_of_its_transaction(void **state)
{
    (void)state;
    assert_int_equal(sql_transact(w.db, add_and_fail, &entry), IDP_DENIED);
    assert_int_equal(read_rows("SELECT id FROM audit").rows, 0);
}

static void equal_events_are_two_rows(void **state)
{
    (void)state;
    assert_int_equal(sql_transact(w.db, add, &entry), IDP_OK);
    assert_int_equal(sql_transact(w.db, add, &entry), IDP_OK);
    assert_int_equal(read_rows("SELECT id FROM audit").rows, 2);
}

/* --- proofs
 * ---------------------------------------------------------------------------------------- */

static const unsigned char certificate[] = "a certificate";
static const unsigned char anchor_der[] = "its issuer";
static const unsigned char root_der[] = "the issuer's issuer";
static const unsigned char response[] = "an answer";
static const unsigned char signature[] = "a signature";
static const struct authority authority = {.id = "one"};

static struct proof proof_of(const struct lock_question *question, const struct lock_answer *answer,
                             const struct lock_identity *identity)
{
    return (struct proof){.question = question,
                          .answer = answer,
                          .identity = identity,
                          .asked = 1790000000,
                          .client = "platform",
                          .session = "family"};
}

static const struct trust_certificate *listed(const unsigned char *der, size_t len)
{
    unsigned char hash[DIGEST_SIZE];
    assert_int_equal(digest(DIGEST_SHA256, der, len, hash), IDP_OK);
    const struct trust_certificate found = {
        .hash = arena_copy(w.arena, hash, sizeof(hash)), .der = der, .der_len = len};
    return arena_copy(w.arena, &found, sizeof(found));
}

static struct lock_identity identity_of(const char *name)
{
    struct lock_identity identity = {
        .authority = &authority,
        .trust_version = "version",
        .trust_loading = 4,
        .uscc = "91150100MA0TEAT1XD",
        .name = name,
        .key_number = "KEY\"1",
        .certificate = certificate,
        .certificate_len = sizeof(certificate),
        .anchor = listed(anchor_der, sizeof(anchor_der)),
        .root = listed(root_der, sizeof(root_der)),
        .status = {.policy = "ocsp",
                   .response = response,
                   .response_len = sizeof(response),
                   .produced = 1,
                   .this_update = 2,
                   .next_update = 3},
    };
    assert_int_equal(
        digest(DIGEST_SHA256, certificate, sizeof(certificate), identity.certificate_hash), IDP_OK);
    return identity;
}

static const struct lock_question question = {
    .origin = "https://idp.example", .challenge = "login.x", .now = 1790000002};
static const struct lock_answer answer = {.algorithm = LOCK_SM2,
                                          .signature = signature,
                                          .signature_len = sizeof(signature),
                                          .agent_version = "0.1.0 \"quoted\""};

static const char *hash_of(const void *bytes, size_t n)
{
    unsigned char hash[DIGEST_SIZE];
    char text[64];
    assert_int_equal(digest(DIGEST_SHA256, bytes, n, hash), IDP_OK);
    base64url_encode(hash, sizeof(hash), text);
    return arena_strdup(w.arena, text);
}

/* What a proof's description says, but for what is the same in all of these tests. */
static void expect_description(const struct proof *proof, const char *wanted)
{
    json_t *found = json_loads(proof_describe(w.arena, proof), JSON_REJECT_DUPLICATES, NULL);
    json_t *expected = json_loads(wanted, 0, NULL);
    const char *name = NULL;
    json_t *value = NULL;
    assert_true(found != NULL && expected != NULL);
    json_object_foreach(expected, name, value)
    {
        if (!json_equal(value, json_object_get(found, name)))
            fail_msg("%s is %s", name, json_dumps(json_object_get(found, name), JSON_ENCODE_ANY));
    }
    json_decref(found);
    json_decref(expected);
}

static void description_holds_all_that_a_verdict_rests_on(void **state)
{
    (void)state;
    char text[64];
    const struct lock_identity identity = identity_of("风铃\"建设\"");
    const struct proof proof = proof_of(&question, &answer, &identity);
    base64url_encode(signature, sizeof(signature), text);
    const char *leaf = hash_of(certificate, sizeof(certificate));
    expect_description(
        &proof,
        arena_printf(w.arena,
                     "{\"evidence\":2,\"origin\":\"https://idp.example\",\"challenge\":\"login.x\","
                     "\"asked\":1790000000,\"decided\":1790000002,\"algorithm\":\"SM2\","
                     "\"hash\":\"SM3\",\"signature\":\"%s\",\"certificate\":\"%s\","
                     "\"chain\":[\"%s\",\"%s\",\"%s\"],\"authority\":\"one\",\"trust_list\":"
                     "\"version\",\"trust_list_loading\":4,\"uscc\":\"91150100MA0TEAT1XD\","
                     "\"name\":\"风铃\\\"建设\\\"\",\"key_number\":\"KEY\\\"1\",\"verdict\":"
                     "\"good\",\"agent_version\":\"0.1.0 \\\"quoted\\\"\",\"platform\":"
                     "\"platform\",\"session\":\"family\",\"status\":{\"policy\":\"ocsp\","
                     "\"degraded\":false,\"source\":\"ocsp\",\"ocsp\":\"%s\",\"produced\":1,"
                     "\"this_update\":2,\"next_update\":3}}",
                     text, leaf, leaf, hash_of(anchor_der, sizeof(anchor_der)),
                     hash_of(root_der, sizeof(root_der)), hash_of(response, sizeof(response))));
}

static void answer_of_no_next_update_names_none(void **state)
{
    (void)state;
    struct lock_identity identity = identity_of("x");
    identity.status.next_update = 0;
    identity.status.degraded = true;
    const struct proof proof = proof_of(&question, &answer, &identity);
    expect_description(&proof,
                       arena_printf(w.arena,
                                    "{\"status\":{\"policy\":\"ocsp\",\"degraded\":true,\"source\":"
                                    "\"ocsp\",\"ocsp\":\"%s\",\"produced\":1,\"this_update\":2}}",
                                    hash_of(response, sizeof(response))));
}

static const struct lock_status by_list = {
    .source = LOCK_BY_CRL,
    .policy = "crl-else-ocsp",
    .list = {.hash = root_der, .number = "0FA1", .this_update = 5, .next_update = 6},
};

/* A list is named by hash, number and times; the delta over it likewise. */
static void verdict_by_a_list_names_the_list(void **state)
{
    (void)state;
    static const unsigned char hashes[2][DIGEST_SIZE] = {{1}, {2}};
    char full[64];
    char delta[64];
    struct lock_identity identity = identity_of("x");
    identity.root = NULL;
    identity.status = by_list;
    identity.status.list.hash = hashes[0];
    const struct proof proof = proof_of(&question, &answer, &identity);
    base64url_encode(hashes[0], DIGEST_SIZE, full);
    base64url_encode(hashes[1], DIGEST_SIZE, delta);
    const char *named = arena_printf(
        w.arena,
        "\"status\":{\"policy\":\"crl-else-ocsp\",\"degraded\":false,\"source\":\"crl\","
        "\"crl\":{\"hash\":\"%s\",\"number\":\"0FA1\",\"this_update\":5,\"next_update\":6}",
        full);
    expect_description(&proof, arena_printf(w.arena, "{\"chain\":[\"%s\",\"%s\"],%s}}",
                                            hash_of(certificate, sizeof(certificate)),
                                            hash_of(anchor_der, sizeof(anchor_der)), named));
    identity.status.delta =
        (struct lock_list){.hash = hashes[1], .number = "0FA3", .this_update = 7, .next_update = 8};
    expect_description(&proof, arena_printf(w.arena,
                                            "{%s,\"delta\":{\"hash\":\"%s\",\"number\":\"0FA3\","
                                            "\"this_update\":7,\"next_update\":8}}}",
                                            named, delta));
}

/* The longest that pki/ and the settings let through, every character of it escaped. */
static void longest_description_fits(void **state)
{
    (void)state;
    static const unsigned char hash[DIGEST_SIZE];
    unsigned char bytes[LOCK_SIGNATURE_MAX] = {0};
    char quotes[257];
    memset(quotes, '"', sizeof(quotes) - 1);
    quotes[sizeof(quotes) - 1] = '\0';
    const char *number = arena_printf(w.arena, "%040d", 1);
    const struct lock_answer longest = {.signature = bytes,
                                        .signature_len = sizeof(bytes),
                                        .agent_version = arena_printf(w.arena, "%.64s", quotes)};
    struct lock_identity identity = identity_of(quotes);
    identity.key_number = quotes;
    identity.trust_version = arena_printf(w.arena, "%064d", 1);
    identity.status = by_list;
    identity.status.list = identity.status.delta = (struct lock_list){
        .hash = hash, .number = number, .this_update = INT64_MAX, .next_update = INT64_MAX};
    const struct lock_question asked = {.origin = arena_printf(w.arena, "https://%0300d", 1),
                                        .challenge = arena_printf(w.arena, "login.%090d", 1)};
    struct proof proof = proof_of(&asked, &longest, &identity);
    proof.client = quotes;
    proof.session = number;
    const char *text = proof_describe(w.arena, &proof);
    assert_non_null(text);
    assert_true(strlen(text) > 4096);
}

struct keeping {
    struct kept *kept;
    const struct proof *proof;
};

static enum idp_err keep(struct sql_tx *tx, void *with)
{
    const struct keeping *k = with;
    return proof_keep(tx, k->kept, k->proof, 1000);
}

static void chain_and_answer_are_kept_once_by_their_hash(void **state)
{
    (void)state;
    const struct lock_identity identity = identity_of("x");
    const struct proof proof = proof_of(&question, &answer, &identity);
    struct keeping keeping = {.proof = &proof};
    assert_int_equal(sql_transact(w.db, keep, &keeping), IDP_OK);
    assert_int_equal(sql_transact(w.db, keep, &keeping), IDP_OK);
    assert_int_equal(read_rows("SELECT hash FROM evidence_objects").rows, 4);
    const struct sql_rows rows = read_rows(arena_printf(
        w.arena,
        "SELECT hash, bytes FROM evidence_objects WHERE hash IN ('%s', '%s') "
        "ORDER BY kind",
        hash_of(certificate, sizeof(certificate)), hash_of(response, sizeof(response))));
    assert_string_equal(sql_cell_text(&rows, 0, 0), hash_of(certificate, sizeof(certificate)));
    assert_int_equal(sql_cell(&rows, 0, 1)->len, sizeof(certificate));
    assert_memory_equal(sql_cell(&rows, 0, 1)->bytes, certificate, sizeof(certificate));
    assert_string_equal(sql_cell_text(&rows, 1, 0), hash_of(response, sizeof(response)));
}

static void verdict_by_a_list_keeps_no_answer(void **state)
{
    (void)state;
    struct lock_identity identity = identity_of("x");
    identity.status = by_list;
    identity.root = NULL;
    const struct proof proof = proof_of(&question, &answer, &identity);
    struct keeping keeping = {.proof = &proof};
    assert_int_equal(sql_transact(w.db, keep, &keeping), IDP_OK);
    assert_int_equal(read_rows("SELECT hash FROM evidence_objects").rows, 2);
    assert_int_equal(read_rows("SELECT hash FROM evidence_objects WHERE kind = 'ocsp'").rows, 0);
}

static void what_was_not_committed_is_offered_again(void **state)
{
    (void)state;
    const struct lock_identity identity = identity_of("x");
    const struct proof proof = proof_of(&question, &answer, &identity);
    struct keeping keeping = {.kept = kept_new(), .proof = &proof};
    static const char count[] = "SELECT hash FROM evidence_objects";
    assert_int_equal(sql_transact(w.db, keep, &keeping), IDP_OK);
    assert_int_equal(
        sql_execute(w.db, &(struct sql_call){.text = "DELETE FROM evidence_objects"}, NULL),
        IDP_OK); /* as if it had never been committed: nobody said that it was */
    assert_int_equal(sql_transact(w.db, keep, &keeping), IDP_OK);
    assert_int_equal(read_rows(count).rows, 4);
    proof_kept(keeping.kept, &proof);
    assert_int_equal(
        sql_execute(w.db, &(struct sql_call){.text = "DELETE FROM evidence_objects"}, NULL),
        IDP_OK);
    assert_int_equal(sql_transact(w.db, keep, &keeping), IDP_OK);
    assert_int_equal(read_rows(count).rows, 0); /* known now, so not offered */
    kept_free(keeping.kept);
}

static void record_of_what_is_kept_forgets_but_never_invents(void **state)
{
    (void)state;
    unsigned char hash[DIGEST_SIZE] = {7, 7, 1};
    unsigned char same_place[DIGEST_SIZE] = {7, 7, 2};
    struct kept *kept = kept_new();
    assert_non_null(kept);
    assert_false(kept_has(kept, hash));
    kept_add(kept, hash);
    assert_true(kept_has(kept, hash));
    assert_false(kept_has(kept, same_place));
    kept_add(kept, same_place);
    assert_true(kept_has(kept, same_place));
    assert_false(kept_has(kept, hash));
    assert_false(kept_has(NULL, hash));
    kept_add(NULL, hash);
    kept_free(NULL);
    kept_free(kept);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(row_tells_what_happened),
        TEST(row_shares_the_fate_of_its_transaction),
        TEST(equal_events_are_two_rows),
        TEST(description_holds_all_that_a_verdict_rests_on),
        TEST(answer_of_no_next_update_names_none),
        TEST(verdict_by_a_list_names_the_list),
        TEST(longest_description_fits),
        TEST(verdict_by_a_list_keeps_no_answer),
        TEST(chain_and_answer_are_kept_once_by_their_hash),
        TEST(what_was_not_committed_is_offered_again),
        TEST(record_of_what_is_kept_forgets_but_never_invents),
    };
    return cmocka_run_group_tests_name("evidence/proof", tests, NULL, NULL);
}
