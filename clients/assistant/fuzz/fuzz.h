/*
 * What comes from outside, fed with any bytes: requests and settings, what a driver answers through
 * SKF, what one answers through PKCS#11. Each is a libFuzzer target (target.c) and is replayed over
 * its kept corpus by tests/corpus_test.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void assistant_text(const uint8_t *bytes, size_t len);
void assistant_skf(const uint8_t *bytes, size_t len);
void assistant_pkcs11(const uint8_t *bytes, size_t len);

/* The bytes that a played driver still has to tell. */
struct feed {
    const uint8_t *at;
    size_t left;
};

/* The next byte; 0 when there are no more. */
uint8_t feed_byte(struct feed *feed);

/* The next two bytes as a number. */
size_t feed_number(struct feed *feed);

/* Fills out with len bytes, the last of them zero when there are not so many. */
void feed_bytes(struct feed *feed, void *out, size_t len);
