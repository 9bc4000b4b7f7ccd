/*
 * Mail to one server that the settings name (RFC 5321), through libcurl. Without TLS it goes to
 * this machine only; otherwise STARTTLS is demanded, or TLS from the first byte (smtps).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "net/net.h"

struct net_mail {
    const char *server;          /* smtp://host[:port] or smtps://host[:port] */
    const char *user, *password; /* NULL: the server wants none */
    const char *ca_file;         /* PEM; NULL: the authorities that the system trusts */
    bool plain;                  /* smtp without TLS: every address of the host must be loopback */
    const char *from, *to;       /* addresses without < > */
    const void *message;         /* lines that end with CR LF; dots are doubled here */
    size_t message_len;
    unsigned deadline_ms; /* total */
};

/*
 * Sends one message and waits for the server's word. *code is the last answer's number, 0 when
 * there was none. Returns IDP_OK when the server has taken it over; IDP_DENIED when it refuses this
 * recipient or message for good (5yz); IDP_LIMITED when it does so for now (4yz, as greylisting
 * does); IDP_UNAVAILABLE when it does not answer, cannot be trusted or takes no mail of ours at
 * all; IDP_BAD_REQUEST when the server's address is none, or is not loopback and plain; IDP_WAIT on
 * a thread that may not wait.
 */
enum idp_err net_mail_send(struct net *net, const struct net_mail *mail, int *code);
