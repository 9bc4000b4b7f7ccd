#include "http/json_plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { NAME_SIZE = 64 };

struct reader {
    const char *at, *end;
    int levels; /* how many more may be opened */
};

static json_t *read_value(struct reader *r);

/* RFC 8259 section 2. */
static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

/* Steps over c and the space before it, when c stands there. */
static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

enum { WORD = sizeof(uint64_t) };

/* Eight times the same byte. */
static uint64_t each(unsigned char byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

/* Says whether a byte is zero, of bytes below 0x80; above that it may err, to the safe side. */
static uint64_t zero_in(uint64_t bytes)
{
    return (bytes - each(1)) & each(0x80);
}

/* Eight at once: a byte over 0x7E, below 0x20, a quote or a backslash sets a high bit. */
static bool are_plain(const char *s)
{
    uint64_t bytes = 0;
    memcpy(&bytes, s, WORD);
    uint64_t odd = (bytes | (bytes + each(1)) | (bytes - each(0x20))) & each(0x80);
    return (odd | zero_in(bytes ^ each('"')) | zero_in(bytes ^ each('\\'))) == 0;
}

/* A text, without its quotes. */
static bool take_text(struct reader *r, const char **out, size_t *len)
{
    if (!take(r, '"'))
        return false;
    *out = r->at;
    while (r->end - r->at >= WORD && are_plain(r->at))
        r->at += WORD;
    while (r->at < r->end && is_plain(*r->at))
        r->at++;
    *len = (size_t)(r->at - *out);
    return r->at < r->end && *r->at++ == '"';
}

static bool take_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return false;
    r->at += len;
    return true;
}

/* One "name": value, the object's first of that name. */
static bool read_member(struct reader *r, json_t *object)
{
    char name[NAME_SIZE];
    const char *text = NULL;
    size_t len = 0;
    if (!take_text(r, &text, &len) || len >= NAME_SIZE || !take(r, ':'))
        return false;
    memcpy(name, text, len);
    name[len] = '\0';
    return json_object_get(object, name) == NULL &&
           json_object_set_new_nocheck(object, name, read_value(r)) == 0;
}

static bool read_members(struct reader *r, json_t *object)
{
    if (take(r, '}'))
        return true;
    do
        if (!read_member(r, object))
            return false;
    while (take(r, ','));
    return take(r, '}');
}

static bool read_entries(struct reader *r, json_t *list)
{
    if (take(r, ']'))
        return true;
    do
        if (json_array_append_new(list, read_value(r)) != 0)
            return false;
    while (take(r, ','));
    return take(r, ']');
}

/* What begins with an opening bracket, which stands behind us. */
static json_t *read_inside(struct reader *r, json_t *made,
                           bool (*read)(struct reader *r, json_t *made))
{
    bool good = made != NULL && r->levels-- > 0 && read(r, made);
    r->levels++;
    if (good)
        return made;
    json_decref(made);
    return NULL;
}

static json_t *read_text(struct reader *r)
{
    const char *text = NULL;
    size_t len = 0;
    return take_text(r, &text, &len) ? json_stringn_nocheck(text, len) : NULL;
}

static json_t *read_word(struct reader *r)
{
    if (take_word(r, "true"))
        return json_true();
    if (take_word(r, "false"))
        return json_false();
    return take_word(r, "null") ? json_null() : NULL;
}

static json_t *read_value(struct reader *r)
{
    if (take(r, '{'))
        return read_inside(r, json_object(), read_members);
    if (take(r, '['))
        return read_inside(r, json_array(), read_entries);
    return r->at < r->end && *r->at == '"' ? read_text(r) : read_word(r);
}

json_t *json_plain_read(const char *text, size_t len, int depth)
{
    struct reader r = {.at = text, .end = text + len, .levels = depth};
    if (!take(&r, '{'))
        return NULL;
    json_t *object = read_inside(&r, json_object(), read_members);
    skip_space(&r);
    if (object == NULL || r.at == r.end)
        return object;
    json_decref(object);
    return NULL;
}
