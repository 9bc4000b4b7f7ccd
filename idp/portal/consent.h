#pragma once

struct route;

/* POST /api/consent: the bidder's decision on what a platform learns. */
extern const struct route portal_consent_route;
