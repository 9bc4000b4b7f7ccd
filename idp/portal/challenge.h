#pragma once

struct route;

/* POST /api/challenge: what the lock has to sign. POST /api/certificate: a certificate ahead. */
extern const struct route portal_challenge_route, portal_certificate_route;
