/* application/x-www-form-urlencoded (WHATWG URL section 5.1; RFC 6749 appendix B). */
#include "http/http.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"

/* The byte that %XX at s stands for, or -1. The text ends before end. */
static int escaped_byte(const char *s, const char *end)
{
    unsigned char byte = 0;
    if (end - s < 3)
        return -1;
    const char digits[3] = {s[1], s[2], '\0'};
    return text_from_hex(digits, &byte, 1) ? byte : -1;
}

/* Decodes %XX and '+' from s to a new string. A NUL byte is refused, not cut at. */
static enum idp_err decode(struct arena *arena, const char *s, size_t len, const char **out)
{
    const char *end = s + len;
    char *text = arena_strndup(arena, s, len); /* never longer than what it came from */
    size_t n = 0;
    if (text == NULL)
        return IDP_FAULT;
    for (; s < end; s++) {
        int c = (unsigned char)*s;
        if (c == '+')
            c = ' ';
        if (c == '%') {
            c = escaped_byte(s, end);
            s += 2;
        }
        if (c <= 0)
            return IDP_BAD_REQUEST;
        text[n++] = (char)c;
    }
    text[n] = '\0';
    *out = text;
    return IDP_OK;
}

/* The position of a declared parameter, or -1. */
static int find_param(const struct param *params, const char *name, size_t len)
{
    for (int i = 0; i < HTTP_PARAMS_MAX && params[i].name != NULL; i++)
        if (params[i].kind == PARAM_TEXT && strncmp(params[i].name, name, len) == 0 &&
            params[i].name[len] == '\0')
            return i;
    return -1;
}

/* Names are rarely escaped; only then are they decoded. */
static enum idp_err decode_name(struct arena *arena, const char **name, size_t *len)
{
    if (memchr(*name, '%', *len) == NULL && memchr(*name, '+', *len) == NULL &&
        memchr(*name, '\0', *len) == NULL)
        return IDP_OK;
    enum idp_err err = decode(arena, *name, *len, name);
    if (err == IDP_OK)
        *len = strlen(*name);
    return err;
}

/* Takes in one name=value pair, of len bytes at s; *seen has a bit for each parameter. */
static enum idp_err take_pair(struct arena *arena, const char *s, size_t len,
                              const struct param *params, const char **values, uint32_t *seen)
{
    const char *equals = memchr(s, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - s) : len;
    size_t value_len = equals != NULL ? len - name_len - 1 : 0;
    enum idp_err err = decode_name(arena, &s, &name_len);
    if (err != IDP_OK)
        return err;
    int i = find_param(params, s, name_len);
    if (i < 0)
        return IDP_OK;
    if ((*seen & 1u << i) != 0)
        return IDP_BAD_REQUEST; /* RFC 6749 section 3.1: not more than once, empty or not */
    *seen |= 1u << i;
    if (value_len == 0)
        return IDP_OK;
    const char *value = NULL;
    err = decode(arena, equals + 1, value_len, &value);
    if (err == IDP_OK && strlen(value) > params[i].max)
        err = IDP_BAD_REQUEST;
    if (err == IDP_OK)
        values[i] = value;
    return err;
}

enum idp_err http_form_parse(struct arena *arena, const char *body, size_t len,
                             const struct param *params, const char *values[HTTP_PARAMS_MAX])
{
    uint32_t seen = 0;
    for (size_t start = 0; start < len;) {
        const char *amp = memchr(body + start, '&', len - start);
        size_t end = amp != NULL ? (size_t)(amp - body) : len;
        enum idp_err err = take_pair(arena, body + start, end - start, params, values, &seen);
        if (err != IDP_OK)
            return err;
        start = end + 1;
    }
    for (int i = 0; i < HTTP_PARAMS_MAX && params[i].name != NULL; i++)
        if (params[i].required && values[i] == NULL)
            return IDP_BAD_REQUEST;
    return IDP_OK;
}

enum idp_err http_form_names_none(struct arena *arena, const char *query, size_t len,
                                  const struct param *params)
{
    for (size_t start = 0; start < len;) {
        const char *amp = memchr(query + start, '&', len - start);
        size_t end = amp != NULL ? (size_t)(amp - query) : len;
        const char *name = query + start;
        const char *equals = memchr(name, '=', end - start);
        size_t name_len = equals != NULL ? (size_t)(equals - name) : end - start;
        enum idp_err err = decode_name(arena, &name, &name_len);
        if (err != IDP_OK)
            return err;
        if (find_param(params, name, name_len) >= 0)
            return IDP_BAD_REQUEST;
        start = end + 1;
    }
    return IDP_OK;
}
