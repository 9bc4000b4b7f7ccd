#pragma once

struct route;

/* GET /api/help: whom to call. GET /api/download: the assistant's packages. GET /download/…: them.
 */
extern const struct route portal_help_route, portal_download_route, portal_package_route;
