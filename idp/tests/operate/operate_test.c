/* What operators ask: is it alive, is it ready, how is it, what ends soon. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/outbox.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "evidence/refusals.h"
#include "http/server.h"
#include "operate/expiry.h"
#include "operate/exposition.h"
#include "operate/health.h"
#include "operate/metrics.h"
#include "operate/ready.h"
#include "pki/reasons.h"
#include "pki/state.h"
#include "store/generation.h"
#include "tests/access/world.h"
#include "tests/wire.h"
#include "tests/wire_tls.h"

enum { DAY = 86400 };

static char *files[2]; /* certificate and key */

static enum idp_err notice(void *with, int64_t generation)
{
    (void)with, (void)generation;
    return IDP_OK;
}

static enum idp_err say(struct request *rq, struct response *rs)
{
    (void)rq;
    return http_respond_bytes(rs, 200, "text/plain", "said", 4);
}

static void tell(struct request *rq, struct response *rs, enum idp_err err)
{
    (void)rq, (void)err;
    (void)http_respond_bytes(rs, 500, NULL, NULL, 0);
}

static const struct route said_route = {
    .methods = HTTP_GET | HTTP_POST, .path = "/said", .handle = say, .fail = tell};
static const struct route *const routes[] = {&said_route, NULL};

static int set_up_with(void **state, bool tls)
{
    char *why = NULL;
    const struct generation_listener listener = {.changed = notice};
    if (world_set_up(state) != 0)
        return 1;
    tls_make_pair(&(struct tls_wish){world.folder, "server", -60, 20 * DAY + 3600, false});
    files[0] = tls_file(world.folder, "server", "crt");
    files[1] = tls_file(world.folder, "server", "key");
    const struct http_settings settings = {.address = "127.0.0.1",
                                           .threads = 1,
                                           .workers = 3,
                                           .queue = 5,
                                           .quiet = true,
                                           .certificate = tls ? files[0] : NULL,
                                           .key = tls ? files[1] : NULL};
    if (generation_watch_start(world.app.db, "node", &listener, &world.app.watch) != IDP_OK)
        return 1;
    return http_server_start(&settings, routes, &world.app, &why, &world.app.server) != IDP_OK;
}

static int set_up(void **state)
{
    return set_up_with(state, false);
}

static int set_up_tls(void **state)
{
    return set_up_with(state, true);
}

static int tear_down(void **state)
{
    http_server_stop(world.app.server, 0);
    generation_watch_stop(world.app.watch);
    free(files[0]);
    free(files[1]);
    return world_tear_down(state);
}

static const struct answer *ask(const struct route *route)
{
    return world_send(&(struct sent){.route = route});
}

/* --- health --------------------------------------------------------------------------------- */

static void program_that_answers_is_alive_whatever_is_away(void **state)
{
    (void)state;
    expect_json(ask(&operate_health_route), 200, "{\"status\":\"alive\"}");
    world_sql_is_down(true);
    world_kv_is_down(true);
    atomic_store(&world.app.draining, true);
    expect_json(ask(&operate_health_route), 200, "{\"status\":\"alive\"}");
}

/* --- readiness ------------------------------------------------------------------------------ */

static void node_with_all_its_parts_is_ready(void **state)
{
    (void)state;
    expect_json(ask(&operate_ready_route), 200,
                "{\"ready\":true,\"parts\":{\"sql\":\"well\",\"kv\":\"well\",\"keys\":\"well\","
                "\"trust_list\":\"well\",\"generation\":\"well\",\"schema\":\"well\","
                "\"server\":\"well\"}}");
}

static void expect_not_ready(const char *part, const char *says)
{
    const struct answer *answer = ask(&operate_ready_route);
    char path[64];
    (void)snprintf(path, sizeof(path), "parts.%s", part);
    assert_int_equal(answer->status, 503);
    assert_true(json_is_false(member(answer, "ready")));
    assert_string_equal(member_text(answer, path), says);
}

static void node_without_a_store_is_not_ready(void **state)
{
    (void)state;
    world_sql_is_down(true);
    expect_not_ready("sql", "does not answer");
    world_sql_is_down(false);
    world_kv_is_down(true);
    expect_not_ready("kv", "does not answer");
    world_kv_is_down(false);
    assert_int_equal(ask(&operate_ready_route)->status, 200);
}

static void node_that_ends_is_not_ready(void **state)
{
    (void)state;
    atomic_store(&world.app.draining, true);
    expect_not_ready("server", "is draining");
}

static void node_whose_database_went_on_without_it_is_not_ready(void **state)
{
    (void)state;
    atomic_store(&world.app.left_behind, true);
    expect_not_ready("schema", "is not this program's");
}

static void node_without_an_active_key_is_not_ready(void **state)
{
    (void)state;
    world.now -= 365 * DAY; /* before there was one */
    expect_not_ready("keys", "no key is active");
}

static void node_that_cannot_use_the_newest_trust_list_is_not_ready(void **state)
{
    (void)state;
    atomic_store(&world.app.trust_damaged, true);
    expect_not_ready("trust_list", "is damaged");
}

/* --- figures -------------------------------------------------------------------------------- */

static const char *metrics(void)
{
    const struct answer *answer = ask(&operate_metrics_route);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->rs.type, EXPOSITION_TYPE);
    return answer->body;
}

static void expect_line(const char *line)
{
    const char *text = metrics();
    size_t len = strlen(line);
    const char *found = strstr(text, line);
    while (found != NULL && ((found > text && found[-1] != '\n') || found[len] != '\n'))
        found = strstr(found + 1, line);
    if (found == NULL)
        fail_msg("no line %s in\n%s", line, text);
}

static void request_to_us(const char *request)
{
    struct wire_answer answer = wire_ask(http_server_port(world.app.server), request);
    free(answer.head);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* The connection's end is what tells that all of a request has been counted. */
static void wait_until_nobody_is_there(void)
{
    while (http_server_figures(world.app.server).connections > 0)
        (void)sched_yield();
}

static void requests_are_counted_by_route_and_status(void **state)
{
    (void)state;
    request_to_us(GET("/said"));
    request_to_us(GET("/said"));
    request_to_us(GET("/nowhere"));
    request_to_us("POST /said HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n");
    wait_until_nobody_is_there();
    expect_line("tamga_http_requests_total{path=\"/said\",method=\"GET\",status=\"2xx\"} 2");
    expect_line("tamga_http_requests_total{path=\"/said\",method=\"GET\",status=\"4xx\"} 0");
    expect_line("tamga_http_requests_total{path=\"/said\",method=\"POST\",status=\"4xx\"} 1");
    expect_line("tamga_http_requests_total{path=\"\",method=\"\",status=\"4xx\"} 1");
    expect_line("tamga_http_request_duration_seconds_bucket{path=\"/said\",method=\"GET\","
                "le=\"+Inf\"} 2");
    expect_line("tamga_http_request_duration_seconds_count{path=\"/said\",method=\"GET\"} 2");
    expect_line("tamga_http_connections 0");
    expect_line("tamga_lane_workers 3");
    expect_line("tamga_lane_queue_max 5");
}

static void figures_are_there_when_every_store_is_away(void **state)
{
    (void)state;
    world_sql_is_down(true);
    world_kv_is_down(true);
    expect_line("tamga_authority_circuit_open{authority=\"one\"} 0");
    expect_line("tamga_store_circuit_open{store=\"sql\"} 0");
}

static void questions_to_authorities_are_counted_by_what_came_back(void **state)
{
    (void)state;
    (void)identity_of(&world.locks[LOCK_BELL]);
    expect_line("tamga_authority_questions_total{authority=\"one\",result=\"good\"} 1");
    expect_line("tamga_authority_questions_total{authority=\"one\",result=\"unusable\"} 0");
    expect_line("tamga_authority_questions_total{authority=\"two\",result=\"good\"} 0");
    expect_line("tamga_authority_question_seconds_count{authority=\"one\"} 1");
    expect_line("tamga_authority_question_seconds_bucket{authority=\"two\",le=\"+Inf\"} 0");
    expect_line("tamga_authority_known_total{authority=\"one\"} 0");
    (void)identity_of(&world.locks[LOCK_BELL]);
    expect_line("tamga_authority_questions_total{authority=\"one\",result=\"good\"} 1");
    expect_line("tamga_authority_known_total{authority=\"one\"} 1");
    expect_line("tamga_authority_spared_total{authority=\"one\"} 0");
    expect_line("tamga_authority_waiting{authority=\"one\"} 0");
    expect_line("tamga_authority_watched{authority=\"one\"} 0");
    expect_line("tamga_authority_watch_due{authority=\"one\"} 0");
    expect_line("tamga_authority_renewals_total{authority=\"one\",result=\"late\"} 0");
#define SERVICE "{authority=\"one\",address=\"http://127.0.0.50:8500/ocsp\""
    expect_line("tamga_service_asked_total" SERVICE "} 1");
    expect_line("tamga_service_won_total" SERVICE "} 1");
    expect_line("tamga_service_hedged_total" SERVICE "} 0");
    expect_line("tamga_service_lost_total" SERVICE "} 0");
    expect_line("tamga_service_down" SERVICE "} 0");
}

/* As the pages of the figures tell it: each kind of fault by its name, the usual time in seconds.
 */
static void services_are_told_by_address(void **state)
{
    (void)state;
    static const char url[] = "http://127.0.0.50:8500/ocsp";
    struct view *view = pki_view(world.app.pki, world.arena);
    struct services *services = &view->lines[0]->services;
    const struct service_outcome wrong = {
        .url = url, .hedged = true, .result = SERVICE_UNUSABLE, .fault = FAULT_SIGNER};
    const struct service_outcome lost = {.url = url, .result = SERVICE_LOST};
    const struct service_outcome won = {.url = url, .result = SERVICE_WON, .took_us = 1000};
    for (int i = 0; i < LATENCY_FEW; i++)
        services_count(services, &won, 0);
    services_count(services, &lost, 0);
    services_count(services, &wrong, clock_ticks_ms());
    expect_line("tamga_service_lost_total" SERVICE "} 1");
    expect_line("tamga_service_hedged_total" SERVICE "} 1");
    expect_line("tamga_service_unusable_total" SERVICE ",fault=\"signer\"} 1");
    assert_null(strstr(metrics(), "fault=\"silent\""));
    expect_line("tamga_service_down" SERVICE "} 1");
    assert_non_null(
        strstr(metrics(), "tamga_service_usual_seconds" SERVICE ",quantile=\"0.95\"} 0.001"));
}

static void refused_locks_are_counted_by_authority_and_reason(void **state)
{
    (void)state;
    struct refusal known = {.count = 0};
    struct refusal unknown = {.count = 0};
    refusal_fact(&known, "authority", "one");
    (void)refusal_set(&known, &pki_reasons[PKI_EXPIRED]);
    (void)refusal_set(&unknown, &pki_reasons[PKI_NOT_ACCEPTED]);
    refusals_add(world.app.refusals, &known, NULL, world.now);
    refusals_add(world.app.refusals, &known, NULL, world.now);
    refusals_add(world.app.refusals, &unknown, NULL, world.now);
    expect_line("tamga_refusals_waiting 2");
    assert_int_equal(refusals_flush(world.app.refusals, world.app.db), IDP_OK);
    expect_line("tamga_refusals_waiting 0");
    expect_line("tamga_refusals_total{authority=\"one\",reason=\"lock.expired\"} 2");
    expect_line("tamga_refusals_total{authority=\"\",reason=\"lock.not_accepted\"} 1");
}

static void outbox_is_told_as_it_was_seen_last(void **state)
{
    (void)state;
    world_sql(
        "INSERT INTO outbox (id, queue, kind, target, body, created, due_ms, attempts, parked)"
        " VALUES ('a', 'messages', 'mail', '', '', 1, 0, 0, NULL),"
        " ('b', 'messages', 'mail', '', '', 1, 0, 0, 2),"
        " ('c', 'tombstones', 'tombstone', '', '', 1, 0, 0, NULL)");
    world_sql(
        arena_printf(world.arena, "UPDATE outbox SET created = %lld", (long long)world.now - 90));
    expect_line("tamga_outbox_waiting{queue=\"messages\"} 0");
    assert_int_equal(outbox_watch(&world.app.access, &world.app.outbox), IDP_OK);
    world_sql_is_down(true);
    assert_int_equal(outbox_watch(&world.app.access, &world.app.outbox), IDP_UNAVAILABLE);
    expect_line("tamga_outbox_waiting{queue=\"messages\"} 1");
    expect_line("tamga_outbox_waiting{queue=\"tombstones\"} 1");
    expect_line("tamga_outbox_parked{queue=\"messages\"} 1");
    expect_line("tamga_outbox_parked{queue=\"tombstones\"} 0");
    expect_line("tamga_outbox_oldest_seconds{queue=\"messages\"} 90");
}

static void program_tells_its_version_and_state(void **state)
{
    (void)state;
    expect_line("tamga_build_info{version=\"0.1.0\",schema=\"3\"} 1");
    expect_line("tamga_draining 0");
    atomic_store(&world.app.draining, true);
    expect_line("tamga_draining 1");
}

static double value_of(const char *name)
{
    char line[128];
    const char *text = metrics();
    (void)snprintf(line, sizeof(line), "\n%s ", name);
    const char *found = strstr(text, line);
    assert_non_null(found);
    return strtod(found + strlen(line), NULL);
}

static void process_is_measured(void **state)
{
    (void)state;
    double now = (double)clock_now();
    assert_true(value_of("process_start_time_seconds") > now - 3600);
    assert_true(value_of("process_start_time_seconds") <= now + 1);
    assert_true(value_of("process_resident_memory_bytes") > 1e6);
    assert_true(value_of("process_cpu_seconds_total") > 0);
    int before = (int)value_of("process_open_fds");
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal((int)value_of("process_open_fds"), before + 2);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* What Prometheus refuses of a document it refuses with the whole of it. */
static void every_line_is_a_comment_or_a_sample(void **state)
{
    (void)state;
    char *text = strdup(metrics());
    char *rest = NULL;
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *end = NULL;
        char *value = strrchr(line, ' ');
        if (line[0] == '#') {
            assert_true(strncmp(line, "# HELP ", 7) == 0 || strncmp(line, "# TYPE ", 7) == 0);
            continue;
        }
        assert_non_null(value);
        (void)strtod(value + 1, &end);
        assert_true(end > value + 1 && *end == '\0');
        assert_true(strspn(line, "abcdefghijklmnopqrstuvwxyz_") > 3);
    }
    free(text);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void server_without_tls_has_no_certificate_to_end(void **state)
{
    (void)state;
    assert_null(strstr(metrics(), "tamga_expires_days{kind=\"certificate\""));
    assert_non_null(strstr(metrics(), "tamga_expires_days{kind=\"authority\",name=\"one\"} "));
}

static void days_until_the_certificate_ends_are_told(void **state)
{
    (void)state;
    world.now = clock_now();
    char name[] = "tamga_expires_days{kind=\"certificate\",name=\"\"}";
    assert_true(value_of(name) > 20 && value_of(name) < 20.1);
}

/* What expiry_warn() logs at a time, so many days from now. */
static const char *warnings(int64_t days)
{
    static char text[16384];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_set_fd(ends[1]);
    assert_int_equal(expiry_warn(&world.app, clock_now() + days * DAY), IDP_OK);
    log_set_fd(STDERR_FILENO);
    (void)close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    (void)close(ends[0]);
    return text;
}

static void certificate_is_warned_of_a_month_before_and_urgently_a_week_before(void **state)
{
    (void)state;
    static const char name[] = "\"kind\":\"certificate\"";
    assert_null(strstr(warnings(-11), name)); /* 31 days before */
    const char *text = warnings(-9);
    assert_non_null(strstr(text, "\"level\":\"warn\",\"event\":\"expires_soon\","
                                 "\"kind\":\"certificate\",\"days\":29}"));
    assert_non_null(strstr(warnings(14), "\"level\":\"error\",\"event\":\"expires_soon\","
                                         "\"kind\":\"certificate\",\"days\":6}"));
    assert_non_null(strstr(warnings(21), "\"level\":\"error\",\"event\":\"expired\","
                                         "\"kind\":\"certificate\",\"days\":0}"));
}

static void authority_that_ends_is_warned_of_by_name(void **state)
{
    (void)state;
    assert_non_null(strstr(warnings(36500), "\"event\":\"expired\",\"kind\":\"authority\","
                                            "\"name\":\"one\",\"days\":-"));
}

static void key_that_is_replaced_by_schedule_is_measured_and_not_warned_of(void **state)
{
    (void)state;
    assert_null(strstr(metrics(), "kind=\"signing_key\""));
    world.app.key_policy.rotate_s = 90 * DAY;
    assert_non_null(strstr(metrics(), "tamga_expires_days{kind=\"signing_key\",name=\""));
    assert_null(strstr(warnings(36500), "signing_key"));
    world.app.key_policy.rotate_s = 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define TLS(f) cmocka_unit_test_setup_teardown(f, set_up_tls, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(program_that_answers_is_alive_whatever_is_away),
        TEST(node_with_all_its_parts_is_ready),
        TEST(node_without_a_store_is_not_ready),
        TEST(node_that_ends_is_not_ready),
        TEST(node_whose_database_went_on_without_it_is_not_ready),
        TEST(node_without_an_active_key_is_not_ready),
        TEST(node_that_cannot_use_the_newest_trust_list_is_not_ready),
        TEST(requests_are_counted_by_route_and_status),
        TEST(figures_are_there_when_every_store_is_away),
        TEST(questions_to_authorities_are_counted_by_what_came_back),
        TEST(refused_locks_are_counted_by_authority_and_reason),
        TEST(outbox_is_told_as_it_was_seen_last),
        TEST(program_tells_its_version_and_state),
        TEST(process_is_measured),
        TEST(every_line_is_a_comment_or_a_sample),
        TEST(server_without_tls_has_no_certificate_to_end),
        TLS(days_until_the_certificate_ends_are_told),
        TLS(certificate_is_warned_of_a_month_before_and_urgently_a_week_before),
        TEST(services_are_told_by_address),
        TEST(authority_that_ends_is_warned_of_by_name),
        TEST(key_that_is_replaced_by_schedule_is_measured_and_not_warned_of),
    };
    return cmocka_run_group_tests_name("operate", tests, world_prepare, world_forget);
}
