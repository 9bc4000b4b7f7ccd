/*
 * A trust list on trial: what it would make of certificates seen lately, beside what the list in
 * use makes of them. Revocation is left aside: no list decides that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pki/reasons.h"

struct arena;
struct trust;

/* What one list makes of a certificate. */
struct trial_reading {
    enum pki_reason reason;               /* PKI_REASONS: it would be accepted */
    const char *authority;                /* id; NULL: none that the list names has issued it */
    const char *field;                    /* that the reason is about; or NULL */
    const char *uscc, *name, *key_number; /* as they are read; "": not there */
};

/* How the one reading differs from the other. */
enum trial_change {
    TRIAL_SAME,
    TRIAL_LOST,           /* it would not be accepted any more */
    TRIAL_GAINED,         /* it would be accepted from now on */
    TRIAL_READ_OTHERWISE, /* accepted by both; authority, USCC, name or key number differ */
    TRIAL_REFUSED_OTHERWISE,
    TRIAL_CHANGES
};

struct trial_certificate {
    const char *hash, *serial; /* as in the table certificates */
    struct trial_reading before, after;
    enum trial_change change;
    const unsigned char *der;
    size_t der_len;
};

struct trial {
    const struct trust *before; /* in use; NULL: none is */
    const struct trust *after;  /* on trial */
    int64_t now;
};

/*
 * Reads the certificate by both lists. hash, serial, der and der_len of *certificate are set, and
 * borrowed; the rest is set here, and is the arena's. Returns IDP_FAULT.
 */
enum idp_err trial_read(const struct trial *trial, struct arena *arena,
                        struct trial_certificate *certificate);

/* Two enterprises that would become one. */
struct trial_collision {
    const struct trial_certificate *one, *other; /* accepted, with the same USCC */
};

/*
 * Finds certificates that the new list reads as one enterprise though they are of different ones:
 * the list in use reads another USCC in each, or the names differ and it does not read the same
 * USCC in both. Each is named with the first of its USCC. The result is the arena's; the list is
 * sorted anew on the way. Returns IDP_FAULT.
 */
enum idp_err trial_collisions(struct arena *arena, struct trial_certificate **list, size_t count,
                              struct trial_collision **out, size_t *found);
