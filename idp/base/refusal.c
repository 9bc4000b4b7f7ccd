#include "base/refusal.h"

#include <string.h>

#include "base/arena.h"

enum idp_err refusal_set(struct refusal *refusal, const struct reason *reason)
{
    refusal->reason = reason;
    return IDP_REFUSED;
}

void refusal_fact(struct refusal *refusal, const char *name, const char *value)
{
    size_t i = 0;
    if (value == NULL)
        return;
    while (i < refusal->count && strcmp(refusal->facts[i].name, name) != 0)
        i++;
    if (i == REFUSAL_FACTS_MAX)
        return;
    refusal->facts[i].name = name;
    refusal->facts[i].value = value;
    if (i == refusal->count)
        refusal->count++;
}

static const char *find(const struct refusal *refusal, const char *name, size_t len)
{
    for (size_t i = 0; i < refusal->count; i++)
        if (strlen(refusal->facts[i].name) == len && memcmp(refusal->facts[i].name, name, len) == 0)
            return refusal->facts[i].value;
    return NULL;
}

const char *refusal_find(const struct refusal *refusal, const char *name)
{
    return find(refusal, name, strlen(name));
}

/* The length of the {name} at s, or 0 when none stands there. */
static size_t placeholder(const char *s)
{
    const char *end = *s == '{' ? strchr(s, '}') : NULL;
    return end != NULL ? (size_t)(end - s) + 1 : 0;
}

/* Copies a text without its NUL to out, unless out is NULL. Returns its length. */
static size_t copy(const char *text, char *out)
{
    size_t n = 0;
    for (; text[n] != '\0'; n++)
        if (out != NULL)
            out[n] = text[n];
    return n;
}

/* Writes the filled text to out, or only measures it when out is NULL. */
static size_t fill(const struct refusal *refusal, const char *text, char *out)
{
    size_t n = 0;
    while (*text != '\0') {
        size_t len = placeholder(text);
        const char plain[2] = {*text, '\0'};
        const char *value = len > 0 ? find(refusal, text + 1, len - 2) : plain;
        n += copy(value != NULL ? value : "", out != NULL ? out + n : NULL);
        text += len > 0 ? len : 1;
    }
    return n;
}

char *refusal_text(const struct refusal *refusal, struct arena *arena, const char *text)
{
    if (text == NULL)
        text = "";
    size_t n = fill(refusal, text, NULL);
    char *out = arena_alloc(arena, n + 1);
    if (out != NULL)
        (void)fill(refusal, text, out);
    return out;
}
