#include "assistant/settings.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "assistant/os/os.h"
#include "base/text.h"

enum { DEFAULT_PORT = 17681, FILE_MAX = 64 * 1024 };

/* What is being read, for the one line that says what is wrong with it. */
struct reading {
    const char *file;
    json_t *root;
    struct settings *out;
    char *why;
};

static bool refuse(const struct reading *reading, const char *key, const char *expected)
{
    (void)snprintf(reading->why, SETTINGS_WHY_MAX, "%s: %s: expected %s", reading->file, key,
                   expected);
    return false;
}

/* A text that fits, without control characters. */
static bool take_text(json_t *value, char *out, size_t size)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (text == NULL || len == 0 || len >= size || !text_is_clean_utf8(text, len))
        return false;
    memcpy(out, text, len + 1);
    return true;
}

/* --- one key each ----------------------------------------------------------------------------- */

static bool read_listen(const struct reading *reading, json_t *value)
{
    json_int_t port = json_integer_value(value);
    if (value == NULL)
        port = DEFAULT_PORT;
    if (port < 1 || port > 65535)
        return refuse(reading, "listen", "a port number from 1 to 65535");
    reading->out->port = (unsigned int)port;
    return true;
}

static bool read_development(const struct reading *reading, json_t *value)
{
    if (value != NULL && !json_is_boolean(value))
        return refuse(reading, "development", "true or false");
    reading->out->development = json_is_true(value);
    return true;
}

static bool is_allowed_origin(const struct settings *settings, const char *origin)
{
    if (!origin_is_well_formed(origin))
        return false;
    return !origin_is_http(origin) || (settings->development && origin_is_loopback(origin));
}

static bool read_origins(const struct reading *reading, json_t *value)
{
    struct settings *out = reading->out;
    size_t count = json_array_size(value);
    if (count == 0 || count > SETTINGS_ORIGINS_MAX)
        return refuse(reading, "origins", "a list of 1 to 16 origins of the identity provider");
    for (size_t i = 0; i < count; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "origins[%zu]", i);
        if (!take_text(json_array_get(value, i), out->origins[i], ORIGIN_MAX) ||
            !is_allowed_origin(out, out->origins[i]))
            return refuse(reading, key,
                          "an origin such as https://idp.example, in lower case and without path "
                          "(http only on loopback, with \"development\": true)");
    }
    out->origin_count = count;
    return true;
}

static bool read_portal(const struct reading *reading, json_t *value)
{
    char *portal = reading->out->portal;
    if (!take_text(value, portal, sizeof(reading->out->portal)) ||
        !(text_starts(portal, "https://") || text_starts(portal, "http://")))
        return refuse(reading, "portal", "the portal's address, beginning with https://");
    return true;
}

static bool read_pin(const struct reading *reading, json_t *value)
{
    const char *place = json_string_value(value);
    bool page = place != NULL && strcmp(place, "page") == 0;
    bool prompt = value == NULL || (place != NULL && strcmp(place, "prompt") == 0);
    if (!page && !prompt)
        return refuse(reading, "pin", "\"prompt\" or \"page\"");
    reading->out->pin = page ? PIN_BY_PAGE : PIN_BY_PROMPT;
    return true;
}

static bool read_pinentry(const struct reading *reading, json_t *value)
{
    char *pinentry = reading->out->pinentry;
    (void)snprintf(pinentry, sizeof(reading->out->pinentry), "pinentry");
    if (value != NULL && !take_text(value, pinentry, sizeof(reading->out->pinentry)))
        return refuse(reading, "pinentry", "the name or path of a pinentry program");
    return true;
}

static bool read_log(const struct reading *reading, json_t *value)
{
    if (value != NULL && !take_text(value, reading->out->log, sizeof(reading->out->log)))
        return refuse(reading, "log", "the path of a file");
    return true;
}

/* --- drivers ---------------------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(text, *names) == 0)
            return true;
    return false;
}

/* Names a key that is not on the list, or NULL. */
static const char *stranger(json_t *object, const char *const *names)
{
    void *at = json_object_iter(object);
    while (at != NULL && is_one_of(json_object_iter_key(at), names))
        at = json_object_iter_next(object, at);
    return at != NULL ? json_object_iter_key(at) : NULL;
}

static bool read_driver(const struct reading *reading, json_t *value, const char *key,
                        struct settings_driver *out)
{
    static const char *const keys[] = {"kind", "library", "rsa", NULL};
    static const char *const kinds[] = {"pkcs11", "skf", NULL};
    static const char *const paddings[] = {"pkcs1", "pss", NULL};
    json_t *padding = json_object_get(value, "rsa");
    char rsa[8] = "pkcs1";

    if (!json_is_object(value) || stranger(value, keys) != NULL)
        return refuse(reading, key, "an object with \"kind\", \"library\" and perhaps \"rsa\"");
    if (!take_text(json_object_get(value, "kind"), out->kind, sizeof(out->kind)) ||
        !is_one_of(out->kind, kinds))
        return refuse(reading, key, "\"kind\" to be \"pkcs11\" or \"skf\"");
    if (!take_text(json_object_get(value, "library"), out->library, sizeof(out->library)) ||
        !os_path_is_absolute(out->library))
        return refuse(reading, key, "\"library\" to be the full path of the vendor's library");
    if (padding != NULL && (!take_text(padding, rsa, sizeof(rsa)) || !is_one_of(rsa, paddings)))
        return refuse(reading, key, "\"rsa\" to be \"pkcs1\" or \"pss\"");
    out->pss = strcmp(rsa, "pss") == 0;
    return true;
}

static bool read_drivers(const struct reading *reading, json_t *value)
{
    size_t count = json_array_size(value);
    if (count == 0 || count > SETTINGS_DRIVERS_MAX)
        return refuse(reading, "drivers", "a list of 1 to 16 drivers");
    for (size_t i = 0; i < count; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "drivers[%zu]", i);
        if (!read_driver(reading, json_array_get(value, i), key, &reading->out->drivers[i]))
            return false;
    }
    reading->out->driver_count = count;
    return true;
}

/* --- the whole -------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    bool (*read)(const struct reading *reading, json_t *value);
} readers[] = {
    {"listen", read_listen},     {"development", read_development},
    {"origins", read_origins}, /* after development, which it depends on */
    {"portal", read_portal},     {"pin", read_pin},
    {"drivers", read_drivers},   {"log", read_log},
    {"pinentry", read_pinentry},
};

enum { KEYS = sizeof(readers) / sizeof(*readers) };

static bool read_all(const struct reading *reading)
{
    const char *keys[KEYS + 1] = {NULL};
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = readers[i].key;
    const char *unknown = stranger(reading->root, keys);
    if (unknown != NULL)
        return refuse(reading, unknown, "no key of that name");
    for (size_t i = 0; i < KEYS; i++)
        if (!readers[i].read(reading, json_object_get(reading->root, readers[i].key)))
            return false;
    return true;
}

bool settings_parse(const char *file, const char *text, size_t len, struct settings *out, char *why)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    const struct reading reading = {.file = file, .root = root, .out = out, .why = why};
    *out = (struct settings){.port = 0};
    if (root == NULL) {
        (void)snprintf(why, SETTINGS_WHY_MAX, "%s: line %d: expected JSON: %s", file, error.line,
                       error.text);
        return false;
    }
    bool fine =
        json_is_object(root) ? read_all(&reading) : refuse(&reading, "the file", "one JSON object");
    json_decref(root);
    return fine;
}

bool settings_read(const char *file, struct settings *out, char *why)
{
    static char text[FILE_MAX + 1];
    FILE *stream = fopen(file, "rbe");
    size_t len = stream != NULL ? fread(text, 1, sizeof(text), stream) : 0;
    bool fine = stream != NULL && ferror(stream) == 0;
    if (stream != NULL)
        (void)fclose(stream);
    if (!fine) {
        (void)snprintf(why, SETTINGS_WHY_MAX, "%s: expected a settings file that can be read",
                       file);
        return false;
    }
    if (len > FILE_MAX) {
        (void)snprintf(why, SETTINGS_WHY_MAX, "%s: expected at most %d bytes", file, FILE_MAX);
        return false;
    }
    return settings_parse(file, text, len, out, why);
}
