/* Sends letters through the mail server that the settings name. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "notify/message.h"

struct mailer;
struct net;

/* Borrowed for as long as the mailer lives, save the password. */
struct mailer_settings {
    const char *server;    /* smtp://host[:port] or smtps://host[:port] */
    bool starttls;         /* false: smtp in plain text, to this machine only */
    const char *ca_file;   /* PEM, or NULL */
    const char *user;      /* or NULL */
    const char *password;  /* copied; NULL without user */
    const char *from;      /* address */
    const char *from_name; /* or NULL */
};

/* Returns IDP_FAULT without memory. */
enum idp_err mailer_new(struct net *net, const struct mailer_settings *settings,
                        struct mailer **out);

/* Wipes the password. NULL is allowed. */
void mailer_free(struct mailer *mailer);

/* The longest that mailer_send() takes. */
enum { MAILER_DEADLINE_MS = 60000 };

/*
 * Writes the letter (its from and from_name are the settings') and sends it; waits. Returns
 * IDP_DENIED when it will never be taken, because the server refuses it for good or because it
 * cannot be written (message.h); IDP_LIMITED when the server refuses it for now; otherwise what
 * net_mail_send() does. What went wrong is logged under the letter's id, without the address.
 */
enum idp_err mailer_send(const struct mailer *mailer, struct arena *arena,
                         const struct letter *letter);
