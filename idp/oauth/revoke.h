#pragma once

struct route;

/* Token revocation, RFC 7009. */
extern const struct route oauth_revoke_route;
