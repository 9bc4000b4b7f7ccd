/* application/x-www-form-urlencoded, in both directions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "rp/rp.h"

struct arena;

enum { RP_FORM_MAX = 8192, RP_FORM_PARAMS = 32 };

/*
 * Decodes text into values, one slot for each of names (ended by NULL). Empty values count as
 * absent (RFC 6749 section 3.1). Returns false when text is longer than RP_FORM_MAX, has more
 * than RP_FORM_PARAMS parameters, any of which comes twice, or cannot be decoded.
 */
bool rp_form_parse(struct arena *arena, const char *text, const char *const names[],
                   const char *values[]);

/* A form being written; what does not fit sets full. */
struct rp_form {
    char *text;
    size_t len, size;
    bool full;
};

/* Begins with start (an address that ends in '?', or an empty text), in RP_FORM_MAX bytes. */
struct rp_form rp_form_new(struct arena *arena, const char *start);

/* Adds name=value, percent-encoded; a NULL value is left out. */
void rp_form_add(struct rp_form *form, const char *name, const char *value);

/* Percent-encodes value alone (RFC 6749 appendix B). NULL when there is no memory. */
const char *rp_form_encode(struct arena *arena, const char *value);
