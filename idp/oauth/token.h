#pragma once

struct route;

/* The token endpoint, RFC 6749 section 3.2. */
extern const struct route oauth_token_route;
