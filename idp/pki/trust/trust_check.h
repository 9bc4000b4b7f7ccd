/*
 * A trust list looked at before it is signed: every mistake, not the first only, and what is lawful
 * but should be known. It needs neither settings nor a database.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;

struct trust_remark {
    const char *place; /* authorities[1].profile.uscc[0]; "": the document itself */
    const char *text;  /* of a mistake: what was expected; of a warning: what should be known */
    const char *found; /* of a mistake: what stands there, cut short, or NULL */
};

struct trust_remarks {
    struct trust_remark *list;
    size_t count;
    bool more; /* there are others */
};

struct trust_check {
    struct trust_remarks mistakes, warnings; /* warnings only where there is no mistake */
    const char *version;                     /* of the list, or NULL when there are mistakes */
    size_t authorities;
};

enum { TRUST_WARNINGS_MAX = 512, TRUST_SOON_DAYS = 60 };

/*
 * Looks at a list's text at the moment now (seconds since 1970). The result is the arena's. Returns
 * IDP_OK also when there are mistakes, IDP_FAULT when there is no memory.
 */
enum idp_err trust_check(const char *text, size_t len, int64_t now, struct arena *arena,
                         struct trust_check *out);
