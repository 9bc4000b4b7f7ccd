/* A bare HTTP client for tests: it sends what it is given, byte for byte. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether connections speak TLS from now on (they do not to begin with). */
void wire_speak_tls(bool on);

/* Gives a connected socket what wire_connect() gives its own: TLS, when it is spoken. */
int wire_take(int fd);

/* Connects to a port of 127.0.0.1. Ends the test program when it cannot. */
int wire_connect(int port);

/* Sends all of text. Returns false when the other side has closed. */
bool wire_send(int fd, const char *text);

struct wire_answer {
    int status;    /* 0: the other side closed, or was silent for ten seconds */
    char *head;    /* with the status line; NUL-terminated; the caller frees it */
    char *body;    /* inside head */
    size_t length; /* of the body */
};

/* Reads one answer; without_body for those to HEAD. */
struct wire_answer wire_read(int fd, bool without_body);

/* One request on a connection of its own. */
struct wire_answer wire_ask(int port, const char *request);

/* The value of a header line of the answer, up to its end; or NULL. The caller frees it. */
char *wire_header(const struct wire_answer *answer, const char *name);

/* Waits until the other side closes, for at most ms milliseconds; drops what it sends. */
bool wire_closes(int fd, int ms);
