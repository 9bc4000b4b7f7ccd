#include "base/json_out.h"

#include <string.h>

#include "base/text.h"

struct json_out json_out_new(char *buffer, size_t size)
{
    return (struct json_out){.buffer = buffer, .size = size};
}

static void put(struct json_out *out, const char *s, size_t n)
{
    if (out->full || n >= out->size - out->len) { /* one byte stays free for the NUL */
        out->full = true;
        return;
    }
    memcpy(out->buffer + out->len, s, n);
    out->len += n;
}

/* Puts the comma, when something stands before, and the name. */
static void begin_value(struct json_out *out, const char *name)
{
    int before = out->len > 0 ? out->buffer[out->len - 1] : '{';
    if (before != '{' && before != '[' && before != ':')
        put(out, ",", 1);
    if (name == NULL)
        return;
    put(out, "\"", 1);
    put(out, name, strlen(name));
    put(out, "\":", 2);
}

void json_out_object(struct json_out *out, const char *name)
{
    begin_value(out, name);
    put(out, "{", 1);
}

void json_out_end_object(struct json_out *out)
{
    put(out, "}", 1);
}

void json_out_array(struct json_out *out, const char *name)
{
    begin_value(out, name);
    put(out, "[", 1);
}

void json_out_end_array(struct json_out *out)
{
    put(out, "]", 1);
}

static void put_escaped(struct json_out *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char quoted[2] = {'\\', (char)c};
    const char coded[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    if (c == '"' || c == '\\')
        put(out, quoted, sizeof(quoted));
    else
        put(out, coded, sizeof(coded));
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

void json_out_text_n(struct json_out *out, const char *name, const char *text, size_t n)
{
    size_t from = 0;
    begin_value(out, name);
    put(out, "\"", 1);
    for (size_t i = 0; i < n; i++) {
        if (is_plain((unsigned char)text[i]))
            continue;
        put(out, text + from, i - from);
        put_escaped(out, (unsigned char)text[i]);
        from = i + 1;
    }
    put(out, text + from, n - from);
    put(out, "\"", 1);
}

void json_out_text(struct json_out *out, const char *name, const char *text)
{
    if (text != NULL)
        json_out_text_n(out, name, text, strlen(text));
}

void json_out_words(struct json_out *out, const char *list)
{
    size_t len = 0;
    const char *word = NULL;
    while ((word = text_list_next(&list, &len)) != NULL)
        json_out_text_n(out, NULL, word, len);
}

void json_out_number(struct json_out *out, const char *name, int64_t value)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        *--at = '-';
    begin_value(out, name);
    put(out, at, (size_t)(digits + sizeof(digits) - at));
}

void json_out_truth(struct json_out *out, const char *name, bool value)
{
    begin_value(out, name);
    put(out, value ? "true" : "false", value ? 4 : 5);
}

void json_out_raw(struct json_out *out, const char *name, const char *json, size_t n)
{
    begin_value(out, name);
    put(out, json, n);
}

size_t json_out_done(struct json_out *out)
{
    if (out->full || out->size == 0)
        return 0;
    out->buffer[out->len] = '\0';
    return out->len;
}
