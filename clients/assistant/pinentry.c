#include "assistant/pinentry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "assistant/os/os.h"
#include "base/clock.h"
#include "base/text.h"

enum { SLICE_MS = 200, QUESTION_MAX = 2048 };

/* libgpg-error's codes, in the lower 16 bits of what ERR tells. */
enum { ERROR_CODE = 0xFFFF, ERROR_TIMEOUT = 62, ERROR_CANCELLED = 99 };

/* --- lines ------------------------------------------------------------------------------------ */

/* "%", and a line's end, travel as %XX. Angle brackets could be mark-up to a dialog. */
static size_t escape(unsigned char c, char *out)
{
    if (c == '<' || c == '>')
        c = '|';
    if (c != '%' && c >= 0x20) {
        out[0] = (char)c;
        return 1;
    }
    text_to_hex(&c, 1, out + 1);
    out[0] = '%';
    return 3;
}

size_t pinentry_line(const char *command, const char *argument, char *out)
{
    size_t len = (size_t)snprintf(out, PINENTRY_LINE_MAX, "%s ", command);
    for (; *argument != '\0' && len < PINENTRY_LINE_MAX - 4; argument++)
        len += escape((unsigned char)*argument, out + len);
    out[len++] = '\n';
    return len;
}

/* Takes the next byte off text, escaped or not. Returns how much it took, 0 for a bad escape. */
static size_t next_byte(const char *text, size_t len, char *out)
{
    unsigned char c = (unsigned char)text[0];
    if (c == '%') {
        if (len < 3)
            return 0;
        const char hex[3] = {text[1], text[2], '\0'};
        if (!text_from_hex(hex, &c, 1))
            return 0;
    }
    *out = (char)c;
    return text[0] == '%' ? 3 : 1;
}

static bool unescape(const char *text, size_t len, char *out, size_t *n)
{
    *n = 0;
    while (len > 0) {
        size_t taken = *n < PIN_MAX ? next_byte(text, len, out + *n) : 0;
        if (taken == 0)
            return false;
        text += taken;
        len -= taken;
        (*n)++;
    }
    return true;
}

bool pinentry_read_data(const char *line, size_t len, struct pin *out)
{
    char text[PIN_MAX];
    size_t n = 0;
    bool fine = len > 2 && line[0] == 'D' && line[1] == ' ' &&
                unescape(line + 2, len - 2, text, &n) && pin_set(out, text, n);
    OPENSSL_cleanse(text, sizeof(text));
    return fine;
}

/* --- the conversation ------------------------------------------------------------------------- */

struct talk {
    struct os_process process;
    const atomic_bool *stop;
    int64_t deadline;
    char buffer[PINENTRY_LINE_MAX + 2]; /* may hold the PIN */
    size_t len;                         /* what is in it */
    size_t line;                        /* of that, the line given out last, with its end */
};

static void drop_line(struct talk *talk)
{
    talk->len -= talk->line;
    memmove(talk->buffer, talk->buffer + talk->line, talk->len);
    OPENSSL_cleanse(talk->buffer + talk->len, talk->line);
    talk->line = 0;
}

/* Nobody answered in time, or the assistant is being stopped. */
static bool is_over(const struct talk *talk)
{
    return atomic_load(talk->stop) || clock_ticks_ms() >= talk->deadline;
}

/* Reads until a line is there. Returns its length without its end, or -1. */
static int next_line(struct talk *talk)
{
    drop_line(talk);
    for (;;) {
        const char *end = memchr(talk->buffer, '\n', talk->len);
        if (end != NULL) {
            talk->line = (size_t)(end - talk->buffer) + 1;
            return (int)talk->line - 1;
        }
        size_t room = sizeof(talk->buffer) - talk->len;
        if (room == 0 || is_over(talk))
            return -1;
        int n = os_process_read(&talk->process, talk->buffer + talk->len, room, SLICE_MS);
        if (n == OS_READ_ENDED)
            return -1;
        if (n > 0)
            talk->len += (size_t)n;
    }
}

static bool is_word(const struct talk *talk, size_t len, const char *word)
{
    size_t n = strlen(word);
    return len >= n && memcmp(talk->buffer, word, n) == 0 && (len == n || talk->buffer[n] == ' ');
}

static enum trouble refusal_of(const struct talk *talk, size_t len)
{
    char number[16] = "";
    size_t start = sizeof("ERR ") - 1;
    if (len > start)
        (void)snprintf(number, sizeof(number), "%.*s", (int)(len - start), talk->buffer + start);
    unsigned long code = strtoul(number, NULL, 10) & ERROR_CODE;
    return code == ERROR_CANCELLED || code == ERROR_TIMEOUT ? TROUBLE_CANCELLED : TROUBLE_NO_PROMPT;
}

/* Waits for OK or ERR. A data line on the way is the PIN; status lines and comments are nothing. */
static enum trouble hear(struct talk *talk, struct pin *pin)
{
    for (;;) {
        int len = next_line(talk);
        if (len < 0)
            return is_over(talk) ? TROUBLE_CANCELLED : TROUBLE_NO_PROMPT;
        if (is_word(talk, (size_t)len, "OK"))
            return TROUBLE_NONE;
        if (is_word(talk, (size_t)len, "ERR"))
            return refusal_of(talk, (size_t)len);
        if (is_word(talk, (size_t)len, "INQUIRE"))
            return TROUBLE_NO_PROMPT;
        if (is_word(talk, (size_t)len, "D") && pin != NULL &&
            !pinentry_read_data(talk->buffer, (size_t)len, pin))
            return TROUBLE_NO_PROMPT;
    }
}

static enum trouble say(struct talk *talk, const char *command, const char *argument)
{
    char line[PINENTRY_LINE_MAX];
    size_t len = pinentry_line(command, argument, line);
    if (!os_process_write(&talk->process, line, len))
        return TROUBLE_NO_PROMPT;
    return hear(talk, NULL);
}

static void describe(const struct pinentry_question *q, char *out, size_t size)
{
    char tries[64] = "";
    if (q->tries_left != TRIES_UNKNOWN)
        (void)snprintf(tries, sizeof(tries), "\n剩余次数 / Tries left: %d", q->tries_left);
    (void)snprintf(out, size, "%s / %s\n网站 / Site: %s\n单位 / Holder: %.240s\n锁 / Lock: %s%s",
                   q->purpose_zh, q->purpose_en, q->origin, q->holder, q->label, tries);
}

static enum trouble converse(struct talk *talk, const struct pinentry_question *question,
                             struct pin *out)
{
    char text[QUESTION_MAX];
    enum trouble trouble = hear(talk, NULL); /* the greeting */
    describe(question, text, sizeof(text));
    if (trouble == TROUBLE_NONE)
        trouble = say(talk, "SETTITLE", "CA锁 / CA lock");
    if (trouble == TROUBLE_NONE)
        trouble = say(talk, "SETDESC", text);
    if (trouble == TROUBLE_NONE)
        trouble = say(talk, "SETPROMPT", "PIN");
    if (trouble != TROUBLE_NONE)
        return trouble;
    static const char get[] = "GETPIN\n";
    if (!os_process_write(&talk->process, get, sizeof(get) - 1))
        return TROUBLE_NO_PROMPT;
    trouble = hear(talk, out);
    return trouble == TROUBLE_NONE && out->len == 0 ? TROUBLE_CANCELLED : trouble;
}

enum trouble pinentry_ask(const char *program, const struct pinentry_question *question,
                          const atomic_bool *stop, struct pin *out)
{
    struct talk talk = {.stop = stop};
    talk.deadline = clock_ticks_ms() + (int64_t)PINENTRY_SECONDS * 1000;
    pin_wipe(out);
    if (!os_process_start(program, &talk.process))
        return TROUBLE_NO_PROMPT;
    enum trouble trouble = converse(&talk, question, out);
    os_process_end(&talk.process);
    OPENSSL_cleanse(talk.buffer, sizeof(talk.buffer));
    if (trouble != TROUBLE_NONE)
        pin_wipe(out);
    return trouble;
}
