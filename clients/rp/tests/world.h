/* The world around librp: a fake provider that says the right things, until a test changes one. */
#pragma once

#include <jansson.h>
#include <openssl/evp.h>

#include "rp/rp.h"
#include "rp/tests/fake_provider.h"

#define CLIENT "platform-1"
#define SECRET "it's a:secret &c"
#define OWN "http://127.0.0.11:9000"

struct world {
    struct fake *provider;
    EVP_PKEY *rsa, *ec, *other; /* the provider's two, and a stranger's */
    struct rp_settings settings;
    struct rp *rp;
    struct rp_start start;
    char *nonce;
    json_t *claims; /* of the ID token to come */
    json_t *header;
    struct rp_note note;
    struct rp_answer *answer;
};

enum { WORLD_NOW = 1700000000 };

/* What librp's clock says; to begin with WORLD_NOW. */
extern int64_t world_clock;

/* cmocka's set-up and tear-down of a group: keys take a while to make. */
int world_make_keys(void **state);
int world_drop_keys(void **state);

/* cmocka's set-up and tear-down of one test; *state is the world. */
int world_set_up(void **state);
int world_tear_down(void **state);

/* The discovery document as it is without changes; the caller owns it. */
json_t *world_discovery(const struct world *w);

/* Makes w->rp anew with w->settings; the code of rp_new(). */
enum rp_err world_meet(struct world *w);

/* Begins a sign-in: w->start, w->nonce, and in w->claims and w->header what the ID token says. */
void world_begin(struct world *w, const struct rp_request *request);

/* The value of a parameter in a query or address, decoded by nothing; the caller frees it. */
char *world_param(const char *url, const char *name);

/* Has the token endpoint hand out this ID token (freed here). */
void world_hands_out(struct world *w, char *token);

/* Ends the sign-in with the callback that fits. */
enum rp_err world_finish(struct world *w);

/* Signs w->claims by the provider's ES256 key, hands them out, and ends the sign-in. */
enum rp_err world_sign_in(struct world *w);

/* Ends the sign-in with this query: %s is the state. */
enum rp_err world_finish_with(struct world *w, const char *before_state, const char *after_state);
