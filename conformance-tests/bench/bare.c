/*
 * Measures what a ceiling is made of, one part a call; prints microseconds of CPU as JSON.
 *
 *     bench-bare sign ES256|RS256 BYTES MS
 *     bench-bare verify rsa|p256|sm2 BYTES MS
 *     bench-bare kv
 *     bench-bare sql grants|audit|refresh_families|standing FILE SCHEMA COUNT GROUP
 */
#include "bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long number(const char *text)
{
    return strtol(text, NULL, 10);
}

static bool print_kv(void)
{
    struct bare_kv kv = {0};
    return bare_kv(&kv) && printf("{\"get\":%.3f,\"put\":%.3f,\"take\":%.3f}\n", kv.get_us,
                                  kv.put_us, kv.take_us) > 0;
}

static bool measure(int argc, char *argv[], double *us)
{
    const char *what = argv[1];
    if (strcmp(what, "sign") == 0 && argc == 5)
        return bare_sign(argv[2], number(argv[3]), number(argv[4]), us);
    if (strcmp(what, "verify") == 0 && argc == 5)
        return bare_verify(argv[2], number(argv[3]), number(argv[4]), us);
    if (strcmp(what, "sql") != 0 || argc != 7)
        return false;
    const struct bare_sql wanted = {.table = argv[2],
                                    .file = argv[3],
                                    .schema = argv[4],
                                    .count = number(argv[5]),
                                    .group = strtod(argv[6], NULL)};
    return bare_sql(&wanted, us);
}

static bool run(int argc, char *argv[])
{
    double us = 0;
    if (argc == 2 && strcmp(argv[1], "kv") == 0)
        return print_kv();
    return argc > 2 && measure(argc, argv, &us) && printf("{\"us\":%.3f}\n", us) > 0;
}

int main(int argc, char *argv[])
{
    if (run(argc, argv))
        return EXIT_SUCCESS;
    (void)fputs("bench-bare: wrong arguments, or it could not be measured\n", stderr);
    return EXIT_FAILURE;
}
