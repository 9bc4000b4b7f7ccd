/*
 * What the key-value store in this process holds, in a file, from a clean stop to the next start.
 *
 * The file is sealed (AES-256-GCM) with a key that serves once: whoever gives it out must give it
 * out once only. It is deleted before a value of it is used. Copies of rows are not in it: the rows
 * may change while nobody runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct kv;

enum { SNAPSHOT_KEY_SIZE = 32 };

/* A file and how it is opened. */
struct snapshot {
    const char *path;
    const unsigned char *key; /* SNAPSHOT_KEY_SIZE bytes */
    int64_t now_ms;           /* the calendar: values go on getting older while nobody runs */
};

/*
 * Writes the file whole under another name, mode 0600, makes it last, and then gives it its own;
 * *count is how many values it holds. Returns IDP_UNAVAILABLE when it cannot be written, IDP_FAULT
 * without memory, IDP_BAD_REQUEST for a store that is not in this process; no file is left then.
 */
enum idp_err snapshot_write(struct kv *kv, const struct snapshot *snapshot, size_t *count);

struct snapshot_read {
    size_t back; /* values that are in the store again */
    size_t over; /* those that expired meanwhile */
    size_t lost; /* those of kinds that are unknown now, or for which there is no room */
};

/*
 * Deletes the file and puts its values into the store. Returns IDP_NOT_FOUND when there is none,
 * IDP_DENIED when it cannot be used: it is open to others, damaged, of another version, sealed with
 * another key, or could not be deleted; then none of its values was used. IDP_UNAVAILABLE when it
 * cannot be read, IDP_FAULT without memory.
 */
enum idp_err snapshot_read(struct kv *kv, const struct snapshot *snapshot,
                           struct snapshot_read *out);

/* Deletes the file unread. Returns whether there was one. */
bool snapshot_drop(const char *path);
