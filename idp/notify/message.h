/*
 * A mail as it goes over the wire (RFC 5322, RFC 2045, RFC 2047): one part of plain text, UTF-8 in
 * base64, so that no line is too long and nothing in a text or a name can be taken for a header.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;

struct letter {
    const char *from, *to; /* addresses */
    const char *from_name; /* shown beside it; NULL: none */
    const char *subject;   /* one line */
    const char *body;      /* lines that end with "\n" */
    const char *id;        /* letters, digits, - and _: the same whenever it is sent again */
    int64_t at;            /* when it was written, seconds since 1970 */
};

struct message {
    const char *text; /* lines that end with CR LF; NUL-terminated */
    size_t len;
};

/*
 * Writes it; the same letter gives the same bytes. Returns IDP_BAD_REQUEST when an address is none
 * (notify/address.h), a name, the subject or the body is not UTF-8, or has a control character
 * (the body: other than "\n"), or the id has other characters; IDP_FAULT without memory.
 */
enum idp_err message_write(struct arena *arena, const struct letter *letter, struct message *out);
