#include "platform/pages/who.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"

/* The entity types that the provider knows; another is shown as it is. */
struct word {
    const char *id, *zh, *en;
};

static const struct word types[] = {
    {"tenderer", "招标人", "Tenderer"},
    {"bidder", "投标人", "Bidder"},
    {"agency", "招标代理机构", "Tendering agency"},
    {"supplier", "政府采购供应商", "Government supplier"},
    {"purchaser", "采购人", "Purchaser"},
    {"land_bidder", "土地竞买人", "Land-use bidder"},
    {"mineral_bidder", "矿业权竞买人", "Mining-rights bidder"},
    {"expert_unit", "专家所在单位", "Expert unit"},
    {NULL, NULL, NULL},
};

/* What the provider says of how somebody proved who they are (docs/claims.md of the provider). */
static const struct word proofs[] = {
    {"urn:tamga:acr:lock", "CA锁签名，证书有效", "A CA lock's signature, its certificate good"},
    {"urn:tamga:acr:lock:degraded", "CA锁签名；认证中心当时无法查询，依据其较早的答复",
     "A CA lock's signature; its authority could not be asked and had called it good before"},
    {"hwk", "硬件密钥", "hardware key"},
    {"pin", "PIN码", "PIN"},
    {NULL, NULL, NULL},
};

static const char *name_of(const struct page *page, const struct word *words, const char *id)
{
    for (const struct word *w = words; w->id != NULL; w++)
        if (strcmp(w->id, id) == 0)
            return page_say(page, w->zh, w->en);
    return id;
}

/* The names of a list's words, with commas between them. */
static const char *names_of(const struct page *page, const struct word *words, const char *list)
{
    size_t len = 0;
    const char *word = NULL;
    const char *names = "";
    struct arena *arena = page->rq->arena;
    while (names != NULL && (word = text_list_next(&list, &len)) != NULL) {
        const char *id = arena_strndup(arena, word, len);
        const char *between = names[0] != '\0' ? page_say(page, "、", ", ") : "";
        names = id == NULL
                    ? NULL
                    : arena_printf(arena, "%s%s%s", names, between, name_of(page, words, id));
    }
    return names;
}

static void put_types(struct page *page, const char *list)
{
    size_t len = 0;
    const char *word = NULL;
    if (list[0] == '\0')
        return;
    page_put(page, "<div><dt>{}</dt><dd>", page_say(page, "主体类型", "Entity types"), NULL);
    while ((word = text_list_next(&list, &len)) != NULL) {
        const char *id = arena_strndup(page->rq->arena, word, len);
        page_put(page, "<span class=\"tag\">{}</span>",
                 id != NULL ? name_of(page, types, id) : NULL, NULL);
    }
    page_put(page, "</dd></div>", NULL);
}

/* A row, left out when there is nothing to tell. */
static void put_row(struct page *page, const char *title, const char *value)
{
    if (value != NULL && value[0] != '\0')
        page_put(page, "<div><dt>{}</dt><dd>{}</dd></div>", title, value, NULL);
}

static const char *moment(const struct page *page, int64_t seconds)
{
    return seconds > 0 ? page_moment(page, seconds) : NULL;
}

void who_put_company(struct page *page, const struct visitor *visitor)
{
    page_put(page,
             "<div><dt>{}</dt><dd data-testid=\"platform-company\">{}</dd></div>"
             "<div><dt>{}</dt><dd class=\"code\" data-testid=\"platform-uscc\">{}</dd></div>",
             page_say(page, "单位名称", "Company"), visitor->name,
             page_say(page, "统一社会信用代码", "Social credit code"), visitor->uscc, NULL);
    put_types(page, visitor->entity_types);
}

void who_put_proof(struct page *page, const struct visitor *visitor)
{
    put_row(page, page_say(page, "证书签发机构", "Certificate authority"),
            page_say(page, visitor->authority_zh, visitor->authority_en));
    put_row(page, page_say(page, "证书序列号", "Certificate serial"), visitor->serial);
    put_row(page, page_say(page, "证书Key号", "Key number"), visitor->key_number);
    put_row(page, page_say(page, "证书有效期至", "Valid until"), moment(page, visitor->not_after));
    put_row(page, page_say(page, "认证时间", "Authenticated at"), moment(page, visitor->auth_time));
    put_row(page, page_say(page, "认证级别", "Assurance"), name_of(page, proofs, visitor->acr));
    put_row(page, page_say(page, "认证方式", "Methods"), names_of(page, proofs, visitor->amr));
}
