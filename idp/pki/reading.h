/*
 * Reads a JSON document into structs by tables, one table for each kind of object, and says of the
 * first mistake where it stands and what was expected. Unknown members are mistakes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

struct arena;

enum { READING_DEPTH_MAX = 16 };

struct reading {
    struct arena *arena;
    const char *file;
    char *why; /* malloc'ed, once something was wrong */
    struct {
        const char *name; /* NULL: an entry of a list */
        size_t index;
    } path[READING_DEPTH_MAX];
    size_t depth;
};

struct member {
    const char *name; /* NULL ends the table */
    bool required;
    size_t offset; /* of the field that it goes into */
    enum idp_err (*read)(struct reading *reading, const struct member *member, json_t *value,
                         void *field);
    int min, max;               /* of a number; of a text's length; of a list's count */
    const char *const *names;   /* for reading_name() and reading_set(): ends with NULL */
    const struct member *table; /* for reading_object() */
    enum idp_err (*check)(struct reading *reading, void *object); /* after an object, or NULL */
    const struct member *item; /* how a list's entries are read */
    size_t size;               /* of such an entry */
};

/* Sets *why to `file: place: expected …`. Returns IDP_BAD_REQUEST, or IDP_FAULT for no memory. */
enum idp_err reading_wrong(struct reading *reading, const char *expected);

/* Steps into a member (name) or, with NULL, a list's entry: for the place in *why. */
enum idp_err reading_enter(struct reading *reading, const char *name, size_t index);
void reading_leave(struct reading *reading);

/* Reads an object's members into the struct at object. */
enum idp_err reading_members(struct reading *reading, const struct member *table, json_t *value,
                             void *object);

/* Readers for the tables. The field is a struct; */
enum idp_err reading_object(struct reading *reading, const struct member *member, json_t *value,
                            void *field);

/* { entry *list; size_t count; }; */
enum idp_err reading_list(struct reading *reading, const struct member *member, json_t *value,
                          void *field);

/* const char *; */
enum idp_err reading_text(struct reading *reading, const struct member *member, json_t *value,
                          void *field);

/* int; */
enum idp_err reading_number(struct reading *reading, const struct member *member, json_t *value,
                            void *field);

/* bool; */
enum idp_err reading_truth(struct reading *reading, const struct member *member, json_t *value,
                           void *field);

/* int: the position in member->names; */
enum idp_err reading_name(struct reading *reading, const struct member *member, json_t *value,
                          void *field);

/* unsigned: a list of member->names, without repetition, as the bits of their positions. */
enum idp_err reading_set(struct reading *reading, const struct member *member, json_t *value,
                         void *field);
