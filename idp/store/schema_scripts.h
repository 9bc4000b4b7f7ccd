/* The scripts of schema/, which the build puts into the program (scripts/embed-schema.sh). */
#pragma once

#include <stdint.h>

struct schema_script {
    int64_t version; /* 1, 2, 3 …, without a gap */
    int64_t
        oldest_program; /* of this schema version or above: can work with what the script makes */
    const char *name;
    const char *hash; /* hex(SHA-256(text)) */
    const char *text;
};

/* In order; the last has a NULL text. */
extern const struct schema_script schema_scripts[];
