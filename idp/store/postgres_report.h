/*
 * What PostgreSQL's answers mean, and telling what went wrong.
 *
 * What is logged names the statement and the reason. It never holds a password, nor a parameter's
 * value: of errors that are about values the server's words are left out.
 */
#pragma once

#include <stdbool.h>

#include <libpq-fe.h>

#include "base/error.h"

/* What became of what was asked. */
enum postgres_end {
    END_GOOD,
    END_REFUSED, /* the answer was an error, and would be so again */
    END_RACE,    /* another transaction was in the way; nothing has happened */
    END_LOST,    /* the connection is gone or no good any more; nothing has been committed */
    END_LATE,    /* the deadline was missed; nothing has been committed */
    END_UNKNOWN, /* the connection is gone, and whether COMMIT was done nobody knows */
};

/* What an error of the server means: *end is END_REFUSED, END_RACE or END_LOST. Logs it, unless it
 * is a conflict or a race. Returns IDP_CONFLICT, IDP_FAULT or IDP_UNAVAILABLE. */
enum idp_err postgres_report_error(const PGresult *result, const char *text,
                                   enum postgres_end *end);

/* Logs a mistake of a caller. Returns IDP_FAULT. */
enum idp_err postgres_report_wrong(const char *text, const char *why);

/* Logs that there was no answer, in the words of libpq or our own. Returns IDP_UNAVAILABLE. */
enum idp_err postgres_report_silence(const char *text, const char *why);

/* Puts a line for a person into *why, unless why is NULL or says something already; the caller
 * frees it. Returns err. */
enum idp_err postgres_explain(enum idp_err err, char **why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
