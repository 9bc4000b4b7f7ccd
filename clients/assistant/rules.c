#include "assistant/rules.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "assistant/body.h"
#include "base/text.h"

static const char *const paths[] = {
    [COMMAND_STATUS] = "/status",
    [COMMAND_CERTIFICATES] = "/certificates",
    [COMMAND_SIGN] = "/sign",
};

enum { PATHS = sizeof(paths) / sizeof(*paths) };

/* A site whose name was made to resolve to 127.0.0.1 still sends its own name. */
static bool is_us(const struct settings *settings, const char *host)
{
    static const char *const names[] = {"127.0.0.1", "[::1]", "localhost"};
    char expected[32];
    for (size_t i = 0; host != NULL && i < sizeof(names) / sizeof(*names); i++) {
        (void)snprintf(expected, sizeof(expected), "%s:%u", names[i], settings->port);
        if (strcmp(host, expected) == 0)
            return true;
    }
    return false;
}

/* "null" and a missing header are on no list. */
static bool is_known(const struct settings *settings, const char *origin)
{
    for (size_t i = 0; origin != NULL && i < settings->origin_count; i++)
        if (strcmp(origin, settings->origins[i]) == 0)
            return true;
    return false;
}

/* RFC 8259 section 11; the parameter that fetch() users like to add is harmless. */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    static const char utf8[] = "charset=utf-8";
    if (type == NULL || strncasecmp(type, json, sizeof(json) - 1) != 0)
        return false;
    type += sizeof(json) - 1;
    if (*type == '\0')
        return true;
    if (*type++ != ';')
        return false;
    return strcasecmp(type + strspn(type, " "), utf8) == 0;
}

static bool is_command(const char *path, enum rules_command *out)
{
    for (size_t i = 0; i < PATHS; i++) {
        if (strcmp(paths[i], path) == 0) {
            *out = (enum rules_command)i;
            return true;
        }
    }
    return false;
}

static bool is_small(const char *length)
{
    int64_t n = 0;
    return length == NULL || text_to_number(length, 0, BODY_MAX, &n);
}

static struct rules_result refuse(unsigned int status, enum trouble trouble, const char *rule)
{
    return (struct rules_result){
        .verdict = RULES_REFUSE, .status = status, .trouble = trouble, .rule = rule};
}

/* What is left to ask of a page of a known origin. */
static struct rules_result check_form(const struct rules_request *rq)
{
    struct rules_result pass = {.verdict = RULES_PASS};
    if (rq->fetch_mode != NULL && strcmp(rq->fetch_mode, "cors") != 0)
        return refuse(403, TROUBLE_FORBIDDEN, "fetch_mode");
    if (!is_command(rq->path, &pass.command))
        return refuse(404, TROUBLE_BAD_REQUEST, "path");
    if (strcmp(rq->method, "OPTIONS") == 0)
        return (struct rules_result){.verdict = RULES_PREFLIGHT};
    if (rq->agent == NULL || strcmp(rq->agent, "1") != 0)
        return refuse(403, TROUBLE_FORBIDDEN, "agent");
    if (!is_json(rq->content_type))
        return refuse(415, TROUBLE_BAD_REQUEST, "content_type");
    if (!is_small(rq->content_length))
        return refuse(413, TROUBLE_BAD_REQUEST, "length");
    return pass;
}

struct rules_result rules_check(const struct settings *settings, const struct rules_request *rq)
{
    bool post = strcmp(rq->method, "POST") == 0;
    bool known = !rq->repeated && is_us(settings, rq->host) && is_known(settings, rq->origin);
    struct rules_result result;

    if (rq->repeated)
        result = refuse(400, TROUBLE_BAD_REQUEST, "repeated_header");
    else if (!is_us(settings, rq->host))
        result = refuse(403, TROUBLE_FORBIDDEN, "host");
    else if (!post && strcmp(rq->method, "OPTIONS") != 0)
        result = refuse(405, TROUBLE_BAD_REQUEST, "method");
    else if (!known)
        result = refuse(403, TROUBLE_FORBIDDEN, "origin");
    else
        result = check_form(rq);
    result.known_origin = known;
    return result;
}
