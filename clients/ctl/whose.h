/* Enterprises on the command line: by their USCC or their id. */
#pragma once

struct ctl;
struct enterprise_row;

/* Finds one. Returns 0, or an exit code when it has complained. */
int whose_find(struct ctl *ctl, const char *name, struct enterprise_row *out);
