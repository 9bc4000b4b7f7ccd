#pragma once

struct route;

/* The JWK Set, RFC 7517 section 5. */
extern const struct route oauth_jwks_route;
