/*
 * application/x-www-form-urlencoded (RFC 6749 appendix B): the authorization request and the
 * token request are written with it, callbacks are read. A parameter that comes twice is an
 * error (section 3.1), known or not: two readers could disagree about which one counts.
 */
#include "rp/form.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"

struct pair {
    const char *name, *value;
};

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void put(struct rp_form *form, char c)
{
    if (form->len + 1 >= form->size) {
        form->full = true;
        return;
    }
    form->text[form->len++] = c;
    form->text[form->len] = '\0';
}

static void put_encoded(struct rp_form *form, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (is_unreserved(*s)) {
            put(form, *s);
            continue;
        }
        put(form, '%');
        put(form, digits[c >> 4]);
        put(form, digits[c & 15]);
    }
}

struct rp_form rp_form_new(struct arena *arena, const char *start)
{
    struct rp_form form = {.text = arena_alloc(arena, RP_FORM_MAX), .size = RP_FORM_MAX};
    if (form.text == NULL)
        return (struct rp_form){.full = true};
    for (; *start != '\0'; start++)
        put(&form, *start);
    return form;
}

void rp_form_add(struct rp_form *form, const char *name, const char *value)
{
    if (value == NULL || form->text == NULL)
        return;
    if (form->len > 0 && form->text[form->len - 1] != '?')
        put(form, '&');
    put_encoded(form, name);
    put(form, '=');
    put_encoded(form, value);
}

const char *rp_form_encode(struct arena *arena, const char *value)
{
    struct rp_form form = rp_form_new(arena, "");
    if (form.text != NULL)
        put_encoded(&form, value);
    return form.full ? NULL : form.text;
}

/* Reads the %xx that begins at s, of len bytes in all. */
static bool read_escape(const char *s, size_t len, char *out)
{
    char hex[3] = "";
    unsigned char byte = 0;
    if (len < 3)
        return false;
    memcpy(hex, s + 1, 2);
    if (!text_from_hex(hex, &byte, 1))
        return false;
    *out = (char)byte;
    return true;
}

/* Decodes one name or value of len bytes; NULL when it cannot be, or is not plain text. */
static const char *decode(struct arena *arena, const char *s, size_t len)
{
    char *out = arena_strndup(arena, s, len);
    size_t n = 0;
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < len; i++, n++) {
        out[n] = s[i];
        if (s[i] == '+')
            out[n] = ' ';
        if (s[i] != '%')
            continue;
        if (!read_escape(s + i, len - i, &out[n]))
            return NULL;
        i += 2;
    }
    out[n] = '\0';
    return text_is_clean_utf8(out, n) ? out : NULL;
}

static bool read_pair(struct arena *arena, const char *s, size_t len, struct pair *out)
{
    const char *sign = memchr(s, '=', len);
    size_t name_len = sign != NULL ? (size_t)(sign - s) : len;
    out->name = decode(arena, s, name_len);
    out->value = sign != NULL ? decode(arena, sign + 1, len - name_len - 1) : "";
    return out->name != NULL && out->value != NULL;
}

static bool is_among(const struct pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].name, name) == 0)
            return true;
    return false;
}

/* Reads all pairs; *count is how many. False when one is bad, repeated or too many. */
static bool read_all(struct arena *arena, const char *text, struct pair pairs[RP_FORM_PARAMS],
                     size_t *count)
{
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "&");
        struct pair pair;
        if (len > 0) {
            if (*count == RP_FORM_PARAMS || !read_pair(arena, at, len, &pair) ||
                is_among(pairs, *count, pair.name))
                return false;
            pairs[(*count)++] = pair;
        }
        at += len + (at[len] == '&');
    }
    return true;
}

bool rp_form_parse(struct arena *arena, const char *text, const char *const names[],
                   const char *values[])
{
    struct pair pairs[RP_FORM_PARAMS] = {{NULL, NULL}};
    size_t count = 0;
    if (strlen(text) > RP_FORM_MAX || !read_all(arena, text, pairs, &count))
        return false;
    for (size_t i = 0; names[i] != NULL; i++) {
        values[i] = NULL;
        for (size_t k = 0; k < count; k++)
            if (strcmp(pairs[k].name, names[i]) == 0 && pairs[k].value[0] != '\0')
                values[i] = pairs[k].value;
    }
    return true;
}
