/*
 * Reads a JSON document into structs by tables, one table for each kind of object, and says of a
 * mistake where it stands, what was expected and what stands there: of the first one, or of every
 * one. Unknown members are mistakes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

struct arena;

enum { READING_DEPTH_MAX = 16, READING_MISTAKES_MAX = 100 };

/* Each text is one line. */
struct mistake {
    const char *place;    /* authorities[1].profile.uscc[0]; "": the document itself */
    const char *expected; /* what should stand there */
    const char *found;    /* what stands there, cut short; NULL: nothing, or too much to show */
};

struct reading {
    struct arena *arena; /* of what is read */
    struct arena *notes; /* of the mistakes; may be the same */
    bool every;          /* goes on after a mistake */
    struct mistake mistakes[READING_MISTAKES_MAX];
    size_t count;        /* of them */
    bool more;           /* there was no room for all */
    const json_t *value; /* that is being read */
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
    /* After an object in which nothing was wrong, or NULL. */
    enum idp_err (*check)(struct reading *reading, void *object);
    const struct member *item; /* how a list's entries are read */
    size_t size;               /* of such an entry */
};

/* Notes a mistake where the reading stands. Returns IDP_BAD_REQUEST, or IDP_FAULT for no memory. */
enum idp_err reading_wrong(struct reading *reading, const char *expected);

/* The same unless what is expected holds; nothing when *err says that the reading has ended. */
void reading_expect(struct reading *reading, bool holds, const char *expected, enum idp_err *err);

/* Says whether to go on after what err says: mistakes end a reading that wants the first only. */
bool reading_goes_on(const struct reading *reading, enum idp_err err);

/* The graver of two outcomes. */
enum idp_err reading_worse(enum idp_err a, enum idp_err b);

/* A mistake as one line, `file: place: expected …`; malloc'ed, or NULL for no memory. */
char *reading_line(const char *file, const struct mistake *mistake);

/* Steps into a member (name) or, with NULL, a list's entry; both are left again whatever happens.
 */
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
