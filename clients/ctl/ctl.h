/*
 * What every command of tamgactl works with: the provider's settings, its database and its keys,
 * opened as the provider opens them, so that it does not matter which of the two runs first.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "config.h"
#include "evidence/audit.h"

struct arena;
struct master_key;
struct purpose_keys;
struct sql;

/* Exit codes, beside 0: done. */
enum {
    CTL_FAILED = 1,      /* refused, not found, or something does not answer; nothing was changed */
    CTL_USAGE = 2,       /* the command line is wrong */
    CTL_UNCONFIRMED = 3, /* done, but not all running nodes have said that they know */
};

struct ctl {
    struct arena *arena; /* until the program ends */
    struct config config;
    struct master_key *master;
    struct sql *db;
    struct purpose_keys *keys;
    int64_t now;
    struct audit_actor by; /* who runs this program */
    const char *detail;    /* the same as an audit row has it */
};

/*
 * Reads the settings, then opens the database (which is never migrated here; an empty embedded one
 * gets its tables), the master key and the purpose keys, each of which is made when the provider
 * never ran. Returns 0, or an exit code when it has complained.
 */
int ctl_open(struct ctl *ctl, const char *settings);

/* Opens nothing: memory and the clock only. */
int ctl_open_alone(struct ctl *ctl);
void ctl_close(struct ctl *ctl);

/* Writes one line to standard error, whatever the texts hold. Returns CTL_FAILED. */
int ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complains about an error that no command expects. Returns CTL_FAILED. */
int ctl_complain_of(enum idp_err err);

/* Complains with the reason that a call gave, and frees it; NULL is none. Returns CTL_FAILED. */
int ctl_complain_why(char *why, enum idp_err err);

/* Waits until all live nodes know this generation. Returns 0, or CTL_UNCONFIRMED when it has
 * complained. */
int ctl_wait(struct ctl *ctl, int64_t generation);
