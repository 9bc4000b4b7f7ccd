/* Questions asked before somebody waits for them: a bounded queue, and threads that work it off. */
#pragma once

#include <stddef.h>

struct ahead;
struct pki;

enum {
    AHEAD_QUEUE = 64,      /* certificates waiting */
    AHEAD_PER_SECOND = 50, /* certificates looked at, over all threads */
    AHEAD_THREADS_MAX = 8,
};

/* Starts so many threads; pki is borrowed. Returns NULL when there is no memory or no thread. */
struct ahead *ahead_new(struct pki *pki, unsigned threads);

/* Drops what waits, lets what is in flight end. NULL is allowed. */
void ahead_free(struct ahead *ahead);

/* Copies a certificate into the queue, or drops it when there is no room. */
void ahead_add(struct ahead *ahead, const void *der, size_t len);
