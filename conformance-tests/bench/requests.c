#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 4, FILE_MAX = 1 << 30 };

static size_t read_length(const char *at)
{
    size_t n = 0;
    for (int i = PREFIX - 1; i >= 0; i--)
        n = n << 8 | (unsigned char)at[i];
    return n;
}

/* The whole file; the caller frees it. */
static bool slurp(const char *path, struct span *out)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    bool good = size > 0 && size < FILE_MAX && fseek(file, 0, SEEK_SET) == 0;
    out->len = good ? (size_t)size : 0;
    out->bytes = good ? malloc(out->len) : NULL;
    good = out->bytes != NULL && fread(out->bytes, 1, out->len, file) == out->len;
    if (file != NULL)
        (void)fclose(file);
    return good;
}

/* Cuts the file into requests; with out->list NULL it only counts them. */
static bool cut(const struct span *file, struct spans *out)
{
    out->count = 0;
    for (size_t at = 0; at < file->len; out->count++) {
        if (file->len - at < PREFIX)
            return false;
        size_t len = read_length(file->bytes + at);
        at += PREFIX;
        if (len > file->len - at)
            return false;
        if (out->list != NULL)
            out->list[out->count] = (struct span){file->bytes + at, len};
        at += len;
    }
    return out->count > 0;
}

bool requests_read(const char *path, struct spans *out)
{
    struct span file = {.bytes = NULL};
    *out = (struct spans){.list = NULL};
    if (slurp(path, &file) && cut(&file, out)) {
        out->list = calloc(out->count, sizeof(*out->list));
        if (out->list != NULL)
            return cut(&file, out);
    }
    free(file.bytes);
    (void)fprintf(stderr, "%s: no file of requests\n", path);
    return false;
}

static bool write_one(FILE *file, const struct span *answer)
{
    unsigned char prefix[PREFIX];
    for (int i = 0; i < PREFIX; i++)
        prefix[i] = (unsigned char)(answer->len >> 8 * i);
    return fwrite(prefix, 1, PREFIX, file) == PREFIX &&
           fwrite(answer->bytes, 1, answer->len, file) == answer->len;
}

bool requests_write(const char *path, const struct spans *answers)
{
    FILE *file = fopen(path, "wb");
    bool good = file != NULL;
    for (size_t i = 0; good && i < answers->count; i++)
        good = write_one(file, &answers->list[i]);
    if (file != NULL && fclose(file) != 0)
        good = false;
    if (!good)
        (void)fprintf(stderr, "%s: cannot be written\n", path);
    return good;
}
