/*
 * The bodies of the commands: one JSON object (RFC 8259) with exactly the known keys, none twice,
 * and nothing behind it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "assistant/challenge.h"
#include "assistant/lock.h"
#include "assistant/secret.h"

enum { BODY_MAX = 8192 };

/* What /sign takes. */
struct body_sign {
    char challenge[CHALLENGE_MAX]; /* "" when it was too long to be one */
    char lock[LOCK_ID_MAX];        /* "" when it was not named */
    bool has_pin;
    struct pin pin; /* the caller wipes it */
};

/* Whether the body is {}, as /status and /certificates take it. */
bool body_is_empty(const char *body, size_t len);

/* Reads what /sign takes. Returns false when it is anything else; *out then holds no PIN. */
bool body_read_sign(const char *body, size_t len, struct body_sign *out);
