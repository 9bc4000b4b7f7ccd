#include "http/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METHODS = 3 };

/* All routes of one path. */
struct entry {
    const char *path;          /* NULL: the slot is free */
    size_t len;                /* without the '*' of a prefix */
    size_t by_method[METHODS]; /* numbers of calls; 0: none */
};

struct http_table {
    size_t mask; /* slots - 1; slots are a power of two, at most half of them taken */
    struct entry *slots;
    size_t prefix_count; /* longest first */
    struct entry *prefixes;
    size_t call_count;
    struct http_call *calls;
};

static int method_index(unsigned method)
{
    return method == HTTP_GET ? 0 : method == HTTP_POST ? 1 : 2;
}

/* FNV-1a; the paths are ours, so nobody can make them collide. */
static size_t hash(const char *s, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

/* The slot that holds the path, or the free one where it belongs. */
static struct entry *find_slot(const struct http_table *table, const char *path, size_t len)
{
    size_t i = hash(path, len) & table->mask;
    while (table->slots[i].path != NULL &&
           (table->slots[i].len != len || memcmp(table->slots[i].path, path, len) != 0))
        i = (i + 1) & table->mask;
    return &table->slots[i];
}

static struct entry *find_prefix(const struct http_table *table, const char *path, size_t len)
{
    for (size_t i = 0; i < table->prefix_count; i++) {
        struct entry *entry = &table->prefixes[i];
        if (len >= entry->len && memcmp(entry->path, path, entry->len) == 0)
            return entry;
    }
    return NULL;
}

/* The prefix entry of exactly this text, made when there is none, keeping the longest first. */
static struct entry *own_prefix(struct http_table *table, const char *path, size_t len)
{
    size_t at = 0;
    while (at < table->prefix_count && table->prefixes[at].len > len)
        at++;
    for (size_t i = at; i < table->prefix_count && table->prefixes[i].len == len; i++)
        if (memcmp(table->prefixes[i].path, path, len) == 0)
            return &table->prefixes[i];
    memmove(&table->prefixes[at + 1], &table->prefixes[at],
            (table->prefix_count - at) * sizeof(*table->prefixes));
    table->prefix_count++;
    table->prefixes[at] = (struct entry){.path = path, .len = len};
    return &table->prefixes[at];
}

static const char *fault_of(const struct route *route)
{
    size_t params = 0;
    while (route->params != NULL && route->params[params].name != NULL)
        params++;
    if (route->path == NULL || route->path[0] != '/')
        return "its path does not begin with '/'";
    if (route->handle == NULL || route->fail == NULL)
        return "it has no handle or no fail";
    if (route->methods == 0 || route->methods >= 2 * HTTP_OPTIONS)
        return "it has no known method";
    return params > HTTP_PARAMS_MAX ? "it has too many parameters" : NULL;
}

/* Puts the route into the table. Returns what is wrong with it, or NULL. */
static const char *put(struct http_table *table, const struct route *route)
{
    const char *fault = fault_of(route);
    if (fault != NULL)
        return fault;
    size_t len = strlen(route->path);
    bool prefix = len >= 2 && strcmp(route->path + len - 2, "/*") == 0;
    struct entry *entry =
        prefix ? own_prefix(table, route->path, len - 1) : find_slot(table, route->path, len);
    entry->path = route->path;
    entry->len = prefix ? len - 1 : len;
    for (unsigned method = HTTP_GET; method <= HTTP_OPTIONS; method <<= 1) {
        if ((route->methods & method) == 0)
            continue;
        if (entry->by_method[method_index(method)] != 0)
            return "another route has the same method and path";
        entry->by_method[method_index(method)] = table->call_count;
        table->calls[table->call_count++] = (struct http_call){route, (enum http_method)method};
    }
    return NULL;
}

static struct http_table *make(size_t count)
{
    size_t slots = 8;
    while (slots < 2 * count)
        slots *= 2;
    struct http_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return NULL;
    table->mask = slots - 1;
    table->slots = calloc(slots, sizeof(*table->slots));
    table->prefixes = calloc(count + 1, sizeof(*table->prefixes));
    table->calls = calloc(METHODS * count + 1, sizeof(*table->calls));
    table->call_count = 1;
    if (table->slots != NULL && table->prefixes != NULL && table->calls != NULL)
        return table;
    http_table_free(table);
    return NULL;
}

static char *explain(const struct route *route, const char *fault)
{
    char *why = malloc(256);
    if (why != NULL)
        (void)snprintf(why, 256, "route %s: %s", route->path != NULL ? route->path : "?", fault);
    return why;
}

enum idp_err http_table_new(const struct route *const routes[], char **why, struct http_table **out)
{
    size_t count = 0;
    while (routes[count] != NULL)
        count++;
    struct http_table *table = make(count);
    if (table == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < count; i++) {
        const char *fault = put(table, routes[i]);
        if (fault == NULL)
            continue;
        *why = explain(routes[i], fault);
        http_table_free(table);
        return IDP_FAULT;
    }
    *out = table;
    return IDP_OK;
}

void http_table_free(struct http_table *table)
{
    if (table == NULL)
        return;
    free(table->slots);
    free(table->prefixes);
    free(table->calls);
    free(table);
}

struct http_found http_table_find(const struct http_table *table, const char *path, size_t len,
                                  enum http_method method)
{
    struct http_found found = {.call = 0};
    const struct entry *entry = find_slot(table, path, len);
    if (entry->path == NULL)
        entry = find_prefix(table, path, len);
    if (entry == NULL)
        return found;
    for (unsigned m = HTTP_GET; m <= HTTP_OPTIONS; m <<= 1)
        if (entry->by_method[method_index(m)] != 0)
            found.allowed |= m;
    found.call = method != 0 ? entry->by_method[method_index(method)] : 0;
    found.route = table->calls[found.call].route;
    return found;
}

const struct http_call *http_table_calls(const struct http_table *table, size_t *count)
{
    *count = table->call_count;
    return table->calls;
}
