/* tamgactl client ...: registers and looks after the programs that sign people in here. */
#pragma once

#include <stdbool.h>

struct ctl;

/* What stands behind "client" on the command line. */
struct client_arguments {
    const char *subject; /* a file for add, an id for the others, NULL for list */
    bool table;          /* list: for people's eyes */
};

/* A command: its name, whether it wants a subject, and what it does. run returns an exit code and
 * has written its answer, or a complaint. The list ends with a NULL name. */
struct client_command {
    const char *name;
    bool wants_subject;
    int (*run)(struct ctl *ctl, const struct client_arguments *arguments);
};

extern const struct client_command client_commands[];
