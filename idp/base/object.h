/*
 * Builds a JSON object member by member. A failure sticks: the calls in between
 * need no checks, and object_done() never gives out an object with a part missing.
 *
 *     struct object o = object_new();
 *     object_text(&o, "iss", issuer);
 *     object_number(&o, "iat", now);
 *     return object_done(&o);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct object {
    json_t *json;
    bool failed;
};

struct object object_new(void);

void object_truth(struct object *o, const char *name, bool value);
void object_number(struct object *o, const char *name, int64_t value);

/* Leaves the member out when text is NULL. */
void object_text(struct object *o, const char *name, const char *text);

/* Takes value over. NULL counts as a failure. */
void object_put(struct object *o, const char *name, json_t *value);

/* Returns the object, which the caller owns, or NULL when any step failed. */
json_t *object_done(struct object *o);
