/*
 * Somebody who answers in a Redis's place, and not always as one would. To INFO it says that this
 * user may not ask; what it says to other commands is a list of steps, one for each command,
 * whichever connection that comes on.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

enum { PEER_SILENT, PEER_CLOSES, PEER_ANSWERS };

struct peer_step {
    int does;
    const char *answer; /* sent as it is */
};

struct redis_peer {
    const struct peer_step *steps; /* silence comes behind them */
    size_t count;
    const char *info; /* the answer to INFO; NULL: the usual one */
    atomic_int commands, connections;
    int fd, port, stop[2];
    pthread_t thread;
    char where[64];
};

/* Listens on a free port of loopback. Ends the test program when it cannot. */
void redis_peer_start(struct redis_peer *peer, const struct peer_step *steps, size_t count);
void redis_peer_stop(struct redis_peer *peer);
