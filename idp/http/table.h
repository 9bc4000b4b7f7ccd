/* Which route a request takes: prepared once, then one hash and one comparison. */
#pragma once

#include "http/http.h"

struct http_table;

/*
 * Prepares the routes (ended by NULL). Refuses two routes for the same method and path, a path
 * that does not begin with '/', and routes without handle or fail: *why is then a text the caller
 * frees.
 */
enum idp_err http_table_new(const struct route *const routes[], char **why,
                            struct http_table **out);

/* NULL is allowed. */
void http_table_free(struct http_table *table);

/*
 * The route for a path of len bytes. NULL when there is none; then *allowed tells the methods that
 * the path takes (none: there is nothing at that path).
 */
const struct route *http_table_find(const struct http_table *table, const char *path, size_t len,
                                    enum http_method method, unsigned *allowed);
