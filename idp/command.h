/* A subcommand of tamga-idp: a line in main.c's table, a file of its own. */
#pragma once

#include "base/error.h"

struct config;

/* Exit codes, beside 0: done. */
enum {
    COMMAND_FAILED = 1, /* refused or failed: one line on standard error tells why */
    COMMAND_USAGE = 2,  /* the command line is wrong */
};

enum { COMMAND_OPTIONS_MAX = 2 };

struct command {
    const char *name;
    const char *options[COMMAND_OPTIONS_MAX + 1]; /* each wants a file, and must be given once */
    const char *tells;                            /* for --help */
    /* files: what the options were given, in their order. Returns an exit code. */
    int (*run)(const char *const files[COMMAND_OPTIONS_MAX]);
};

/* Writes "tamga-idp: " and why ("no memory" for NULL) to standard error and frees it. Returns
 * COMMAND_FAILED. */
int command_give_up(char *why);

/* Lets the log have the level that the settings want. */
void command_set_level(const struct config *config);

/* Lets the log go where the settings want it. Returns IDP_UNAVAILABLE and a line in *why, which the
 * caller frees, when the file cannot be written. */
enum idp_err command_open_log(const struct config *config, char **why);
