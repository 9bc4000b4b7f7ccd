/* Pages: nothing that a provider, a company or a settings file says becomes markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "platform/app.h"
#include "platform/page.h"
#include "platform/pages/who.h"

static struct world {
    struct platform_settings settings;
    struct app app;
    struct route route;
    struct request rq;
    struct response rs;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){
        .settings = {.id = "p",
                     .name_zh = "名",
                     .name_en = "Name",
                     .portal = "https://portal",
                     .phone = "1"},
        .route = {.path = "/home", .params = page_params},
        .rq = {.arena = arena_new(), .method = HTTP_GET, .path = "/home"},
    };
    w.app.settings = &w.settings;
    w.rq.app = &w.app;
    w.rq.route = &w.route;
    return w.rq.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.rq.arena);
    return 0;
}

/* The page's text so far, NUL-terminated. */
static const char *text_of(struct page *page)
{
    page->text[page->len] = '\0';
    return page->text;
}

static void markup_in_a_text_stays_text(void **state)
{
    (void)state;
    struct page page = page_begin(&w.rq, &w.rs, "题", "T");
    page.len = 0;
    page_put(&page, "<p title=\"{}\">{}</p>", "\" onload='x'", "<img src=x onerror=alert(1)>&",
             NULL);
    assert_string_equal(text_of(&page), "<p title=\"&quot; onload=&#39;x&#39;\">"
                                        "&lt;img src=x onerror=alert(1)&gt;&amp;</p>");
}

static void hole_in_a_text_is_no_hole(void **state)
{
    (void)state;
    struct page page = page_begin(&w.rq, &w.rs, "题", "T");
    page.len = 0;
    page_put(&page, "{}-{}", "{}", "b", NULL);
    assert_string_equal(text_of(&page), "{}-b");
}

static void page_with_a_text_missing_is_not_sent(void **state)
{
    (void)state;
    struct page page = page_begin(&w.rq, &w.rs, "题", "T");
    page_put(&page, "{}{}", "a", NULL);
    assert_int_equal(page_end(&page, &w.rs, 200), IDP_FAULT);
}

static void page_that_grows_too_long_is_not_sent(void **state)
{
    (void)state;
    struct page page = page_begin(&w.rq, &w.rs, "题", "T");
    for (int i = 0; i < 10000; i++)
        page_put(&page, "{}", "ten bytes.", NULL);
    assert_true(page.len < PAGE_MAX);
    assert_int_equal(page_end(&page, &w.rs, 200), IDP_FAULT);
}

/* docs/security.md row 26 */
static void company_name_is_never_live_markup(void **state)
{
    (void)state;
    static const struct visitor visitor = {.name = "<script>alert(1)</script>",
                                           .uscc = "\"><b>",
                                           .entity_types = "<i> bidder",
                                           .serial = "<u>",
                                           .acr = "<s>"};
    struct page page = page_begin(&w.rq, &w.rs, "题", "T");
    page.len = 0;
    who_put_company(&page, &visitor);
    who_put_proof(&page, &visitor);
    const char *text = text_of(&page);
    static const char *const never[] = {"<script", "<b>", "<i>", "<u>", "<s>"};
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        assert_null(strstr(text, never[i]));
    assert_non_null(strstr(text, "&lt;script&gt;"));
}

static void language_is_chinese_unless_asked_and_then_remembered(void **state)
{
    (void)state;
    assert_false(page_begin(&w.rq, &w.rs, "题", "T").english);
    assert_int_equal(w.rs.header_count, 0);
    w.rq.values[0] = "en";
    assert_true(page_begin(&w.rq, &w.rs, "题", "T").english);
    assert_string_equal(w.rs.headers[0].name, "Set-Cookie");
    assert_memory_equal(w.rs.headers[0].value, "language=en;", 12);
    w.rq.values[0] = NULL;
    w.rq.cookie = "language=en";
    assert_true(page_begin(&w.rq, &w.rs, "题", "T").english);
    w.rq.cookie = "language=\"en";
    assert_false(page_begin(&w.rq, &w.rs, "题", "T").english);
}

static void switch_of_languages_never_repeats_a_callback(void **state)
{
    (void)state;
    struct page page = page_begin(&w.rq, &w.rs, "题", "T");
    assert_non_null(strstr(text_of(&page), "href=\"/home?lang=en\""));
    w.route.params = NULL;
    w.route.path = "/callback";
    page = page_begin(&w.rq, &w.rs, "题", "T");
    assert_non_null(strstr(text_of(&page), "href=\"/?lang=en\""));
}

/* The Content-Security-Policy allows neither, so a page that needed one would be broken. */
static void frame_holds_no_inline_script_or_style(void **state)
{
    (void)state;
    struct page page = page_begin(&w.rq, &w.rs, "题", "T");
    assert_int_equal(page_end(&page, &w.rs, 200), IDP_OK);
    const char *text = arena_strndup(w.rq.arena, w.rs.body, w.rs.body_len);
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "<style"));
    assert_null(strstr(text, " style="));
    assert_null(strstr(text, "javascript:"));
}

static void moments_are_told_in_china_standard_time(void **state)
{
    (void)state;
    struct page page = {.rq = &w.rq};
    assert_string_equal(page_moment(&page, 0), "1970-01-01 08:00");
    assert_string_equal(page_moment(&page, 1769821500), "2026-01-31 09:05");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(markup_in_a_text_stays_text),
        TEST(hole_in_a_text_is_no_hole),
        TEST(page_with_a_text_missing_is_not_sent),
        TEST(page_that_grows_too_long_is_not_sent),
        TEST(company_name_is_never_live_markup),
        TEST(language_is_chinese_unless_asked_and_then_remembered),
        TEST(switch_of_languages_never_repeats_a_callback),
        TEST(frame_holds_no_inline_script_or_style),
        TEST(moments_are_told_in_china_standard_time),
    };
    return cmocka_run_group_tests_name("platform/page", tests, NULL, NULL);
}
