/*
 * The PIN on its way to the lock. It lies in one struct, which its owner wipes as soon as the lock
 * has seen it, and in what parsers copied, which is wiped when they free it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { PIN_MAX = 64 };

struct pin {
    char text[PIN_MAX + 1];
    size_t len;
};

/*
 * Takes len bytes over as the PIN. Returns false, and leaves an empty PIN, when there are none, too
 * many, or a control character among them.
 */
bool pin_set(struct pin *pin, const char *text, size_t len);

void pin_wipe(struct pin *pin);

/*
 * From now on all memory that Jansson frees is wiped first, since a request's body may hold a PIN.
 * Called once, before anything is parsed.
 */
void secret_wipe_json(void);
