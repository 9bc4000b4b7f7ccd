/*
 * The rules for client metadata: one table with a line for each member (RFC 7591 section 2).
 */
#include "client/metadata.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"

enum {
    NAME_MAX_LEN = 200,
    PHONE_MAX = 40,
    CITY_MAX = 32,
    SCOPE_MAX = 512,
    SCOPES_MAX = 32,
    CONTACTS_MAX = 8,
    CONTACT_MAX = 254,
    ACR_MAX = 128,
    ACRS_MAX = 4,
    ORDER_MAX = 9999,
    ORDER_USUAL = 1000,
};

const char client_default_scope[] = "openid enterprise";
const char client_grant_types[] = "authorization_code refresh_token client_credentials";

struct reading {
    struct arena *arena;
    const struct address_rules *rules;
    struct metadata_problem *problem;
    struct client *client;
    const char *name; /* client_name without a language, or NULL */
    bool joined;
    bool asks_for_code; /* response_types holds it */
};

struct member {
    const char *name;
    bool (*read)(struct reading *r, const struct member *member, const json_t *value);
    size_t max;
    size_t offset; /* of the text in struct client, where read says that it goes there */
};

/* --- what is wrong ------------------------------------------------------------------------- */

/* What a stranger wrote goes to terminals and logs: printable ASCII only. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static bool say(struct reading *r, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the problem and returns false, so that callers can return it. */
static bool say(struct reading *r, const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)snprintf(r->problem->field, sizeof(r->problem->field), "%s", field);
    (void)vsnprintf(r->problem->problem, sizeof(r->problem->problem), format, args);
    va_end(args);
    make_printable(r->problem->field);
    make_printable(r->problem->problem);
    return false;
}

static bool no_memory(struct reading *r)
{
    r->problem->field[0] = '\0';
    r->problem->problem[0] = '\0';
    return false;
}

/* --- texts --------------------------------------------------------------------------------- */

/* U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF: they hide or turn round what
 * stands beside them on a consent page. */
static bool holds_invisible(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    for (; *s != 0; s++) {
        bool general = s[0] == 0xE2 && s[1] == 0x80 &&
                       ((s[2] >= 0x8B && s[2] <= 0x8F) || (s[2] >= 0xA8 && s[2] <= 0xAE));
        bool format = s[0] == 0xE2 && s[1] == 0x81 && s[2] >= 0xA0 && s[2] <= 0xAF;
        bool mark = s[0] == 0xEF && s[1] == 0xBB && s[2] == 0xBF;
        if (general || format || mark)
            return true;
    }
    return false;
}

/* A text of 1 to max bytes, copied into the arena. */
static bool take_text(struct reading *r, const char *field, const json_t *value, size_t max,
                      const char **out)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (text == NULL)
        return say(r, field, "must be a text");
    if (len == 0 || len > max)
        return say(r, field, "must be 1 to %zu bytes long", max);
    if (!text_is_clean_utf8(text, len) || holds_invisible(text))
        return say(r, field, "holds control or invisible characters");
    if (text[0] == ' ' || text[len - 1] == ' ')
        return say(r, field, "begins or ends with a space");
    *out = arena_strndup(r->arena, text, len);
    return *out != NULL || no_memory(r);
}

static bool put(struct reading *r, const struct member *member, const char *text)
{
    memcpy((char *)r->client + member->offset, &text, sizeof(text));
    return true;
}

static bool read_label(struct reading *r, const struct member *member, const json_t *value)
{
    const char *text = NULL;
    return take_text(r, member->name, value, member->max, &text) && put(r, member, text);
}

static bool read_name(struct reading *r, const struct member *member, const json_t *value)
{
    return take_text(r, member->name, value, member->max, &r->name);
}

static bool is_made_of(const char *text, const char *allowed)
{
    return text[strspn(text, allowed)] == '\0';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool read_id(struct reading *r, const struct member *member, const json_t *value)
{
    const char *id = NULL;
    if (!take_text(r, member->name, value, member->max, &id))
        return false;
    if (strlen(id) < 3 || strchr("._-", id[0]) != NULL || !is_made_of(id, LOWER UPPER DIGITS "._-"))
        return say(r, member->name,
                   "must be 3 to 64 letters, digits, '.', '_' or '-', the first a letter or digit");
    return put(r, member, id);
}

static bool read_city(struct reading *r, const struct member *member, const json_t *value)
{
    const char *city = NULL;
    if (!take_text(r, member->name, value, member->max, &city))
        return false;
    if (strchr(LOWER, city[0]) == NULL || !is_made_of(city, LOWER DIGITS "-"))
        return say(r, member->name, "must be lower-case letters, digits and '-'");
    return put(r, member, city);
}

static bool read_phone(struct reading *r, const struct member *member, const json_t *value)
{
    const char *phone = NULL;
    if (!take_text(r, member->name, value, member->max, &phone))
        return false;
    if (strlen(phone) < 3 || !is_made_of(phone, DIGITS " +-()/,"))
        return say(r, member->name, "must be 3 to 40 digits, spaces and + - ( ) / ,");
    return put(r, member, phone);
}

static bool read_address(struct reading *r, const struct member *member, const json_t *value)
{
    const char *address = NULL;
    if (!take_text(r, member->name, value, ADDRESS_MAX, &address))
        return false;
    const char *problem = address_problem(address, r->rules);
    return problem == NULL ? put(r, member, address) : say(r, member->name, "%s", problem);
}

/* --- lists --------------------------------------------------------------------------------- */

static bool is_repeated(const json_t *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (json_equal(json_array_get(list, i), json_array_get(list, at)))
            return true;
    return false;
}

/* How many texts a list holds, at least and at most. */
struct bounds {
    size_t least, most;
};

/* A list of different texts of at most member->max bytes each, in the arena, ended by NULL. */
static bool take_list(struct reading *r, const struct member *member, const json_t *value,
                      const struct bounds *bounds, const char ***out)
{
    char field[80];
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count < bounds->least || count > bounds->most)
        return say(r, member->name, "must be a list of %zu to %zu texts", bounds->least,
                   bounds->most);
    const char **texts = arena_alloc(r->arena, (count + 1) * sizeof(*texts));
    if (texts == NULL)
        return no_memory(r);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(field, sizeof(field), "%s[%zu]", member->name, i);
        if (!take_text(r, field, json_array_get(value, i), member->max, &texts[i]))
            return false;
        if (is_repeated(value, i))
            return say(r, field, "stands in the list already");
    }
    *out = texts;
    return true;
}

/* Says what is wrong with one entry of a list. */
static bool say_of(struct reading *r, const struct member *member, size_t i, const char *problem)
{
    char field[80];
    (void)snprintf(field, sizeof(field), "%s[%zu]", member->name, i);
    return say(r, field, "%s", problem);
}

static bool read_redirects(struct reading *r, const struct member *member, const json_t *value)
{
    static const struct bounds bounds = {.least = 1, .most = CLIENT_REDIRECT_URIS_MAX};
    const char **uris = NULL;
    if (!take_list(r, member, value, &bounds, &uris))
        return false;
    size_t count = 0;
    for (; uris[count] != NULL; count++) {
        const char *problem = address_redirect_problem(uris[count], r->rules);
        if (problem != NULL)
            return say_of(r, member, count, problem);
    }
    r->client->redirect_uris = uris;
    r->client->redirect_uri_count = count;
    return true;
}

static bool is_mail_address(const char *text)
{
    const char *at = strchr(text, '@');
    return at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strpbrk(text, " <>\"\\,;:") == NULL;
}

/* Mail addresses are for operators; they stay in the metadata. */
static bool read_contacts(struct reading *r, const struct member *member, const json_t *value)
{
    static const struct bounds bounds = {.least = 1, .most = CONTACTS_MAX};
    const char **contacts = NULL;
    if (!take_list(r, member, value, &bounds, &contacts))
        return false;
    for (size_t i = 0; contacts[i] != NULL; i++)
        if (!is_mail_address(contacts[i]))
            return say_of(r, member, i, "must be a mail address");
    return true;
}

/* The texts as one list, divided by spaces, which none of them holds. */
static bool put_words(struct reading *r, const struct member *member, const char *const *texts)
{
    const char *all = "";
    for (size_t i = 0; texts[i] != NULL; i++) {
        if (strchr(texts[i], ' ') != NULL)
            return say_of(r, member, i, "must not hold spaces");
        all = arena_printf(r->arena, "%s%s%s", all, i > 0 ? " " : "", texts[i]);
        if (all == NULL)
            return no_memory(r);
    }
    return put(r, member, all);
}

static bool read_acrs(struct reading *r, const struct member *member, const json_t *value)
{
    static const struct bounds bounds = {.least = 1, .most = ACRS_MAX};
    const char **acrs = (const char *[]){NULL};
    return take_list(r, member, value, &bounds, &acrs) && put_words(r, member, acrs);
}

static bool read_grant_types(struct reading *r, const struct member *member, const json_t *value)
{
    static const struct bounds bounds = {.least = 1, .most = 3};
    const char **types = (const char *[]){NULL};
    if (!take_list(r, member, value, &bounds, &types))
        return false;
    for (size_t i = 0; types[i] != NULL; i++)
        if (!text_list_has(client_grant_types, types[i]))
            return say_of(r, member, i, "is not a grant type that is known here");
    return put_words(r, member, types);
}

/* Which one fits the grant types is told when all is read. */
static bool read_response_types(struct reading *r, const struct member *member, const json_t *value)
{
    const char *text = json_string_value(json_array_get(value, 0));
    r->asks_for_code = text != NULL && strcmp(text, "code") == 0;
    size_t most = r->asks_for_code ? 1 : 0;
    if (!json_is_array(value) || json_array_size(value) != most)
        return say(r, member->name, "must be [\"code\"], or [] without authorization_code");
    return true;
}

/* RFC 6749 section 3.3: printable ASCII save '"' and '\'; words divided by one space. */
static bool is_scope(const char *text)
{
    if (strstr(text, "  ") != NULL)
        return false;
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            return false;
    return true;
}

static bool read_scope(struct reading *r, const struct member *member, const json_t *value)
{
    const char *scope = "";
    if (!take_text(r, member->name, value, member->max, &scope))
        return false;
    if (!is_scope(scope))
        return say(r, member->name, "must be words divided by single spaces (RFC 6749, 3.3)");
    size_t len = 0;
    size_t count = 0;
    const char *word = NULL;
    const char *at = scope;
    while ((word = text_list_next(&at, &len)) != NULL) {
        const char *copy = arena_strndup(r->arena, word, len);
        if (copy == NULL)
            return no_memory(r);
        if (++count > SCOPES_MAX || text_list_has(at, copy))
            return say(r, member->name, "names a scope twice, or more than %d", SCOPES_MAX);
    }
    return put(r, member, scope);
}

/* --- choices, numbers ---------------------------------------------------------------------- */

/* Which of the words (ended by NULL) it is, or -1 with the problem said. */
static int choose(struct reading *r, const char *field, const json_t *value,
                  const char *const words[])
{
    char all[96] = "";
    const char *text = json_string_value(value);
    for (int i = 0; words[i] != NULL; i++) {
        if (text != NULL && strlen(text) == json_string_length(value) &&
            strcmp(text, words[i]) == 0)
            return i;
        size_t n = strlen(all);
        (void)snprintf(all + n, sizeof(all) - n, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    (void)say(r, field, "must be one of %s", all);
    return -1;
}

static bool read_auth_method(struct reading *r, const struct member *member, const json_t *value)
{
    static const char *const words[] = {"client_secret_basic", "client_secret_post", "none", NULL};
    int i = choose(r, member->name, value, words);
    if (i >= 0)
        r->client->auth_method = (enum client_auth_method)i;
    return i >= 0;
}

static bool read_id_token_alg(struct reading *r, const struct member *member, const json_t *value)
{
    static const char *const words[] = {"ES256", "RS256", NULL};
    int i = choose(r, member->name, value, words);
    if (i >= 0)
        r->client->id_token_alg = i == 0 ? JOSE_ES256 : JOSE_RS256;
    return i >= 0;
}

static bool read_group(struct reading *r, const struct member *member, const json_t *value)
{
    static const char *const words[] = {"regional", "west", "east", NULL};
    int i = choose(r, member->name, value, words);
    if (i >= 0)
        r->client->group = (enum client_group)(CLIENT_REGIONAL + i);
    return i >= 0;
}

static bool read_environment(struct reading *r, const struct member *member, const json_t *value)
{
    static const char *const words[] = {"production", "test", NULL};
    int i = choose(r, member->name, value, words);
    if (i >= 0)
        r->client->environment = (enum client_environment)i;
    return i >= 0;
}

static bool read_introspect(struct reading *r, const struct member *member, const json_t *value)
{
    static const char *const words[] = {"own", "all", NULL};
    int i = choose(r, member->name, value, words);
    if (i >= 0)
        r->client->may_introspect = (enum client_introspect)i;
    return i >= 0;
}

static bool read_joined(struct reading *r, const struct member *member, const json_t *value)
{
    if (!json_is_boolean(value))
        return say(r, member->name, "must be true or false");
    r->joined = json_is_true(value);
    return true;
}

static bool read_order(struct reading *r, const struct member *member, const json_t *value)
{
    json_int_t order = json_integer_value(value);
    if (!json_is_integer(value) || order < 0 || order > ORDER_MAX)
        return say(r, member->name, "must be a whole number from 0 to %d", ORDER_MAX);
    r->client->order = order;
    return true;
}

/* --- the table ----------------------------------------------------------------------------- */

#define GOES_TO(field) .offset = offsetof(struct client, field)

static const struct member members[] = {
    {.name = "client_id", .read = read_id, .max = CLIENT_ID_MAX, GOES_TO(id)},
    {.name = "client_name", .read = read_name, .max = NAME_MAX_LEN},
    {.name = "client_name#zh-CN", .read = read_label, .max = NAME_MAX_LEN, GOES_TO(name_zh)},
    {.name = "client_name#en", .read = read_label, .max = NAME_MAX_LEN, GOES_TO(name_en)},
    {.name = "redirect_uris", .read = read_redirects, .max = ADDRESS_MAX},
    {.name = "initiate_login_uri", .read = read_address, GOES_TO(initiate_login_uri)},
    {.name = "client_uri", .read = read_address, GOES_TO(client_uri)},
    {.name = "logo_uri", .read = read_address, GOES_TO(logo_uri)},
    {.name = "policy_uri", .read = read_address, GOES_TO(policy_uri)},
    {.name = "tos_uri", .read = read_address, GOES_TO(tos_uri)},
    {.name = "contacts", .read = read_contacts, .max = CONTACT_MAX},
    {.name = "token_endpoint_auth_method", .read = read_auth_method},
    {.name = "id_token_signed_response_alg", .read = read_id_token_alg},
    {.name = "default_acr_values", .read = read_acrs, .max = ACR_MAX, GOES_TO(default_acr_values)},
    {.name = "grant_types", .read = read_grant_types, .max = 32, GOES_TO(grant_types)},
    {.name = "response_types", .read = read_response_types},
    {.name = "scope", .read = read_scope, .max = SCOPE_MAX, GOES_TO(scope)},
    {.name = "tamga_group", .read = read_group},
    {.name = "tamga_city", .read = read_city, .max = CITY_MAX, GOES_TO(city)},
    {.name = "tamga_phone", .read = read_phone, .max = PHONE_MAX, GOES_TO(phone)},
    {.name = "tamga_joined", .read = read_joined},
    {.name = "tamga_environment", .read = read_environment},
    {.name = "tamga_introspect", .read = read_introspect},
    {.name = "tamga_order", .read = read_order},
};

static const struct member *find_member(const char *name)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

/* RFC 7591 section 2.1: which grant types go with which other members. */
static bool check_grant_types(struct reading *r)
{
    const struct client *client = r->client;
    bool code = text_list_has(client->grant_types, "authorization_code");
    if (text_list_has(client->grant_types, "refresh_token") && !code)
        return say(r, "grant_types", "refresh_token goes with authorization_code only");
    if (text_list_has(client->grant_types, "client_credentials") &&
        client->auth_method == CLIENT_AUTH_NONE)
        return say(r, "grant_types", "client_credentials needs a client with a secret");
    if (code && !r->asks_for_code)
        return say(r, "response_types", "must be [\"code\"] with authorization_code");
    /* A platform that has not joined yet has nowhere to be sent back to. */
    if (code && r->joined && client->redirect_uri_count == 0)
        return say(r, "redirect_uris", "is missing");
    return true;
}

/* What only the whole can tell. */
static bool finish(struct reading *r)
{
    struct client *client = r->client;
    if (client->name_zh == NULL)
        client->name_zh = r->name != NULL ? r->name : client->name_en;
    if (client->name_en == NULL)
        client->name_en = r->name != NULL ? r->name : client->name_zh;
    if (client->name_zh == NULL)
        return say(r, "client_name", "is missing");
    if (!check_grant_types(r))
        return false;
    client->standing = r->joined ? CLIENT_ACTIVE : CLIENT_ANNOUNCED;
    if (client->may_introspect == CLIENT_INTROSPECT_ALL && client->auth_method == CLIENT_AUTH_NONE)
        return say(r, "tamga_introspect", "cannot be all for a client without secret");
    return true;
}

static bool read_document(struct reading *r, json_t *json)
{
    const char *name = NULL;
    json_t *value = NULL;
    if (!json_is_object(json))
        return say(r, "", "must be one JSON object");
    json_object_foreach(json, name, value)
    {
        const struct member *member = find_member(name);
        if (member == NULL)
            return say(r, name, "is not a member that is known here");
        if (!member->read(r, member, value))
            return false;
    }
    return finish(r);
}

enum idp_err metadata_parse(struct arena *arena, const struct address_rules *rules,
                            const char *text, size_t len, struct metadata_problem *problem,
                            struct client *out)
{
    json_error_t error = {.line = 0};
    struct client client = {.id = "",
                            .require_pkce = true,
                            .scope = client_default_scope,
                            .grant_types = "authorization_code",
                            .id_token_alg = JOSE_ES256,
                            .order = ORDER_USUAL};
    struct reading r = {.arena = arena,
                        .rules = rules,
                        .problem = problem,
                        .client = &client,
                        .joined = true,
                        .asks_for_code = true};
    *problem = (struct metadata_problem){.field = ""};
    json_t *json = NULL;
    bool good = len <= METADATA_TEXT_MAX;
    if (!good)
        (void)say(&r, "", "must be at most %d bytes long", METADATA_TEXT_MAX);
    if (good)
        json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (good && json == NULL)
        good = say(&r, "", "is not JSON: line %d: %s", error.line, error.text);
    good = good && read_document(&r, json);
    json_decref(json);
    if (!good)
        return problem->problem[0] != '\0' ? IDP_BAD_REQUEST : IDP_FAULT;
    *out = client;
    return IDP_OK;
}
