#pragma once

struct route;

/* GET /api/interaction: what a platform asks for. POST /api/continue: what comes next. */
extern const struct route portal_interaction_route, portal_continue_route;
