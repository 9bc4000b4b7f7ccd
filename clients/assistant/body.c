#include "assistant/body.h"

#include <string.h>

#include <jansson.h>

static json_t *load(const char *body, size_t len)
{
    if (len > BODY_MAX)
        return NULL;
    json_t *root = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    if (root != NULL && !json_is_object(root)) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

bool body_is_empty(const char *body, size_t len)
{
    json_t *root = load(body, len);
    bool empty = root != NULL && json_object_size(root) == 0;
    json_decref(root);
    return empty;
}

/* A missing member stays ""; one that is no text or too long is refused. */
static bool take(const json_t *root, const char *name, char *out, size_t size)
{
    const json_t *member = json_object_get(root, name);
    size_t len = json_string_length(member);
    if (member == NULL)
        return true;
    if (!json_is_string(member) || len == 0 || len >= size)
        return false;
    memcpy(out, json_string_value(member), len + 1);
    return true;
}

static bool take_challenge(const json_t *root, char *out)
{
    const json_t *member = json_object_get(root, "challenge");
    size_t len = json_string_length(member);
    if (len < CHALLENGE_MAX && json_is_string(member))
        memcpy(out, json_string_value(member), len + 1);
    return json_is_string(member);
}

static bool take_pin(const json_t *root, struct body_sign *out)
{
    const json_t *member = json_object_get(root, "pin");
    if (member == NULL)
        return true;
    out->has_pin = true;
    return json_is_string(member) &&
           pin_set(&out->pin, json_string_value(member), json_string_length(member));
}

static bool only_known(json_t *root)
{
    size_t known = 0;
    static const char *const names[] = {"challenge", "lock", "pin"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        known += json_object_get(root, names[i]) != NULL;
    return known == json_object_size(root);
}

bool body_read_sign(const char *body, size_t len, struct body_sign *out)
{
    json_t *root = load(body, len);
    *out = (struct body_sign){.has_pin = false};
    bool fine = root != NULL && only_known(root) && take_challenge(root, out->challenge) &&
                take(root, "lock", out->lock, sizeof(out->lock)) && take_pin(root, out);
    json_decref(root);
    if (!fine)
        pin_wipe(&out->pin);
    return fine;
}
