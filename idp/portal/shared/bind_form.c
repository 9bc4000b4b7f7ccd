#include "portal/shared/bind_form.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "enterprise/choices.h"
#include "notify/address.h"
#include "portal/shared/reasons.h"

enum { NAME_MAX_BYTES = 180, ADDRESS_MAX_BYTES = 600, EMAIL_MAX = 254, PHONE_MAX = 32 };

const struct param bind_form_params[] = {
    {.name = "city", .max = 32},
    {.name = "legal_representative", .max = NAME_MAX_BYTES},
    {.name = "phone", .max = PHONE_MAX},
    {.name = "address", .max = ADDRESS_MAX_BYTES},
    {.name = "email", .max = EMAIL_MAX},
    {.name = "entity_types", .kind = PARAM_LIST, .max = 16},
    {.name = NULL},
};

/* Some text that is not only spaces. */
static bool is_filled(const char *s)
{
    return s != NULL && s[strspn(s, " ")] != '\0' && text_is_clean_utf8(s, strlen(s));
}

static bool is_city(const char *s)
{
    return s != NULL && enterprise_choice_find(enterprise_cities, s) != NULL;
}

static bool is_phone(const char *s)
{
    size_t len = s != NULL ? strlen(s) : 0;
    size_t digits = 0;
    for (size_t i = 0; i < len; i++)
        digits += s[i] >= '0' && s[i] <= '9';
    return digits >= 5 && digits <= 20 && strspn(s, "0123456789+-() ") == len;
}

/* Mail is sent to it; whether it arrives only the mail can tell. */
static bool is_email(const char *s)
{
    return s != NULL && notify_is_address(s);
}

/* At least one entity type, each once, as a space-separated list. NULL when it is not that. */
static const char *read_entity_types(struct request *rq)
{
    size_t i = 0;
    const json_t *entry = NULL;
    const char *list = NULL;
    json_array_foreach(json_object_get(rq->json, "entity_types"), i, entry)
    {
        const char *id = json_string_value(entry);
        bool known = id != NULL && enterprise_choice_find(enterprise_entity_types, id) != NULL;
        if (!known || text_list_has(list, id))
            return NULL;
        list = list == NULL ? id : arena_printf(rq->arena, "%s %s", list, id);
    }
    return list;
}

static const struct label {
    const char *field, *zh, *en;
} labels[] = {
    {"city", "注册地市", "City of registration"},
    {"legal_representative", "法定代表人", "Legal representative"},
    {"phone", "联系电话", "Phone"},
    {"address", "单位地址", "Address"},
    {"email", "电子邮箱", "E-mail"},
    {"entity_types", "主体类型", "Entity types"},
};

enum { FIELDS = sizeof(labels) / sizeof(*labels) };

static enum idp_err refuse(struct request *rq, const bool good[FIELDS])
{
    const char *fields = "";
    const struct label *first = NULL;
    for (size_t i = 0; i < FIELDS; i++) {
        if (good[i])
            continue;
        first = first != NULL ? first : &labels[i];
        fields =
            arena_printf(rq->arena, "%s%s%s", fields, *fields != '\0' ? " " : "", labels[i].field);
        if (fields == NULL)
            return IDP_FAULT;
    }
    if (first == NULL)
        return IDP_OK;
    refusal_fact(&rq->refusal, "field", first->field);
    refusal_fact(&rq->refusal, "fields", fields);
    refusal_fact(&rq->refusal, "label_zh", first->zh);
    refusal_fact(&rq->refusal, "label_en", first->en);
    return refusal_set(&rq->refusal, &portal_form_field);
}

enum idp_err bind_form_read(struct request *rq, struct binding_form *out)
{
    *out = (struct binding_form){
        .city = http_param(rq, "city"),
        .legal_representative = http_param(rq, "legal_representative"),
        .phone = http_param(rq, "phone"),
        .address = http_param(rq, "address"),
        .email = http_param(rq, "email"),
        .entity_types = read_entity_types(rq),
    };
    const bool good[FIELDS] = {
        is_city(out->city),   is_filled(out->legal_representative),
        is_phone(out->phone), is_filled(out->address),
        is_email(out->email), out->entity_types != NULL,
    };
    return refuse(rq, good);
}
