/* A mail server for tests, on a free port of 127.0.0.1: it does what it is told and remembers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct smtp_peer;

struct smtp_peer_wish {
    const char *certificate, *key; /* PEM files; NULL: it offers no TLS */
    bool tls_first;                /* as smtps does; else by STARTTLS */
};

/* Ends the test program when it cannot. */
struct smtp_peer *smtp_peer_start(const struct smtp_peer_wish *wish);
void smtp_peer_stop(struct smtp_peer *peer);

int smtp_peer_port(const struct smtp_peer *peer);

/*
 * What is said to a command from now on (HELLO at the beginning, EHLO, MAIL, RCPT, DATA, END after
 * the message …): a line without its end, e.g. "450 4.2.0 later"; "" says nothing at all until the
 * other side goes away; "!" closes the connection. NULL: what is usual. The text is borrowed.
 */
void smtp_peer_says(struct smtp_peer *peer, const char *command, const char *answer);

/* How many messages it has taken over. */
int smtp_peer_taken(struct smtp_peer *peer);

/* How many connections there were. */
int smtp_peer_connections(struct smtp_peer *peer);

/* Message i as it was meant (dots single again), until the peer stops; NULL: there is none. */
const char *smtp_peer_message(struct smtp_peer *peer, int i);

/* Every command so far, a line each ("\n"), with "(tls) " before those that came over TLS. The
 * caller frees it. */
char *smtp_peer_heard(struct smtp_peer *peer);
