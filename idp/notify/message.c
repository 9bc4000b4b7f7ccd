#include "notify/message.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/text.h"
#include "notify/address.h"

/*
 * RFC 2047 section 2: an encoded word has at most 75 characters and a line with one at most 76, so
 * beside "Subject: " and the word's own 12 there is room for 52 of base64. RFC 2045 section 6.8:
 * lines of base64 have at most 76.
 */
enum {
    WORD_BYTES = 39,
    WORD_TEXT = 52,
    LINE_BYTES = 57,
    LINE_TEXT = 76,
    DATE_MAX = 40,
    BEIJING_S = 28800
};

/* --- checking -------------------------------------------------------------------------------- */

static bool is_line(const char *text)
{
    return text_is_clean_utf8(text, strlen(text));
}

static bool are_lines(const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        if (!text_is_clean_utf8(text, n))
            return false;
        text += n + (text[n] == '\n');
    }
    return true;
}

static bool is_id(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return n > 0 && n <= 64 && text[n] == '\0';
}

static bool is_good(const struct letter *letter)
{
    return notify_is_address(letter->from) && notify_is_address(letter->to) &&
           (letter->from_name == NULL || is_line(letter->from_name)) && is_line(letter->subject) &&
           are_lines(letter->body) && is_id(letter->id);
}

/* --- writing --------------------------------------------------------------------------------- */

/* As many whole characters as fit into an encoded word (RFC 2047 section 5). */
static size_t word_length(const char *text, size_t left)
{
    size_t n = 0;
    while (n < left) {
        size_t character = text_character(text + n, left - n);
        if (n + character > WORD_BYTES)
            break;
        n += character;
    }
    return n;
}

/* The text as encoded words, one a line. NULL without memory. */
static const char *encode_words(struct arena *arena, const char *text)
{
    char word[WORD_TEXT + 1];
    size_t left = strlen(text);
    const char *out = "";
    while (left > 0 && out != NULL) {
        size_t n = word_length(text, left);
        base64_encode(text, n, word);
        out = arena_printf(arena, "%s%s=?UTF-8?B?%s?=", out, *out != '\0' ? "\r\n " : "", word);
        text += n;
        left -= n;
    }
    return out;
}

/* RFC 5322 section 3.3, by the clock of those who read it. */
static void write_date(int64_t at, char out[DATE_MAX])
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t local = (time_t)(at + BEIJING_S);
    struct tm t = {0};
    (void)gmtime_r(&local, &t);
    (void)snprintf(out, DATE_MAX, "%s, %02d %s %04d %02d:%02d:%02d +0800", days[t.tm_wday],
                   t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static const char *write_head(struct arena *arena, const struct letter *letter)
{
    char date[DATE_MAX];
    const char *subject = encode_words(arena, letter->subject);
    const char *name = encode_words(arena, letter->from_name != NULL ? letter->from_name : "");
    if (subject == NULL || name == NULL)
        return NULL;
    write_date(letter->at, date);
    bool named = *name != '\0';
    return arena_printf(arena,
                        "Date: %s\r\n"
                        "From: %s%s%s%s\r\n"
                        "To: %s\r\n"
                        "Subject: %s\r\n"
                        "Message-ID: <%s%s>\r\n"
                        "Auto-Submitted: auto-generated\r\n" /* RFC 3834 section 5 */
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: base64\r\n"
                        "\r\n",
                        date, name, named ? "\r\n <" : "", letter->from, named ? ">" : "",
                        letter->to, subject, letter->id, strrchr(letter->from, '@'));
}

/* Lines end with CR LF before they are encoded (RFC 2045 section 6.8). */
static char *with_line_ends(struct arena *arena, const char *body, size_t *len)
{
    char *out = arena_alloc(arena, 2 * strlen(body) + 1);
    size_t n = 0;
    for (; out != NULL && *body != '\0'; body++) {
        if (*body == '\n')
            out[n++] = '\r';
        out[n++] = *body;
    }
    *len = n;
    return out;
}

static char *write_text(struct arena *arena, const char *head, const char *body, size_t body_len)
{
    size_t n = strlen(head);
    char *out = arena_alloc(arena, n + (body_len / LINE_BYTES + 1) * (LINE_TEXT + 2) + 1);
    if (out == NULL)
        return NULL;
    memcpy(out, head, n);
    for (size_t at = 0; at < body_len; at += LINE_BYTES) {
        size_t part = body_len - at < LINE_BYTES ? body_len - at : LINE_BYTES;
        base64_encode(body + at, part, out + n);
        n += (part + 2) / 3 * 4;
        memcpy(out + n, "\r\n", 3);
        n += 2;
    }
    return out;
}

enum idp_err message_write(struct arena *arena, const struct letter *letter, struct message *out)
{
    size_t body_len = 0;
    if (!is_good(letter))
        return IDP_BAD_REQUEST;
    const char *head = write_head(arena, letter);
    const char *body = with_line_ends(arena, letter->body, &body_len);
    if (head == NULL || body == NULL)
        return IDP_FAULT;
    const char *text = write_text(arena, head, body, body_len);
    if (text == NULL)
        return IDP_FAULT;
    *out = (struct message){.text = text, .len = strlen(text)};
    return IDP_OK;
}
