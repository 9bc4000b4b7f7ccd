/* Plays requests over keep-alive connections of one thread: on each, one request at a time. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

#include "requests.h"

enum { ANSWER_KEPT_MAX = 8192 };

/* What all threads share. */
struct play {
    struct sockaddr_in server;
    struct spans requests;
    struct spans answers; /* each with room for ANSWER_KEPT_MAX; list NULL: they are not kept */
    int64_t duration_us;  /* 0: each request is played once, in order; else around and around */
    _Atomic int64_t until_us;
    atomic_size_t next; /* the request that is played next */
};

/* What one thread has measured. */
struct played {
    uint32_t *waits_us; /* one a call */
    size_t calls, room, failed;
};

struct player;

/* Connects; NULL when that does not work. */
struct player *player_new(struct play *play, unsigned connections);

/* Plays until the time is over or nothing is left. Returns false when a connection broke. */
bool player_run(struct player *player, struct played *out);

void player_free(struct player *player);
