/*
 * What Redis has no command for: two small scripts, each about one key. The server knows them by
 * their hash; one that does not (it was restarted) is sent the text.
 */
#pragma once

#include "base/error.h"
#include "store/redis_connection.h"

struct redis_script {
    const char *text;
    char sha[41]; /* SHA-1 as hex: what the protocol demands */
};

enum { REDIS_ARGUMENTS_MAX = REDIS_WORDS_MAX - 4 };

/* What a script is run with. */
struct redis_run {
    struct redis_script *script;
    struct kv_bytes key;
    int count;
    struct kv_bytes arguments[REDIS_ARGUMENTS_MAX];
};

/* KEYS[1] is set to ARGV[2] for ARGV[3] ms where it is ARGV[1]. Replies 1; 0 where it is another
 * value, nil where there is none. */
extern struct redis_script redis_swap_script;

/*
 * ARGV[1] is added to KEYS[1], which begins at 0 and stands for ARGV[2] ms from then on. Replies
 * the sum as text, with "+" before it when the counter was there already; nil where it was not and
 * ARGV[3] is "0".
 */
extern struct redis_script redis_count_script;

/* Fills in the hashes, once in a program; any thread may ask. IDP_FAULT when that cannot be. */
enum idp_err redis_scripts_prepare(void);

/* Runs a script; see redis_connection_ask(). */
enum idp_err redis_script_run(struct redis_connection *connection, const struct redis_run *run,
                              int64_t until, struct redis_reply *reply);
