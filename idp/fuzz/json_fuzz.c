/* Feeds any bytes to the parser of JSON bodies. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/http.h"
#include "http/json_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *const values[], const json_t *json)
{
    if (values[0] == NULL || *values[0] == '\0' || strlen(values[0]) > 8)
        abort(); /* the parser's promises */
    const json_t *list = json_object_get(json, "list");
    if (list != NULL && (!json_is_array(list) || json_array_size(list) > 3))
        abort();
    if (json_object_size(json) > 3)
        abort();
}

/* What the fast reader takes, Jansson takes too, and they agree on what it says. */
static void compare(const char *text, size_t len)
{
    json_t *plain = json_plain_read(text, len, 8);
    if (plain == NULL)
        return;
    json_t *whole = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_equal(plain, whole))
        abort();
    json_decref(plain);
    json_decref(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct param params[] = {
        {.name = "text", .required = true, .max = 8},
        {.name = "tree", .kind = PARAM_OBJECT},
        {.name = "list", .kind = PARAM_LIST, .max = 3},
        {.name = NULL},
    };
    const char *values[HTTP_PARAMS_MAX] = {NULL};
    json_t *json = NULL;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return 0;
    compare((const char *)data, size);
    if (http_json_parse(arena, (const char *)data, size, params, values, &json) == IDP_OK)
        check(values, json);
    arena_free(arena);
    return 0;
}
