/* Days as people say them, for commands that look back. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { DAY_TEXT_SIZE = 11 };

/*
 * The day that a word means, since 1970: 2026-11-22; Monday to Sunday, the last one up to today;
 * 7d, so many days ago. Returns false for anything else.
 */
bool day_of(const char *word, int64_t today, int64_t *out);

/* Writes 2026-11-22. */
void day_text(int64_t day, char out[DAY_TEXT_SIZE]);
