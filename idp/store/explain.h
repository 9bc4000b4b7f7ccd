/* One line for a person about what is wrong with a setting. */
#pragma once

#include "base/error.h"

/* Sets *why, which the caller frees (NULL without memory), unless why is NULL. Returns err. */
enum idp_err store_explain(enum idp_err err, char **why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
