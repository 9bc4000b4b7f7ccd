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

/* A route with one of its methods, which is what requests are counted by. */
struct http_call {
    const struct route *route;
    enum http_method method;
};

struct http_found {
    const struct route *route; /* NULL: there is none */
    unsigned allowed;          /* the methods that the path takes (0: nothing is at that path) */
    size_t call;               /* the number of the call; 0: there is no route */
};

/* What there is for a path of len bytes. */
struct http_found http_table_find(const struct http_table *table, const char *path, size_t len,
                                  enum http_method method);

/* All calls, in the order of the routes, and how many; the first stands for those without a route.
 */
const struct http_call *http_table_calls(const struct http_table *table, size_t *count);
