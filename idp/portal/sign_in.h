#pragma once

struct route;

/* POST /api/sign-in: the call that carries the lock's answer. */
extern const struct route portal_sign_in_route;
