/*
 * The trust lists of all nodes: rows of the database, of which the newest counts and the others are
 * kept. access/trust_desk.h adds them, and ends what rested on an authority that left.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;
struct sql;
struct trust;
struct trust_managers;

enum { TRUST_ROWS_MAX = 1000 /* that a listing shows, the newest first */ };

struct trust_row {
    int64_t loading;        /* the how manieth to be loaded, from 1; the last one counts */
    int64_t number;         /* the list's own; 0: it is from before lists had one */
    const char *version;    /* as in struct trust */
    int64_t loaded;         /* seconds since 1970 */
    const char *document;   /* NULL where it was not asked for */
    const char *signatures; /* likewise */
};

/* The newest row without its document. Returns IDP_NOT_FOUND when there is none, or as sql_read().
 */
enum idp_err trust_row_newest(struct sql *db, struct arena *arena, struct trust_row *out);

/* The loading at which the list of that number came last. Returns IDP_NOT_FOUND, or as sql_read().
 */
enum idp_err trust_row_find(struct sql *db, int64_t number, int64_t *loading);

/* The highest number of all lists that were ever loaded; 0: none. */
enum idp_err trust_rows_highest(struct sql *db, int64_t *out);

/* Says whether the settings' file held a list of this version when it was last read. */
enum idp_err trust_row_was_in_file(struct sql *db, const char *version, bool *out);

/* A row with its document and signatures. Returns IDP_NOT_FOUND, or as sql_read(). */
enum idp_err trust_row_read(struct sql *db, struct arena *arena, int64_t loading,
                            struct trust_row *out);

/* All rows without their documents, the newest first. */
enum idp_err trust_rows_list(struct sql *db, struct arena *arena, const struct trust_row **out,
                             size_t *count);

/* Sets what the database says of the list's authorities: since when each has stood in it. */
enum idp_err trust_row_add_ends(struct sql *db, struct trust *trust);

/*
 * Reads and checks the list of a row, its signatures too, with its authorities' ends: whoever can
 * write to the database alone cannot make a list of his own count.
 * Returns IDP_BAD_REQUEST when the row is damaged: its document is not what its version says, no
 * trust list, or not signed by enough managers; then *why is a line for the operator, which the
 * caller frees. IDP_NOT_FOUND, or as sql_read(). *out is freed with trust_free().
 */
enum idp_err trust_row_load(struct sql *db, const struct trust_managers *managers, int64_t loading,
                            char **why, struct trust **out);
