/* Feeds any text to the cookie finder; what it finds must fit into a Set-Cookie line again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request rq = {.arena = arena_new()};
    struct response rs = {0};
    char *header = malloc(size + 1); /* of exact size, so that ASan sees a byte too many read */
    if (rq.arena != NULL && header != NULL) {
        memcpy(header, data, size);
        header[size] = '\0';
        rq.cookie = header;
        const char *value = http_cookie_find(&rq, "id");
        if (value != NULL && http_cookie_set(&rq, &rs, "id", value) != IDP_OK)
            abort(); /* the finder's promise */
    }
    free(header);
    arena_free(rq.arena);
    return 0;
}
