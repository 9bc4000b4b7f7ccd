/* tamgactl keys list, and what its neighbours say alike. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct command_arguments;
struct ctl;

int keys_list(struct ctl *ctl, const struct command_arguments *arguments);

/* Complains about a key. Returns CTL_FAILED. */
int keys_complain(const char *what, enum idp_err err);

enum { KEYS_DATE_MAX = 32 };

/* A time as people write it, or "-" for none. */
const char *keys_date(int64_t time, char out[KEYS_DATE_MAX]);
