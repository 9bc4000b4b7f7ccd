/* The JWK Set (RFC 7517 section 5), made ready when the keys are read. */
#pragma once

#include "base/error.h"

struct app;
struct route;

extern const struct route oauth_jwks_route;

/*
 * Makes the answer from the signer's keys and swaps it in: at start, before anybody asks, and then
 * by one thread when the keys have changed. Returns IDP_FAULT without memory.
 */
enum idp_err oauth_jwks_prepare(struct app *app);

/* Frees it. */
void oauth_jwks_forget(struct app *app);
