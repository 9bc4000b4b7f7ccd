#include "store/redis_script.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/text.h"

enum { SHA1_SIZE = 20 };

struct redis_script redis_swap_script = {.text =
                                             "local stands = redis.call('GET', KEYS[1])\n"
                                             "if not stands then return false end\n"
                                             "if stands ~= ARGV[1] then return 0 end\n"
                                             "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])\n"
                                             "return 1\n"};

/* The sum is read again: INCRBY's own reply is a number here, and Lua's have 53 bits only. */
struct redis_script redis_count_script = {
    .text = "local began = redis.call('EXISTS', KEYS[1]) == 0\n"
            "if began and ARGV[3] == '0' then return false end\n"
            "redis.call('INCRBY', KEYS[1], ARGV[1])\n"
            "if began then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end\n"
            "local sum = redis.call('GET', KEYS[1])\n"
            "return began and sum or '+' .. sum\n"};

static bool prepared;

static bool fill_in(struct redis_script *script)
{
    unsigned char hash[SHA1_SIZE];
    if (EVP_Q_digest(NULL, "SHA1", NULL, script->text, strlen(script->text), hash, NULL) != 1)
        return false;
    text_to_hex(hash, sizeof(hash), script->sha);
    return true;
}

static void prepare(void)
{
    prepared = fill_in(&redis_swap_script) && fill_in(&redis_count_script);
}

enum idp_err redis_scripts_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, prepare);
    return prepared ? IDP_OK : IDP_FAULT;
}

/* EVALSHA and EVAL differ in how they name the script. */
static enum idp_err ask(struct redis_connection *connection, const struct redis_run *run,
                        struct kv_bytes name[2], int64_t until, struct redis_reply *reply)
{
    struct redis_command command = {.count = 4,
                                    .words = {name[0], name[1], kv_text("1"), run->key}};
    for (int i = 0; i < run->count; i++)
        command.words[command.count++] = run->arguments[i];
    return redis_connection_ask(connection, &command, until, reply);
}

enum idp_err redis_script_run(struct redis_connection *connection, const struct redis_run *run,
                              int64_t until, struct redis_reply *reply)
{
    struct kv_bytes by_hash[] = {kv_text("EVALSHA"), kv_text(run->script->sha)};
    struct kv_bytes by_text[] = {kv_text("EVAL"), kv_text(run->script->text)};
    enum idp_err err = ask(connection, run, by_hash, until, reply);
    /* A script that is not known has not been run. */
    if (err == IDP_OK && reply->kind == REDIS_ERROR && text_starts(reply->line, "NOSCRIPT"))
        err = ask(connection, run, by_text, until, reply);
    return err;
}
