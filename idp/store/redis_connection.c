#include "store/redis_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include "base/file.h"
#include "store/figures.h"
#include "store/redis_error.h"
#include "store/redis_place.h"

enum { PASSWORD_MAX = 1024, PIECE = 16 * 1024 };

const struct redis_connection redis_connection_closed = {.link = {.fd = -1}};

bool redis_connection_is_ready(struct redis_connection *connection)
{
    return connection->reader != NULL && redis_link_is_quiet(&connection->link);
}

void redis_connection_close(struct redis_connection *connection)
{
    redis_reader_free(connection->reader);
    connection->reader = NULL;
    redis_link_close(&connection->link);
}

/* Closes what failed. */
static enum idp_err fail(struct redis_connection *connection, enum idp_err err, const char *problem)
{
    connection->problem = problem;
    redis_connection_close(connection);
    return err;
}

/* --- asking ---------------------------------------------------------------------------------- */

static enum idp_err send_command(struct redis_connection *connection,
                                 const struct redis_command *command, int64_t until)
{
    const char *words[REDIS_WORDS_MAX];
    size_t lengths[REDIS_WORDS_MAX];
    sds text = NULL;
    for (int i = 0; i < command->count; i++) {
        words[i] = command->words[i].len > 0 ? command->words[i].bytes : "";
        lengths[i] = command->words[i].len;
    }
    int len = redisFormatSdsCommandArgv(&text, command->count, words, lengths);
    if (len < 0)
        return fail(connection, IDP_FAULT, "no memory");
    size_t sent = 0;
    figures_trip(connection->figures);
    enum idp_err err = redis_link_send(&connection->link, text, (size_t)len, until, &sent);
    connection->sent = sent == (size_t)len;
    OPENSSL_cleanse(text, (size_t)len);
    redisFreeSdsCommand(text);
    return err == IDP_OK ? err : fail(connection, err, connection->link.problem);
}

static enum idp_err receive_reply(struct redis_connection *connection, int64_t until)
{
    char piece[PIECE];
    bool whole = false;
    while (!whole) {
        size_t got = 0;
        enum idp_err err = redis_link_receive(&connection->link, piece, sizeof(piece), until, &got);
        if (err != IDP_OK)
            return fail(connection, err, connection->link.problem);
        err = redis_reader_take(connection->reader, piece, got, &whole);
        if (err != IDP_OK)
            return fail(connection, err, err == IDP_FAULT ? "no memory" : "no Redis answers there");
    }
    return IDP_OK;
}

enum idp_err redis_connection_ask(struct redis_connection *connection,
                                  const struct redis_command *command, int64_t until,
                                  struct redis_reply *reply)
{
    connection->sent = false;
    connection->link.late = false;
    redis_reader_begin(connection->reader, reply);
    enum idp_err err = send_command(connection, command, until);
    return err == IDP_OK ? receive_reply(connection, until) : err;
}

/* --- opening --------------------------------------------------------------------------------- */

/* Part of the greeting: anything but OK ends it. */
static enum idp_err greet(struct redis_connection *connection, const struct redis_command *command,
                          int64_t until, const char *problem)
{
    struct redis_reply reply = {.arena = NULL};
    enum idp_err err = redis_connection_ask(connection, command, until, &reply);
    if (err != IDP_OK || reply.kind == REDIS_STATUS)
        return err;
    if (reply.kind != REDIS_ERROR)
        return fail(connection, IDP_UNAVAILABLE, "no Redis answers there");
    const struct redis_meaning *meaning = redis_error_meaning(reply.line);
    return meaning->refuses ? fail(connection, IDP_DENIED, problem)
                            : fail(connection, IDP_UNAVAILABLE, meaning->code);
}

/* AUTH [USER] PASSWORD. */
static enum idp_err log_in_with(struct redis_connection *connection, const char *user,
                                struct kv_bytes password, int64_t until)
{
    struct redis_command command = {.count = 1, .words = {kv_text("AUTH")}};
    if (*user != '\0')
        command.words[command.count++] = kv_text(user);
    command.words[command.count++] = password;
    return greet(connection, &command, until, "Redis does not accept this user and password");
}

static enum idp_err log_in(struct redis_connection *connection, const struct redis_server *server,
                           int64_t until)
{
    struct file_bytes file = {.bytes = NULL};
    char *why = NULL;
    if (server->password_file == NULL && *server->target.place->user == '\0')
        return IDP_OK;
    if (server->password_file != NULL &&
        file_read(server->password_file, FILE_PRIVATE, PASSWORD_MAX, &why, &file) != IDP_OK) {
        free(why);
        return fail(connection, IDP_UNAVAILABLE, "store.kv_password_file cannot be read");
    }
    size_t len = file.bytes != NULL ? strcspn(file.bytes, "\r\n") : 0;
    const struct kv_bytes password = {.bytes = file.bytes, .len = len};
    enum idp_err err = log_in_with(connection, server->target.place->user, password, until);
    file_drop(&file);
    return err;
}

static enum idp_err choose_database(struct redis_connection *connection,
                                    const struct redis_place *place, int64_t until)
{
    char number[16];
    if (place->database == 0)
        return IDP_OK;
    (void)snprintf(number, sizeof(number), "%d", place->database);
    const struct redis_command select = {.count = 2, .words = {kv_text("SELECT"), kv_text(number)}};
    return greet(connection, &select, until, "Redis has no such database");
}

enum idp_err redis_connection_open(struct redis_connection *connection,
                                   const struct redis_server *server, int64_t until)
{
    connection->figures = server->figures;
    connection->sent = false;
    enum idp_err err = redis_link_open(&connection->link, &server->target, until);
    if (err != IDP_OK)
        return fail(connection, err, connection->link.problem);
    connection->reader = redis_reader_new();
    if (connection->reader == NULL)
        return fail(connection, IDP_FAULT, "no memory");
    err = log_in(connection, server, until);
    if (err == IDP_OK)
        err = choose_database(connection, server->target.place, until);
    return err;
}
