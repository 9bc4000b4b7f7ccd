#include "platform/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/http.h"
#include "platform/settings.h"

/* style.css and hills.svg lie in the program; assets_data.c puts them there. */
extern const char assets_style_begin[], assets_style_end[];
extern const char assets_hills_begin[], assets_hills_end[];

/* Accents, each with its darker shade and a tint for grounds; all read well under white text. */
static const struct accent {
    const char *plain, *dark, *soft;
} accents[] = {
    {"#1c5fa5", "#123f70", "#eaf2fa"}, {"#a3341f", "#6f2013", "#fbeeeb"},
    {"#1b7456", "#0f4b37", "#e8f5f0"}, {"#7c5213", "#53360a", "#f8f1e4"},
    {"#5a45a0", "#3a2b6e", "#f0eef9"}, {"#0d6e8a", "#07485b", "#e6f4f8"},
    {"#97386a", "#642345", "#faecf3"}, {"#4a6a1c", "#2f4510", "#f0f5e7"},
};

static const struct accent *accent_of(size_t number)
{
    return &accents[number % (sizeof(accents) / sizeof(*accents))];
}

static struct http_fixed *make(const char *type, const char *body, size_t len)
{
    static const struct http_header headers[] = {{"Cache-Control", "public, max-age=300"},
                                                 {NULL, NULL}};
    return http_fixed_new(type, body, len, headers);
}

struct http_fixed *assets_style(size_t number)
{
    const struct accent *accent = accent_of(number);
    size_t len = (size_t)(assets_style_end - assets_style_begin);
    size_t size = len + 128;
    char *text = malloc(size);
    if (text == NULL)
        return NULL;
    int n = snprintf(text, size, ":root{--accent:%s;--accent-dark:%s;--accent-soft:%s}\n",
                     accent->plain, accent->dark, accent->soft);
    memcpy(text + n, assets_style_begin, len);
    struct http_fixed *style = make("text/css; charset=utf-8", text, (size_t)n + len);
    free(text);
    return style;
}

/* The length of the UTF-8 character at s; settings hold well-formed text only. */
static int character_len(const char *s)
{
    unsigned char c = (unsigned char)*s;
    if (c < 0x80)
        return 1;
    return c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

struct http_fixed *assets_icon(size_t number, const struct platform_settings *settings)
{
    char text[512];
    static const char region[] =
        "自治区"; /* so many platforms begin with it that it tells nothing */
    const char *sign = settings->name_zh;
    if (text_starts(sign, region) && sign[sizeof(region) - 1] != '\0')
        sign += sizeof(region) - 1;
    if (strchr("&<>\"'", *sign) != NULL)
        sign = "?";
    const struct accent *accent = accent_of(number);
    int n = snprintf(
        text, sizeof(text),
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\">"
        "<rect width=\"64\" height=\"64\" rx=\"14\" fill=\"%s\"/>"
        "<rect x=\"5\" y=\"5\" width=\"54\" height=\"54\" rx=\"10\" fill=\"none\" "
        "stroke=\"#fff\" stroke-opacity=\".55\" stroke-width=\"2\"/>"
        "<text x=\"32\" y=\"44\" text-anchor=\"middle\" font-size=\"33\" fill=\"#fff\" "
        "font-family=\"Noto Serif CJK SC,SimSun,serif\" font-weight=\"700\">%.*s</text></svg>",
        accent->plain, character_len(sign), sign);
    return make("image/svg+xml", text, (size_t)n);
}

struct http_fixed *assets_hills(void)
{
    return make("image/svg+xml", assets_hills_begin,
                (size_t)(assets_hills_end - assets_hills_begin));
}
