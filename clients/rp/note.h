/* Writes what went wrong into the caller's note. */
#pragma once

#include "rp/rp.h"

/*
 * Formats the note's text; what is not printable ASCII becomes '?', so that a provider cannot
 * write lines of its own into a log. note may be NULL. Returns err.
 */
enum rp_err rp_note_set(struct rp_note *note, enum rp_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Keeps the provider's error code, cleaned and cut in the same way. */
void rp_note_error(struct rp_note *note, const char *error);
