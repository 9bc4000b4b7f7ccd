/* Feeds any bytes to the form parser. Built with libFuzzer, or with replay.c in make check. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct param params[] = {
        {.name = "token", .required = true, .max = 64}, {.name = "a", .max = 4}, {.name = NULL}};
    const char *values[HTTP_PARAMS_MAX] = {NULL};
    struct arena *arena = arena_new();
    if (arena == NULL)
        return 0;
    enum idp_err err = http_form_parse(arena, (const char *)data, size, params, values);
    if (err == IDP_OK && (values[0] == NULL || *values[0] == '\0' || strlen(values[0]) > 64))
        abort(); /* the parser's promise */
    if (err == IDP_OK && values[1] != NULL && strlen(values[1]) > 4)
        abort();
    arena_free(arena);
    return 0;
}
