#include "base/object.h"

struct object object_new(void)
{
    return (struct object){.json = json_object()};
}

void object_put(struct object *o, const char *name, json_t *value)
{
    if (json_object_set_new(o->json, name, value) != 0)
        o->failed = true;
}

void object_truth(struct object *o, const char *name, bool value)
{
    object_put(o, name, json_boolean(value));
}

void object_number(struct object *o, const char *name, int64_t value)
{
    object_put(o, name, json_integer(value));
}

void object_text(struct object *o, const char *name, const char *text)
{
    if (text != NULL)
        object_put(o, name, json_string(text));
}

json_t *object_done(struct object *o)
{
    json_t *json = o->json;
    o->json = NULL;
    if (!o->failed)
        return json;
    json_decref(json);
    return NULL;
}
