/*
 * Feeds any bytes to the trust list's reader: a list, or one clear line that says what is wrong.
 * Whoever wants every mistake hears of at least one exactly then, and of that one first.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "pki/trust/reading.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *text)
{
    if (text == NULL || strpbrk(text, "\n\r\x1b") != NULL)
        abort();
}

static void check_remarks(const struct trust_remarks *remarks, size_t max)
{
    if (remarks->count > max || (remarks->more && remarks->count < max))
        abort();
    for (size_t i = 0; i < remarks->count; i++) {
        check_line(remarks->list[i].place);
        check_line(remarks->list[i].text);
        if (remarks->list[i].found != NULL)
            check_line(remarks->list[i].found);
    }
}

static void check_everything(const uint8_t *data, size_t size, const char *why)
{
    struct trust_check check;
    struct arena *arena = arena_new();
    if (trust_check((const char *)data, size, 1795353600, arena, &check) != IDP_OK)
        abort();
    check_remarks(&check.mistakes, READING_MISTAKES_MAX);
    check_remarks(&check.warnings, TRUST_WARNINGS_MAX);
    if ((why != NULL) != (check.mistakes.count > 0) || (why != NULL) != (check.version == NULL))
        abort();
    if (why != NULL && (strstr(why, check.mistakes.list[0].place) == NULL ||
                        strstr(why, check.mistakes.list[0].text) == NULL))
        abort();
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *why = NULL;
    struct trust *trust = NULL;
    enum idp_err err = trust_parse("list", (const char *)data, size, &why, &trust);
    if (err == IDP_OK && (trust->count == 0 || *trust_hosts(trust) == NULL))
        abort();
    if (err == IDP_BAD_REQUEST)
        check_line(why);
    check_everything(data, size, why);
    trust_free(err == IDP_OK ? trust : NULL);
    free(why);
    return 0;
}
