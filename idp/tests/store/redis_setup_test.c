/* What is found out at the start, and said so that somebody can mend it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/kv.h"
#include "tests/help.h"
#include "tests/store/redis_peer.h"
#include "tests/store/redis_server.h"

static struct test_redis redis; /* with passwords and TLS */

static struct world {
    struct arena *arena;
    struct kv_settings settings;
    struct kv *kv;
    char *why;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.arena = arena_new()};
    w.settings = (struct kv_settings){
        .where = redis.where, .password_file = redis.password_file, .deadline_ms = 5000};
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    kv_close(w.kv);
    free(w.why);
    arena_free(w.arena);
    return 0;
}

static enum idp_err try_to_open(void)
{
    free(w.why);
    w.why = NULL;
    kv_close(w.kv);
    w.kv = NULL;
    return kv_open(&w.settings, &w.why, &w.kv);
}

static void expect_refused(enum idp_err err, const char *why)
{
    assert_int_equal(try_to_open(), err);
    assert_null(w.kv);
    assert_non_null(w.why);
    if (strstr(w.why, why) == NULL)
        fail_msg("%s\ninstead of %s", w.why, why);
    assert_null(strstr(w.why, REDIS_SERVER_PASSWORD));
}

static const char *at_port(const char *form, int port)
{
    return arena_printf(w.arena, "%s:%d", form, port);
}

/* --- reaching it ----------------------------------------------------------------------------- */

static void a_port_where_nobody_listens_is_named(void **state)
{
    (void)state;
    int port = help_free_port();
    w.settings.where = at_port("redis://127.0.0.1", port);
    expect_refused(IDP_UNAVAILABLE,
                   arena_printf(w.arena, "store.kv: 127.0.0.1:%d: connection refused", port));
}

static void a_socket_that_is_not_there_is_named(void **state)
{
    (void)state;
    w.settings.where = arena_printf(w.arena, "redis+unix:%s/none", redis.folder);
    expect_refused(
        IDP_UNAVAILABLE,
        arena_printf(w.arena, "store.kv: %s/none: there is no such socket", redis.folder));
}

static void a_name_without_an_address_is_named(void **state)
{
    (void)state;
    w.settings.where = "redis://no-such-host.invalid";
    expect_refused(IDP_UNAVAILABLE, "store.kv: the host no-such-host.invalid has no address");
}

static void of_several_addresses_the_one_that_answers_is_found(void **state)
{
    (void)state;
    w.settings.where = at_port("redis://localhost", redis.port); /* ::1 is one of them, perhaps */
    assert_int_equal(try_to_open(), IDP_OK);
}

static void who_is_no_redis_is_told(void **state)
{
    (void)state;
    static const struct peer_step steps[] = {{PEER_ANSWERS, "HTTP/1.1 400 Bad Request\r\n\r\n"}};
    struct redis_peer peer = {.info = NULL};
    redis_peer_start(&peer, steps, 1);
    w.settings.where = peer.where;
    expect_refused(IDP_UNAVAILABLE, "no Redis answers there");
    redis_peer_stop(&peer);
}

static void who_is_silent_is_not_waited_for_longer_than_the_deadline(void **state)
{
    (void)state;
    struct redis_peer peer = {.info = NULL};
    redis_peer_start(&peer, NULL, 0);
    w.settings.where = peer.where;
    w.settings.deadline_ms = 200;
    expect_refused(IDP_UNAVAILABLE, "no answer in time");
    redis_peer_stop(&peer);
}

/* --- what it is ------------------------------------------------------------------------------ */

static void open_peer_with_info(const char *info, enum idp_err err, const char *why)
{
    struct redis_peer peer = {.info = info};
    redis_peer_start(&peer, NULL, 0);
    w.settings.where = peer.where;
    w.settings.password_file = NULL;
    if (err == IDP_OK)
        assert_int_equal(try_to_open(), IDP_OK);
    else
        expect_refused(err, why);
    redis_peer_stop(&peer);
}

/* What a server of that version says to INFO. */
static const char *info_of(const char *version)
{
    const char *text =
        arena_printf(w.arena, "# Server\r\nredis_version:%s\r\nredis_mode:standalone\r\n", version);
    return arena_printf(w.arena, "$%zu\r\n%s\r\n", strlen(text), text);
}

static void a_server_that_is_too_old_is_refused(void **state)
{
    (void)state;
    static const char wanted[] = "the server is too old: expected Redis 6.2 or later";
    open_peer_with_info(info_of("6.0.16"), IDP_BAD_REQUEST, wanted);
    open_peer_with_info(info_of("5.12.1"), IDP_BAD_REQUEST, wanted);
    open_peer_with_info(info_of("6.2.14"), IDP_OK, NULL);
    open_peer_with_info(info_of("10.0.1"), IDP_OK, NULL);
}

static void a_server_that_loads_its_data_is_unavailable(void **state)
{
    (void)state;
    open_peer_with_info("-LOADING Redis is loading the dataset in memory\r\n", IDP_UNAVAILABLE,
                        "LOADING");
}

/* What was logged while the store was opened. */
static const char *log_of_opening(void)
{
    char *text = arena_alloc(w.arena, 4096);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_set_fd(ends[1]);
    log_set_level(LOG_WARN);
    assert_int_equal(try_to_open(), IDP_OK);
    log_set_fd(STDERR_FILENO);
    (void)close(ends[1]);
    (void)!read(ends[0], text, 4095);
    (void)close(ends[0]);
    log_set_level(LOG_ERROR);
    return text;
}

static void a_server_that_evicts_is_warned_of(void **state)
{
    (void)state;
    assert_string_equal(log_of_opening(), "");
    (void)test_redis_ask(&redis, "CONFIG SET maxmemory-policy allkeys-lru");
    const char *logged = log_of_opening();
    (void)test_redis_ask(&redis, "CONFIG SET maxmemory-policy noeviction");
    assert_non_null(strstr(logged, "\"redis_may_evict\",\"maxmemory_policy\":\"allkeys-lru\""));
}

/* Back from a file, it would have forgotten which sessions and grants were ended since. */
static void a_server_that_writes_files_is_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *info;
        bool warned;
    } servers[] = {
        {"7.0.15\r\nrdb_saves:0\r\nrdb_last_bgsave_time_sec:-1\r\nrdb_last_load_keys_loaded:0\r\n"
         "aof_enabled:0",
         false},
        {"7.0.15\r\nrdb_saves:1", true},
        {"7.0.15\r\nrdb_last_load_keys_loaded:1", true},
        {"6.2.14\r\nrdb_last_bgsave_time_sec:0", true},
        {"7.0.15\r\naof_enabled:1", true},
    };
    w.settings.password_file = NULL;
    for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
        struct redis_peer peer = {.info = info_of(servers[i].info)};
        redis_peer_start(&peer, NULL, 0);
        w.settings.where = peer.where;
        const char *logged = log_of_opening();
        assert_int_equal(strstr(logged, "redis_may_come_back_old") != NULL, servers[i].warned);
        redis_peer_stop(&peer);
    }
}

/* --- who we are ------------------------------------------------------------------------------ */

static void write_password(const char *file, const char *password, mode_t mode)
{
    help_write_file(file, password, strlen(password));
    assert_int_equal(chmod(file, mode), 0);
    w.settings.password_file = file;
}

static void a_wrong_password_is_refused(void **state)
{
    (void)state;
    const char *file = arena_printf(w.arena, "%s/wrong", redis.folder);
    write_password(file, "wrong", 0600);
    expect_refused(IDP_BAD_REQUEST, "Redis does not accept this user and password");
    w.settings.where = redis.where_unix;
    expect_refused(IDP_BAD_REQUEST, "Redis does not accept this user and password");
    w.settings.password_file = redis.password_file; /* another user's */
    expect_refused(IDP_BAD_REQUEST, "Redis does not accept this user and password");
}

static void a_password_that_is_missing_is_asked_for(void **state)
{
    (void)state;
    w.settings.password_file = NULL;
    expect_refused(IDP_BAD_REQUEST, "Redis demands a password: store.kv_password_file");
}

static void a_password_file_has_to_be_good(void **state)
{
    (void)state;
    const char *file = arena_printf(w.arena, "%s/some", redis.folder);
    w.settings.password_file = arena_printf(w.arena, "%s/none", redis.folder);
    expect_refused(IDP_BAD_REQUEST,
                   arena_printf(w.arena, "store.kv_password_file: %s/none", redis.folder));
    write_password(file, "\n", 0600);
    expect_refused(IDP_BAD_REQUEST, "expected a password in its first line");
    write_password(file, REDIS_SERVER_PASSWORD, 0640);
    expect_refused(IDP_BAD_REQUEST, "mode 0640");
    assert_int_equal(chmod(file, 0600), 0);
    assert_int_equal(try_to_open(), IDP_OK);
}

static void a_database_of_its_own_may_be_used_where_there_is_one(void **state)
{
    (void)state;
    w.settings.where = arena_printf(w.arena, "%s/3", redis.where);
    assert_int_equal(try_to_open(), IDP_OK);
    assert_int_equal(kv_put(w.kv, KV_CODE, kv_text("k"), kv_text("v"), 10000), IDP_OK);
    assert_string_equal(test_redis_ask(&redis, "EXISTS tamga:code:k"), ":0");
    (void)test_redis_ask(&redis, "FLUSHALL");
    w.settings.where = arena_printf(w.arena, "%s/9", redis.where);
    expect_refused(IDP_BAD_REQUEST, "Redis has no such database");
}

/* --- TLS ------------------------------------------------------------------------------------- */

static void with_tls(const char *where)
{
    w.settings = (struct kv_settings){.where = where,
                                      .password_file = redis.user_password_file,
                                      .ca_file = redis.ca_file,
                                      .deadline_ms = 5000};
}

static void the_name_and_the_address_in_the_certificate_are_good(void **state)
{
    (void)state;
    with_tls(redis.where_tls);
    assert_int_equal(try_to_open(), IDP_OK);
    with_tls(at_port("rediss://" REDIS_SERVER_USER "@127.0.0.1", redis.tls_port));
    assert_int_equal(try_to_open(), IDP_OK);
    assert_int_equal(kv_put(w.kv, KV_CODE, kv_text("k"), kv_text("v"), 1000), IDP_OK);
}

static void another_address_than_the_certificates_is_refused(void **state)
{
    (void)state;
    with_tls(at_port("rediss://" REDIS_SERVER_USER "@127.0.0.2", redis.tls_port));
    expect_refused(IDP_UNAVAILABLE, "IP address mismatch");
}

static void a_certificate_of_an_unknown_authority_is_refused(void **state)
{
    (void)state;
    struct test_redis other;
    test_redis_start(&other, &(struct redis_server_how){.tls = true});
    with_tls(redis.where_tls);
    w.settings.ca_file = other.ca_file;
    assert_int_equal(try_to_open(), IDP_UNAVAILABLE);
    assert_non_null(strstr(w.why, "certificate"));
    with_tls(redis.where_tls);
    w.settings.ca_file = NULL; /* the system's know nothing of it */
    assert_int_equal(try_to_open(), IDP_UNAVAILABLE);
    assert_non_null(strstr(w.why, "certificate"));
    test_redis_stop(&other);
}

static void tls_where_there_is_none_and_none_where_there_is_fail(void **state)
{
    (void)state;
    with_tls(at_port("rediss://" REDIS_SERVER_USER "@127.0.0.1", redis.port));
    w.settings.deadline_ms = 300;
    expect_refused(IDP_UNAVAILABLE, "no answer in time"); /* it waits for the end of a line */
    with_tls(at_port("redis://" REDIS_SERVER_USER "@127.0.0.1", redis.tls_port));
    w.settings.ca_file = NULL;
    assert_int_equal(try_to_open(), IDP_UNAVAILABLE);
}

static void a_file_of_authorities_has_to_be_good_and_of_use(void **state)
{
    (void)state;
    with_tls(redis.where_tls);
    w.settings.ca_file = redis.password_file;
    expect_refused(IDP_BAD_REQUEST, "expected certificates in PEM");
    with_tls(redis.where);
    expect_refused(IDP_BAD_REQUEST, "store.kv_ca_file");
}

static void the_store_in_this_process_has_no_password(void **state)
{
    (void)state;
    w.settings.where = "memory:";
    expect_refused(IDP_BAD_REQUEST, "store.kv_password_file: expected only with a Redis");
}

static void a_password_in_the_place_is_refused_and_not_repeated(void **state)
{
    (void)state;
    w.settings.where = "redis://tamga:" REDIS_SERVER_PASSWORD "@127.0.0.1";
    expect_refused(IDP_BAD_REQUEST, "store.kv: expected no password in it");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const char *const added[] = {"--databases", "4",         "--bind",
                                        "127.0.0.1",   "127.0.0.2", NULL};
    static const struct CMUnitTest tests[] = {
        TEST(a_port_where_nobody_listens_is_named),
        TEST(a_socket_that_is_not_there_is_named),
        TEST(a_name_without_an_address_is_named),
        TEST(of_several_addresses_the_one_that_answers_is_found),
        TEST(who_is_no_redis_is_told),
        TEST(who_is_silent_is_not_waited_for_longer_than_the_deadline),
        TEST(a_server_that_is_too_old_is_refused),
        TEST(a_server_that_loads_its_data_is_unavailable),
        TEST(a_server_that_evicts_is_warned_of),
        TEST(a_server_that_writes_files_is_warned_of),
        TEST(a_wrong_password_is_refused),
        TEST(a_password_that_is_missing_is_asked_for),
        TEST(a_password_file_has_to_be_good),
        TEST(a_database_of_its_own_may_be_used_where_there_is_one),
        TEST(the_name_and_the_address_in_the_certificate_are_good),
        TEST(another_address_than_the_certificates_is_refused),
        TEST(a_certificate_of_an_unknown_authority_is_refused),
        TEST(tls_where_there_is_none_and_none_where_there_is_fail),
        TEST(a_file_of_authorities_has_to_be_good_and_of_use),
        TEST(the_store_in_this_process_has_no_password),
        TEST(a_password_in_the_place_is_refused_and_not_repeated),
    };
    log_set_level(LOG_ERROR);
    test_redis_start(&redis, &(struct redis_server_how){.tls = true, .added = added});
    int failed = cmocka_run_group_tests_name("store/redis_setup", tests, NULL, NULL);
    test_redis_stop(&redis);
    return failed;
}
