/* The discovery document (OpenID Connect Discovery 1.0 section 4), made ready. */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct app;
struct http_fixed;
struct route;

extern const struct route oauth_discovery_route;

/*
 * Makes the document from the route table in app->routes: an endpoint that is not served is not
 * promised. To be called once at start.
 */
enum idp_err oauth_discovery_prepare(struct app *app);

/*
 * A public JSON document of len bytes (copied), which scripts of any origin may read; cache_control
 * is borrowed. Returns NULL when there is no memory.
 */
struct http_fixed *oauth_document_new(const char *body, size_t len, const char *cache_control);

/* How long clients may keep this document and the JWK Set, as Cache-Control says it. Lives as long
 * as app; to be called by one thread first. */
const char *oauth_cache_control(struct app *app);
