/* JSON bodies (RFC 8259, I-JSON's rule on duplicate members: RFC 7493 section 2.3). */
#include "http/http.h"

#include <string.h>

#include "base/arena.h"
#include "http/json_plain.h"

enum { DEPTH_MAX = 8 };

static void drop_json(void *json)
{
    json_decref(json);
}

/* Skips a string that begins before s; returns what follows its closing quote, or end. */
static const char *after_string(const char *s, const char *end)
{
    for (; s < end && *s != '"'; s++)
        if (*s == '\\' && s + 1 < end)
            s++;
    return s < end ? s + 1 : end;
}

/*
 * Jansson recurses for each level, up to 2,048 of them: what is deeper than we ever ask for is
 * refused before it gets there.
 */
static bool is_shallow(const char *s, size_t len)
{
    const char *end = s + len;
    int depth = 0;
    while (s < end) {
        char c = *s++;
        if (c == '"')
            s = after_string(s, end);
        else if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        if (depth > DEPTH_MAX)
            return false;
    }
    return true;
}

static int find_param(const struct param *params, const char *name)
{
    for (int i = 0; params != NULL && i < HTTP_PARAMS_MAX && params[i].name != NULL; i++)
        if (strcmp(params[i].name, name) == 0)
            return i;
    return -1;
}

static bool fits(const struct param *param, const json_t *value)
{
    switch (param->kind) {
    case PARAM_TEXT:
        return json_is_string(value) && json_string_length(value) <= param->max;
    case PARAM_OBJECT:
        return json_is_object(value);
    case PARAM_LIST:
        return json_is_array(value) && json_array_size(value) <= param->max;
    case PARAM_NUMBER:
        return json_is_integer(value);
    case PARAM_TRUTH:
        return json_is_boolean(value);
    }
    return false;
}

/* Checks one member and puts its text into values. */
static enum idp_err take_member(const struct param *params, const char *name, const json_t *value,
                                const char **values)
{
    int i = find_param(params, name);
    if (i < 0 || !fits(&params[i], value))
        return IDP_BAD_REQUEST;
    if (params[i].kind == PARAM_TEXT && json_string_length(value) > 0)
        values[i] = json_string_value(value);
    return IDP_OK;
}

static bool is_missing(const struct param *param, const json_t *json, const char *text)
{
    if (!param->required)
        return false;
    return param->kind == PARAM_TEXT ? text == NULL : json_object_get(json, param->name) == NULL;
}

static enum idp_err take_members(json_t *json, const struct param *params, const char **values)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(json, name, value)
    {
        enum idp_err err = take_member(params, name, value, values);
        if (err != IDP_OK)
            return err;
    }
    for (int i = 0; params != NULL && i < HTTP_PARAMS_MAX && params[i].name != NULL; i++)
        if (is_missing(&params[i], json, values[i]))
            return IDP_BAD_REQUEST;
    return IDP_OK;
}

static enum idp_err load(const char *body, size_t len, json_t **out)
{
    json_error_t why;
    *out = json_plain_read(body, len, DEPTH_MAX);
    if (*out != NULL)
        return IDP_OK;
    if (len == 0 || !is_shallow(body, len))
        return IDP_BAD_REQUEST;
    /* Jansson refuses by itself: bad UTF-8, NUL, \u0000, rubbish behind the value. */
    *out = json_loadb(body, len, JSON_REJECT_DUPLICATES, &why);
    if (*out != NULL)
        return IDP_OK;
    return json_error_code(&why) == json_error_out_of_memory ? IDP_FAULT : IDP_BAD_REQUEST;
}

enum idp_err http_json_parse(struct arena *arena, const char *body, size_t len,
                             const struct param *params, const char *values[HTTP_PARAMS_MAX],
                             json_t **out)
{
    json_t *json = NULL;
    enum idp_err err = load(body, len, &json);
    if (err != IDP_OK)
        return err;
    if (arena_own(arena, json, drop_json) == NULL)
        return IDP_FAULT;
    if (!json_is_object(json))
        return IDP_BAD_REQUEST;
    err = take_members(json, params, values);
    if (err == IDP_OK)
        *out = json;
    return err;
}
