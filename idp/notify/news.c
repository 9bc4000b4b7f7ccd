#include "notify/news.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/refusal.h"
#include "base/text.h"

enum { BEIJING_S = 28800 }; /* ahead of UTC */

const struct news news_lock_bound = {
    .id = "lock_bound",
    .zh_subject = "贵单位账户绑定了一把 CA 锁",
    .en_subject = "A CA lock was bound to your company",
    .zh = "{time}（北京时间），贵单位的账户绑定了一把 CA 锁。今后持此锁者即可代表贵单位登录。",
    .en = "On {time} (Beijing time) a CA lock was bound to your company's account. From now on its "
          "holder can sign in for your company.",
};

const struct news news_lock_unbound = {
    .id = "lock_unbound",
    .zh_subject = "贵单位的一把 CA 锁已解绑",
    .en_subject = "A CA lock was unbound from your company",
    .zh = "{time}（北京时间），贵单位的一把 CA 锁已与账户解绑，不能再用于登录。",
    .en = "On {time} (Beijing time) a CA lock was unbound from your company's account. It can no "
          "longer be used to sign in.",
};

const struct news news_lock_revoked = {
    .id = "lock_revoked",
    .zh_subject = "贵单位的一把 CA 锁的证书已被吊销",
    .en_subject = "The certificate of a CA lock of your company was revoked",
    .zh = "{time}（北京时间），我们从认证中心获知贵单位的一把 CA "
          "锁的证书已被吊销。用该锁登录的会话及其授权已全部结束，该锁不能再用于登录。"
          "如需继续使用，请向认证中心办理新证书。",
    .en = "On {time} (Beijing time) we learned from the certification authority that the "
          "certificate of a CA lock of your company was revoked. All that was signed in with it "
          "has ended, and it can no longer be used to sign in. To go on, ask the authority for a "
          "new certificate.",
    .by_operators = true,
};

const struct news news_enterprise_suspended = {
    .id = "enterprise_suspended",
    .zh_subject = "贵单位的账户已被暂停",
    .en_subject = "Your company's account was suspended",
    .zh = "{time}（北京时间），贵单位的账户已被平台运营方暂停，其全部 CA 锁暂不能用于登录。",
    .en = "On {time} (Beijing time) the operators suspended your company's account. Until it is "
          "resumed none of its CA locks can be used to sign in.",
    .by_operators = true,
};

const struct news news_enterprise_resumed = {
    .id = "enterprise_resumed",
    .zh_subject = "贵单位的账户已恢复",
    .en_subject = "Your company's account was resumed",
    .zh = "{time}（北京时间），贵单位的账户已由平台运营方恢复，可以重新登录。",
    .en = "On {time} (Beijing time) the operators resumed your company's account. It can be used "
          "to sign in again.",
    .by_operators = true,
};

const struct news news_consent_withdrawn = {
    .id = "consent_withdrawn",
    .zh_subject = "贵单位对一个平台的授权已被撤回",
    .en_subject = "Your company's consent for a platform was withdrawn",
    .zh =
        "{time}（北京时间），平台运营方撤回了贵单位对下列平台的授权；再次登录该平台时需重新同意。",
    .en = "On {time} (Beijing time) the operators withdrew your company's consent for the platform "
          "below. It will be asked for again at the next sign-in there.",
    .by_operators = true,
};

const struct news news_uscc_claimed = {
    .id = "uscc_claimed",
    .zh_subject = "另一家机构签发的 CA 锁曾试图以贵单位名义登录",
    .en_subject = "A CA lock of another authority claimed to be your company's",
    .zh = "{time}（北京时间），有人持另一家 CA 机构签发、载有贵单位统一社会信用代码的 CA 锁"
          "试图登录或绑定。该锁未绑定到贵单位的账户，系统已拒绝。",
    .en = "On {time} (Beijing time) somebody tried to sign in, or to bind, with a CA lock of "
          "another authority that carries your company's credit code. It is not bound to your "
          "company's account, and was refused.",
};

static const struct news *const all[] = {
    &news_lock_bound,         &news_lock_unbound,
    &news_lock_revoked,       &news_enterprise_suspended,
    &news_enterprise_resumed, &news_consent_withdrawn,
    &news_uscc_claimed,       NULL,
};

/* What stands around it in each language. */
struct tongue {
    const char *primary, *secondary, *lock, *strange_lock, *platform, *call, *call_nobody, *not_you,
        *questions;
    const char *frame;
};

static const struct tongue chinese = {
    .primary = "主锁",
    .secondary = "副锁",
    .lock = "CA 锁：{role}，{authority}，证书序列号 {serial}\n",
    .strange_lock = "CA 锁：{authority}，证书序列号 {serial}\n",
    .platform = "平台：{platform}\n",
    .call = "致电平台运营方 {support}",
    .call_nobody = "联系平台运营方",
    .not_you = "如果这不是贵单位本人办理的，请立即{call}。",
    .questions = "如有疑问，请{call}。",
    .frame = "{name}：\n\n{what}\n\n{lock}{platform}\n{next}\n"
             "本邮件由系统自动发出，不含链接，也不会向您索要口令。\n",
};

static const struct tongue english = {
    .primary = "primary",
    .secondary = "secondary",
    .lock = "CA lock: {role}, {authority}, certificate serial number {serial}\n",
    .strange_lock = "CA lock: {authority}, certificate serial number {serial}\n",
    .platform = "Platform: {platform}\n",
    .call = "call the operators at {support}",
    .call_nobody = "call the operators",
    .not_you = "If this was not done by your company, {call} at once.",
    .questions = "If you have any questions, {call}.",
    .frame = "{name}:\n\n{what}\n\n{lock}{platform}\n{next}\n"
             "This mail was sent automatically. It holds no links, and nobody will ask you for a "
             "PIN.\n",
};

const struct news *news_find(const char *id)
{
    for (size_t i = 0; all[i] != NULL; i++)
        if (strcmp(all[i]->id, id) == 0)
            return all[i];
    return NULL;
}

static const char *clean(const char *text)
{
    return text != NULL && text_is_clean_utf8(text, strlen(text)) ? text : "?";
}

/* Beijing time. NULL without memory. */
static const char *tell_time(struct arena *arena, int64_t at)
{
    time_t local = (time_t)(at + BEIJING_S);
    struct tm t = {0};
    (void)gmtime_r(&local, &t);
    return arena_printf(arena, "%04d-%02d-%02d %02d:%02d", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min);
}

/* The facts in one language; the rest of them does not depend on it. */
struct telling {
    const struct tongue *tongue;
    const struct news *news;
    const char *what, *authority, *platform; /* platform: NULL when there is none */
};

static const char *tell(struct arena *arena, const struct telling *in, const struct news_facts *f)
{
    const struct tongue *t = in->tongue;
    bool primary = f->role != NULL && strcmp(f->role, "primary") == 0;
    bool phone = f->support != NULL && *f->support != '\0';
    struct refusal facts = {.count = 0};
    struct refusal parts = {.count = 0};
    const char *time = tell_time(arena, f->at);
    refusal_fact(&facts, "time", time);
    refusal_fact(&facts, "role", primary ? t->primary : t->secondary);
    refusal_fact(&facts, "authority", clean(in->authority));
    refusal_fact(&facts, "serial", clean(f->serial));
    refusal_fact(&facts, "platform", clean(in->platform));
    refusal_fact(&facts, "support", clean(f->support));
    const char *what = refusal_text(&facts, arena, in->what);
    if (time == NULL || what == NULL)
        return NULL;
    refusal_fact(&parts, "name", clean(f->name));
    refusal_fact(&parts, "what", what);
    if (f->serial != NULL)
        refusal_fact(&parts, "lock",
                     refusal_text(&facts, arena, f->role != NULL ? t->lock : t->strange_lock));
    if (in->platform != NULL)
        refusal_fact(&parts, "platform", refusal_text(&facts, arena, t->platform));
    refusal_fact(&facts, "call", refusal_text(&facts, arena, phone ? t->call : t->call_nobody));
    refusal_fact(&parts, "next",
                 refusal_text(&facts, arena, in->news->by_operators ? t->questions : t->not_you));
    return refusal_text(&parts, arena, t->frame);
}

enum idp_err news_write(struct arena *arena, const struct news *news,
                        const struct news_facts *facts, struct news_text *out)
{
    const struct telling in_chinese = {&chinese, news, news->zh, facts->authority_zh,
                                       facts->platform_zh};
    const struct telling in_english = {&english, news, news->en, facts->authority_en,
                                       facts->platform_en};
    const char *zh = tell(arena, &in_chinese, facts);
    const char *en = tell(arena, &in_english, facts);
    if (zh == NULL || en == NULL)
        return IDP_FAULT;
    out->subject = arena_printf(arena, "%s / %s", news->zh_subject, news->en_subject);
    out->body = arena_printf(arena, "%s\n----------------------------------------\n\n%s", zh, en);
    return out->subject != NULL && out->body != NULL ? IDP_OK : IDP_FAULT;
}
