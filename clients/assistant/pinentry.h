/*
 * Asks for the PIN with pinentry, the dialog program that GnuPG uses too: a window of its own,
 * which no page can draw over or read. It is spoken to in the Assuan protocol (libassuan manual,
 * "Client requests" and "Server responses").
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "assistant/secret.h"
#include "assistant/trouble.h"

enum { PINENTRY_SECONDS = 120, PINENTRY_LINE_MAX = 1000 };

/* What the holder is told. All borrowed. */
struct pinentry_question {
    const char *origin;
    const char *purpose_zh, *purpose_en;
    const char *holder; /* the name in the certificate */
    const char *label;  /* the lock's */
    int tries_left;     /* or TRIES_UNKNOWN */
};

/*
 * Shows the dialog and waits at most PINENTRY_SECONDS, or until *stop. Returns TROUBLE_CANCELLED
 * when the holder said no or said nothing, TROUBLE_NO_PROMPT when the program does not work. The
 * caller wipes *out.
 */
enum trouble pinentry_ask(const char *program, const struct pinentry_question *question,
                          const atomic_bool *stop, struct pin *out);

/*
 * For pinentry_ask(): writes "command argument\n" with the argument escaped as Assuan wants it, and
 * what a dialog might take for mark-up or a line of its own replaced. What does not fit into
 * PINENTRY_LINE_MAX is cut. Returns the length; out holds PINENTRY_LINE_MAX bytes.
 */
size_t pinentry_line(const char *command, const char *argument, char *out);

/*
 * For pinentry_ask(): reads a data line ("D " and the escaped bytes, without line end) as the PIN.
 * Returns false when it is none.
 */
bool pinentry_read_data(const char *line, size_t len, struct pin *out);
