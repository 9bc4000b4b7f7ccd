#pragma once

struct route;

/* GET /api/session: who is signed in. POST /api/sign-out: ends it. */
extern const struct route portal_session_route, portal_sign_out_route;
