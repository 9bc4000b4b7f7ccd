#include "pki/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

enum { PLACE_MAX = 256, LINE_MAX = 1024 };

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
static void keep_to_one_line(char *line)
{
    for (; *line != '\0'; line++)
        if ((unsigned char)*line < ' ' || *line == 0x7f)
            *line = '?';
}

enum idp_err reading_wrong(struct reading *reading, const char *expected)
{
    char place[PLACE_MAX];
    char line[LINE_MAX];
    describe_place(reading, place, sizeof(place));
    (void)snprintf(line, sizeof(line), "%s: %s%sexpected %s", reading->file, place,
                   place[0] != '\0' ? ": " : "", expected);
    keep_to_one_line(line);
    free(reading->why);
    reading->why = strdup(line);
    return reading->why != NULL ? IDP_BAD_REQUEST : IDP_FAULT;
}

/* "what min to max more" */
static enum idp_err wrong_range(struct reading *reading, const struct member *member,
                                const char *what, const char *more)
{
    char text[LINE_MAX / 4];
    (void)snprintf(text, sizeof(text), "%s %d to %d%s", what, member->min, member->max, more);
    return reading_wrong(reading, text);
}

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

/* Reads one member under its name. */
static enum idp_err read_member(struct reading *reading, const struct member *member, json_t *value,
                                void *object)
{
    enum idp_err err = reading_enter(reading, member->name, 0);
    if (err == IDP_OK && value == NULL)
        err = member->required ? reading_wrong(reading, "a value; it is missing") : IDP_OK;
    else if (err == IDP_OK)
        err = member->read(reading, member, value, (char *)object + member->offset);
    if (err == IDP_OK)
        reading_leave(reading);
    return err;
}

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
    char text[LINE_MAX / 4];
    void *at = json_object_iter(object);
    while (at != NULL && is_known(table, json_object_iter_key(at)))
        at = json_object_iter_next(object, at);
    if (at == NULL)
        return IDP_OK;
    (void)snprintf(text, sizeof(text), "no member \"%.64s\" here", json_object_iter_key(at));
    return reading_wrong(reading, text);
}

enum idp_err reading_members(struct reading *reading, const struct member *table, json_t *value,
                             void *object)
{
    if (!json_is_object(value))
        return reading_wrong(reading, "an object");
    enum idp_err err = refuse_unknown(reading, table, value);
    for (; err == IDP_OK && table->name != NULL; table++)
        err = read_member(reading, table, json_object_get(value, table->name), object);
    return err;
}

enum idp_err reading_object(struct reading *reading, const struct member *member, json_t *value,
                            void *field)
{
    enum idp_err err = reading_members(reading, member->table, value, field);
    return err == IDP_OK && member->check != NULL ? member->check(reading, field) : err;
}

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
    for (size_t i = 0; i < out.count && err == IDP_OK; i++) {
        err = reading_enter(reading, NULL, i);
        if (err == IDP_OK)
            err = member->item->read(reading, member->item, json_array_get(value, i),
                                     entries + i * member->size);
        if (err == IDP_OK)
            reading_leave(reading);
    }
    out.list = entries;
    memcpy(field, &out, sizeof(out));
    return err;
}

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

enum idp_err reading_name(struct reading *reading, const struct member *member, json_t *value,
                          void *field)
{
    const char *text = json_string_value(value);
    char all[LINE_MAX / 4] = "one of";
    for (int i = 0; member->names[i] != NULL; i++) {
        if (text != NULL && strcmp(text, member->names[i]) == 0) {
            *(int *)field = i;
            return IDP_OK;
        }
        size_t n = strlen(all);
        (void)snprintf(all + n, sizeof(all) - n, " %s", member->names[i]);
    }
    return reading_wrong(reading, all);
}

enum idp_err reading_set(struct reading *reading, const struct member *member, json_t *value,
                         void *field)
{
    unsigned bits = 0;
    enum idp_err err = expect_list(reading, member, value);
    for (size_t i = 0; err == IDP_OK && i < json_array_size(value); i++) {
        int position = 0;
        err = reading_enter(reading, NULL, i);
        if (err == IDP_OK)
            err = reading_name(reading, member, json_array_get(value, i), &position);
        if (err == IDP_OK && (bits & 1U << position) != 0)
            err = reading_wrong(reading, "no repetition");
        if (err == IDP_OK)
            reading_leave(reading);
        bits |= 1U << position;
    }
    *(unsigned *)field = bits;
    return err;
}
