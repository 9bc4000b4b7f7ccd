/*
 * Writes JSON straight into a buffer of the caller: 0.5 us for a token's payload where building
 * and dumping a Jansson tree costs 8 us. For the hot answers; everything else uses Jansson.
 *
 * The buffer is born with its maximum. What does not fit sets `full`, and json_out_done() then
 * returns 0, so no half document can be sent. Commas are put in by the writer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_out {
    char *buffer;
    size_t size, len;
    bool full;
};

/* Begins an empty document in buffer, of size bytes. */
struct json_out json_out_new(char *buffer, size_t size);

/* name is NULL inside an array and for the outermost value. Names are written as they are. */
void json_out_object(struct json_out *out, const char *name);
void json_out_end_object(struct json_out *out);
void json_out_array(struct json_out *out, const char *name);
void json_out_end_array(struct json_out *out);

/* Leaves the member out when text is NULL. Escapes what RFC 8259 section 7 demands. */
void json_out_text(struct json_out *out, const char *name, const char *text);
void json_out_text_n(struct json_out *out, const char *name, const char *text, size_t n);

/* Each word of a space-separated list (base/text.h), inside an array that was begun. */
void json_out_words(struct json_out *out, const char *list);

void json_out_number(struct json_out *out, const char *name, int64_t value);
void json_out_truth(struct json_out *out, const char *name, bool value);

/* A value that is JSON already. */
void json_out_raw(struct json_out *out, const char *name, const char *json, size_t n);

/* The document's length (a NUL stands behind it), or 0 when it did not fit. */
size_t json_out_done(struct json_out *out);
