#include "ctl/trust_difference.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "ctl/ctl.h"
#include "ctl/terminal.h"
#include "pki/trust/trust.h"

enum { PARTS_MAX = 512 };

/* Both lists as values; what was parsed before parses again. */
struct difference {
    json_t *before, *after;
    size_t same;
};

static json_t *find(const json_t *list, const char *id)
{
    size_t i = 0;
    json_t *each = NULL;
    json_array_foreach(json_object_get(list, "authorities"), i, each)
    {
        if (strcmp(json_string_value(json_object_get(each, "id")), id) == 0)
            return each;
    }
    return NULL;
}

static const char *text(const json_t *authority, const char *name)
{
    return json_string_value(json_object_get(authority, name));
}

static void say_authority(const char *what, const json_t *authority)
{
    terminal_say("  %-9s %s (%s) %s", what, text(authority, "id"), text(authority, "environment"),
                 text(json_object_get(authority, "names"), "zh"));
}

/* Appends the names of members that one of both has, and the other has not or otherwise. */
static void add_parts(json_t *of, json_t *other, bool only_missing, char *out)
{
    void *at = json_object_iter(of);
    for (; at != NULL; at = json_object_iter_next(of, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *there = json_object_get(other, name);
        size_t n = strlen(out);
        if (only_missing ? there != NULL : json_equal(json_object_iter_value(at), there) != 0)
            continue;
        (void)snprintf(out + n, PARTS_MAX - n, "%s%s", n > 0 ? ", " : "", name);
    }
}

static void say_change(struct difference *d, json_t *before, json_t *after)
{
    char parts[PARTS_MAX] = "";
    if (json_equal(before, after) != 0) {
        d->same++;
        return;
    }
    add_parts(after, before, false, parts);
    add_parts(before, after, true, parts);
    terminal_say("  %-9s %s: %s", "changed", text(after, "id"), parts);
}

static void say_all(struct difference *d)
{
    size_t i = 0;
    json_t *each = NULL;
    json_array_foreach(json_object_get(d->after, "authorities"), i, each)
    {
        json_t *before = find(d->before, text(each, "id"));
        if (before == NULL)
            say_authority(d->before != NULL ? "added" : "names", each);
        else
            say_change(d, before, each);
    }
    json_array_foreach(json_object_get(d->before, "authorities"), i, each)
    {
        if (find(d->after, text(each, "id")) == NULL)
            say_authority("removed", each);
    }
    if (d->before != NULL)
        terminal_say("  %-9s %zu", "as before", d->same);
}

int trust_difference_say(const struct trust *before, const struct trust *after)
{
    struct difference d = {
        .before = before != NULL ? json_loads(before->document, 0, NULL) : NULL,
        .after = json_loads(after->document, 0, NULL),
    };
    bool good = d.after != NULL && (before == NULL || d.before != NULL);
    if (good)
        say_all(&d);
    json_decref(d.before);
    json_decref(d.after);
    return good ? 0 : ctl_complain_of(IDP_FAULT);
}
