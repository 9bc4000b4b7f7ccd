#include "access/claims.h"

#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "base/text.h"
#include "enterprise/holder.h"
#include "pki/trust/trust.h"

enum { LIST_MAX = 512, NAME_MAX_LEN = 32 /* of a scope of ours */ };

const struct claim_kind claim_kinds[] = {
    {CLAIM_NAME, "name", "enterprise", "单位名称", "Name of the enterprise"},
    {CLAIM_USCC, "uscc", "enterprise", "统一社会信用代码", "Unified social credit code"},
    {CLAIM_ENTITY_TYPES, "entity_types", "enterprise", "主体类型", "Entity types"},
    {CLAIM_REGION, "region", "enterprise", "注册地市", "City of registration"},
    {CLAIM_LEGAL_REPRESENTATIVE, "legal_representative", "enterprise", "法定代表人",
     "Legal representative"},
    {CLAIM_LOCK, "lock", "lock", "CA锁证书（签发机构、序列号、Key号、有效期）",
     "The lock's certificate (authority, serial number, key number, end of validity)"},
    {CLAIM_EMAIL, "email", "email", "电子邮箱", "E-mail address"},
    {CLAIM_PHONE, "phone_number", "phone", "联系电话", "Telephone number"},
    {CLAIM_ADDRESS, "address", "address", "单位地址", "Address"},
    {.bit = 0},
};

const char claims_scopes[] = "openid enterprise lock email phone address offline_access";
const char claims_offline[] = "offline_access";
const char claims_client_scopes[] = "service";

uint16_t claims_scope_bits(const char *scope)
{
    const char *at = claims_scopes;
    const char *word = NULL;
    size_t len = 0;
    unsigned bits = 0;
    for (unsigned bit = 1; (word = text_list_next(&at, &len)) != NULL; bit <<= 1) {
        char name[NAME_MAX_LEN];
        memcpy(name, word, len);
        name[len] = '\0';
        bits |= text_list_has(scope, name) ? bit : 0;
    }
    return (uint16_t)bits;
}

const char *claims_scope_names(struct arena *arena, uint16_t bits)
{
    const char *at = claims_scopes;
    const char *word = NULL;
    size_t len = 0;
    size_t n = 0;
    char *list = arena_alloc(arena, sizeof(claims_scopes));
    if (list == NULL)
        return NULL;
    for (unsigned bit = 1; (word = text_list_next(&at, &len)) != NULL; bit <<= 1) {
        if ((bits & bit) == 0)
            continue;
        if (n > 0)
            list[n++] = ' ';
        memcpy(list + n, word, len);
        n += len;
    }
    return list;
}

uint32_t claims_of_scope(const char *scope)
{
    uint32_t set = 0;
    for (const struct claim_kind *k = claim_kinds; k->bit != 0; k++)
        if (text_list_has(scope, k->scope))
            set |= k->bit;
    return set;
}

static void drop_json(void *json)
{
    json_decref(json);
}

/* Section 5.5.1: a claim is asked for by null or by an object. */
static enum idp_err read_member(const json_t *member, const char *registered, uint32_t *set)
{
    if (member == NULL)
        return IDP_OK;
    if (!json_is_object(member))
        return IDP_BAD_REQUEST;
    for (const struct claim_kind *k = claim_kinds; k->bit != 0; k++) {
        const json_t *asked = json_object_get(member, k->name);
        if (asked != NULL && !json_is_null(asked) && !json_is_object(asked))
            return IDP_BAD_REQUEST;
        if (asked != NULL && text_list_has(registered, k->scope))
            *set |= k->bit;
    }
    return IDP_OK;
}

enum idp_err claims_parse(struct arena *arena, const char *text, const char *registered_scope,
                          struct claims_asked *out)
{
    json_error_t why;
    struct claims_asked asked = *out;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return json_error_code(&why) == json_error_out_of_memory ? IDP_FAULT : IDP_BAD_REQUEST;
    if (arena_own(arena, root, drop_json) == NULL)
        return IDP_FAULT;
    if (!json_is_object(root))
        return IDP_BAD_REQUEST;
    enum idp_err err =
        read_member(json_object_get(root, "userinfo"), registered_scope, &asked.userinfo);
    if (err == IDP_OK)
        err = read_member(json_object_get(root, "id_token"), registered_scope, &asked.id_token);
    if (err == IDP_OK)
        *out = asked;
    return err;
}

const char *claims_to_text(struct arena *arena, uint32_t set)
{
    char *list = arena_alloc(arena, LIST_MAX);
    size_t n = 0;
    if (list == NULL)
        return NULL;
    for (const struct claim_kind *k = claim_kinds; k->bit != 0; k++) {
        size_t len = strlen(k->name);
        if ((set & k->bit) == 0 || n + len + 2 > LIST_MAX)
            continue;
        if (n > 0)
            list[n++] = ' ';
        memcpy(list + n, k->name, len);
        n += len;
    }
    return list;
}

uint32_t claims_from_text(const char *text)
{
    uint32_t set = 0;
    for (const struct claim_kind *k = claim_kinds; k->bit != 0; k++)
        if (text_list_has(text, k->name))
            set |= k->bit;
    return set;
}

static void write_list(struct json_out *json, const char *name, const char *list)
{
    json_out_array(json, name);
    json_out_words(json, list);
    json_out_end_array(json);
}

static void write_lock(struct json_out *json, const struct lock *lock, const struct trust *trust)
{
    const struct authority *authority = trust_find(trust, lock->authority);
    json_out_object(json, "lock");
    json_out_text(json, "issuer", lock->authority);
    if (authority != NULL) {
        json_out_text(json, "issuer_name", authority->name_zh);
        json_out_text(json, "issuer_name#en", authority->name_en);
    }
    json_out_text(json, "serial", lock->serial);
    json_out_number(json, "not_after", lock->not_after);
    json_out_text(json, "key_number", lock->key_number);
    json_out_end_object(json);
}

/* The contact data is what the company said of itself: nobody has verified it. */
static void write_contact(struct json_out *json, uint32_t set, const struct enterprise *e)
{
    if ((set & CLAIM_EMAIL) != 0) {
        json_out_text(json, "email", e->email);
        json_out_truth(json, "email_verified", false);
    }
    if ((set & CLAIM_PHONE) != 0) {
        json_out_text(json, "phone_number", e->phone);
        json_out_truth(json, "phone_number_verified", false);
    }
    if ((set & CLAIM_ADDRESS) != 0) {
        json_out_object(json, "address");
        json_out_text(json, "formatted", e->address);
        json_out_end_object(json);
    }
}

void claims_write(struct json_out *json, uint32_t set, const struct holder *holder,
                  const struct trust *trust)
{
    const struct enterprise *e = &holder->enterprise;
    if ((set & CLAIM_NAME) != 0)
        json_out_text(json, "name", e->name);
    if ((set & CLAIM_USCC) != 0)
        json_out_text(json, "uscc", e->uscc);
    if ((set & CLAIM_ENTITY_TYPES) != 0)
        write_list(json, "entity_types", e->entity_types);
    if ((set & CLAIM_REGION) != 0)
        json_out_text(json, "region", e->city);
    if ((set & CLAIM_LEGAL_REPRESENTATIVE) != 0)
        json_out_text(json, "legal_representative", e->legal_representative);
    if ((set & CLAIM_LOCK) != 0)
        write_lock(json, &holder->lock, trust);
    write_contact(json, set, e);
}

const char *claims_show(uint32_t bit, const struct holder *holder)
{
    const struct enterprise *e = &holder->enterprise;
    switch (bit) {
    case CLAIM_NAME:
        return e->name;
    case CLAIM_USCC:
        return e->uscc;
    case CLAIM_LEGAL_REPRESENTATIVE:
        return e->legal_representative;
    case CLAIM_EMAIL:
        return e->email;
    case CLAIM_PHONE:
        return e->phone;
    case CLAIM_ADDRESS:
        return e->address;
    default:
        return NULL;
    }
}
