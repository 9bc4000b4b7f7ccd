/* The scripts of schema/, which the build puts into the program (scripts/embed-schema.sh). */
#pragma once

#include <stdint.h>

struct schema_script {
    int64_t version; /* 1, 2, 3 …, without a gap */
    const char *name;
    const char *text;
};

/* In order; the last has a NULL text. */
extern const struct schema_script schema_scripts[];
