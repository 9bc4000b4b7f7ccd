#include "store/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WHY_MAX = 1536 };

enum idp_err store_explain(enum idp_err err, char **why, const char *format, ...)
{
    va_list args;
    if (why == NULL)
        return err;
    *why = malloc(WHY_MAX);
    if (*why == NULL)
        return err;
    va_start(args, format);
    (void)vsnprintf(*why, WHY_MAX, format, args);
    va_end(args);
    return err;
}
