#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "oauth/authorize.h"
#include "oauth/shared/error_page.h"
#include "tests/oauth/asking.h"

/*
 * docs/security.md row 1: redirect URIs are compared byte for byte. The corpus is made from the
 * registered address by everything that parsers were ever fooled with; not one may be accepted.
 */
static const char registered[] = "https://platform.example/cb";

static struct {
    int tried;
    struct browser browser;
} corpus;

static void refuse(const char *uri)
{
    struct asking asking = asking_of(CLIENT_PLATFORM);
    asking.redirect_uri = uri;
    if (strcmp(uri, registered) == 0)
        return;
    corpus.tried++;
    for (int post = 0; post < 2; post++) {
        const char *text = asking_text(&asking);
        struct sent sent = {
            .route = &oauth_authorize_route,
            .cookie = arena_printf(world.arena, "__Host-tamga=%s", corpus.browser.cookie)};
        sent.query = post == 0 ? text : NULL;
        sent.body = post == 1 ? text : NULL;
        const struct answer *answer = world_send(&sent);
        if (answer->status != 400 || answer->location != NULL)
            fail_msg("accepted: %s", uri);
        assert_null(strstr(answer->body, "evil"));
    }
}

static void refuse_whole_addresses(void)
{
    static const char *const others[] = {
        "",
        " ",
        "*",
        "https://*",
        "https://*.example/cb",
        "https://platform.example/*",
        "https://platform.example",
        "https://platform.example/",
        "https:///cb",
        "https:/platform.example/cb",
        "https:platform.example/cb",
        "//platform.example/cb",
        "///platform.example/cb",
        "/cb",
        "cb",
        "platform.example/cb",
        "http://platform.example/cb",
        "HTTPS://platform.example/cb",
        "hTTps://platform.example/cb",
        "https://PLATFORM.example/cb",
        "https://platform.EXAMPLE/cb",
        "https://platform.example/CB",
        "https://platform.example:443/cb",
        "https://platform.example:0443/cb",
        "https://platform.example:/cb",
        "https://platform.example:80/cb",
        "https://platform.example:8443/cb",
        "https://platform.example./cb",
        "https://platform.example.evil.example/cb",
        "https://evil.example/platform.example/cb",
        "https://evil.example/https://platform.example/cb",
        "https://evil.example?https://platform.example/cb",
        "https://evil.example#https://platform.example/cb",
        "https://evil.example\\.platform.example/cb",
        "https://platform.example\\.evil.example/cb",
        "https://platform.example@evil.example/cb",
        "https://platform.example:pw@evil.example/cb",
        "https://evil.example@platform.example/cb",
        "https://evil.example:443@platform.example/cb",
        "https://platform.example%40evil.example/cb",
        "https://platform.example%2f@evil.example/cb",
        "https://platform.example%252f@evil.example/cb",
        "https://platform.example%00.evil.example/cb",
        "https://platform.example%0d%0aHost:evil.example/cb",
        "https://platform.example%23.evil.example/cb",
        "https://platform.example%3f.evil.example/cb",
        "https://platform.example%5c.evil.example/cb",
        "https://sub.platform.example/cb",
        "https://www.platform.example/cb",
        "https://notplatform.example/cb",
        "https://evil-platform.example/cb",
        "https://platform-example/cb",
        "https://platform.exampl/cb",
        "https://platform.examplee/cb",
        "https://p1atform.example/cb",
        "https://plаtform.example/cb",         /* a Cyrillic a */
        "https://platform。example/cb",        /* an ideographic full stop */
        "https://platform.example／cb",        /* a full-width solidus */
        "https://ｐlatform.example/cb",        /* a full-width p */
        "https://platform\xc2\xad.example/cb", /* a soft hyphen */
        "https://xn--pltform-1fg.example/cb",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "javascript://platform.example/cb%0aalert(1)",
        "javascript:alert(1)//https://platform.example/cb",
        "data:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "blob:https://platform.example/cb",
        "view-source:https://platform.example/cb",
        "ws://platform.example/cb",
        "ftp://platform.example/cb",
        "about:blank",
        "urn:ietf:wg:oauth:2.0:oob",
        "com.example.platform:/cb",
        "https://platform.example/cb?code=x",
        "https://platform.example/cb?state=x&code=x",
        "https://platform.example/cb?",
        "https://platform.example/cb#",
        "https://platform.example/cb#fragment",
        "https://platform.example/cb?#",
        "https://platform.example//cb",
        "https://platform.example/./cb",
        "https://platform.example/x/../cb",
        "https://platform.example/x/..;/cb",
        "https://platform.example/..;/cb",
        "https://platform.example/%2e%2e/cb",
        "https://platform.example/%2e/cb",
        "https://platform.example/%252e%252e/cb",
        "https://platform.example/c%62",
        "https://platform.example/%63b",
        "https://platform.example/%63%62",
        "https://platform.example/cb%2f",
        "https://platform.example/cb/../../evil",
        "https://platform.example/cb/..%2f..%2fevil",
        "https://platform.example/cb/..%252f..%252fevil",
        "https://platform.example/cb/.%2e/evil",
        "https://platform.example/cb\\..\\..\\evil",
        "https://platform.example/cb/..\\evil",
        "https://platform.example/cb;evil",
        "https://platform.example/cb@evil.example",
        "https://127.0.0.1/cb",
        "http://127.0.0.1:9000/cb",
        "http://localhost/cb",
        "http://[::1]/cb",
        "https://[platform.example]/cb",
        "https://0x7f.1/cb",
        "https://2130706433/cb",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        refuse(others[i]);
}

/* What is put in at every place where a parser draws a line. */
static void refuse_insertions(void)
{
    static const char *const pieces[] = {"/",           "\\",  ".",     "..",      "@",
                                         "#",           "?",   "&",     ";",       ":",
                                         "%",           "%2f", "%252f", "%5c",     "%00",
                                         "%09",         "%0a", "%0d",   "%20",     "\t",
                                         "\n",          "\r",  " ",     "*",       "//",
                                         "/../",        "/./", "..;/",  "%2e%2e/", "\xe3\x80\x82",
                                         "\xef\xbc\x8f"};
    static const size_t places[] = {0, 5, 6, 8, 24, 25, 27};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
        for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++)
            refuse(arena_printf(world.arena, "%.*s%s%s", (int)places[k], registered, pieces[i],
                                registered + places[k]));
}

/* Every prefix, every letter in the other case, every character left out or doubled. */
static void refuse_alterations(void)
{
    for (size_t i = 0; i < sizeof(registered) - 1; i++) {
        char *flipped = arena_strdup(world.arena, registered);
        flipped[i] = (char)(flipped[i] ^ 0x20);
        refuse(flipped);
        refuse(arena_strndup(world.arena, registered, i));
        refuse(arena_printf(world.arena, "%.*s%s", (int)i, registered, registered + i + 1));
        refuse(arena_printf(world.arena, "%.*s%s", (int)i + 1, registered, registered + i));
    }
}

static void no_address_but_the_registered_one_is_accepted(void **state)
{
    (void)state;
    corpus.tried = 0;
    corpus.browser = signed_in(LOCK_BELL);
    agree(LOCK_BELL, CLIENT_PLATFORM);
    refuse_whole_addresses();
    refuse_insertions();
    refuse_alterations();
    assert_true(corpus.tried >= 200);
    print_message("%d addresses refused\n", corpus.tried);

    struct asking asking = asking_of(CLIENT_PLATFORM);
    asking.redirect_uri = registered;
    assert_non_null(query_value(authorize(&corpus.browser, &asking)->location, "code"));
}

/* --- the page (docs/security.md row 26)
 * ----------------------------------------------------------------
 */

static const struct reason hostile = {
    .code = "test.hostile",
    .status = 403,
    .zh = "{name}",
    .zh_next = "{support}",
    .en = "{name}",
    .en_next = "{nothing}",
};

static enum idp_err refuse_with_markup(struct request *rq, struct response *rs)
{
    (void)rs;
    refusal_fact(&rq->refusal, "name", "<img src=x onerror=\"alert(1)\">&amp;</p><script>");
    return refusal_set(&rq->refusal, &hostile);
}

static const struct route hostile_route = {
    .methods = HTTP_GET,
    .path = "/hostile",
    .handle = refuse_with_markup,
    .fail = oauth_fail_page,
};

static void nothing_on_the_page_is_live_markup(void **state)
{
    (void)state;
    const struct answer *answer = world_send(&(struct sent){.route = &hostile_route});
    assert_int_equal(answer->status, 403);
    assert_null(strstr(answer->body, "<img"));
    assert_null(strstr(answer->body, "<script"));
    assert_non_null(strstr(answer->body, "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;amp;"
                                         "&lt;/p&gt;&lt;script&gt;"));
    assert_non_null(strstr(answer->body, world.app.config.support_phone));
    assert_null(strstr(answer->body, "{"));
}

static void page_speaks_both_languages_and_names_the_request(void **state)
{
    (void)state;
    const struct answer *answer =
        world_send(&(struct sent){.route = &oauth_authorize_route, .query = "client_id=nobody"});
    assert_non_null(strstr(answer->body, "无法识别发起登录的交易平台"));
    assert_non_null(strstr(answer->body, "The platform that sent you here is not known."));
    assert_non_null(strstr(answer->body, "0123456789abcdef"));
    assert_null(strstr(answer->body, "style="));
    assert_null(strstr(answer->body, "<script"));
}

static enum idp_err answered;

static enum idp_err answer_with(struct request *rq, struct response *rs)
{
    (void)rq;
    (void)rs;
    return answered;
}

static const struct route failing_route = {
    .methods = HTTP_GET, .path = "/failing", .handle = answer_with, .fail = oauth_fail_page};

static void every_error_has_a_page(void **state)
{
    (void)state;
    for (int err = IDP_BAD_REQUEST; err <= IDP_FAULT; err++) {
        if (err == IDP_WAIT)
            continue;
        answered = (enum idp_err)err;
        const struct answer *answer = world_send(&(struct sent){.route = &failing_route});
        assert_true(answer->status >= 400);
        assert_true(text_starts(answer->body, "<!doctype html>"));
        bool busy = err == IDP_UNAVAILABLE || err == IDP_FULL;
        assert_int_equal(answer->status == 503, busy);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(no_address_but_the_registered_one_is_accepted),
        WORLD_TEST(nothing_on_the_page_is_live_markup),
        WORLD_TEST(page_speaks_both_languages_and_names_the_request),
        WORLD_TEST(every_error_has_a_page),
    };
    return cmocka_run_group_tests_name("oauth/redirect", tests, world_prepare, world_forget);
}
