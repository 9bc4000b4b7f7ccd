#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "access/consent.h"
#include "base/text.h"
#include "http/files.h"
#include "http/fixed.h"
#include "portal/consent.h"
#include "portal/help.h"
#include "portal/interaction.h"
#include "portal/pages.h"
#include "portal/platforms.h"
#include "tests/help.h"
#include "tests/portal/visiting.h"

static const char *query_of(const char *id)
{
    return arena_printf(world.arena, "interaction=%s", id);
}

static const struct answer *look_at(struct browser *browser, const char *id)
{
    return browse(browser, &portal_interaction_route, query_of(id));
}

static const struct answer *proceed(struct browser *browser, const char *id)
{
    return post_json(browser, &portal_continue_route,
                     arena_printf(world.arena, "{\"interaction\":\"%s\"}", id));
}

static const struct answer *decide(struct browser *browser, const char *id, const char *decision)
{
    return post_json(
        browser, &portal_consent_route,
        arena_printf(world.arena, "{\"interaction\":\"%s\",\"decision\":\"%s\"}", id, decision));
}

static void suspend_clients(void)
{
    world_sql("UPDATE clients SET standing = 'suspended'");
    world_forget_clients();
}

/* --- what is asked
 * -------------------------------------------------------------------------------- */

static void visitor_sees_who_asks_and_what_for_but_no_values(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct answer *answer = look_at(&browser, pending(&browser, CLIENT_PLATFORM));
    assert_int_equal(answer->status, 200);
    assert_string_equal(member_text(answer, "needs"), "sign_in");
    json_t *client =
        json_pack("{s:s, s:{s:s, s:s}, s:s, s:s}", "id", "platform", "name", "zh", "platform平台",
                  "en", "platform", "uri", "https://platform.example/", "phone", "0471-222-3333");
    assert_true(json_equal(member(answer, "client"), client));
    json_decref(client);
    assert_int_equal(json_array_size(member(answer, "scopes")), 2);
    assert_int_equal(json_array_size(member(answer, "claims")), 5);
    for (size_t i = 0; i < 5; i++) {
        const json_t *claim = json_array_get(member(answer, "claims"), i);
        assert_true(json_is_null(json_object_get(claim, "value")));
        assert_non_null(json_object_get(json_object_get(claim, "title"), "zh"));
    }
}

/* What the platform may do without the bidder stands on the page as a line of its own. */
static void offline_access_is_told_with_its_days(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    assert_null(member(look_at(&browser, pending(&browser, CLIENT_PLATFORM)), "offline_days"));
    const char *id = pending_for(&browser, CLIENT_PLATFORM, "openid enterprise offline_access");
    const struct answer *answer = look_at(&browser, id);
    assert_int_equal(json_integer_value(member(answer, "offline_days")), 30);
    assert_int_equal(json_array_size(member(answer, "claims")), 5);
}

static const char *shown(const struct answer *answer, size_t i, const char *language)
{
    const json_t *claim = json_array_get(member(answer, "claims"), i);
    return json_string_value(json_object_get(json_object_get(claim, "value"), language));
}

static void who_signed_in_sees_what_the_platform_will_learn(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct answer *answer = look_at(&browser, pending(&browser, CLIENT_PLATFORM));
    assert_string_equal(member_text(answer, "needs"), "consent");
    assert_string_equal(shown(answer, 0, "zh"), "风铃建设有限公司");
    assert_string_equal(shown(answer, 1, "en"), REGION_USCC);
    assert_string_equal(shown(answer, 2, "zh"), "投标人、政府采购供应商");
    assert_string_equal(shown(answer, 2, "en"), "Bidder, Government supplier");
    assert_string_equal(shown(answer, 3, "en"), "Hohhot");
    assert_string_equal(shown(answer, 4, "zh"), "张三");
}

/* docs/security.md row 23. */
static void interaction_of_another_browser_is_gone(void **state)
{
    (void)state;
    struct browser victim = signed_in(LOCK_BELL);
    struct browser attacker = signed_in(LOCK_HARBOUR);
    struct browser nobody = {.cookie = NULL};
    const char *theirs = pending(&attacker, CLIENT_PLATFORM);
    expect_error(look_at(&victim, theirs), 404, "interaction.gone");
    expect_error(look_at(&nobody, theirs), 404, "interaction.gone");
    expect_error(proceed(&victim, theirs), 404, "interaction.gone");
    expect_error(decide(&victim, theirs, "allow"), 404, "interaction.gone");
    expect_error(decide(&victim, theirs, "deny"), 404, "interaction.gone");
    assert_int_equal(world_number("SELECT COUNT(*) FROM consents"), 0);
    assert_int_equal(decide(&attacker, theirs, "allow")->status, 200);
}

static void interaction_that_was_never_there_is_gone(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    expect_error(look_at(&browser, "x"), 404, "interaction.gone");
    expect_error(proceed(&browser, "x"), 404, "interaction.gone");
    expect_error(decide(&browser, "x", "allow"), 404, "interaction.gone");
    expect_error(browse(&browser, &portal_interaction_route, NULL), 400, "request.shape");
    expect_error(browse(&browser, &portal_interaction_route, "interaction=a&interaction=a"), 400,
                 "request.shape");
}

/* docs/security.md row 27. */
static void interaction_is_gone_after_its_time(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *id = pending(&browser, CLIENT_PLATFORM);
    world.now += 899;
    assert_int_equal(look_at(&browser, id)->status, 200);
    world.now++;
    expect_error(look_at(&browser, id), 404, "interaction.gone");
    expect_error(decide(&browser, id, "allow"), 404, "interaction.gone");
}

/* docs/security.md row 25: the client's row is looked at again at every step. */
static void client_that_changed_meanwhile_gets_nobody(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE clients SET standing = 'suspended'",
        "UPDATE clients SET standing = 'announced'",
        ("UPDATE clients SET metadata = replace(metadata, 'https://platform.example/cb', "
         "'https://platform.example/moved')"),
        "DELETE FROM clients WHERE id = 'platform'",
    };
    for (size_t i = 0; i < 4; i++) {
        struct browser browser = signed_in(LOCK_BELL);
        const char *id = pending(&browser, CLIENT_PLATFORM);
        assert_int_equal(look_at(&browser, id)->status, 200);
        world_sql(changes[i]);
        world_forget_clients();
        expect_error(look_at(&browser, id), 404, "platform.unknown");
        expect_error(proceed(&browser, id), 404, "platform.unknown");
        expect_error(decide(&browser, id, "allow"), 404, "platform.unknown");
        expect_error(decide(&browser, id, "deny"), 404, "platform.unknown");
        if (i == 2)
            world_sql("UPDATE clients SET metadata = replace(metadata, 'moved', 'cb')");
        world_sql("UPDATE clients SET standing = 'active'");
        world_forget_clients();
    }
    assert_int_equal(world_number("SELECT COUNT(*) FROM consents"), 0);
}

/* --- deciding
 * --------------------------------------------------------------------------------------- */

static void agreeing_sends_a_code_to_the_platform(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *id = pending(&browser, CLIENT_PLATFORM);
    const struct answer *answer = decide(&browser, id, "allow");
    const char *location = member_text(answer, "location");
    assert_int_equal(answer->status, 200);
    assert_int_equal(json_object_size(answer->json), 1);
    assert_true(text_starts(location, "https://platform.example/cb?code="));
    assert_int_equal(strlen(query_value(location, "code")), 44);
    assert_string_equal(query_value(location, "state"), "a state");
    assert_string_equal(query_value(location, "iss"), REGION_ORIGIN);
    expect_error(decide(&browser, id, "allow"), 404, "interaction.gone"); /* once */
}

static void refusing_is_told_to_the_platform(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *id = pending(&browser, CLIENT_PLATFORM);
    const struct answer *answer = decide(&browser, id, "deny");
    assert_string_equal(member_text(answer, "location"),
                        "https://platform.example/cb?error=access_denied&state=a%20state&iss="
                        "http%3A%2F%2F127.0.0.1%3A8080");
    expect_error(decide(&browser, id, "allow"), 404, "interaction.gone");
    assert_int_equal(world_number("SELECT COUNT(*) FROM consents"), 0);
}

static void consent_is_remembered(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    expect_json(proceed(&browser, pending(&browser, CLIENT_PLATFORM)), 200,
                "{\"next\":\"consent\"}");
    assert_int_equal(decide(&browser, pending(&browser, CLIENT_PLATFORM), "allow")->status, 200);
    const char *id = pending(&browser, CLIENT_PLATFORM);
    assert_string_equal(member_text(look_at(&browser, id), "needs"), "nothing");
    assert_non_null(query_value(member_text(proceed(&browser, id), "location"), "code"));
    expect_error(proceed(&browser, id), 404, "interaction.gone");
}

static void decision_is_one_of_two_words(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "Allow", "yes", "allow ", "deny,allow"};
    struct browser browser = signed_in(LOCK_BELL);
    const char *id = pending(&browser, CLIENT_PLATFORM);
    for (size_t i = 0; i < 5; i++)
        expect_error(decide(&browser, id, bad[i]), 400, "request.shape");
}

static void lock_of_the_other_environment_has_to_be_changed_first(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *id = pending(&browser, CLIENT_REAL);
    assert_string_equal(member_text(look_at(&browser, id), "needs"), "sign_in");
    expect_json(proceed(&browser, id), 200, "{\"next\":\"sign_in\"}");
    expect_error(decide(&browser, id, "allow"), 401, "session.gone");
}

static void many_windows_get_one_code(void **state)
{
    (void)state;
    enum { WINDOWS = 16 };
    struct sent sent[WINDOWS];
    const struct answer *answers[WINDOWS];
    struct browser browser = signed_in(LOCK_BELL);
    const char *body = arena_printf(world.arena, "{\"interaction\":\"%s\",\"decision\":\"allow\"}",
                                    pending(&browser, CLIENT_PLATFORM));
    for (size_t i = 0; i < WINDOWS; i++)
        sent[i] = posted(&browser, &portal_consent_route, body);
    world_send_at_once(sent, WINDOWS, answers);
    int codes = 0;
    for (size_t i = 0; i < WINDOWS; i++) {
        codes += answers[i]->status == 200;
        if (answers[i]->status != 200)
            expect_error(answers[i], 404, "interaction.gone");
    }
    assert_int_equal(codes, 1);
}

static void dead_stores_give_no_code(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *id = pending(&browser, CLIENT_PLATFORM);
    (void)look_at(&browser, id);
    world_sql_is_down(true);
    expect_error(look_at(&browser, id), 503, "server.unavailable");
    expect_error(proceed(&browser, id), 503, "server.unavailable");
    expect_error(decide(&browser, id, "allow"), 503, "server.unavailable");
    world_sql_is_down(false);
    world.kv.error = IDP_UNAVAILABLE;
    world.kv.calls = FAULTY_PUT;
    world.kv.kinds = 1u << KV_CODE;
    expect_error(decide(&browser, id, "allow"), 503, "server.unavailable");
}

/* --- the chooser and launching
 * ------------------------------------------------------------------------ */

static void platforms_are_grouped_and_say_whether_they_joined(void **state)
{
    (void)state;
    struct browser browser = visit();
    expect_json(
        browse(&browser, &portal_platforms_route, NULL), 200,
        "{\"groups\":["
        "{\"id\":\"regional\",\"title\":{\"zh\":\"自治区平台\",\"en\":\"Regional platforms\"},"
        "\"platforms\":[]},"
        "{\"id\":\"west\",\"title\":{\"zh\":\"西部盟市\",\"en\":\"Western cities\"},\"platforms\":["
        "{\"id\":\"other\",\"name\":{\"zh\":\"other平台\",\"en\":\"other\"},"
        "\"city\":{\"zh\":\"呼和浩特市\",\"en\":\"Hohhot\"},\"uri\":\"https://other.example/\","
        "\"phone\":\"0471-222-3333\",\"joined\":true},"
        "{\"id\":\"platform\",\"name\":{\"zh\":\"platform平台\",\"en\":\"platform\"},"
        "\"city\":{\"zh\":\"呼和浩特市\",\"en\":\"Hohhot\"},\"uri\":\"https://platform.example/\","
        "\"phone\":\"0471-222-3333\",\"joined\":true},"
        "{\"id\":\"real\",\"name\":{\"zh\":\"real平台\",\"en\":\"real\"},"
        "\"city\":{\"zh\":\"呼和浩特市\",\"en\":\"Hohhot\"},\"uri\":\"https://real.example/\","
        "\"phone\":\"0471-222-3333\",\"joined\":true}]},"
        "{\"id\":\"east\",\"title\":{\"zh\":\"东部盟市\",\"en\":\"Eastern cities\"},\"platforms\":["
        "{\"id\":\"soon\",\"name\":{\"zh\":\"soon平台\",\"en\":\"soon\"},\"joined\":false}]}]}");
}

static void suspended_platform_is_not_shown(void **state)
{
    (void)state;
    struct browser browser = visit();
    suspend_clients();
    const struct answer *answer = browse(&browser, &portal_platforms_route, NULL);
    assert_null(strstr(answer->body, "platform.example"));
}

static const struct answer *launch(struct browser *browser, const char *client)
{
    return post_json(browser, &portal_launch_route,
                     arena_printf(world.arena, "{\"client\":\"%s\"}", client));
}

static void launch_sends_to_the_platforms_own_login(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    expect_json(launch(&browser, "platform"), 200,
                "{\"location\":\"https://platform.example/login?iss=http%3A%2F%2F127.0.0.1%3A8080&"
                "target_link_uri=https%3A%2F%2Fplatform.example%2F\"}");
}

static void platform_that_cannot_be_launched_says_whom_to_call(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const struct answer *answer = launch(&browser, "soon");
    expect_error(answer, 409, "platform.not_joined");
    assert_string_equal(member_text(answer, "error.facts.phone"), "0471-111-2222");
    assert_non_null(strstr(member_text(answer, "error.message.en"), "soon"));
    expect_error(launch(&browser, "public"), 409, "platform.not_joined");
    expect_error(launch(&browser, "nobody"), 404, "platform.unknown");
    suspend_clients();
    expect_error(launch(&browser, "platform"), 404, "platform.unknown");
}

static void dead_stores_launch_nobody(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    world_sql_is_down(true);
    expect_error(launch(&browser, "platform"), 503, "server.unavailable");
    expect_error(browse(&browser, &portal_platforms_route, NULL), 503, "server.unavailable");
    expect_error(browse(&browser, &portal_help_route, NULL), 503, "server.unavailable");
}

/* --- help, downloads, pages
 * ----------------------------------------------------------------------------- */

static void help_lists_whom_to_call(void **state)
{
    (void)state;
    struct browser browser = visit();
    const struct answer *answer = browse(&browser, &portal_help_route, NULL);
    assert_string_equal(member_text(answer, "support.phone"), "0471-111-2222");
    assert_int_equal(json_array_size(member(answer, "platforms")), 3);
    assert_int_equal(json_array_size(member(answer, "authorities")), WORLD_AUTHORITIES);
    const json_t *first = json_array_get(member(answer, "authorities"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "phone")), "0471-000-0000");
}

static void without_packages_there_is_nothing_to_download(void **state)
{
    (void)state;
    struct browser browser = visit();
    expect_json(browse(&browser, &portal_download_route, NULL), 200, "{\"packages\":[]}");
    const struct answer *answer = world_send(&(struct sent){
        .route = &portal_package_route, .path = "/download/tamga-assistant_0.1.0.deb"});
    assert_int_equal(answer->status, 404);
}

static struct http_files *load(const char *name, const char *text)
{
    char *why = NULL;
    struct http_files *files = NULL;
    char *folder = help_temp_folder();
    help_write_file(arena_printf(world.arena, "%s/%s", folder, name), text, strlen(text));
    assert_int_equal(http_files_load(folder, &why, &files), IDP_OK);
    help_remove_folder(folder);
    free(folder);
    return files;
}

static void packages_are_listed_and_served(void **state)
{
    (void)state;
    struct browser browser = visit();
    world.app.packages = load("packages.json", "{\"packages\":[{\"system\":\"debian\"}]}");
    expect_json(browse(&browser, &portal_download_route, NULL), 200,
                "{\"packages\":[{\"system\":\"debian\"}]}");
    const struct answer *answer = world_send(
        &(struct sent){.route = &portal_package_route, .path = "/download/packages.json"});
    assert_int_equal(answer->status, 200);
    static const char *const others[] = {"/download/", "/download/../t.db", "/download//etc/passwd",
                                         "/download/packages.json/"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            world_send(&(struct sent){.route = &portal_package_route, .path = others[i]})->status,
            404);
    http_files_free(world.app.packages);
    world.app.packages = NULL;
}

static int status_of_page(const char *path)
{
    const struct answer *answer =
        world_send(&(struct sent){.route = &portal_pages_route, .path = path});
    assert_string_equal(answer->body, "<!doctype html>");
    return answer->status;
}

static void every_page_is_the_one_page_and_what_is_none_is_not_found(void **state)
{
    (void)state;
    static const char *const pages[] = {"/",        "/sign-in", "/certificate", "/platforms",
                                        "/consent", "/bind",    "/help",        "/download"};
    static const char *const others[] = {"/nowhere", "/sign-in/", "/../t.db", "//", "/Sign-In"};
    world.app.pages = load("index.html", "<!doctype html>");
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(status_of_page(pages[i]), 200);
    assert_int_equal(status_of_page("/index.html"), 200);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(status_of_page(others[i]), 404);
    http_files_free(world.app.pages);
    world.app.pages = NULL;
}

/* --- hostile names (docs/security.md row 26)
 * ---------------------------------------------------------------------- */

static void markup_in_names_is_a_json_text_like_any_other(void **state)
{
    (void)state;
    static const char markup[] = "<img src=x onerror=alert(1)>\\\"</script>";
    struct browser browser = signed_in(LOCK_BELL);
    world_sql("UPDATE enterprises SET name = '<img src=x onerror=alert(1)>\\\"</script>'");
    world_sql("UPDATE clients SET metadata = replace(metadata, 'client_name#en\":\"platform', "
              "'client_name#en\":\"<img src=x onerror=alert(1)>\\\\\\\"</script>') "
              "WHERE id = 'platform'");
    world_forget_clients();
    world_forget_holder(LOCK_BELL);
    const struct answer *answer = look_at(&browser, pending(&browser, CLIENT_PLATFORM));
    assert_string_equal(answer->rs.type, "application/json");
    assert_string_equal(member_text(answer, "client.name.en"), markup);
    assert_string_equal(shown(answer, 0, "zh"), markup);
}

/* --- no memory
 * -------------------------------------------------------------------------------------- */

static int allocations_left;

static void *scarce_malloc(size_t n)
{
    return allocations_left-- > 0 ? malloc(n) : NULL;
}

/* Dispatches with n allocations of Jansson's. Returns the status; the body has to be whole. */
static int answer_with_memory_for(int n, const struct sent *sent, const struct answer *whole)
{
    struct response rs = {0};
    struct request rq = {.arena = arena_new(),
                         .app = &world.app,
                         .route = sent->route,
                         .now = world.now,
                         .id = "0123456789abcdef",
                         .address = "192.0.2.7",
                         .method = HTTP_GET,
                         .path = sent->route->path,
                         .query = sent->query,
                         .cookie = sent->cookie};
    allocations_left = n;
    json_set_alloc_funcs(scarce_malloc, free);
    assert_true(http_dispatch(&rq, &rs));
    json_set_alloc_funcs(malloc, free);
    assert_true(rs.status == 500 || rs.status == 200);
    if (rs.status == 200) {
        assert_int_equal(rs.body_len, strlen(whole->body));
        assert_memory_equal(rs.body, whole->body, rs.body_len);
    }
    arena_free(rq.arena);
    return rs.status;
}

/* Jansson's n-th allocation fails, for every n until the answer gets through. */
static void no_memory_gives_no_half_answer(void **state)
{
    (void)state;
    struct browser browser = signed_in(LOCK_BELL);
    const char *cookie = arena_printf(world.arena, "__Host-tamga=%s", browser.cookie);
    const struct sent sent[] = {
        {.route = &portal_interaction_route,
         .query = query_of(pending(&browser, CLIENT_PLATFORM)),
         .cookie = cookie},
        {.route = &portal_platforms_route},
        {.route = &portal_help_route},
    };
    for (size_t i = 0; i < 3; i++) {
        const struct answer *whole = world_send(&sent[i]);
        assert_int_equal(whole->status, 200);
        int n = 0;
        while (answer_with_memory_for(n, &sent[i], whole) != 200)
            n++;
        assert_true(n > 10 && n < 1000);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(visitor_sees_who_asks_and_what_for_but_no_values),
        WORLD_TEST(who_signed_in_sees_what_the_platform_will_learn),
        WORLD_TEST(offline_access_is_told_with_its_days),
        WORLD_TEST(interaction_of_another_browser_is_gone),
        WORLD_TEST(interaction_that_was_never_there_is_gone),
        WORLD_TEST(interaction_is_gone_after_its_time),
        WORLD_TEST(client_that_changed_meanwhile_gets_nobody),
        WORLD_TEST(agreeing_sends_a_code_to_the_platform),
        WORLD_TEST(refusing_is_told_to_the_platform),
        WORLD_TEST(consent_is_remembered),
        WORLD_TEST(decision_is_one_of_two_words),
        WORLD_TEST(lock_of_the_other_environment_has_to_be_changed_first),
        WORLD_TEST(many_windows_get_one_code),
        WORLD_TEST(dead_stores_give_no_code),
        WORLD_TEST(platforms_are_grouped_and_say_whether_they_joined),
        WORLD_TEST(suspended_platform_is_not_shown),
        WORLD_TEST(launch_sends_to_the_platforms_own_login),
        WORLD_TEST(platform_that_cannot_be_launched_says_whom_to_call),
        WORLD_TEST(dead_stores_launch_nobody),
        WORLD_TEST(help_lists_whom_to_call),
        WORLD_TEST(without_packages_there_is_nothing_to_download),
        WORLD_TEST(packages_are_listed_and_served),
        WORLD_TEST(every_page_is_the_one_page_and_what_is_none_is_not_found),
        WORLD_TEST(markup_in_names_is_a_json_text_like_any_other),
        WORLD_TEST(no_memory_gives_no_half_answer),
    };
    return cmocka_run_group_tests_name("portal/consent", tests, world_prepare, world_forget);
}
