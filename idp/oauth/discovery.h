/* The discovery document (OpenID Connect Discovery 1.0 section 4) and the JWK Set, made ready. */
#pragma once

#include "base/error.h"

struct app;
struct route;

extern const struct route oauth_discovery_route;

/*
 * Makes the document from the route table in app->routes: an endpoint that is not served is not
 * promised. To be called once at start.
 */
enum idp_err oauth_discovery_prepare(struct app *app);

/* Makes the JWK Set from the signer's keys and swaps it in; at start and when keys change. */
enum idp_err oauth_jwks_prepare(struct app *app);
