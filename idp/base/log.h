/*
 * The log: one JSON object a line, one line an event, to standard error or a file.
 *
 *     struct log_line line;
 *     log_begin(&line, LOG_WARN, "client_auth_failed");
 *     log_text(&line, "client", id);
 *     log_end(&line);
 *
 * Secrets, PINs, tokens and whole certificates never go in: name things by their ids and hashes.
 * A line that is too long loses the members that do not fit, never its end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json_out.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_line {
    bool wanted;
    struct json_out json;
    char text[2048];
};

/* What is below level is not written. To begin with it is LOG_INFO. */
void log_set_level(enum log_level level);

/* Whether a line of this level is written. */
bool log_wants(enum log_level level);

/* Writes to this file descriptor from now on (2 to begin with). */
void log_set_fd(int fd);

/*
 * Appends to this file from now on; it is made when it is missing, for its owner only. Called
 * again, also while others write, it opens the file anew: whoever moved it away gets a new one.
 * Returns IDP_UNAVAILABLE when it cannot be opened; the lines then go where they went before.
 */
enum idp_err log_open(const char *path);

/* Begins a line with time, level and event. The line stays where it is until log_end(). */
void log_begin(struct log_line *line, enum log_level level, const char *event);

/*
 * Leaves the member out when value is NULL. The value may come from anybody: what is no UTF-8, and
 * what a terminal would obey, is written as '?', so that every line is JSON and safe to look at.
 */
void log_text(struct log_line *line, const char *name, const char *value);
void log_number(struct log_line *line, const char *name, int64_t value);

/* Writes the line with one write(2). */
void log_end(struct log_line *line);

/* A line with one text member; name may be NULL. */
void log_event(enum log_level level, const char *event, const char *name, const char *value);
