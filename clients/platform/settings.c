/*
 * The settings file, read once at start:
 *
 *     {"issuer": "...", "scope": "openid enterprise lock" (may be left out),
 *      "ca": FILE, "tls_certificate": FILE, "tls_key": FILE (PEM, each may be left out),
 *      "platforms": [
 *       {"id", "address", "port", "client_id", "client_secret", "redirect_uri",
 *        "name": {"zh", "en"}, "portal", "phone", "data"}]}
 */
#include "platform/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"

enum { TEXT_MAX = 1024, TIMEOUT_MS = 8000 };

/* Where the reader is, so that every complaint names its place. */
struct reader {
    struct arena *arena;
    const char *file;
    char *why; /* SETTINGS_WHY_MAX bytes; empty as long as all is well */
};

static void complain(const struct reader *r, const char *place, const char *member,
                     const char *expected)
{
    if (r->why[0] == '\0')
        (void)snprintf(r->why, SETTINGS_WHY_MAX, "%s: %s%s%s: %s", r->file, place,
                       place[0] != '\0' ? "." : "", member, expected);
}

static bool all_is_well(const struct reader *r)
{
    return r->why[0] == '\0';
}

/* Copies a text member; complains and returns "" when it is missing, too long or no clean text. */
static const char *read_text(const struct reader *r, const json_t *object, const char *place,
                             const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (text == NULL || len == 0 || len > TEXT_MAX || !text_is_clean_utf8(text, len)) {
        complain(r, place, name, "a text is expected");
        return "";
    }
    const char *copy = arena_strndup(r->arena, text, len);
    if (copy == NULL)
        complain(r, place, name, "out of memory");
    return copy != NULL ? copy : "";
}

/* The same for a member of the root that may be left out: NULL then. */
static const char *read_optional(const struct reader *r, const json_t *root, const char *name)
{
    return json_object_get(root, name) != NULL ? read_text(r, root, "", name) : NULL;
}

static uint16_t read_port(const struct reader *r, const json_t *object, const char *place)
{
    const json_t *value = json_object_get(object, "port");
    json_int_t port = json_integer_value(value);
    if (!json_is_integer(value) || port < 1 || port > UINT16_MAX) {
        complain(r, place, "port", "a number between 1 and 65535 is expected");
        return 0;
    }
    return (uint16_t)port;
}

static void refuse_unknown(const struct reader *r, json_t *object, const char *place,
                           const char *known)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        if (!text_list_has(known, name))
            complain(r, place, name, "no such setting");
    }
}

static void check_platform(const struct reader *r, const char *place,
                           const struct platform_settings *p)
{
    struct rp_note note;
    unsigned char bytes[sizeof(struct in6_addr)];
    const char *host = strstr(p->rp.redirect_uri, "://");
    const char *path = host != NULL ? strchr(host + strlen("://"), '/') : NULL;
    if (inet_pton(AF_INET, p->address, bytes) != 1 && inet_pton(AF_INET6, p->address, bytes) != 1)
        complain(r, place, "address", "an IP address is expected");
    if (path == NULL || strcmp(path, "/callback") != 0)
        complain(r, place, "redirect_uri", "the address of /callback is expected");
    if (!text_starts(p->portal, "http://") && !text_starts(p->portal, "https://"))
        complain(r, place, "portal", "an http or https address is expected");
    if (all_is_well(r) && rp_settings_check(&p->rp, &note) != RP_OK)
        complain(r, place, "client", note.text);
}

/* Reads one platform; the issuer and the scope are all platforms'. */
static void read_platform(const struct reader *r, json_t *object, const char *place,
                          const struct rp_settings *common, struct platform_settings *out)
{
    json_t *name = json_object_get(object, "name");
    if (!json_is_object(object)) {
        complain(r, place, "*", "an object is expected");
        return;
    }
    refuse_unknown(r, object, place,
                   "id address port client_id client_secret redirect_uri name portal phone data");
    *out = (struct platform_settings){
        .id = read_text(r, object, place, "id"),
        .address = read_text(r, object, place, "address"),
        .port = read_port(r, object, place),
        .name_zh = read_text(r, name, place, "zh"),
        .name_en = read_text(r, name, place, "en"),
        .portal = read_text(r, object, place, "portal"),
        .phone = read_text(r, object, place, "phone"),
        .data = read_text(r, object, place, "data"),
        .rp = *common,
    };
    out->rp.client_id = read_text(r, object, place, "client_id");
    out->rp.client_secret = read_text(r, object, place, "client_secret");
    out->rp.redirect_uri = read_text(r, object, place, "redirect_uri");
    check_platform(r, place, out);
}

static void read_platforms(const struct reader *r, const json_t *root,
                           const struct rp_settings *common, struct settings *out)
{
    const json_t *list = json_object_get(root, "platforms");
    size_t count = json_array_size(list);
    if (count == 0 || count > SETTINGS_PLATFORMS_MAX) {
        complain(r, "", "platforms", "a list of 1 to 64 platforms is expected");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char place[32];
        (void)snprintf(place, sizeof(place), "platforms[%zu]", i);
        read_platform(r, json_array_get(list, i), place, common, &out->platforms[i]);
    }
    out->count = count;
}

static void read_root(const struct reader *r, json_t *root, struct settings *out)
{
    if (!json_is_object(root)) {
        complain(r, "", "*", "an object is expected");
        return;
    }
    refuse_unknown(r, root, "", "issuer scope ca tls_certificate tls_key platforms");
    struct rp_settings common = {.issuer = read_text(r, root, "", "issuer"),
                                 .scope = "openid enterprise lock",
                                 .timeout_ms = TIMEOUT_MS};
    common.development = text_starts(common.issuer, "http://");
    common.ca_file = read_optional(r, root, "ca");
    out->tls_certificate = read_optional(r, root, "tls_certificate");
    out->tls_key = read_optional(r, root, "tls_key");
    if ((out->tls_certificate == NULL) != (out->tls_key == NULL))
        complain(r, "", "tls_certificate", "expected together with tls_key");
    if (json_object_get(root, "scope") != NULL)
        common.scope = read_text(r, root, "", "scope");
    read_platforms(r, root, &common, out);
}

enum idp_err settings_read(struct arena *arena, const char *file, char why[SETTINGS_WHY_MAX],
                           struct settings *out)
{
    json_error_t error;
    struct reader r = {.arena = arena, .file = file, .why = why};
    struct settings read = {.count = 0};
    why[0] = '\0';
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL && error.line < 0)
        (void)snprintf(why, SETTINGS_WHY_MAX, "%s", error.text); /* names the file itself */
    else if (root == NULL)
        (void)snprintf(why, SETTINGS_WHY_MAX, "%s: line %d: %s", file, error.line, error.text);
    else
        read_root(&r, root, &read);
    json_decref(root);
    if (!all_is_well(&r))
        return IDP_BAD_REQUEST;
    *out = read;
    return IDP_OK;
}
