/* A connection of one thread: opened, greeted, asked one question after the other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/kv.h"
#include "store/redis_link.h"
#include "store/redis_reply.h"

struct figures;

enum { REDIS_WORDS_MAX = 8 };

/* A command: its words. */
struct redis_command {
    int count;
    struct kv_bytes words[REDIS_WORDS_MAX];
};

/* The server, as all connections to it are made. */
struct redis_server {
    struct redis_target target;
    const char *password_file; /* read for each connection; NULL: no password */
    struct figures *figures;   /* notes round trips; may be NULL */
};

struct redis_connection {
    struct redis_link link;
    struct redis_reader *reader; /* NULL: closed */
    struct figures *figures;     /* the server's */
    bool sent;                   /* the last question was sent whole: it may have been answered */
    const char *problem;         /* why the last call failed, a text that stays */
};

/* A closed one. */
extern const struct redis_connection redis_connection_closed;

/*
 * Connects, logs in and chooses the database. Returns IDP_UNAVAILABLE with connection->problem,
 * IDP_DENIED when the server did not accept user and password or has no such database, IDP_FAULT
 * without memory; the connection is closed then. It must be closed before.
 */
enum idp_err redis_connection_open(struct redis_connection *connection,
                                   const struct redis_server *server, int64_t until);

/*
 * Asks one question. A reply that is an error is a reply, too. Returns IDP_UNAVAILABLE with
 * connection->problem when there is none, IDP_FAULT without memory; the connection is closed then,
 * so that a late answer is never taken for the next one.
 */
enum idp_err redis_connection_ask(struct redis_connection *connection,
                                  const struct redis_command *command, int64_t until,
                                  struct redis_reply *reply);

/* Whether a question may be sent: it is open, and the server has not closed it meanwhile. */
bool redis_connection_is_ready(struct redis_connection *connection);

void redis_connection_close(struct redis_connection *connection);
