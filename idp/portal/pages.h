#pragma once

struct route;

/* GET of everything that is not an endpoint: the pages' own files, built from idp/web. */
extern const struct route portal_pages_route;
