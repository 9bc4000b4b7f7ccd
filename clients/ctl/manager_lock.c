#include "ctl/manager_lock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "assistant/lock.h"
#include "assistant/os/os.h"
#include "assistant/settings.h"
#include "assistant/version.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/object.h"
#include "base/text.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/terminal.h"
#include "pki/trust/trust_signatures.h"

struct manager_lock {
    struct ctl *ctl;
    struct settings settings; /* the assistant's */
    struct locks *locks;
    struct lock_list found;
    const struct lock *lock;
    const char *pin_file;
};

/* --- the locks that are there --------------------------------------------------------------- */

static int complain_of_trouble(enum trouble trouble)
{
    return ctl_complain("%s", trouble_text(trouble));
}

static int read_settings(const char *file, struct settings *out)
{
    char why[SETTINGS_WHY_MAX];
    char usual[SETTINGS_PATH_MAX];
    os_settings_path(usual, sizeof(usual));
    if (settings_read(file != NULL ? file : usual, out, why))
        return 0;
    return ctl_complain("%s%s", why, file == NULL ? " (--assistant names another one)" : "");
}

static int find_locks(struct manager_lock *lock, const char *assistant)
{
    int code = read_settings(assistant, &lock->settings);
    if (code != 0)
        return code;
    lock->locks = locks_new(&lock->settings);
    if (lock->locks == NULL)
        return ctl_complain_of(IDP_FAULT);
    enum trouble trouble = locks_list(lock->locks, &lock->found);
    return trouble == TROUBLE_NONE ? 0 : complain_of_trouble(trouble);
}

static struct manager_lock *open_locks(struct ctl *ctl, const char *assistant)
{
    struct manager_lock *lock = calloc(1, sizeof(*lock));
    if (lock == NULL) {
        (void)ctl_complain_of(IDP_FAULT);
        return NULL;
    }
    lock->ctl = ctl;
    if (find_locks(lock, assistant) == 0)
        return lock;
    manager_lock_close(lock);
    return NULL;
}

void manager_lock_close(struct manager_lock *lock)
{
    if (lock == NULL)
        return;
    locks_free(lock->locks);
    free(lock);
}

static const char *holder_of(const struct lock *lock)
{
    const struct certificate *certificate = &lock->certificate;
    return certificate->subject[0] != '\0' ? certificate->subject : certificate->organisation;
}

/* The name of a lock's key in the settings, or NULL with *fault. */
static const char *key_of(struct ctl *ctl, const struct lock *lock, enum trust_fault *fault)
{
    unsigned char key[DIGEST_SIZE];
    char name[BASE64URL_LEN(DIGEST_SIZE) + 1];
    const struct certificate *certificate = &lock->certificate;
    if (trust_signatures_key(certificate->der, certificate->len, fault, key) != IDP_OK)
        return NULL;
    base64url_encode(key, DIGEST_SIZE, name);
    return arena_strdup(ctl->arena, name);
}

static json_t *describe(struct ctl *ctl, const struct lock *lock)
{
    enum trust_fault fault = TRUST_NO_FAULT;
    const char *key = key_of(ctl, lock, &fault);
    struct object o = object_new();
    object_text(&o, "lock", lock->id);
    object_text(&o, "label", lock->label);
    object_text(&o, "subject", lock->certificate.subject);
    object_text(&o, "organisation", lock->certificate.organisation);
    object_text(&o, "key_hash", key);
    object_text(&o, "unsuitable", key == NULL ? trust_fault_text(fault) : NULL);
    return object_done(&o);
}

json_t *manager_locks_list(struct ctl *ctl, const char *assistant)
{
    struct manager_lock *all = open_locks(ctl, assistant);
    if (all == NULL)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < all->found.count; i++)
        if (all->found.locks[i].usable)
            list = answer_append(list, describe(ctl, &all->found.locks[i]));
    manager_lock_close(all);
    if (list == NULL)
        (void)ctl_complain_of(IDP_FAULT);
    return list;
}

/* --- one of them ---------------------------------------------------------------------------- */

static const struct lock *usable_at(const struct lock_list *list, size_t position)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->locks[i].usable && position-- == 0)
            return &list->locks[i];
    return NULL;
}

static int choose(struct manager_lock *lock)
{
    char typed[TERMINAL_ANSWER_MAX];
    int64_t chosen = 0;
    size_t shown = 0;
    for (size_t i = 0; i < lock->found.count; i++) {
        const struct lock *each = &lock->found.locks[i];
        if (each->usable)
            terminal_say("%zu  %s  %s  (%s)", ++shown, each->label, holder_of(each), each->id);
    }
    enum idp_err err = terminal_ask("Which lock signs? ", typed);
    if (err == IDP_NOT_FOUND)
        return ctl_complain("several locks are there: name one with --lock");
    if (err == IDP_OK && text_to_number(typed, 1, LOCKS_MAX, &chosen))
        lock->lock = usable_at(&lock->found, (size_t)chosen - 1);
    return lock->lock != NULL ? 0 : ctl_complain("no lock was chosen");
}

struct manager_lock *manager_lock_open(struct ctl *ctl, const struct manager_lock_wanted *wanted)
{
    struct manager_lock *lock = open_locks(ctl, wanted->assistant);
    if (lock == NULL)
        return NULL;
    lock->pin_file = wanted->pin_file;
    enum trouble trouble = lock_list_find(&lock->found, wanted->name, &lock->lock);
    int code = 0;
    if (trouble == TROUBLE_SEVERAL_LOCKS && wanted->name == NULL)
        code = choose(lock);
    else if (trouble != TROUBLE_NONE)
        code = complain_of_trouble(trouble);
    if (code == 0)
        return lock;
    manager_lock_close(lock);
    return NULL;
}

const unsigned char *manager_lock_certificate(const struct manager_lock *lock, size_t *len)
{
    *len = lock->lock->certificate.len;
    return lock->lock->certificate.der;
}

const char *manager_lock_label(const struct manager_lock *lock)
{
    return lock->lock->label;
}

/* --- the PIN -------------------------------------------------------------------------------- */

static int read_pin_file(const char *path, struct pin *out)
{
    char *why = NULL;
    struct file_bytes file = {.bytes = NULL};
    enum idp_err err = file_read(path, FILE_PRIVATE, PIN_MAX + 2, &why, &file);
    if (err != IDP_OK) {
        int code = why != NULL ? ctl_complain("%s", why) : ctl_complain_of(err);
        free(why);
        return code;
    }
    bool good = pin_set(out, file.bytes, strcspn(file.bytes, "\r\n"));
    file_drop(&file);
    return good ? 0 : ctl_complain("%s: expected the lock's PIN", path);
}

static int ask_pin(const struct manager_lock *lock, const struct pin_state *state, struct pin *out)
{
    char typed[TERMINAL_ANSWER_MAX];
    char *question =
        state->tries_left == TRIES_UNKNOWN
            ? arena_printf(lock->ctl->arena, "PIN of %s: ", lock->lock->label)
            : arena_printf(lock->ctl->arena, "PIN of %s (tries left: %d): ", lock->lock->label,
                           state->tries_left);
    if (question == NULL)
        return ctl_complain_of(IDP_FAULT);
    terminal_tame(question); /* it has the lock's own label */
    enum idp_err err = terminal_ask_secret(question, typed);
    bool good = err == IDP_OK && pin_set(out, typed, strlen(typed));
    OPENSSL_cleanse(typed, sizeof(typed));
    if (err == IDP_NOT_FOUND)
        return ctl_complain("there is no terminal to ask for the PIN: give it in a file, with "
                            "--pin-file");
    return good ? 0 : ctl_complain("no PIN was given");
}

/* As the assistant does, the last try is offered to nobody. */
static int get_pin(const struct manager_lock *lock, struct pin_state *state, struct pin *out)
{
    *state = locks_pin_state(lock->locks, lock->lock);
    if (state->blocked)
        return complain_of_trouble(TROUBLE_PIN_BLOCKED);
    if (state->tries_left == 1)
        return complain_of_trouble(TROUBLE_PIN_LAST_TRY);
    return lock->pin_file != NULL ? read_pin_file(lock->pin_file, out) : ask_pin(lock, state, out);
}

/* --- signing -------------------------------------------------------------------------------- */

static int complain_of_signing(enum trouble trouble, const struct pin_state *state)
{
    if (trouble == TROUBLE_PIN_WRONG && state->tries_left != TRIES_UNKNOWN)
        return ctl_complain("%s; tries left: %d", trouble_text(trouble), state->tries_left);
    return complain_of_trouble(trouble);
}

static void put_base64(struct object *o, struct arena *arena, const char *name, const void *bytes,
                       size_t len)
{
    char *text = arena_alloc(arena, len / 3 * 4 + 5);
    if (text != NULL)
        base64_encode(bytes, len, text);
    object_put(o, name, text != NULL ? json_string(text) : NULL);
}

static json_t *answer_of(const struct manager_lock *lock, const struct signature *signature)
{
    struct arena *arena = lock->ctl->arena;
    const struct certificate *certificate = &lock->lock->certificate;
    struct object o = object_new();
    object_text(&o, "format", "tamga-lock:1");
    object_text(&o, "algorithm", signature->algorithm);
    put_base64(&o, arena, "certificate", certificate->der, certificate->len);
    put_base64(&o, arena, "signature", signature->bytes, signature->len);
    object_text(&o, "agentVersion", ASSISTANT_VERSION);
    return object_done(&o);
}

int manager_lock_sign(struct manager_lock *lock, const char *origin, const char *challenge,
                      json_t **out)
{
    struct pin pin = {.len = 0};
    struct pin_state state;
    struct signature signature;
    unsigned char message[MESSAGE_SIZE];
    if (!message_build(&lock->lock->certificate, origin, challenge, message))
        return ctl_complain_of(IDP_FAULT);
    int code = get_pin(lock, &state, &pin);
    if (code != 0)
        return code;
    const struct lock_order order = {.lock = lock->lock, .pin = &pin, .message = message};
    enum trouble trouble = locks_sign(lock->locks, &order, &signature, &state);
    pin_wipe(&pin);
    if (trouble != TROUBLE_NONE)
        return complain_of_signing(trouble, &state);
    *out = answer_of(lock, &signature);
    return *out != NULL ? 0 : ctl_complain_of(IDP_FAULT);
}
