/* Authorization and token requests as client programs send them, for tests. */
#pragma once

#include "tests/access/world.h"

/* RFC 7636 appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

/* An authorization request; NULL members are left out. */
struct asking {
    const char *client_id, *redirect_uri, *response_type, *response_mode, *scope, *state, *nonce;
    const char *code_challenge, *code_challenge_method, *prompt, *max_age, *claims;
    const char *request, *request_uri;
};

/* A good request of this client. */
struct asking asking_of(enum world_client client);

/* It as a query or form. */
const char *asking_text(const struct asking *asking);

/* Sends it from this browser. */
const struct answer *authorize(struct browser *browser, const struct asking *asking);

/* The holder of the lock agrees to what the client is registered for. */
void agree(enum world_lock lock, enum world_client client);

/* A code for the request: the lock's holder is signed in and agreed. */
const char *code_for(struct browser *browser, const struct asking *asking);

/* A token request; NULL members are left out. */
struct redeeming {
    const char *grant_type, *code, *redirect_uri, *code_verifier, *client_id, *client_secret;
    const char *authorization; /* the header */
};

/* A good request of this client for this code. */
struct redeeming redeeming_of(enum world_client client, const char *code);
const char *redeeming_text(const struct redeeming *redeeming);
const struct answer *redeem(const struct redeeming *redeeming);

/* The code of a request with these scopes, which were agreed to on the page of the session. */
const char *agreed_code(enum world_client client, const struct browser *browser, const char *scope);

/* The answer to such a code: a client that is new to the bidder, with offline access. */
const struct answer *offline_tokens(enum world_client client, enum world_lock lock);

/* A refresh request of this client; scope may be NULL. */
const struct answer *refresh(enum world_client client, const char *token, const char *scope);

/* The same, to be sent with others at once. */
struct sent refreshing(enum world_client client, const char *token, const char *scope);

/* "Basic …" of these credentials. */
const char *basic_of(const char *id, const char *secret);
const char *basic(enum world_client client);

/* Gives a token back as this client. */
const struct answer *give_back(enum world_client client, const char *token);

/* Asks as this client. */
const struct answer *introspect_as(enum world_client client, const char *token);

/* Asks as the gateway, and at userinfo. */
const struct answer *introspect(const char *token);
const struct answer *userinfo(const char *token);

/* The payload of a JWS that one of our keys signed with this algorithm. */
const json_t *payload_of(const char *jws, const char *alg);
