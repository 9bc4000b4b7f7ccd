/*
 * The commands of tamgactl: groups (client, trust …), each a table in a file of its own; main.c
 * lists them.
 */
#pragma once

#include <stdbool.h>

enum { COMMAND_WORDS_MAX = 2 };

/* Options that some commands take; main.c says which. */
enum command_option {
    OPTION_SINCE,
    OPTION_AUTHORITY,
    OPTION_LIST,
    OPTION_SIGNATURES,
    OPTION_AGAINST,
    OPTION_LOCK,
    OPTION_PIN_FILE,
    OPTION_ISSUER,
    OPTION_ASSISTANT,
    COMMAND_OPTIONS
};

struct ctl;

/* What stands behind group and command on the command line. */
struct command_arguments {
    const char *words[COMMAND_WORDS_MAX]; /* NULL: not given */
    const char *options[COMMAND_OPTIONS]; /* likewise; "" for one that has no value */
    bool table;                           /* for people's eyes */
    const char *settings;                 /* for commands that stand alone and can use them */
};

struct command {
    const char *name; /* NULL ends the table */
    /* What has to stand behind it, as help shows it: "ID", "FILE"; what may be left out stands in
     * brackets. */
    const char *words[COMMAND_WORDS_MAX];
    const char *tells; /* for help */
    /* Writes an answer, or a complaint, and returns an exit code. */
    int (*run)(struct ctl *ctl, const struct command_arguments *arguments);
};

struct command_group {
    const char *name; /* NULL ends the list; two groups may share one */
    const struct command *commands;
    bool alone; /* they need neither settings nor a database */
};
