/*
 * The person at the terminal: what is shown before a question, and what may be asked. Answers of
 * commands are JSON on standard output; everything here goes to standard error and the terminal.
 */
#pragma once

#include "base/error.h"

enum { TERMINAL_ANSWER_MAX = 128 };

/* Puts "?" for all that would speak to a terminal: control characters (those of U+0080 to U+009F
 * are commands, too), marks of direction, and what is no UTF-8. */
void terminal_tame(char *text);

/* Writes a line to standard error, tamed. */
void terminal_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Asks on the terminal, whatever standard input is: a secret without echo. out has room for
 * TERMINAL_ANSWER_MAX bytes; the line end goes. Returns IDP_NOT_FOUND when there is no terminal,
 * IDP_BAD_REQUEST when nothing, or too much, was typed.
 */
enum idp_err terminal_ask(const char *question, char *out);
enum idp_err terminal_ask_secret(const char *question, char *out);
