/* A server on loopback that answers as a test says, and counts what comes. */
#pragma once

#include <stdbool.h>

#include <pthread.h>
#include <stdatomic.h>

struct http_peer {
    /* Answers the request, the nth (from 1) of its connection. Returns false to close that. */
    bool (*answer)(int fd, const char *request, int nth);
    int port, fd;
    pthread_t thread;
    atomic_int connections, requests;
    char seen[2048]; /* the last request */
};

/* Begins to listen at a free port; a thread serves each connection. */
void http_peer_start(struct http_peer *peer);
void http_peer_stop(struct http_peer *peer);

/* Sends the text, if the other side still is there. */
void http_peer_say(int fd, const char *text);
