/*
 * A Redis server of a test's own: on free ports of loopback and a unix socket, in a temporary
 * folder, with nothing on a disk, so that it starts empty again. It ends with the test program,
 * however that ends.
 */
#pragma once

#include <stdbool.h>

#include <sys/types.h>

/* The administrator's password, for the helper itself; and a user who may do what the driver
 * needs, and only with its keys. */
#define REDIS_SERVER_PASSWORD "the test's own"
#define REDIS_SERVER_USER "tamga"
#define REDIS_SERVER_USER_PASSWORD "another one"

struct redis_server_how {
    bool open;                /* no password */
    bool tls;                 /* another port, with a certificate for localhost and 127.0.0.1 */
    const char *const *added; /* more arguments, ending with NULL; or NULL */
};

struct test_redis {
    struct redis_server_how how;
    pid_t pid; /* 0: it does not run */
    int port, tls_port;
    char *folder;
    char socket[128], ca_file[128], password_file[128], user_password_file[128];
    char where[64], where_unix[160], where_tls[64]; /* as store.kv; the last ones with the user */
};

/* Starts it and waits until it answers. Ends the test program when it cannot. */
void test_redis_start(struct test_redis *redis, const struct redis_server_how *how);

/* kill -9, and waits for its end. */
void test_redis_kill(struct test_redis *redis);

/* Starts it again, empty, at the same places. */
void test_redis_restart(struct test_redis *redis);

/* It stands still: it neither answers nor closes connections. */
void test_redis_freeze(struct test_redis *redis);
void test_redis_thaw(struct test_redis *redis);

/* Sends a command, as one line, as the administrator. Returns the first line of what it answers,
 * until the next call. Ends the test program when there is none. */
const char *test_redis_ask(const struct test_redis *redis, const char *command);

/* Stops it and removes its folder; also one that does not run. */
void test_redis_stop(struct test_redis *redis);
