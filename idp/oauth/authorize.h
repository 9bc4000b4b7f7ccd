#pragma once

struct route;

/* The authorization endpoint, RFC 6749 section 3.1. */
extern const struct route oauth_authorize_route;
