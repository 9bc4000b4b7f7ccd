#pragma once

struct route;

/* The userinfo endpoint, OpenID Connect Core section 5.3. */
extern const struct route oauth_userinfo_route;
