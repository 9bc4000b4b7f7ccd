#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "jose/jws.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/sign.h"
#include "jose/signing_keys.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/store/database.h"

enum { NOW = 1000 };

static const struct key_policy policy = {
    .cache_s = 100, .longest_s = 300, .margin_s = 10, .rotate_s = 5000};

/* One database and two master keys. */
static struct {
    struct arena *arena;
    char *folder;
    struct sql *db;
    struct master_key *master, *other_master;
    struct signer *signer;
} w;

static struct master_key *load_master(const char *name)
{
    struct master_key *key = NULL;
    char *why = NULL;
    const char *file = arena_printf(w.arena, "%s/%s", w.folder, name);
    assert_int_equal(master_key_load(file, &why, &key), IDP_OK);
    return key;
}

static int set_up(void **state)
{
    (void)state;
    char *why = NULL;
    char where[DATABASE_WHERE_MAX];
    w.arena = arena_new();
    w.folder = help_temp_folder();
    w.signer = NULL;
    database_make(database_kind(), w.folder, where);
    assert_int_equal(sql_open(where, &why, &w.db), IDP_OK);
    assert_int_equal(migrate_run(w.db), IDP_OK);
    w.master = load_master("master.key");
    w.other_master = load_master("other.key");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signer_close(w.signer);
    master_key_free(w.master);
    master_key_free(w.other_master);
    sql_close(w.db);
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

static void execute(const char *text)
{
    const struct sql_call call = {.text = text};
    assert_int_equal(sql_execute(w.db, &call, NULL), IDP_OK);
}

static int64_t number(const char *text)
{
    struct sql_rows rows;
    const struct sql_call call = {.text = text};
    assert_int_equal(sql_read_one(w.db, w.arena, &call, &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}

static void open_signer(void)
{
    signer_close(w.signer);
    w.signer = NULL;
    assert_int_equal(signer_open(w.db, w.master, &policy, NOW, &w.signer), IDP_OK);
}

static const char *sign(enum jose_alg alg, const char *typ, const char *payload)
{
    const char *text = NULL;
    const struct jose_payload what = {
        .typ = typ, .bytes = payload, .len = strlen(payload), .now = NOW};
    assert_int_equal(jose_sign(w.signer, alg, w.arena, &what, &text), IDP_OK);
    return text;
}

static void expect_good(const char *text, const char *typ, const char *payload)
{
    struct jwk_set set;
    struct jose_jws jws;
    assert_int_equal(signer_public_keys(w.signer, w.arena, &set), IDP_OK);
    assert_int_equal(jose_jws_verify(&set, w.arena, text, strlen(text), &jws), IDP_OK);
    assert_string_equal(jws.typ, typ);
    assert_int_equal(jws.len, strlen(payload));
    assert_string_equal(jws.payload, payload);
}

/* --- purpose keys -------------------------------------------------------------------------- */

static struct purpose_keys *open_keys(void)
{
    struct purpose_keys *keys = NULL;
    assert_int_equal(purpose_keys_open(w.db, w.master, NOW, &keys), IDP_OK);
    return keys;
}

static void tag(const struct mac_key *key, unsigned char out[DIGEST_SIZE])
{
    const struct digest_piece pieces[] = {{.bytes = "x", .len = 1}, {.bytes = NULL}};
    assert_non_null(key);
    assert_int_equal(mac(key, pieces, out), IDP_OK);
}

static void each_purpose_has_a_key_of_its_own(void **state)
{
    (void)state;
    unsigned char tags[PURPOSES][DIGEST_SIZE], ids[PURPOSES];
    struct purpose_keys *keys = open_keys();
    for (int i = 0; i < PURPOSES; i++) {
        tag(purpose_key_active(keys, (enum purpose)i, &ids[i]), tags[i]);
        assert_int_not_equal(ids[i], 0);
        for (int j = 0; j < i; j++) {
            assert_memory_not_equal(tags[i], tags[j], DIGEST_SIZE);
            assert_int_not_equal(ids[i], ids[j]);
            assert_null(purpose_key_by_id(keys, (enum purpose)i, ids[j]));
        }
    }
    purpose_keys_close(keys);
}

static void purpose_keys_are_the_same_after_a_restart(void **state)
{
    (void)state;
    unsigned char before[DIGEST_SIZE], after[DIGEST_SIZE], id = 0, id_after = 0;
    struct purpose_keys *keys = open_keys();
    tag(purpose_key_active(keys, PURPOSE_TOKEN, &id), before);
    purpose_keys_close(keys);
    keys = open_keys();
    tag(purpose_key_active(keys, PURPOSE_TOKEN, &id_after), after);
    purpose_keys_close(keys);
    assert_int_equal(id, id_after);
    assert_memory_equal(before, after, DIGEST_SIZE);
    assert_int_equal(number("SELECT COUNT(*) FROM purpose_keys"), PURPOSES);
}

static void retired_key_is_found_by_its_id_and_a_new_one_made(void **state)
{
    (void)state;
    unsigned char old = 0, fresh = 0;
    struct purpose_keys *keys = open_keys();
    (void)purpose_key_active(keys, PURPOSE_SECRET, &old);
    purpose_keys_close(keys);
    execute("UPDATE purpose_keys SET retired = 1 WHERE purpose = 'secret'");
    keys = open_keys();
    (void)purpose_key_active(keys, PURPOSE_SECRET, &fresh);
    assert_int_not_equal(old, fresh);
    assert_non_null(purpose_key_by_id(keys, PURPOSE_SECRET, old));
    purpose_keys_close(keys);
}

static void purpose_keys_of_another_master_do_not_open(void **state)
{
    (void)state;
    struct purpose_keys *keys = open_keys();
    purpose_keys_close(keys);
    assert_int_equal(purpose_keys_open(w.db, w.other_master, NOW, &keys), IDP_DENIED);
}

static void purpose_key_that_was_moved_does_not_open(void **state)
{
    (void)state;
    struct purpose_keys *keys = open_keys();
    purpose_keys_close(keys);
    execute("UPDATE purpose_keys SET wrapped = (SELECT wrapped FROM purpose_keys WHERE purpose = "
            "'cookie') WHERE purpose = 'token'");
    assert_int_equal(purpose_keys_open(w.db, w.master, NOW, &keys), IDP_DENIED);
}

/* --- signing ------------------------------------------------------------------------------- */

static void signed_token_is_good_under_the_published_keys(void **state)
{
    (void)state;
    open_signer();
    for (int alg = 0; alg < JOSE_ALGS; alg++) {
        expect_good(sign((enum jose_alg)alg, "JWT", "{\"sub\":\"a\"}"), "JWT", "{\"sub\":\"a\"}");
        expect_good(sign((enum jose_alg)alg, "at+jwt", ""), "at+jwt", "");
        expect_good(sign((enum jose_alg)alg, "odd+jwt", "abcd"), "odd+jwt", "abcd");
    }
}

static void header_names_algorithm_key_and_type(void **state)
{
    (void)state;
    char header[JOSE_HEADER_MAX + 1];
    size_t len = 0;
    open_signer();
    const char *text = sign(JOSE_ES256, "JWT", "{}");
    assert_int_equal(base64url_decode(text, strcspn(text, "."), header, JOSE_HEADER_MAX, &len),
                     IDP_OK);
    json_t *json = json_loadb(header, len, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "alg")), "ES256");
    assert_string_equal(json_string_value(json_object_get(json, "typ")), "JWT");
    assert_int_equal(json_string_length(json_object_get(json, "kid")), JWK_THUMBPRINT_LEN);
    assert_int_equal(json_object_size(json), 3);
    json_decref(json);
}

/* Lengths of r and s vary by chance; none may spoil the fixed form. */
static void many_es256_signatures_are_all_good(void **state)
{
    (void)state;
    open_signer();
    for (int i = 0; i < 600; i++) {
        const char *payload = arena_printf(w.arena, "{\"n\":%d}", i);
        expect_good(sign(JOSE_ES256, "JWT", payload), "JWT", payload);
    }
}

static void jwks_shows_public_members_only(void **state)
{
    (void)state;
    const char *text = NULL;
    open_signer();
    assert_int_equal(signer_jwks(w.signer, w.arena, &text), IDP_OK);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *keys = json_object_get(json, "keys");
    assert_int_equal(json_array_size(keys), JOSE_ALGS);
    for (size_t i = 0; i < JOSE_ALGS; i++) {
        static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "k"};
        const json_t *key = json_array_get(keys, i);
        for (size_t j = 0; j < sizeof(secret) / sizeof(*secret); j++)
            assert_null(json_object_get(key, secret[j]));
        assert_string_equal(json_string_value(json_object_get(key, "use")), "sig");
    }
    json_decref(json);
}

static void kid_is_the_thumbprint(void **state)
{
    (void)state;
    struct jwk_set set;
    char thumbprint[JWK_THUMBPRINT_LEN + 1];
    open_signer();
    assert_int_equal(signer_public_keys(w.signer, w.arena, &set), IDP_OK);
    for (size_t i = 0; i < set.count; i++) {
        assert_int_equal(jwk_thumbprint(set.keys[i].key, thumbprint), IDP_OK);
        assert_string_equal(set.keys[i].kid, thumbprint);
    }
}

static void keys_are_the_same_after_a_restart(void **state)
{
    (void)state;
    open_signer();
    const char *text = sign(JOSE_RS256, "JWT", "{}");
    open_signer();
    expect_good(text, "JWT", "{}");
    assert_int_equal(number("SELECT COUNT(*) FROM signing_keys"), JOSE_ALGS);
}

static void keys_of_another_master_do_not_open(void **state)
{
    (void)state;
    struct signer *signer = NULL;
    open_signer();
    assert_int_equal(signer_open(w.db, w.other_master, &policy, NOW, &signer), IDP_DENIED);
    assert_null(signer);
}

static void no_private_key_lies_open_in_the_database(void **state)
{
    (void)state;
    struct sql_rows rows;
    const struct sql_call call = {.text = "SELECT wrapped FROM signing_keys"};
    open_signer();
    assert_int_equal(sql_read(w.db, w.arena, &call, &rows), IDP_OK);
    for (size_t row = 0; row < rows.rows; row++) {
        unsigned char bytes[8192];
        size_t len = 0;
        const char *text = sql_cell_text(&rows, row, 0);
        assert_int_equal(base64url_decode(text, strlen(text), bytes, sizeof(bytes), &len), IDP_OK);
        const unsigned char *at = bytes + 12;
        assert_null(d2i_AutoPrivateKey(NULL, &at, (long)len - 12));
    }
}

static void reload_swaps_the_key_and_keeps_the_old_one_public(void **state)
{
    (void)state;
    open_signer();
    const char *before = sign(JOSE_ES256, "JWT", "{}");
    execute("UPDATE signing_keys SET retired = 999 WHERE algorithm = 'ES256'");
    assert_int_equal(signing_keys_ensure(w.db, w.master, &policy, NOW), IDP_OK);
    assert_int_equal(signer_reload(w.signer, NOW), IDP_OK);
    const char *after = sign(JOSE_ES256, "JWT", "{}");
    size_t header = strcspn(before, ".");
    assert_true(header != strcspn(after, ".") || memcmp(before, after, header) != 0);
    expect_good(before, "JWT", "{}");
    expect_good(after, "JWT", "{}");
}

/* A key is published before it signs: nobody may meet a token whose key they cannot know. When its
 * time comes, nobody has to read the rows again. */
static void key_that_is_only_published_does_not_sign(void **state)
{
    (void)state;
    struct jwk_set set;
    const char *text = NULL;
    struct jose_payload payload = {.typ = "JWT", .bytes = "{}", .len = 2, .now = NOW};
    open_signer();
    execute("UPDATE signing_keys SET active_from = 1001 WHERE algorithm = 'ES256'");
    assert_int_equal(signer_reload(w.signer, NOW), IDP_OK);
    assert_int_equal(jose_sign(w.signer, JOSE_ES256, w.arena, &payload, &text), IDP_FAULT);
    assert_int_equal(signer_public_keys(w.signer, w.arena, &set), IDP_OK);
    assert_int_equal(set.count, JOSE_ALGS);
    payload.now = NOW + 1;
    assert_int_equal(jose_sign(w.signer, JOSE_ES256, w.arena, &payload, &text), IDP_OK);
}

static bool says_stale(const void *with)
{
    return *(const bool *)with;
}

static void stale_node_signs_nothing(void **state)
{
    (void)state;
    bool stale = true;
    const char *text = NULL;
    const struct jose_payload payload = {.typ = "JWT", .bytes = "{}", .len = 2, .now = NOW};
    open_signer();
    signer_guard(w.signer, says_stale, &stale);
    assert_int_equal(jose_sign(w.signer, JOSE_ES256, w.arena, &payload, &text), IDP_UNAVAILABLE);
    assert_null(text);
    stale = false;
    assert_int_equal(jose_sign(w.signer, JOSE_ES256, w.arena, &payload, &text), IDP_OK);
}

static void failed_reload_keeps_the_keys(void **state)
{
    (void)state;
    open_signer();
    execute("UPDATE signing_keys SET wrapped = 'AAAA'");
    assert_int_equal(signer_reload(w.signer, NOW), IDP_DENIED);
    expect_good(sign(JOSE_ES256, "JWT", "{}"), "JWT", "{}");
}

static void public_keys_outlive_a_reload(void **state)
{
    (void)state;
    struct jwk_set set;
    struct jose_jws jws;
    open_signer();
    const char *text = sign(JOSE_ES256, "JWT", "{}");
    assert_int_equal(signer_public_keys(w.signer, w.arena, &set), IDP_OK);
    assert_int_equal(signer_reload(w.signer, NOW), IDP_OK);
    assert_int_equal(jose_jws_verify(&set, w.arena, text, strlen(text), &jws), IDP_OK);
}

/* --- several at once ----------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 40 };

static void *open_both(void *with)
{
    struct signer *signer = NULL;
    struct purpose_keys *keys = NULL;
    bool *good = with;
    *good = purpose_keys_open(w.db, w.master, NOW, &keys) == IDP_OK &&
            signer_open(w.db, w.master, &policy, NOW, &signer) == IDP_OK;
    purpose_keys_close(keys);
    signer_close(signer);
    return NULL;
}

static void nodes_that_begin_at_once_end_with_one_set(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool good[THREADS] = {false};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_both, &good[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(good[i]);
    }
    assert_int_equal(number("SELECT COUNT(*) FROM purpose_keys"), PURPOSES);
    assert_int_equal(number("SELECT COUNT(*) FROM signing_keys"), JOSE_ALGS);
}

static void *sign_many(void *with)
{
    bool *good = with;
    const struct jose_payload payload = {.typ = "JWT", .bytes = "{}", .len = 2, .now = NOW};
    for (int i = 0; i < ROUNDS && *good; i++) {
        const char *text = NULL;
        struct jwk_set set;
        struct jose_jws jws;
        struct arena *arena = arena_new();
        *good = jose_sign(w.signer, i % 2 == 0 ? JOSE_ES256 : JOSE_RS256, arena, &payload, &text) ==
                    IDP_OK &&
                signer_public_keys(w.signer, arena, &set) == IDP_OK &&
                jose_jws_verify(&set, arena, text, strlen(text), &jws) == IDP_OK;
        arena_free(arena);
    }
    return NULL;
}

static void signing_goes_on_through_reloads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool good[THREADS];
    open_signer();
    for (int i = 0; i < THREADS; i++) {
        good[i] = true;
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &good[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(signer_reload(w.signer, NOW), IDP_OK);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(good[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(each_purpose_has_a_key_of_its_own),
        TEST(purpose_keys_are_the_same_after_a_restart),
        TEST(retired_key_is_found_by_its_id_and_a_new_one_made),
        TEST(purpose_keys_of_another_master_do_not_open),
        TEST(purpose_key_that_was_moved_does_not_open),
        TEST(signed_token_is_good_under_the_published_keys),
        TEST(header_names_algorithm_key_and_type),
        TEST(many_es256_signatures_are_all_good),
        TEST(jwks_shows_public_members_only),
        TEST(kid_is_the_thumbprint),
        TEST(keys_are_the_same_after_a_restart),
        TEST(keys_of_another_master_do_not_open),
        TEST(no_private_key_lies_open_in_the_database),
        TEST(reload_swaps_the_key_and_keeps_the_old_one_public),
        TEST(key_that_is_only_published_does_not_sign),
        TEST(stale_node_signs_nothing),
        TEST(failed_reload_keeps_the_keys),
        TEST(public_keys_outlive_a_reload),
        TEST(nodes_that_begin_at_once_end_with_one_set),
        TEST(signing_goes_on_through_reloads),
    };
    return cmocka_run_group_tests_name("jose/sign", tests, NULL, NULL);
}
