#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "notify/message.h"
#include "notify/news.h"

static struct world {
    struct arena *arena;
    struct news_facts facts;
    struct news_text text;
} w;

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.facts = (struct news_facts){
        .name = "贝尔有限公司",
        .role = "primary",
        .authority_zh = "云江 CA",
        .authority_en = "Yunjiang CA",
        .serial = "5F01",
        .platform_zh = "盟北平台",
        .platform_en = "Mengbei Platform",
        .support = "0471-1234567",
        .at = 1714975385,
    };
    return w.arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(w.arena);
    return 0;
}

static void write_it(const struct news *news)
{
    assert_int_equal(news_write(w.arena, news, &w.facts, &w.text), IDP_OK);
}

static void bound_lock_is_told_in_both_languages(void **state)
{
    (void)state;
    write_it(&news_lock_bound);
    assert_string_equal(w.text.subject,
                        "贵单位账户绑定了一把 CA 锁 / A CA lock was bound to your company");
    assert_string_equal(
        w.text.body,
        "贝尔有限公司：\n\n"
        "2024-05-06 14:03（北京时间），贵单位的账户绑定了一把 CA "
        "锁。今后持此锁者即可代表贵单位登录。"
        "\n\n"
        "CA 锁：主锁，云江 CA，证书序列号 5F01\n"
        "平台：盟北平台\n\n"
        "如果这不是贵单位本人办理的，请立即致电平台运营方 0471-1234567。\n"
        "本邮件由系统自动发出，不含链接，也不会向您索要口令。\n\n"
        "----------------------------------------\n\n"
        "贝尔有限公司:\n\n"
        "On 2024-05-06 14:03 (Beijing time) a CA lock was bound to your company's account. From "
        "now on its holder can sign in for your company.\n\n"
        "CA lock: primary, Yunjiang CA, certificate serial number 5F01\n"
        "Platform: Mengbei Platform\n\n"
        "If this was not done by your company, call the operators at 0471-1234567 at once.\n"
        "This mail was sent automatically. It holds no links, and nobody will ask you for a "
        "PIN.\n");
}

static void what_it_is_not_about_is_not_mentioned(void **state)
{
    (void)state;
    w.facts.serial = NULL;
    w.facts.platform_zh = w.facts.platform_en = NULL;
    w.facts.support = "";
    write_it(&news_enterprise_suspended);
    assert_null(strstr(w.text.body, "CA 锁："));
    assert_null(strstr(w.text.body, "CA lock:"));
    assert_null(strstr(w.text.body, "平台："));
    assert_null(strstr(w.text.body, "Platform:"));
    assert_non_null(strstr(w.text.body, "如有疑问，请联系平台运营方。"));
    assert_non_null(strstr(w.text.body, "If you have any questions, call the operators."));
}

static void secondary_lock_is_called_so(void **state)
{
    (void)state;
    w.facts.role = "secondary";
    write_it(&news_lock_unbound);
    assert_non_null(strstr(w.text.body, "CA 锁：副锁，"));
    assert_non_null(strstr(w.text.body, "CA lock: secondary, "));
}

static void lock_that_is_not_the_companys_has_no_role(void **state)
{
    (void)state;
    w.facts.role = NULL;
    write_it(&news_uscc_claimed);
    assert_non_null(strstr(w.text.body, "CA 锁：云江 CA，证书序列号 5F01\n"));
    assert_non_null(strstr(w.text.body, "CA lock: Yunjiang CA, certificate serial number 5F01\n"));
}

static const struct news *const every[] = {&news_lock_bound,         &news_lock_unbound,
                                           &news_lock_revoked,       &news_enterprise_suspended,
                                           &news_enterprise_resumed, &news_consent_withdrawn,
                                           &news_uscc_claimed};

/* Nothing is left to fill in, nothing leads anywhere, and mail can carry it. */
static void all_news_are_whole_and_have_no_links(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(every) / sizeof(*every); i++) {
        struct message message;
        write_it(every[i]);
        assert_ptr_equal(news_find(every[i]->id), every[i]);
        assert_null(strpbrk(w.text.body, "{}<>"));
        assert_null(strstr(w.text.body, "://"));
        const struct letter letter = {.from = "a@b.c",
                                      .to = "d@e.f",
                                      .subject = w.text.subject,
                                      .body = w.text.body,
                                      .id = "id"};
        assert_int_equal(message_write(w.arena, &letter, &message), IDP_OK);
    }
    assert_null(news_find("pigeon"));
}

/* A name is put in as it is: it can neither be a place for another fact nor break a line. */
static void hostile_name_stays_a_name(void **state)
{
    (void)state;
    w.facts.name = "{support}{what}";
    write_it(&news_lock_bound);
    assert_int_equal(strncmp(w.text.body, "{support}{what}：\n", 19), 0);
    w.facts.name = "x\r\nBcc: y";
    w.facts.serial = "\xff";
    write_it(&news_lock_bound);
    assert_int_equal(strncmp(w.text.body, "?：\n\n", 6), 0);
    assert_non_null(strstr(w.text.body, "证书序列号 ?\n"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(bound_lock_is_told_in_both_languages), TEST(what_it_is_not_about_is_not_mentioned),
        TEST(secondary_lock_is_called_so),          TEST(lock_that_is_not_the_companys_has_no_role),
        TEST(all_news_are_whole_and_have_no_links), TEST(hostile_name_stays_a_name),
    };
    return cmocka_run_group_tests_name("notify/news", tests, NULL, NULL);
}
