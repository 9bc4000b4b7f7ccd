#pragma once

struct route;

/* GET /api/platforms: the chooser. POST /api/launch: goes to one. */
extern const struct route portal_platforms_route, portal_launch_route;
