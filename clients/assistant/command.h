/*
 * What the assistant does for pages and for the terminal. One command uses the locks at a time; a
 * second one is told TROUBLE_BUSY at once.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <jansson.h>
#include <pthread.h>

#include "assistant/lock.h"
#include "assistant/settings.h"

struct assistant {
    const struct settings *settings;
    struct locks *locks;
    struct lock_list *found; /* of the last enumeration; behind operation */
    pthread_mutex_t operation;
    atomic_bool saw_locks; /* whether that found any */
    atomic_bool stop;      /* a prompt that waits gives up */
};

/* What came of a command: the answer's or the error's JSON, which the caller frees. */
struct outcome {
    enum trouble trouble;
    json_t *body; /* NULL when there was no memory for it */
};

/* Returns false when there is no memory. settings must outlive it. */
bool assistant_init(struct assistant *assistant, const struct settings *settings);

void assistant_free(struct assistant *assistant);

/* The error {"error":{"code":…,"tries_left":…}}; the second member only where it is known. */
struct outcome outcome_of(enum trouble trouble, int tries_left);

/* Version, protocol, whether a lock is there, and where the PIN is typed. Never busy. */
struct outcome command_status(struct assistant *assistant);

/* The usable locks with their certificates. */
struct outcome command_certificates(struct assistant *assistant);

/* One lock, by id or label, with what support wants to know of it. */
struct outcome command_show(struct assistant *assistant, const char *lock);

struct command_sign {
    const char *origin; /* well-formed, as the browser told it */
    const char *challenge;
    const char *lock;      /* NULL for the only one */
    const struct pin *pin; /* NULL to ask with the prompt */
};

/* Builds M and has the lock sign it. */
struct outcome command_sign(struct assistant *assistant, const struct command_sign *order);
