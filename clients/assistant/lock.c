#include "assistant/lock.h"

#include <stdlib.h>
#include <string.h>

#include "assistant/os/os.h"
#include "assistant/settings.h"
#include "base/log.h"
#include "base/text.h"

struct driver {
    const struct lock_backend *backend;
    void *instance; /* NULL until it could be loaded */
};

struct locks {
    const struct settings *settings;
    struct driver drivers[SETTINGS_DRIVERS_MAX];
};

/* --- for backends ------------------------------------------------------------------------------
 */

struct lock *lock_list_add(struct lock_list *list)
{
    if (list->count == LOCKS_MAX)
        return NULL;
    struct lock *lock = &list->locks[list->count++];
    *lock = (struct lock){.usable = false};
    return lock;
}

void lock_text_copy(const void *bytes, size_t len, char *out, size_t size)
{
    const char *text = bytes;
    const char *nul = memchr(text, '\0', len);
    if (nul != NULL)
        len = (size_t)(nul - text);
    while (len > 0 && text[len - 1] == ' ')
        len--;
    while (len > 0 && *text == ' ')
        text++, len--;
    if (len >= size || !text_is_clean_utf8(text, len))
        len = 0;
    memcpy(out, text, len);
    out[len] = '\0';
}

/* --- drivers ---------------------------------------------------------------------------------- */

static const struct lock_backend *backend_of(const char *kind)
{
    static const struct lock_backend *const backends[] = {&pkcs11_backend, &skf_backend, NULL};
    size_t i = 0;
    while (backends[i] != NULL && strcmp(backends[i]->kind, kind) != 0)
        i++;
    return backends[i];
}

struct locks *locks_new(const struct settings *settings)
{
    struct locks *locks = calloc(1, sizeof(*locks));
    if (locks == NULL)
        return NULL;
    locks->settings = settings;
    for (size_t i = 0; i < settings->driver_count; i++)
        locks->drivers[i].backend = backend_of(settings->drivers[i].kind);
    return locks;
}

void locks_free(struct locks *locks)
{
    if (locks == NULL)
        return;
    for (size_t i = 0; i < locks->settings->driver_count; i++)
        free(locks->drivers[i].instance);
    free(locks);
}

static void log_unloadable(const char *path, const char *why)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "driver_not_loaded");
    log_text(&line, "library", path);
    log_text(&line, "why", why);
    log_end(&line);
}

/* Loads the driver's library unless that was done. */
static bool is_loaded(struct driver *driver, const char *path)
{
    char why[512] = "it lacks functions that are needed";
    if (driver->instance != NULL)
        return true;
    void *library = os_library_load(path, why, sizeof(why));
    if (library != NULL)
        driver->instance = driver->backend->open(library);
    if (driver->instance == NULL)
        log_unloadable(path, why);
    return driver->instance != NULL;
}

static bool list_driver(struct locks *locks, size_t i, struct lock_list *out)
{
    struct driver *driver = &locks->drivers[i];
    size_t before = out->count;
    const char *path = locks->settings->drivers[i].library;
    if (!is_loaded(driver, path))
        return false;
    if (driver->backend->list(driver->instance, out) != TROUBLE_NONE) {
        log_event(LOG_WARN, "driver_failed", "library", path);
        return false;
    }
    for (size_t n = before; n < out->count; n++)
        out->locks[n].driver = i;
    return true;
}

enum trouble locks_list(struct locks *locks, struct lock_list *out)
{
    size_t works = 0;
    out->count = 0;
    out->removed = false;
    for (size_t i = 0; i < locks->settings->driver_count; i++)
        works += list_driver(locks, i, out);
    return works > 0 ? TROUBLE_NONE : TROUBLE_DRIVER;
}

/* --- one of them ------------------------------------------------------------------------------ */

static bool is_called(const struct lock *lock, const char *name)
{
    return strcmp(lock->id, name) == 0 || strcmp(lock->label, name) == 0;
}

/* Counts the locks that are meant, and keeps the last one. */
static size_t count_meant(const struct lock_list *list, const char *name, const struct lock **last)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct lock *lock = &list->locks[i];
        if (name != NULL ? !is_called(lock, name) : !lock->usable)
            continue;
        *last = lock;
        count++;
    }
    return count;
}

enum trouble lock_list_find(const struct lock_list *list, const char *name, const struct lock **out)
{
    const struct lock *lock = NULL;
    size_t meant = count_meant(list, name, &lock);
    if (meant > 1)
        return TROUBLE_SEVERAL_LOCKS;
    if (meant == 1 && !lock->usable)
        return TROUBLE_UNSUITABLE;
    if (meant == 1) {
        *out = lock;
        return TROUBLE_NONE;
    }
    if (list->removed)
        return TROUBLE_REMOVED;
    if (list->count == 0)
        return TROUBLE_NO_LOCK;
    return name != NULL ? TROUBLE_LOCK_NOT_FOUND : TROUBLE_UNSUITABLE;
}

struct pin_state locks_pin_state(struct locks *locks, const struct lock *lock)
{
    const struct driver *driver = &locks->drivers[lock->driver];
    return driver->backend->pin_state(driver->instance, lock);
}

enum trouble locks_sign(struct locks *locks, const struct lock_order *order, struct signature *out,
                        struct pin_state *state)
{
    const struct driver *driver = &locks->drivers[order->lock->driver];
    struct lock_order known = *order;
    known.pss = locks->settings->drivers[order->lock->driver].pss;
    *state = (struct pin_state){.tries_left = TRIES_UNKNOWN};
    return driver->backend->sign(driver->instance, &known, out, state);
}
