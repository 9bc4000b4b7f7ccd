#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"
#include "config.h"
#include "tests/help.h"

static struct {
    struct arena *arena;
    char *folder;
    const char *file;
    struct config config;
    char *why;
} w;

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.folder = help_temp_folder();
    w.file = arena_printf(w.arena, "%s/settings.json", w.folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

/* base64url of 32 bytes */
#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

#define WHOSE_KEYS                                                                                 \
    "the hashes of at least two trust managers' keys, who sign the trust list (tamgactl trust "    \
    "locks tells them)"

static const char least[] =
    "{\"issuer\":\"https://idp.example\",\"master_key_file\":\"master.key\","
    "\"trust_list\":\"/etc/tamga/trust-list.json\",\"pages\":\"web/portal\","
    "\"trust\":{\"managers\":[\"" KEY_A "\",\"" KEY_B "\"]},"
    "\"listen\":{\"port\":8443,\"proxies\":[\"10.0.0.1\"]},\"store\":{\"sql\":\"sqlite:data/"
    "tamga.db\"}}";

static enum idp_err load(const char *text)
{
    help_write_file(w.file, text, strlen(text));
    w.why = NULL;
    return config_load(w.file, &w.why, &w.config);
}

/* Refused with one line: the file, then this. */
static void expect_refused(const char *text, const char *line)
{
    assert_int_equal(load(text), IDP_BAD_REQUEST);
    assert_non_null(w.why);
    const char *wanted = arena_printf(w.arena, "%s: %s", w.file, line);
    if (strcmp(w.why, wanted) != 0)
        fail_msg("%s\ninstead of %s", w.why, wanted);
    assert_null(w.config.document); /* nothing is left */
    free(w.why);
}

/* The least settings with one more or another member; section NULL: at the top. value NULL: the
 * member is taken away. It takes value over. */
static const char *with(const char *section, const char *key, json_t *value)
{
    json_t *root = json_loads(least, 0, NULL);
    assert_non_null(root);
    json_t *at = root;
    if (section != NULL && json_object_get(root, section) == NULL)
        assert_int_equal(json_object_set_new(root, section, json_object()), 0);
    if (section != NULL)
        at = json_object_get(root, section);
    if (value == NULL)
        assert_int_equal(json_object_del(at, key), 0);
    else
        assert_int_equal(json_object_set_new(at, key, value), 0);
    char *text = json_dumps(root, 0);
    const char *kept = arena_strdup(w.arena, text);
    free(text);
    json_decref(root);
    return kept;
}

/* --- good ----------------------------------------------------------------------------------------
 */

static void least_settings_have_the_defaults_of_the_design(void **state)
{
    (void)state;
    const struct config *c = &w.config;
    assert_int_equal(load(least), IDP_OK);
    assert_null(w.why);
    assert_string_equal(c->issuer, "https://idp.example");
    assert_string_equal(c->origin, "https://idp.example");
    assert_string_equal(c->listen_address, "127.0.0.1");
    assert_int_equal(c->listen_port, 8443);
    assert_int_equal(c->threads, 0);
    assert_int_equal(c->workers, 32);
    assert_false(c->development);
    assert_int_equal(c->operate_port, 0);
    assert_string_equal(c->operate_address, "127.0.0.1");
    assert_int_equal(c->drain_ms, 3000);
    assert_int_equal(c->stop_ms, 10000);
    assert_string_equal(c->kv, "memory:");
    assert_null(c->kv_password_file);
    assert_null(c->kv_ca_file);
    assert_int_equal(c->kv_deadline_ms, 1000);
    assert_null(c->sql_password_file);
    assert_int_equal(c->sql_connections, 16);
    assert_int_equal(c->sql_deadline_ms, 3000);
    assert_null(c->packages);
    assert_null(c->log_file);
    assert_null(c->allow[0]);
    assert_string_equal(c->support_phone, "");
    assert_null(c->mail_server);
    assert_true(c->mail_starttls);
    assert_int_equal(c->mail_retry_s, 60);
    assert_int_equal(c->mail_attempts, 48);
    assert_string_equal(c->log_level, "info");
    assert_int_equal(c->challenge_s, 180);
    assert_int_equal(c->interaction_s, 900);
    assert_int_equal(c->code_s, 60);
    assert_int_equal(c->session_idle_s, 1800);
    assert_int_equal(c->session_absolute_s, 28800);
    assert_int_equal(c->access_token_s, 600);
    assert_int_equal(c->refresh_family_s, 2592000);
    assert_int_equal(c->refresh_grace_s, 10);
    assert_int_equal(c->id_token_s, 300);
    assert_int_equal(c->launch_s, 120);
    assert_int_equal(c->jwks_cache_s, 900);
    assert_int_equal(c->rotate_days, 90);
    assert_int_equal(c->clock_margin_s, 60);
    assert_int_equal(c->grants_days, 90);
    assert_int_equal(c->outbox_days, 30);
    assert_int_equal(c->access_log_days, 180);
    assert_int_equal(c->certificates_days, 90);
    assert_int_equal(c->refusals_days, 180);
    config_free(&w.config);
}

static void paths_are_relative_to_the_files_folder(void **state)
{
    (void)state;
    assert_int_equal(load(least), IDP_OK);
    assert_string_equal(w.config.master_key_file, arena_printf(w.arena, "%s/master.key", w.folder));
    assert_string_equal(w.config.pages, arena_printf(w.arena, "%s/web/portal", w.folder));
    assert_string_equal(w.config.sql, arena_printf(w.arena, "sqlite:%s/data/tamga.db", w.folder));
    assert_string_equal(w.config.crl_folder,
                        arena_printf(w.arena, "%s/data/tamga.db.crl", w.folder));
    assert_string_equal(w.config.trust_list, "/etc/tamga/trust-list.json");
    config_free(&w.config);
    assert_int_equal(load(with(NULL, "master_key_file_next", json_string("next.key"))), IDP_OK);
    assert_string_equal(w.config.master_key_file_next,
                        arena_printf(w.arena, "%s/next.key", w.folder));
    config_free(&w.config);
    assert_int_equal(load(with(NULL, "master_key_file", NULL)),
                     IDP_OK); /* the environment has it */
    assert_null(w.config.master_key_file);
    config_free(&w.config);
    assert_int_equal(load(with("store", "sql", json_string("sqlite:/var/tamga.db"))), IDP_OK);
    assert_string_equal(w.config.sql, "sqlite:/var/tamga.db");
    config_free(&w.config);
    assert_int_equal(load(with("store", "sql_password_file", json_string("pg"))), IDP_OK);
    assert_string_equal(w.config.sql_password_file, arena_printf(w.arena, "%s/pg", w.folder));
    config_free(&w.config);
}

static void database_is_opened_as_the_settings_say(void **state)
{
    (void)state;
    static const char uri[] = "postgresql://tamga@db.example/tamga?sslmode=verify-full";
    assert_int_equal(load(with("store", "sql", json_string(uri))), IDP_OK);
    w.config.sql_password_file = "pg";
    const struct sql_settings settings = config_sql(&w.config);
    assert_string_equal(settings.where, uri);
    assert_string_equal(settings.password_file, "pg");
    assert_int_equal(settings.connections, 16);
    assert_int_equal(settings.deadline_ms, 3000);
    assert_false(settings.development);
    config_free(&w.config);
}

static void settings_of_a_redis_are_passed_on(void **state)
{
    (void)state;
    assert_int_equal(load(with("store", "kv_password_file", json_string("redis.password"))),
                     IDP_OK);
    assert_string_equal(config_kv(&w.config).password_file,
                        arena_printf(w.arena, "%s/redis.password", w.folder));
    config_free(&w.config);
    assert_int_equal(load(with("store", "kv_ca_file", json_string("/etc/redis/ca.pem"))), IDP_OK);
    struct kv_settings settings = config_kv(&w.config);
    assert_string_equal(settings.ca_file, "/etc/redis/ca.pem");
    assert_string_equal(settings.where, "memory:");
    assert_null(settings.password_file);
    assert_int_equal(settings.deadline_ms, 1000);
    config_free(&w.config);
}

static void every_setting_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *section, *key;
        size_t at;
        int64_t number;
    } numbers[] = {
#define AT(member) offsetof(struct config, member)
        {"listen", "threads", AT(threads), 3},
        {"listen", "workers", AT(workers), 4},
        {"listen", "queue", AT(queue), 5},
        {"listen", "connections", AT(connections), 16},
        {"listen", "connections_per_address", AT(connections_per_address), 7},
        {"listen", "deadline_ms", AT(deadline_ms), 1000},
        {"store", "sql_connections", AT(sql_connections), 1},
        {"store", "sql_deadline_ms", AT(sql_deadline_ms), 100},
        {"store", "kv_deadline_ms", AT(kv_deadline_ms), 101},
        {"operate", "port", AT(operate_port), 9443},
        {"operate", "drain_ms", AT(drain_ms), 0},
        {"operate", "stop_ms", AT(stop_ms), 100},
        {"lifetimes", "challenge_s", AT(challenge_s), 10},
        {"lifetimes", "interaction_s", AT(interaction_s), 30},
        {"lifetimes", "code_s", AT(code_s), 5},
        {"lifetimes", "session_idle_s", AT(session_idle_s), 60},
        {"lifetimes", "session_absolute_s", AT(session_absolute_s), 61},
        {"lifetimes", "access_token_s", AT(access_token_s), 30},
        {"lifetimes", "refresh_family_s", AT(refresh_family_s), 60},
        {"lifetimes", "refresh_grace_s", AT(refresh_grace_s), 1},
        {"lifetimes", "id_token_s", AT(id_token_s), 31},
        {"lifetimes", "launch_s", AT(launch_s), 11},
        {"lifetimes", "jwks_cache_s", AT(jwks_cache_s), 0},
        {"keys", "rotate_days", AT(rotate_days), 0},
        {"keys", "clock_margin_s", AT(clock_margin_s), 2},
        {"retention", "grants_days", AT(grants_days), 1},
        {"retention", "outbox_days", AT(outbox_days), 2},
        {"retention", "access_log_days", AT(access_log_days), 3},
        {"retention", "certificates_days", AT(certificates_days), 4},
        {"retention", "refusals_days", AT(refusals_days), 5},
        {"mail", "retry_s", AT(mail_retry_s), 1},
        {"mail", "attempts", AT(mail_attempts), 1000},
        {"rate_limits", "challenge_per_minute", AT(rate_challenge), 0},
        {"rate_limits", "authorize_per_minute", AT(rate_authorize), 1},
        {"rate_limits", "token_failures_per_minute", AT(rate_token_failures), 2},
        {"rate_limits", "sign_in_per_minute", AT(rate_sign_in), 3},
        {"rate_limits", "per_client_per_minute", AT(rate_client), 4},
#undef AT
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        assert_int_equal(
            load(with(numbers[i].section, numbers[i].key, json_integer(numbers[i].number))),
            IDP_OK);
        assert_int_equal(*(int64_t *)(void *)((char *)&w.config + numbers[i].at),
                         numbers[i].number);
        config_free(&w.config);
    }
    assert_int_equal(load(with("outgoing", "allow", json_pack("[s,s]", "a:1", "b:2"))), IDP_OK);
    assert_string_equal(w.config.allow[0], "a:1");
    assert_string_equal(w.config.allow[1], "b:2");
    assert_null(w.config.allow[2]);
    config_free(&w.config);
}

static void mail_is_taken_as_it_is_set(void **state)
{
    (void)state;
    json_t *mail = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "server", "smtp://[::1]:25",
                             "from", "a@b.c", "name", "认证", "user", "idp", "password_file",
                             "secret", "ca_file", "/ca.pem", "starttls", 0);
    assert_int_equal(load(with(NULL, "mail", mail)), IDP_OK);
    assert_string_equal(w.config.mail_server, "smtp://[::1]:25");
    assert_string_equal(w.config.mail_from, "a@b.c");
    assert_string_equal(w.config.mail_name, "认证");
    assert_string_equal(w.config.mail_user, "idp");
    assert_string_equal(w.config.mail_password_file, arena_printf(w.arena, "%s/secret", w.folder));
    assert_string_equal(w.config.mail_ca_file, "/ca.pem");
    assert_false(w.config.mail_starttls);
    config_free(&w.config);
    expect_refused(with("mail", "server", json_string("mail.example")),
                   "mail.server: expected smtp://host[:port] or smtps://host[:port]");
}

static const char *with_tls(bool certificate, bool key)
{
    json_t *root = json_loads(least, 0, NULL);
    json_t *listen = json_object_get(root, "listen");
    if (certificate)
        assert_int_equal(json_object_set_new(listen, "tls_certificate", json_string("a.crt")), 0);
    if (key)
        assert_int_equal(json_object_set_new(listen, "tls_key", json_string("/a.key")), 0);
    char *text = json_dumps(root, 0);
    const char *kept = arena_strdup(w.arena, text);
    free(text);
    json_decref(root);
    return kept;
}

static void two_listeners_have_two_places(void **state)
{
    (void)state;
    static const char taken[] = "operate.port: expected another one than listen.port";
    expect_refused(with("operate", "port", json_integer(8443)), taken);
    assert_int_equal(load(with("operate", "port", json_integer(8444))), IDP_OK);
    config_free(&w.config);
}

static void certificate_and_key_come_together(void **state)
{
    (void)state;
    static const char both[] = "listen.tls_certificate, listen.tls_key: expected both or none";
    assert_int_equal(load(with_tls(true, true)), IDP_OK);
    assert_string_equal(w.config.tls_certificate, arena_printf(w.arena, "%s/a.crt", w.folder));
    assert_string_equal(w.config.tls_key, "/a.key");
    config_free(&w.config);
    expect_refused(with_tls(true, false), both);
    expect_refused(with_tls(false, true), both);
}

static void only_development_does_without_tls(void **state)
{
    (void)state;
    static const char missing[] =
        "listen.tls_certificate: is missing, and no listen.proxies that speak TLS";
    expect_refused(with("listen", "proxies", NULL), missing);
    expect_refused(with("listen", "proxies", json_array()), missing);
    json_t *root = json_loads(with("listen", "proxies", NULL), 0, NULL);
    assert_int_equal(json_object_set_new(root, "development", json_true()), 0);
    char *text = json_dumps(root, 0);
    json_decref(root);
    assert_int_equal(load(text), IDP_OK);
    config_free(&w.config);
    free(text);
}

static void proxies_are_addresses_and_networks(void **state)
{
    (void)state;
    assert_int_equal(load(with("listen", "proxies", json_pack("[s,s]", "10.0.0.0/8", "fd00::1"))),
                     IDP_OK);
    assert_string_equal(w.config.proxies[0], "10.0.0.0/8");
    assert_string_equal(w.config.proxies[1], "fd00::1");
    assert_null(w.config.proxies[2]);
    config_free(&w.config);
    expect_refused(with("listen", "proxies", json_pack("[s,s]", "10.0.0.0/8", "10.0.0.1/8")),
                   "listen.proxies[1]: expected an IP address or a network like 10.0.0.0/8");
}

static void issuers_that_browsers_would_write_so_are_fine(void **state)
{
    (void)state;
    static const char *const good[] = {"https://idp.example", "https://idp.example:8443",
                                       "https://10.0.0.1", "https://[2001:db8::1]:8443"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(load(with(NULL, "issuer", json_string(good[i]))), IDP_OK);
        config_free(&w.config);
    }
}

static const char *development_with(const char *issuer)
{
    json_t *root = json_loads(with(NULL, "issuer", json_string(issuer)), 0, NULL);
    assert_int_equal(json_object_set_new(root, "development", json_true()), 0);
    char *text = json_dumps(root, 0);
    const char *kept = arena_strdup(w.arena, text);
    free(text);
    json_decref(root);
    return kept;
}

static void development_may_use_http_on_loopback_only(void **state)
{
    (void)state;
    static const char *const good[] = {"http://127.0.0.1:8080", "http://127.0.0.11",
                                       "http://[::1]:8080", "https://idp.example"};
    static const char *const bad[] = {"http://idp.example", "http://127.0.0.1.evil.example",
                                      "http://localhost.evil.example", "http://10.0.0.1",
                                      "http://127.evil.example"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(load(development_with(good[i])), IDP_OK);
        assert_true(w.config.development);
        config_free(&w.config);
        if (text_starts(good[i], "http:"))
            expect_refused(with(NULL, "issuer", json_string(good[i])),
                           "issuer: must begin with https://");
    }
    for (size_t i = 0; i < 5; i++)
        expect_refused(development_with(bad[i]),
                       "issuer: may use http with a loopback literal such as 127.0.0.1 only");
}

/* --- refusals
 * ------------------------------------------------------------------------------------- */

static void bad_issuers_are_refused(void **state)
{
    (void)state;
    static const char behind[] = "issuer: expected scheme://host[:port] and nothing behind it";
    static const struct {
        const char *issuer, *line;
    } bad[] = {
        {"idp.example", "issuer: must begin with https://"},
        {"ftp://idp.example", "issuer: must begin with https://"},
        {"https://idp.example/", behind},
        {"https://idp.example/tenant", behind},
        {"https://idp.example?x", behind},
        {"https://idp.example#x", "issuer: has a fragment"},
        {"https://user@idp.example", "issuer: holds a user name"},
        {"https://", "issuer: has no host, or one that is not written in its usual form"},
        {"https://idp.example:port", "issuer: has a port that is none"},
        {"https://IDP.example", "issuer: expected lower case, as browsers write an origin"},
        {"https://idp.example:443", "issuer: expected without :443, as browsers write an origin"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        expect_refused(with(NULL, "issuer", json_string(bad[i].issuer)), bad[i].line);
}

static void each_required_setting_is_missed_by_name(void **state)
{
    (void)state;
    expect_refused(with(NULL, "issuer", NULL), "issuer: is missing");
    expect_refused(with(NULL, "pages", NULL), "pages: is missing");
    expect_refused(with("trust", "managers", NULL), "trust.managers: is missing: " WHOSE_KEYS);
    expect_refused(with("listen", "port", NULL), "listen.port: is missing");
    expect_refused(with("store", "sql", NULL), "store.sql: is missing");
}

static void unknown_keys_are_refused(void **state)
{
    (void)state;
    expect_refused(with(NULL, "isuer", json_string("x")), "isuer: no such setting");
    expect_refused(with(NULL, "challenge_s", json_integer(60)), "challenge_s: no such setting");
    expect_refused(with("listen", "prot", json_integer(1)), "listen.prot: no such setting");
    expect_refused(with("lifetimes", "issuer", json_string("x")),
                   "lifetimes.issuer: no such setting");
}

static void section_that_is_no_object_is_refused(void **state)
{
    (void)state;
    expect_refused(with(NULL, "listen", json_integer(8443)), "listen: expected an object");
    expect_refused(with(NULL, "lifetimes", json_null()), "lifetimes: expected an object");
}

static void wrong_types_and_values_name_what_was_expected(void **state)
{
    (void)state;
    static const char text[] = ": expected a text of 1 to 1024 characters";
    char long_text[1026];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    const char *pages = arena_printf(w.arena, "pages%s", text);
    expect_refused(with(NULL, "pages", json_integer(1)), pages);
    expect_refused(with(NULL, "pages", json_string("")), pages);
    expect_refused(with(NULL, "pages", json_null()), pages);
    expect_refused(with(NULL, "pages", json_string(long_text)), pages);
    expect_refused(with("store", "kv", json_true()), arena_printf(w.arena, "store.kv%s", text));
    expect_refused(with(NULL, "development", json_string("true")),
                   "development: expected true or false");
    static const char port[] = "listen.port: expected a number from 1 to 65535";
    expect_refused(with("listen", "port", json_integer(0)), port);
    expect_refused(with("listen", "port", json_integer(65536)), port);
    expect_refused(with("listen", "port", json_string("8080")), port);
    expect_refused(with("listen", "port", json_real(8080.0)), port);
    expect_refused(with("lifetimes", "code_s", json_integer(601)),
                   "lifetimes.code_s: expected a number from 5 to 600");
    expect_refused(with("rate_limits", "authorize_per_minute", json_integer(-1)),
                   "rate_limits.authorize_per_minute: expected a number from 0 to 1000000000");
    static const char allow[] = "outgoing.allow: expected a list of at most 64 texts";
    expect_refused(with("outgoing", "allow", json_string("a:1")), allow);
    expect_refused(with("outgoing", "allow", json_pack("[s,i]", "a:1", 2)), allow);
    json_t *many = json_array();
    for (int i = 0; i < 65; i++)
        assert_int_equal(json_array_append_new(many, json_string("a:1")), 0);
    expect_refused(with("outgoing", "allow", many), allow);
    expect_refused(with("log", "level", json_string("loud")),
                   "log.level: expected debug, info, warn or error");
    expect_refused(with("log", "level", json_string("info warn")),
                   "log.level: expected debug, info, warn or error");
    static const char *const hosts[] = {"a", "a:", ":1", "a:0", "a:65536", "http://a:1", "a:x"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
        expect_refused(with("outgoing", "allow", json_pack("[s]", hosts[i])),
                       "outgoing.allow[0]: expected host:port");
    static const char *const assistants[] = {"https://a.example", "http://a.example:1",
                                             "http://127.0.0.1:1/x", "http://127.0.0.1:1; script"};
    for (size_t i = 0; i < sizeof(assistants) / sizeof(*assistants); i++)
        expect_refused(with("assistant", "address", json_string(assistants[i])),
                       "assistant.address: expected http://127.0.0.1:PORT");
}

static void text_that_is_no_json_names_its_line(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{", "{\"issuer\":}", "{}\n{}", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(load(bad[i]), IDP_BAD_REQUEST);
        assert_true(text_starts(w.why, arena_printf(w.arena, "%s: line 1", w.file)) ||
                    text_starts(w.why, arena_printf(w.arena, "%s: line 2", w.file)));
        assert_null(strchr(w.why, '\n'));
        free(w.why);
    }
    expect_refused("[]", "expected one JSON object");
}

static void file_that_is_not_there_is_one_line(void **state)
{
    (void)state;
    char *why = NULL;
    const char *file = arena_printf(w.arena, "%s/nowhere.json", w.folder);
    assert_int_equal(config_load(file, &why, &w.config), IDP_BAD_REQUEST);
    assert_string_equal(why, arena_printf(w.arena, "%s: cannot be read", file));
    free(why);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static json_t *managers(size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char key[] = KEY_A;
        key[0] = (char)('A' + i);
        assert_int_equal(json_array_append_new(list, json_string(key)), 0);
    }
    return list;
}

/* docs/security.md row 36: nobody alone decides who is believed. */
static void trust_list_needs_two_managers(void **state)
{
    (void)state;
    static const char another[] =
        "expected another key's hash, at most 16 of them: SHA-256 of its SubjectPublicKeyInfo in "
        "base64url (tamgactl trust locks tells it)";
    static const char *const wrong[] = {"", "AAAA", KEY_A, KEY_A "=", "not a hash"};
    expect_refused(with("trust", "managers", json_array()), "trust.managers: expected " WHOSE_KEYS);
    expect_refused(with("trust", "managers", managers(1)), "trust.managers: expected " WHOSE_KEYS);
    expect_refused(with("trust", "managers", managers(17)),
                   arena_printf(w.arena, "trust.managers[16]: %s", another));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        expect_refused(with("trust", "managers", json_pack("[s,s]", KEY_A, wrong[i])),
                       arena_printf(w.arena, "trust.managers[1]: %s", another));
    expect_refused(with("trust", "signatures", json_integer(1)),
                   "trust.signatures: expected a number from 2 to 16");
    expect_refused(with("trust", "signatures", json_integer(3)),
                   "trust.signatures: expected no more than there are trust.managers");
}

static void managers_are_read_for_this_issuer(void **state)
{
    (void)state;
    assert_int_equal(load(with("trust", "managers", managers(16))), IDP_OK);
    assert_int_equal(w.config.managers.count, 16);
    assert_int_equal(w.config.managers.needed, 2);
    assert_int_equal(w.config.managers.keys[1][0], 4); /* B */
    assert_string_equal(w.config.managers.origin, "https://idp.example");
    config_free(&w.config);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(trust_list_needs_two_managers),
        TEST(managers_are_read_for_this_issuer),
        TEST(least_settings_have_the_defaults_of_the_design),
        TEST(paths_are_relative_to_the_files_folder),
        TEST(database_is_opened_as_the_settings_say),
        TEST(settings_of_a_redis_are_passed_on),
        TEST(every_setting_is_taken),
        TEST(mail_is_taken_as_it_is_set),
        TEST(two_listeners_have_two_places),
        TEST(certificate_and_key_come_together),
        TEST(only_development_does_without_tls),
        TEST(proxies_are_addresses_and_networks),
        TEST(issuers_that_browsers_would_write_so_are_fine),
        TEST(development_may_use_http_on_loopback_only),
        TEST(bad_issuers_are_refused),
        TEST(each_required_setting_is_missed_by_name),
        TEST(unknown_keys_are_refused),
        TEST(section_that_is_no_object_is_refused),
        TEST(wrong_types_and_values_name_what_was_expected),
        TEST(text_that_is_no_json_names_its_line),
        TEST(file_that_is_not_there_is_one_line),
    };
    return cmocka_run_group_tests_name("top/config", tests, NULL, NULL);
}
