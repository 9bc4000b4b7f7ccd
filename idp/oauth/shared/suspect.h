/*
 * Who got a secret wrong a moment ago, remembered in this process: only of these are the counters
 * in the key-value store asked when a secret is right, so that a good call costs no look-up.
 * Whoever guesses at a node is known there from the first wrong guess on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* who is any text, such as a client and a network. Several may share a place: then one is asked
 * about without need. Any thread may call these. */
void suspect_note(const char *who, int64_t now);

/* Whether there was one in this minute. */
bool suspect_is(const char *who, int64_t now);
