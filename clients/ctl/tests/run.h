/*
 * Runs the program itself, as an operator would, in a folder of its own with settings for a new
 * SQLite database.
 */
#pragma once

#include <stdint.h>

#include <jansson.h>

struct arena;

extern struct run_world {
    struct arena *arena; /* of the test */
    char *folder;
    int code;
    const char *out, *err; /* what the last run wrote */
} w;

/* The settings' section of the trust managers, whose locks are those of tests/pki_region.h:
 * "trust":{…} and a comma. */
const char *run_managers(void);

/* The program under test lies beside the tests; self is the test's argv[0]. */
void run_find_program(const char *self);

/* For each test. */
int run_set_up(void **state);
int run_tear_down(void **state);

/* A file in the folder: its path, and writing it. */
const char *path(const char *name);
void put(const char *name, const char *text);

/* Runs tamgactl with words divided by spaces; standard input is the file "in". */
void run_with(const char *settings, const char *line);

/* The same with the folder's settings. */
void run(const char *line);

/* The JSON that the last run wrote, having succeeded; the caller's. */
json_t *answer(void);

/* Nothing on standard output, one line that holds text on standard error. */
void expect_complaint(int code, const char *text);

/* A member's text, in the test's arena; it has to be there. */
const char *text_of(const json_t *json, const char *name);

/* Runs a statement on the database. */
void execute(const char *statement);

/* The first cell of what a query finds there, as a number. */
int64_t number_in(const char *query);
