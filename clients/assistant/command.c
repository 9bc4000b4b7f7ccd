#include "assistant/command.h"

#include <stdlib.h>
#include <string.h>

#include "assistant/challenge.h"
#include "assistant/pinentry.h"
#include "assistant/version.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/object.h"

enum { BASE64_MAX = (CERTIFICATE_MAX + 2) / 3 * 4 + 1 };

bool assistant_init(struct assistant *assistant, const struct settings *settings)
{
    *assistant = (struct assistant){.settings = settings};
    assistant->locks = locks_new(settings);
    assistant->found = calloc(1, sizeof(*assistant->found));
    if (assistant->locks != NULL && assistant->found != NULL &&
        pthread_mutex_init(&assistant->operation, NULL) == 0)
        return true;
    locks_free(assistant->locks);
    free(assistant->found);
    return false;
}

void assistant_free(struct assistant *assistant)
{
    (void)pthread_mutex_destroy(&assistant->operation);
    locks_free(assistant->locks);
    free(assistant->found);
}

/* --- answers ---------------------------------------------------------------------------------- */

static struct outcome good(json_t *body)
{
    return (struct outcome){body != NULL ? TROUBLE_NONE : TROUBLE_FAULT, body};
}

struct outcome outcome_of(enum trouble trouble, int tries_left)
{
    struct object error = object_new();
    object_text(&error, "code", trouble_code(trouble));
    if (tries_left != TRIES_UNKNOWN)
        object_number(&error, "tries_left", tries_left);
    struct object body = object_new();
    object_put(&body, "error", object_done(&error));
    return (struct outcome){trouble, object_done(&body)};
}

static struct outcome failed(enum trouble trouble)
{
    return outcome_of(trouble, TRIES_UNKNOWN);
}

static void put_base64(struct object *o, const char *name, const void *bytes, size_t len)
{
    char text[BASE64_MAX];
    base64_encode(bytes, len, text);
    object_text(o, name, text);
}

static struct object describe(const struct lock *lock)
{
    const struct certificate *certificate = &lock->certificate;
    struct object o = object_new();
    object_text(&o, "lock", lock->id);
    object_text(&o, "label", lock->label);
    object_text(&o, "medium", lock->medium);
    put_base64(&o, "certificate", certificate->der, certificate->len);
    object_text(&o, "subject", certificate->subject);
    object_text(&o, "organisation", certificate->organisation);
    object_number(&o, "not_after", certificate->not_after);
    return o;
}

/* --- the locks, one command at a time --------------------------------------------------------- */

/* Takes the locks for this command and looks which are there. leave() follows TROUBLE_NONE only. */
static enum trouble enter(struct assistant *assistant)
{
    if (pthread_mutex_trylock(&assistant->operation) != 0)
        return TROUBLE_BUSY;
    enum trouble trouble = locks_list(assistant->locks, assistant->found);
    bool any = false;
    for (size_t i = 0; i < assistant->found->count; i++)
        any = any || assistant->found->locks[i].usable;
    atomic_store(&assistant->saw_locks, any);
    if (trouble != TROUBLE_NONE)
        (void)pthread_mutex_unlock(&assistant->operation);
    return trouble;
}

static void leave(struct assistant *assistant)
{
    (void)pthread_mutex_unlock(&assistant->operation);
}

/* --- status, certificates, show --------------------------------------------------------------- */

struct outcome command_status(struct assistant *assistant)
{
    if (enter(assistant) == TROUBLE_NONE)
        leave(assistant);
    struct object o = object_new();
    object_text(&o, "version", ASSISTANT_VERSION);
    object_number(&o, "protocol", ASSISTANT_PROTOCOL);
    object_truth(&o, "locks", atomic_load(&assistant->saw_locks));
    object_text(&o, "pin", assistant->settings->pin == PIN_BY_PAGE ? "page" : "prompt");
    return good(object_done(&o));
}

static json_t *describe_all(const struct lock_list *list)
{
    json_t *locks = json_array();
    for (size_t i = 0; locks != NULL && i < list->count; i++) {
        if (!list->locks[i].usable)
            continue;
        struct object o = describe(&list->locks[i]);
        if (json_array_append_new(locks, object_done(&o)) != 0) {
            json_decref(locks);
            locks = NULL;
        }
    }
    return locks;
}

struct outcome command_certificates(struct assistant *assistant)
{
    enum trouble trouble = enter(assistant);
    if (trouble != TROUBLE_NONE)
        return failed(trouble);
    struct object o = object_new();
    object_put(&o, "locks", describe_all(assistant->found));
    leave(assistant);
    return good(object_done(&o));
}

static struct outcome show(struct assistant *assistant, const char *name)
{
    static const char *const kinds[] = {"other", "rsa", "p256", "sm2"};
    const struct lock *lock = NULL;
    enum trouble trouble = lock_list_find(assistant->found, name, &lock);
    if (trouble != TROUBLE_NONE)
        return failed(trouble);
    struct pin_state state = locks_pin_state(assistant->locks, lock);
    struct object o = describe(lock);
    object_text(&o, "organisation", lock->certificate.organisation);
    object_text(&o, "issuer", lock->certificate.issuer);
    object_text(&o, "serial", lock->certificate.serial);
    object_text(&o, "key", kinds[lock->certificate.kind]);
    object_number(&o, "not_before", lock->certificate.not_before);
    object_truth(&o, "pin_blocked", state.blocked);
    if (state.tries_left != TRIES_UNKNOWN)
        object_number(&o, "tries_left", state.tries_left);
    return good(object_done(&o));
}

struct outcome command_show(struct assistant *assistant, const char *lock)
{
    enum trouble trouble = enter(assistant);
    if (trouble != TROUBLE_NONE)
        return failed(trouble);
    struct outcome outcome = show(assistant, lock);
    leave(assistant);
    return outcome;
}

/* --- sign ------------------------------------------------------------------------------------- */

struct signing {
    struct assistant *assistant;
    const struct command_sign *order;
    const struct challenge_purpose *purpose;
    const struct lock *lock;
    struct pin_state state;
    struct signature signature;
};

static void log_signing(const struct signing *s, enum trouble trouble)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, trouble == TROUBLE_NONE ? "signed" : "not_signed");
    log_text(&line, "origin", s->order->origin);
    log_text(&line, "purpose", s->purpose->name);
    log_text(&line, "lock", s->lock != NULL ? s->lock->id : NULL);
    log_text(&line, "code", trouble == TROUBLE_NONE ? NULL : trouble_code(trouble));
    log_end(&line);
}

static enum trouble ask(struct signing *s, struct pin *out)
{
    const struct certificate *certificate = &s->lock->certificate;
    const char *organisation = certificate->organisation;
    const struct pinentry_question question = {
        .origin = s->order->origin,
        .purpose_zh = s->purpose->zh,
        .purpose_en = s->purpose->en,
        .holder = *organisation != '\0' ? organisation : certificate->subject,
        .label = s->lock->label,
        .tries_left = s->state.tries_left,
    };
    return pinentry_ask(s->assistant->settings->pinentry, &question, &s->assistant->stop, out);
}

static enum trouble sign_with(struct signing *s, const struct pin *pin)
{
    unsigned char message[MESSAGE_SIZE];
    const struct command_sign *order = s->order;
    if (!message_build(&s->lock->certificate, order->origin, order->challenge, message))
        return TROUBLE_FAULT;
    const struct lock_order known = {.lock = s->lock, .pin = pin, .message = message};
    return locks_sign(s->assistant->locks, &known, &s->signature, &s->state);
}

/* The last try is offered to nobody: whoever spends it has to go to the lock's issuer. */
static enum trouble find_and_sign(struct signing *s)
{
    struct pin asked = {.len = 0};
    enum trouble trouble = lock_list_find(s->assistant->found, s->order->lock, &s->lock);
    if (trouble != TROUBLE_NONE)
        return trouble;
    s->state = locks_pin_state(s->assistant->locks, s->lock);
    if (s->state.blocked)
        return TROUBLE_PIN_BLOCKED;
    if (s->state.tries_left == 1)
        return TROUBLE_PIN_LAST_TRY;
    if (s->order->pin != NULL)
        return sign_with(s, s->order->pin);
    trouble = ask(s, &asked);
    if (trouble == TROUBLE_NONE)
        trouble = sign_with(s, &asked);
    pin_wipe(&asked);
    return trouble;
}

static json_t *answer_of(const struct signing *s)
{
    const struct certificate *certificate = &s->lock->certificate;
    struct object o = object_new();
    object_text(&o, "format", "tamga-lock:1");
    object_text(&o, "algorithm", s->signature.algorithm);
    put_base64(&o, "certificate", certificate->der, certificate->len);
    put_base64(&o, "signature", s->signature.bytes, s->signature.len);
    object_text(&o, "agentVersion", ASSISTANT_VERSION);
    return object_done(&o);
}

/* How many tries are left is told with the refusals that concern the PIN only. */
static struct outcome refusal_of(const struct signing *s, enum trouble trouble)
{
    bool of_pin = trouble == TROUBLE_PIN_WRONG || trouble == TROUBLE_PIN_BLOCKED ||
                  trouble == TROUBLE_PIN_LAST_TRY;
    if (trouble == TROUBLE_PIN_BLOCKED)
        return outcome_of(trouble, 0);
    return outcome_of(trouble, of_pin ? s->state.tries_left : TRIES_UNKNOWN);
}

struct outcome command_sign(struct assistant *assistant, const struct command_sign *order)
{
    struct signing s = {.assistant = assistant, .order = order};
    s.purpose = challenge_read(order->challenge);
    if (s.purpose == NULL)
        return failed(TROUBLE_BAD_CHALLENGE);
    enum trouble trouble = enter(assistant);
    if (trouble != TROUBLE_NONE)
        return failed(trouble);
    trouble = find_and_sign(&s);
    log_signing(&s, trouble);
    struct outcome outcome =
        trouble == TROUBLE_NONE ? good(answer_of(&s)) : refusal_of(&s, trouble);
    leave(assistant);
    return outcome;
}
