/* Every page of a platform. */
#pragma once

struct route;

/* Ends with NULL. */
extern const struct route *const platform_routes[];
