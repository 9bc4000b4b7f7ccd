/* What ends some day and has to be renewed by somebody before. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct app;
struct arena;

enum { EXPIRY_DAY_S = 86400, EXPIRY_WARN_DAYS = 30, EXPIRY_URGENT_DAYS = 7 };

struct expiry {
    const char *kind; /* "certificate": the server's, "authority", "signing_key" */
    const char *name; /* the authority's id, the key's id; "" for the server's certificate */
    int64_t left_s;   /* below 0: it has ended */
};

/* Calls tell for each of them. Never waits. */
void expiry_each(struct app *app, struct arena *arena, int64_t now,
                 void (*tell)(void *with, const struct expiry *what), void *with);

/* Writes a log line for each that ends within EXPIRY_WARN_DAYS, an error within
 * EXPIRY_URGENT_DAYS. A key that is replaced by schedule is no matter for a person until that is
 * overdue, which jobs.c says. Returns IDP_FAULT without memory. */
enum idp_err expiry_warn(struct app *app, int64_t now);
