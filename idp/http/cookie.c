/* Cookies (RFC 6265). */
#include "http/http.h"

#include <string.h>

#include "base/arena.h"

enum { COOKIE_VALUE_MAX = 512 };

/* cookie-octet of RFC 6265 section 4.1.1. */
static bool is_cookie_octet(char c)
{
    return c > 0x20 && c < 0x7F && strchr("\",;\\", c) == NULL;
}

static bool is_value(const char *s, size_t len)
{
    if (len > COOKIE_VALUE_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_cookie_octet(s[i]))
            return false;
    return true;
}

/* A token of RFC 9110 section 5.6.2. */
static bool is_name(const char *s)
{
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++)
        if (!is_cookie_octet(*s) || strchr("()<>@:/[]?={}", *s) != NULL)
            return false;
    return true;
}

/* Returns the value's place in the header when the pair at s, of len bytes, has this name. */
static const char *value_of(const char *s, size_t len, const char *name, size_t name_len)
{
    bool same = len > name_len && memcmp(s, name, name_len) == 0 && s[name_len] == '=';
    return same ? s + name_len + 1 : NULL;
}

const char *http_cookie_find(struct request *rq, const char *name)
{
    const char *s = rq->cookie;
    const char *found = NULL;
    size_t found_len = 0;
    size_t name_len = strlen(name);
    while (s != NULL && *s != '\0') {
        s += strspn(s, " ;");
        size_t len = strcspn(s, ";");
        const char *value = value_of(s, len, name, name_len);
        if (value != NULL && found != NULL)
            return NULL; /* somebody planted a second one: neither is believed */
        if (value != NULL) {
            found = value;
            found_len = len - name_len - 1;
        }
        s += len;
    }
    if (found == NULL || !is_value(found, found_len))
        return NULL;
    return arena_strndup(rq->arena, found, found_len);
}

enum idp_err http_cookie_set(struct request *rq, struct response *rs, const char *name,
                             const char *value)
{
    if (!is_name(name) || !is_value(value, strlen(value)))
        return IDP_FAULT;
    const char *age = *value == '\0' ? "; Max-Age=0" : "";
    const char *line = arena_printf(rq->arena, "%s=%s; Path=/; Secure; HttpOnly; SameSite=Lax%s",
                                    name, value, age);
    return line != NULL ? http_header_add(rs, "Set-Cookie", line) : IDP_FAULT;
}
