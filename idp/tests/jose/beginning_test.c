/* Programs that begin at the same moment, on nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/digest.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/sign.h"
#include "jose/wrapped.h"
#include "store/sql.h"
#include "tests/jose/vault.h"

enum { NOW = 1000000, PROGRAMS = 3 };

/* What a program found: it has to be the same for all. */
struct found {
    char good;
    unsigned char ids[PURPOSES];
    unsigned char tags[PURPOSES][DIGEST_SIZE];
    char master[MASTER_ID_LEN + 1];
    unsigned char keys[DIGEST_SIZE]; /* the hash of the key set */
};

static int set_up(void **state)
{
    (void)state;
    vault_open(database_kind());
    sql_close(vault.db); /* children must not meet it */
    vault.db = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vault_close();
    return 0;
}

static bool describe(struct purpose_keys *keys, struct signer *signer, struct found *out)
{
    const char *set = NULL;
    bool good = signer_jwks(signer, vault.arena, &set) == IDP_OK &&
                digest(DIGEST_SHA256, set, strlen(set), out->keys) == IDP_OK;
    for (int i = 0; i < PURPOSES; i++) {
        const struct digest_piece pieces[] = {{.bytes = "x", .len = 1}, {.bytes = NULL}};
        const struct mac_key *key = purpose_key_active(keys, (enum purpose)i, &out->ids[i]);
        good = good && mac(key, pieces, out->tags[i]) == IDP_OK;
    }
    return good;
}

/* Opens everything as serve does. */
static bool begin(struct found *out)
{
    static const struct key_policy policy = {.cache_s = 20, .longest_s = 30, .margin_s = 5};
    const struct master_places places = {
        .file = arena_printf(vault.arena, "%s/master.key", vault.folder)};
    char *why = NULL;
    struct master_key *master = NULL;
    struct purpose_keys *keys = NULL;
    struct signer *signer = NULL;
    struct sql *db = vault_connect();
    bool good = wrapped_open_master(db, &places, &why, &master) == IDP_OK &&
                purpose_keys_open(db, master, NOW, &keys) == IDP_OK &&
                signer_open(db, master, &policy, NOW, &signer) == IDP_OK &&
                describe(keys, signer, out);
    if (good)
        memcpy(out->master, master_key_id(master), sizeof(out->master));
    signer_close(signer);
    purpose_keys_close(keys);
    master_key_free(master);
    sql_close(db);
    return good;
}

/* Starts a program that waits for the starting pipe to be closed, and answers into the other. */
static void start(const int go[2], const int answers[2])
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return;
    char nothing = 0;
    struct found found;
    memset(&found, 0, sizeof(found));
    (void)close(go[1]);
    (void)!read(go[0], &nothing, 1);
    found.good = begin(&found) ? 1 : 0;
    (void)!write(answers[1], &found, sizeof(found)); /* less than a pipe takes in one piece */
    _exit(0);
}

static void programs_that_begin_at_once_have_the_same_keys(void **state)
{
    (void)state;
    int go[2], answers[2];
    struct found found[PROGRAMS];
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(answers), 0);
    for (int i = 0; i < PROGRAMS; i++)
        start(go, answers);
    (void)close(go[0]);
    (void)close(go[1]);
    for (int i = 0; i < PROGRAMS; i++) {
        int status = 0;
        assert_int_equal(read(answers[0], &found[i], sizeof(found[i])), sizeof(found[i]));
        assert_true(wait(&status) > 0);
    }
    (void)close(answers[0]);
    (void)close(answers[1]);
    for (int i = 0; i < PROGRAMS; i++) {
        assert_int_equal(found[i].good, 1);
        assert_memory_equal(&found[i], &found[0], sizeof(found[0]));
    }
    vault.db = vault_connect();
    assert_int_equal(vault_number("SELECT COUNT(*) FROM purpose_keys"), PURPOSES);
    assert_int_equal(vault_number("SELECT COUNT(*) FROM signing_keys"), JOSE_ALGS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(programs_that_begin_at_once_have_the_same_keys, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("jose/beginning", tests, NULL, NULL);
}
