/* What commands read and write. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct ctl;

/*
 * Writes JSON to standard output and takes it over; NULL is no memory. Returns 0, or an exit code
 * when it has complained: a secret is shown once, so an answer that was not written is a failure.
 */
int answer(json_t *json);

/* Puts a value at the end of a list and takes both over. Returns the list, or NULL without memory.
 */
json_t *answer_append(json_t *list, json_t *value);

/* The answer first, for it may hold a secret; then waits as ctl_wait(). */
int answer_and_wait(struct ctl *ctl, json_t *json, int64_t generation);

/* For what was printed as a table: whether it was written. Returns 0 or an exit code. */
int answer_printed(void);

/*
 * Reads a file, or standard input for "-", into the arena: at most one byte more than max, so that
 * whoever reads it can tell that it is too long. Returns 0, or an exit code when it has complained.
 */
int answer_input(struct ctl *ctl, const char *name, size_t max, const char **out, size_t *len);
