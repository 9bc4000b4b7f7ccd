/*
 * Asks a Redis server for many threads: each has a connection of its own, made when it first asks
 * and closed when the thread ends, so that no thread waits for another. One circuit for all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/redis_connection.h"
#include "store/redis_script.h"

struct circuit;
struct redis_client;

/* Between two attempts to reach a server that did not answer, whoever asks: this is the back-off,
 * and how soon after its return the server is found. */
enum { REDIS_PAUSE_MS = 500 };

/* A question: a command, or a script. */
struct redis_question {
    const struct redis_command *command; /* NULL: run */
    const struct redis_run *run;
    bool repeatable; /* asked twice it does nothing that it did not do once */
};

/* Copies server. The deadline is for each question, with connecting and all. IDP_FAULT without
 * memory. */
enum idp_err redis_client_new(const struct redis_server *server, int64_t deadline_ms,
                              struct redis_client **out);

/* Closes all connections. No thread may be asking; threads that asked have ended, or ask no more.
 * NULL is allowed. */
void redis_client_free(struct redis_client *client);

const struct circuit *redis_client_circuit(const struct redis_client *client);

/*
 * Asks, within the deadline. A reply that is an error is resolved into what it means: IDP_FULL,
 * IDP_FAULT or IDP_UNAVAILABLE. IDP_UNAVAILABLE also when there is no answer: then nobody knows
 * whether the question was heard, save where it is repeatable or was never sent, and was asked once
 * more on a new connection.
 */
enum idp_err redis_client_ask(struct redis_client *client, const struct redis_question *question,
                              struct redis_reply *reply);
