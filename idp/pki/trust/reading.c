#include "pki/trust/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

enum { PLACE_MAX = 256, FOUND_MAX = 60, EXPECTED_MAX = 256 };

/* --- mistakes ------------------------------------------------------------------------------- */

/* Writes authorities[1].profile.uscc[0] for where the reading stands. */
static void describe_place(const struct reading *reading, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < reading->depth && n < size; i++) {
        const char *name = reading->path[i].name;
        int written = name != NULL ? snprintf(out + n, size - n, "%s%s", i > 0 ? "." : "", name)
                                   : snprintf(out + n, size - n, "[%zu]", reading->path[i].index);
        n += written > 0 ? (size_t)written : 0;
    }
}

/* What the document says must not break the line, or speak to a terminal. */
static const char *keep_line(struct arena *arena, const char *text)
{
    char *line = arena_strdup(arena, text);
    for (char *at = line; at != NULL && *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    return line;
}

/* As many whole characters as there is room for. */
static size_t cut(const char *text, size_t max)
{
    size_t n = 0;
    while (text[n] != '\0') {
        size_t len = text_character(text + n, strlen(text + n));
        len = len > 0 ? len : 1;
        if (n + len > max)
            break;
        n += len;
    }
    return n;
}

/* A value as JSON, cut short. NULL for an object, and for none: its place says it all. */
static const char *describe_value(const struct reading *reading)
{
    const json_t *value = reading->value;
    if (value == NULL || json_is_object(value))
        return NULL;
    if (json_is_array(value))
        return arena_printf(reading->notes, "a list of %zu", json_array_size(value));
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    if (text == NULL)
        return NULL;
    size_t n = cut(text, FOUND_MAX);
    const char *found =
        arena_printf(reading->notes, "%.*s%s", (int)n, text, text[n] != '\0' ? " …" : "");
    free(text);
    return found != NULL ? keep_line(reading->notes, found) : NULL;
}

enum idp_err reading_wrong(struct reading *reading, const char *expected)
{
    char place[PLACE_MAX];
    if (reading->count == READING_MISTAKES_MAX) {
        reading->more = true;
        return IDP_BAD_REQUEST;
    }
    describe_place(reading, place, sizeof(place));
    struct mistake mistake = {.place = keep_line(reading->notes, place),
                              .expected = keep_line(reading->notes, expected),
                              .found = describe_value(reading)};
    if (mistake.place == NULL || mistake.expected == NULL)
        return IDP_FAULT;
    reading->mistakes[reading->count++] = mistake;
    return IDP_BAD_REQUEST;
}

bool reading_goes_on(const struct reading *reading, enum idp_err err)
{
    return err == IDP_OK || (err == IDP_BAD_REQUEST && reading->every && !reading->more);
}

enum idp_err reading_worse(enum idp_err a, enum idp_err b)
{
    return a == IDP_OK || b == IDP_FAULT ? b : a;
}

void reading_expect(struct reading *reading, bool holds, const char *expected, enum idp_err *err)
{
    if (!holds && reading_goes_on(reading, *err))
        *err = reading_worse(*err, reading_wrong(reading, expected));
}

char *reading_line(const char *file, const struct mistake *mistake)
{
    const char *colon = mistake->place[0] != '\0' ? ": " : "";
    size_t size = strlen(file) + strlen(mistake->place) + strlen(mistake->expected) + 16;
    char *line = malloc(size);
    if (line == NULL)
        return NULL;
    (void)snprintf(line, size, "%s: %s%sexpected %s", file, mistake->place, colon,
                   mistake->expected);
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f) /* in the file's name */
            *at = '?';
    return line;
}

/* "what min to max more" */
static enum idp_err wrong_range(struct reading *reading, const struct member *member,
                                const char *what, const char *more)
{
    char text[EXPECTED_MAX];
    (void)snprintf(text, sizeof(text), "%s %d to %d%s", what, member->min, member->max, more);
    return reading_wrong(reading, text);
}

/* --- where the reading stands --------------------------------------------------------------- */

enum idp_err reading_enter(struct reading *reading, const char *name, size_t index)
{
    if (reading->depth == READING_DEPTH_MAX)
        return reading_wrong(reading, "less nesting");
    reading->path[reading->depth].name = name;
    reading->path[reading->depth].index = index;
    reading->depth++;
    return IDP_OK;
}

void reading_leave(struct reading *reading)
{
    reading->depth--;
}

/* Reads a value one step below: a member by its name, or a list's entry by its index. */
static enum idp_err read_below(struct reading *reading, const struct member *how, size_t index,
                               json_t *value, void *field)
{
    const json_t *above = reading->value;
    enum idp_err err = reading_enter(reading, how->name, index);
    if (err != IDP_OK)
        return err;
    reading->value = value;
    if (value != NULL)
        err = how->read(reading, how, value, field);
    else if (how->required)
        err = reading_wrong(reading, "a value; it is missing");
    reading->value = above;
    reading_leave(reading);
    return err;
}

/* --- objects -------------------------------------------------------------------------------- */

static bool is_known(const struct member *table, const char *name)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return true;
    return false;
}

static enum idp_err refuse_unknown(struct reading *reading, const struct member *table,
                                   json_t *object)
{
    const char *name = NULL;
    json_t *value = NULL;
    enum idp_err err = IDP_OK;
    json_object_foreach(object, name, value)
    {
        char text[EXPECTED_MAX];
        (void)snprintf(text, sizeof(text), "no member \"%.*s\" here", (int)cut(name, 64), name);
        reading_expect(reading, is_known(table, name), text, &err);
    }
    return err;
}

enum idp_err reading_members(struct reading *reading, const struct member *table, json_t *value,
                             void *object)
{
    if (!json_is_object(value))
        return reading_wrong(reading, "an object");
    enum idp_err err = refuse_unknown(reading, table, value);
    for (; reading_goes_on(reading, err) && table->name != NULL; table++)
        err = reading_worse(err, read_below(reading, table, 0, json_object_get(value, table->name),
                                            (char *)object + table->offset));
    return err;
}

enum idp_err reading_object(struct reading *reading, const struct member *member, json_t *value,
                            void *field)
{
    enum idp_err err = reading_members(reading, member->table, value, field);
    return err == IDP_OK && member->check != NULL ? member->check(reading, field) : err;
}

/* --- lists ---------------------------------------------------------------------------------- */

static enum idp_err expect_list(struct reading *reading, const struct member *member, json_t *value)
{
    size_t count = json_array_size(value);
    if (json_is_array(value) && count >= (size_t)member->min && count <= (size_t)member->max)
        return IDP_OK;
    return wrong_range(reading, member, "a list of", " entries");
}

enum idp_err reading_list(struct reading *reading, const struct member *member, json_t *value,
                          void *field)
{
    struct {
        void *list;
        size_t count;
    } out = {.count = json_array_size(value)};
    enum idp_err err = expect_list(reading, member, value);
    if (err != IDP_OK)
        return err;
    char *entries = arena_alloc(reading->arena, (out.count + 1) * member->size);
    if (entries == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < out.count && reading_goes_on(reading, err); i++)
        err = reading_worse(err, read_below(reading, member->item, i, json_array_get(value, i),
                                            entries + i * member->size));
    out.list = entries;
    memcpy(field, &out, sizeof(out));
    return err;
}

/* --- values --------------------------------------------------------------------------------- */

enum idp_err reading_text(struct reading *reading, const struct member *member, json_t *value,
                          void *field)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (text == NULL || len < (size_t)member->min || len > (size_t)member->max ||
        memchr(text, '\0', len) != NULL)
        return wrong_range(reading, member, "a text of", " bytes");
    const char *copy = arena_strndup(reading->arena, text, len);
    if (copy == NULL)
        return IDP_FAULT;
    *(const char **)field = copy;
    return IDP_OK;
}

enum idp_err reading_number(struct reading *reading, const struct member *member, json_t *value,
                            void *field)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < member->min || number > member->max)
        return wrong_range(reading, member, "a whole number from", "");
    *(int *)field = (int)number;
    return IDP_OK;
}

enum idp_err reading_truth(struct reading *reading, const struct member *member, json_t *value,
                           void *field)
{
    (void)member;
    if (!json_is_boolean(value))
        return reading_wrong(reading, "true or false");
    *(bool *)field = json_is_true(value);
    return IDP_OK;
}

/* Finds a name's position; -1: it is none of them. */
static int position_of(const struct member *member, const json_t *value)
{
    const char *text = json_string_value(value);
    for (int i = 0; text != NULL && member->names[i] != NULL; i++)
        if (strcmp(text, member->names[i]) == 0)
            return i;
    return -1;
}

enum idp_err reading_name(struct reading *reading, const struct member *member, json_t *value,
                          void *field)
{
    int position = position_of(member, value);
    char all[EXPECTED_MAX] = "one of";
    if (position >= 0) {
        *(int *)field = position;
        return IDP_OK;
    }
    for (int i = 0; member->names[i] != NULL; i++) {
        size_t n = strlen(all);
        (void)snprintf(all + n, sizeof(all) - n, " %s", member->names[i]);
    }
    return reading_wrong(reading, all);
}

/* One entry of a set: a bit that is not there yet. */
static enum idp_err read_bit(struct reading *reading, const struct member *member, json_t *value,
                             void *field)
{
    unsigned *bits = field;
    int position = 0;
    enum idp_err err = reading_name(reading, member, value, &position);
    if (err == IDP_OK && (*bits & 1U << position) != 0)
        return reading_wrong(reading, "no repetition");
    if (err == IDP_OK)
        *bits |= 1U << position;
    return err;
}

enum idp_err reading_set(struct reading *reading, const struct member *member, json_t *value,
                         void *field)
{
    const struct member entry = {.read = read_bit, .names = member->names};
    unsigned bits = 0;
    enum idp_err err = expect_list(reading, member, value);
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        if (reading_goes_on(reading, err))
            err =
                reading_worse(err, read_below(reading, &entry, i, json_array_get(value, i), &bits));
    *(unsigned *)field = bits;
    return err;
}
