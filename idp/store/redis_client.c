#include "store/redis_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/circuit.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/redis_error.h"

enum { REFUSAL_PAUSE_MS = 60000 };

/* A thread's place. */
struct slot {
    struct redis_connection connection;
    struct redis_client *client;
    struct slot *next, *before;
};

struct redis_client {
    struct redis_server server;
    int64_t deadline_ms;
    struct circuit circuit;
    _Atomic(const char *) down;    /* why there is no answer; NULL: there is one */
    _Atomic(const char *) refusal; /* the last error that was logged, and when */
    _Atomic int64_t refusal_logged;
    pthread_key_t key;    /* of each thread's slot */
    pthread_mutex_t lock; /* guards the list */
    struct slot *slots;
};

/* --- the threads' places --------------------------------------------------------------------- */

static void drop_slot(struct slot *slot)
{
    redis_connection_close(&slot->connection);
    free(slot);
}

static void leave_list(struct slot *slot)
{
    if (slot->before != NULL)
        slot->before->next = slot->next;
    else
        slot->client->slots = slot->next;
    if (slot->next != NULL)
        slot->next->before = slot->before;
}

/* A thread ends. */
static void give_up_slot(void *with)
{
    struct slot *slot = with;
    struct redis_client *client = slot->client;
    (void)pthread_mutex_lock(&client->lock);
    leave_list(slot);
    (void)pthread_mutex_unlock(&client->lock);
    drop_slot(slot);
}

static struct slot *make_slot(struct redis_client *client)
{
    struct slot *slot = calloc(1, sizeof(*slot));
    if (slot == NULL || pthread_setspecific(client->key, slot) != 0) {
        free(slot);
        return NULL;
    }
    slot->connection = redis_connection_closed;
    slot->client = client;
    (void)pthread_mutex_lock(&client->lock);
    slot->next = client->slots;
    if (slot->next != NULL)
        slot->next->before = slot;
    client->slots = slot;
    (void)pthread_mutex_unlock(&client->lock);
    return slot;
}

/* Returns NULL when there is no memory. */
static struct slot *own_slot(struct redis_client *client)
{
    struct slot *slot = pthread_getspecific(client->key);
    return slot != NULL ? slot : make_slot(client);
}

enum idp_err redis_client_new(const struct redis_server *server, int64_t deadline_ms,
                              struct redis_client **out)
{
    struct redis_client *client = calloc(1, sizeof(*client));
    if (client == NULL || pthread_key_create(&client->key, give_up_slot) != 0) {
        free(client);
        return IDP_FAULT;
    }
    client->server = *server;
    client->deadline_ms = deadline_ms;
    circuit_init(&client->circuit, "redis", REDIS_PAUSE_MS);
    (void)pthread_mutex_init(&client->lock, NULL);
    *out = client;
    return IDP_OK;
}

void redis_client_free(struct redis_client *client)
{
    if (client == NULL)
        return;
    (void)pthread_key_delete(client->key); /* threads that end from now on leave their slots */
    for (struct slot *slot = client->slots, *next; slot != NULL; slot = next) {
        next = slot->next;
        drop_slot(slot);
    }
    (void)pthread_mutex_destroy(&client->lock);
    free(client);
}

const struct circuit *redis_client_circuit(const struct redis_client *client)
{
    return &client->circuit;
}

/* --- what is logged: each change, once. The texts stay. -------------------------------------- */

static void note_down(struct redis_client *client, const char *problem)
{
    if (atomic_exchange(&client->down, problem) != problem)
        log_event(LOG_WARN, "redis_down", "problem", problem);
}

static void note_up(struct redis_client *client)
{
    if (atomic_load_explicit(&client->down, memory_order_relaxed) == NULL)
        return;
    if (atomic_exchange(&client->down, NULL) != NULL)
        log_event(LOG_INFO, "redis_up", NULL, NULL);
}

/* An error may come with some commands only, between answers that are good: so the same one is not
 * logged again for a while. */
static void note_refusal(struct redis_client *client, const char *code)
{
    int64_t now = clock_ticks_ms();
    bool same = atomic_exchange(&client->refusal, code) == code;
    if (same && now - atomic_load(&client->refusal_logged) < REFUSAL_PAUSE_MS)
        return;
    atomic_store(&client->refusal_logged, now);
    log_event(LOG_WARN, "redis_refuses", "error", code);
}

/* --- asking ---------------------------------------------------------------------------------- */

static enum idp_err missed(struct redis_client *client, const char *problem)
{
    circuit_missed(&client->circuit, clock_ticks_ms());
    note_down(client, problem);
    return IDP_UNAVAILABLE;
}

/* Makes a connection where there is none, or the server has closed it. */
static enum idp_err connect_if_needed(struct redis_client *client,
                                      struct redis_connection *connection, int64_t until,
                                      bool *fresh)
{
    *fresh = !redis_connection_is_ready(connection);
    if (!*fresh)
        return IDP_OK;
    redis_connection_close(connection);
    enum idp_err err = redis_connection_open(connection, &client->server, until);
    if (err == IDP_OK || err == IDP_FAULT)
        return err;
    return missed(client, connection->problem);
}

static enum idp_err ask_once(struct redis_client *client, struct redis_connection *connection,
                             const struct redis_question *question, int64_t until,
                             struct redis_reply *reply)
{
    enum idp_err err = question->command != NULL
                           ? redis_connection_ask(connection, question->command, until, reply)
                           : redis_script_run(connection, question->run, until, reply);
    if (err == IDP_UNAVAILABLE && connection->link.late)
        return missed(client, connection->problem);
    if (err == IDP_OK) {
        circuit_answered(&client->circuit);
        note_up(client);
    }
    return err;
}

/*
 * A connection that was idle may have been closed while the question was on its way. What was not
 * sent whole was not executed; what was may have been, and a second time could turn its success
 * into a conflict, or undo what came after it.
 */
static bool may_ask_again(const struct redis_connection *connection,
                          const struct redis_question *question)
{
    return !connection->link.late && (question->repeatable || !connection->sent);
}

static enum idp_err ask(struct redis_client *client, struct redis_connection *connection,
                        const struct redis_question *question, struct redis_reply *reply)
{
    bool fresh = false;
    int64_t until = clock_ticks_ms() + client->deadline_ms;
    enum idp_err err = connect_if_needed(client, connection, until, &fresh);
    if (err != IDP_OK)
        return err;
    err = ask_once(client, connection, question, until, reply);
    if (err == IDP_UNAVAILABLE && !fresh && may_ask_again(connection, question)) {
        err = connect_if_needed(client, connection, until, &fresh);
        if (err == IDP_OK)
            err = ask_once(client, connection, question, until, reply);
    }
    /* A new connection that breaks is not one that was idle for too long. */
    return err == IDP_UNAVAILABLE && fresh ? missed(client, connection->problem) : err;
}

static enum idp_err resolve(struct redis_client *client, struct redis_connection *connection,
                            const struct redis_reply *reply)
{
    if (reply->kind != REDIS_ERROR)
        return IDP_OK;
    const struct redis_meaning *meaning = redis_error_meaning(reply->line);
    note_refusal(client, meaning->code);
    if (meaning->leave)
        redis_connection_close(connection);
    return meaning->err;
}

enum idp_err redis_client_ask(struct redis_client *client, const struct redis_question *question,
                              struct redis_reply *reply)
{
    struct slot *slot = own_slot(client);
    if (slot == NULL)
        return IDP_FAULT;
    if (!circuit_allows(&client->circuit, clock_ticks_ms()))
        return IDP_UNAVAILABLE;
    enum idp_err err = ask(client, &slot->connection, question, reply);
    return err == IDP_OK ? resolve(client, &slot->connection, reply) : err;
}
