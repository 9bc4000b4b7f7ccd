/* The order of the steps, what each failure leaves, and what a second run finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/http.h"

static const struct client *const somebody = (const struct client *)&"somebody";

static struct world {
    struct request rq;
    struct response rs;
    char steps[16]; /* a letter for each step that was taken */
    enum idp_err admitted, authenticated, handled, failed;
} w;

static void note(const char *step)
{
    strncat(w.steps, step, sizeof(w.steps) - strlen(w.steps) - 1);
}

static enum idp_err admit(struct request *rq)
{
    (void)rq;
    note("a");
    return w.admitted;
}

static enum idp_err authenticate(struct request *rq)
{
    note("w");
    rq->client = somebody;
    return w.authenticated;
}

static enum idp_err handle(struct request *rq, struct response *rs)
{
    note("h");
    refusal_fact(&rq->refusal, "name", "value");
    (void)http_cookie_set(rq, rs, "half", "made");
    (void)http_respond_bytes(rs, 200, "text/plain", "good", 4);
    return w.handled;
}

static void tell(struct request *rq, struct response *rs, enum idp_err err)
{
    (void)rq;
    note("f");
    w.failed = err;
    assert_int_equal(rs->header_count, 0);
    (void)http_respond_bytes(rs, 400, "text/plain", "bad", 3);
}

static const struct param params[] = {
    {.name = "a", .required = true, .max = 8}, {.name = "b", .max = 8}, {.name = NULL}};

#define ROUTE(where, kind, list)                                                                   \
    {                                                                                              \
        .methods = HTTP_GET | HTTP_POST | HTTP_OPTIONS, .path = where, .body = kind,               \
        .params = list, .admit = admit, .authenticate = authenticate, .handle = handle,            \
        .fail = tell                                                                               \
    }

static const struct route form_route = ROUTE("/form", HTTP_BODY_FORM, params);
static const struct route plain_route = ROUTE("/plain", HTTP_BODY_FORM, NULL);
static const struct route json_route = ROUTE("/json", HTTP_BODY_JSON, params);
static const struct route raw_route = ROUTE("/raw", HTTP_BODY_RAW, params);

static int set_up(void **state)
{
    (void)state;
    w = (struct world){
        .rq = {.arena = arena_new(), .route = &form_route, .method = HTTP_GET, .query = "a=x"}};
    return w.rq.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.rq.arena);
    return 0;
}

static void post(const struct route *route, const char *type, const char *body)
{
    w.rq.route = route;
    w.rq.method = HTTP_POST;
    w.rq.query = NULL;
    w.rq.content_type = type;
    w.rq.body = body;
    w.rq.body_len = strlen(body);
    memset(w.rq.values, 0, sizeof(w.rq.values));
    w.steps[0] = '\0';
    w.failed = IDP_OK;
    assert_true(http_dispatch(&w.rq, &w.rs));
}

static void steps_are_taken_in_order(void **state)
{
    (void)state;
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_string_equal(w.steps, "awh");
    assert_int_equal(w.rs.status, 200);
    assert_string_equal(http_param(&w.rq, "a"), "x");
    assert_null(http_param(&w.rq, "b"));
    assert_null(http_param(&w.rq, "c"));
}

static void unreadable_request_meets_no_step(void **state)
{
    (void)state;
    w.rq.query = "a=%";
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_string_equal(w.steps, "f");
    assert_int_equal(w.failed, IDP_BAD_REQUEST);
}

static void each_step_can_end_the_way(void **state)
{
    (void)state;
    w.handled = IDP_BAD_GRANT;
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_string_equal(w.steps, "awhf");
    assert_int_equal(w.failed, IDP_BAD_GRANT);
    w.authenticated = IDP_BAD_CLIENT;
    w.steps[0] = '\0';
    memset(w.rq.values, 0, sizeof(w.rq.values));
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_string_equal(w.steps, "awf");
    assert_int_equal(w.failed, IDP_BAD_CLIENT);
    w.admitted = IDP_LIMITED;
    w.steps[0] = '\0';
    memset(w.rq.values, 0, sizeof(w.rq.values));
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_string_equal(w.steps, "af");
    assert_int_equal(w.failed, IDP_LIMITED);
}

static void failed_answer_keeps_nothing_of_the_handlers(void **state)
{
    (void)state;
    w.handled = IDP_DENIED;
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_int_equal(w.rs.status, 400);
    assert_int_equal(w.rs.header_count, 0);
}

static void expect_nothing_found(void)
{
    assert_null(w.rq.client);
    assert_null(w.rq.session);
    assert_null(w.rq.json);
    assert_null(w.rq.values[0]);
    assert_int_equal(w.rq.refusal.count, 0);
    assert_int_equal(w.rs.status, 0);
    assert_int_equal(w.rs.header_count, 0);
}

static void wait_leaves_the_request_as_it_was(void **state)
{
    (void)state;
    enum idp_err *const steps[] = {&w.admitted, &w.authenticated, &w.handled};
    for (int i = 0; i < 3; i++) {
        *steps[i] = IDP_WAIT;
        assert_false(http_dispatch(&w.rq, &w.rs));
        assert_null(strchr(w.steps, 'f'));
        expect_nothing_found();
        *steps[i] = IDP_OK;
    }
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_int_equal(w.rs.status, 200);
    assert_int_equal(w.rs.header_count, 1);
}

static void form_route_reads_what_it_takes(void **state)
{
    (void)state;
    static const char form[] = "application/x-www-form-urlencoded";
    post(&form_route, form, "a=body");
    assert_string_equal(http_param(&w.rq, "a"), "body");
    post(&form_route, "Application/X-WWW-Form-urlencoded ; charset=UTF-8", "a=body");
    assert_int_equal(w.failed, IDP_OK);
    post(&form_route, form, "b=1");
    assert_int_equal(w.failed, IDP_BAD_REQUEST); /* a is in neither */
    post(&form_route, NULL, "a=body");
    assert_int_equal(w.failed, IDP_BAD_REQUEST);
    post(&form_route, "multipart/form-data", "a=body");
    assert_int_equal(w.failed, IDP_BAD_REQUEST);
    post(&form_route, NULL, "");
    assert_int_equal(w.failed, IDP_BAD_REQUEST);
    post(&plain_route, NULL, "anything");
    assert_int_equal(w.failed, IDP_OK);
}

static void json_route_takes_json_only(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        NULL,
        "",
        "text/plain",
        "application/jsonx",
        "application/json; charset=latin1",
        "application/json;",
        "application/json; charset=utf-8; x=y",
        "application/json, text/plain",
    };
    post(&json_route, "application/json", "{\"a\":\"x\"}");
    assert_string_equal(http_param(&w.rq, "a"), "x");
    post(&json_route, "application/json;charset=UTF-8", "{\"a\":\"x\"}");
    assert_int_equal(w.failed, IDP_OK);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        post(&json_route, wrong[i], "{\"a\":\"x\"}");
        assert_string_equal(w.steps, "f");
    }
    post(&json_route, "application/json", "");
    assert_int_equal(w.failed, IDP_BAD_REQUEST);
}

static void json_route_reads_the_query_on_get(void **state)
{
    (void)state;
    w.rq.route = &json_route;
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_string_equal(http_param(&w.rq, "a"), "x");
}

static void raw_route_and_options_are_not_parsed(void **state)
{
    (void)state;
    post(&raw_route, NULL, "%%%");
    assert_string_equal(w.steps, "awh");
    w.rq.route = &json_route;
    w.rq.method = HTTP_OPTIONS;
    assert_true(http_dispatch(&w.rq, &w.rs));
    assert_int_equal(w.failed, IDP_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(steps_are_taken_in_order),
        TEST(unreadable_request_meets_no_step),
        TEST(each_step_can_end_the_way),
        TEST(failed_answer_keeps_nothing_of_the_handlers),
        TEST(wait_leaves_the_request_as_it_was),
        TEST(form_route_reads_what_it_takes),
        TEST(json_route_takes_json_only),
        TEST(json_route_reads_the_query_on_get),
        TEST(raw_route_and_options_are_not_parsed),
    };
    return cmocka_run_group_tests_name("http/dispatch", tests, NULL, NULL);
}
