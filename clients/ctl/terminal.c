#include "ctl/terminal.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include <openssl/crypto.h>

#include "base/text.h"

/* Marks that change the direction of what follows: a line could look like another one. */
static bool turns_direction(const char *character, size_t len)
{
    static const char *const marks[] = {"\u200E", "\u200F", "\u202A", "\u202B", "\u202C", "\u202D",
                                        "\u202E", "\u2066", "\u2067", "\u2068", "\u2069"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (len == strlen(marks[i]) && memcmp(character, marks[i], len) == 0)
            return true;
    return false;
}

void terminal_tame(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t len = text_character(text, left);
        bool harmless = len > 0 && !turns_direction(text, len);
        len = len > 0 ? len : 1;
        if (!harmless)
            memset(text, '?', len);
        text += len;
        left -= len;
    }
}

void terminal_say(const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    terminal_tame(line);
    (void)fprintf(stderr, "%s\n", line);
}

static enum idp_err read_line(FILE *terminal, char *out)
{
    char line[TERMINAL_ANSWER_MAX + 2];
    const char *got = fgets(line, sizeof(line), terminal);
    size_t len = got != NULL ? strcspn(line, "\r\n") : 0;
    bool fits = len > 0 && len < TERMINAL_ANSWER_MAX;
    if (fits) {
        memcpy(out, line, len);
        out[len] = '\0';
    }
    OPENSSL_cleanse(line, sizeof(line));
    return fits ? IDP_OK : IDP_BAD_REQUEST;
}

/* Stream buffers hold what was typed: a secret is read without one. */
static FILE *open_terminal(void)
{
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal != NULL)
        (void)setvbuf(terminal, NULL, _IONBF, 0);
    return terminal;
}

enum idp_err terminal_ask(const char *question, char *out)
{
    FILE *terminal = open_terminal();
    if (terminal == NULL)
        return IDP_NOT_FOUND;
    (void)fprintf(terminal, "%s", question);
    enum idp_err err = read_line(terminal, out);
    (void)fclose(terminal);
    return err;
}

enum idp_err terminal_ask_secret(const char *question, char *out)
{
    struct termios usual;
    FILE *terminal = open_terminal();
    if (terminal == NULL)
        return IDP_NOT_FOUND;
    if (tcgetattr(fileno(terminal), &usual) != 0) {
        (void)fclose(terminal);
        return IDP_NOT_FOUND;
    }
    struct termios silent = usual;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &silent);
    (void)fprintf(terminal, "%s", question);
    enum idp_err err = read_line(terminal, out);
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &usual);
    (void)fprintf(terminal, "\n");
    (void)fclose(terminal);
    return err;
}
