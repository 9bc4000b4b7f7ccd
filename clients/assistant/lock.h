/*
 * CA locks, however they are reached. A backend speaks one interface of the vendors: pkcs11.c
 * speaks PKCS#11, skf.c speaks GM/T 0016. What others call is at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "assistant/certificate.h"
#include "assistant/message.h"
#include "assistant/secret.h"
#include "assistant/signature.h"
#include "assistant/trouble.h"

struct settings;

enum {
    LOCK_ID_MAX = 320,
    LOCK_TEXT_MAX = 128,
    LOCK_KEY_ID_MAX = 64,
    LOCKS_MAX = 32, /* of all drivers together; the pages show no more either */
};

/* Where a backend finds the lock again. */
union lock_place {
    struct {
        unsigned long slot;
        char serial[LOCK_TEXT_MAX];
        unsigned char key_id[LOCK_KEY_ID_MAX];
        size_t key_id_len;
    } pkcs11;
    struct {
        char device[LOCK_TEXT_MAX], application[LOCK_TEXT_MAX], container[LOCK_TEXT_MAX];
    } skf;
};

/* One lock as an enumeration found it: a certificate and, behind the PIN, its key. */
struct lock {
    char id[LOCK_ID_MAX]; /* the same at every enumeration: "pkcs11:<serial>", "skf:<device>/…" */
    char label[LOCK_TEXT_MAX];  /* what its maker or issuer wrote on it */
    char medium[LOCK_TEXT_MAX]; /* the hardware's serial number: shown, never believed */
    bool usable; /* certificate holds one for a key that this backend can sign with */
    struct certificate certificate;
    size_t driver; /* its number in the settings */
    union lock_place place;
};

struct lock_list {
    size_t count;
    bool removed; /* a lock went away while it was read */
    struct lock locks[LOCKS_MAX];
};

struct pin_state {
    bool blocked;
    int tries_left; /* or TRIES_UNKNOWN */
};

/* What is to be signed, and with what. */
struct lock_order {
    const struct lock *lock;
    const struct pin *pin;
    const unsigned char *message; /* M, MESSAGE_SIZE bytes */
    bool pss;                     /* RSA keys sign with PSS */
};

/*
 * What a backend must do. It is never called by two threads at once, and no call leaves a session,
 * a log-in or a handle behind.
 */
struct lock_backend {
    const char *kind; /* as the settings name it */

    /* Takes a loaded library into service: a struct of the backend's own, or NULL when it lacks a
       function that is needed. It is freed by free(). */
    void *(*open)(void *library);

    /* Looks for locks anew and appends them. Locks that cannot be read are passed over. Returns
       TROUBLE_DRIVER when the library itself fails. */
    enum trouble (*list)(void *driver, struct lock_list *out);

    /* How the PIN stands, without trying it. Never fails: what is not told is unknown. */
    struct pin_state (*pin_state)(void *driver, const struct lock *lock);

    /* Gives the PIN to the lock, has it sign M, and takes the permission back. *state comes in as
       unknown, and is how the PIN stands afterwards when the PIN was refused. */
    enum trouble (*sign)(void *driver, const struct lock_order *order, struct signature *out,
                         struct pin_state *state);
};

extern const struct lock_backend pkcs11_backend;
extern const struct lock_backend skf_backend;

/* --- for backends ------------------------------------------------------------------------------
 */

/* The next free place of the list with everything zero, or NULL when it is full. */
struct lock *lock_list_add(struct lock_list *list);

/*
 * Copies a text that a device told, len bytes padded with blanks or NULs, so that it can be shown:
 * blanks around it go, and so does the whole text when it is not clean UTF-8.
 */
void lock_text_copy(const void *bytes, size_t len, char *out, size_t size);

/* --- for the commands --------------------------------------------------------------------------
 */

struct locks;

/* Takes the settings' drivers into service; settings must outlive it. NULL: no memory. */
struct locks *locks_new(const struct settings *settings);

void locks_free(struct locks *locks);

/*
 * Looks for locks anew, in all drivers. A driver that could not be loaded yet is tried again.
 * Returns TROUBLE_DRIVER when not one driver works.
 */
enum trouble locks_list(struct locks *locks, struct lock_list *out);

/*
 * Finds the lock of that id or label; name NULL means the only usable one. Returns TROUBLE_NO_LOCK,
 * TROUBLE_REMOVED, TROUBLE_SEVERAL_LOCKS, TROUBLE_LOCK_NOT_FOUND or TROUBLE_UNSUITABLE.
 */
enum trouble lock_list_find(const struct lock_list *list, const char *name,
                            const struct lock **out);

struct pin_state locks_pin_state(struct locks *locks, const struct lock *lock);

/* As the backend's sign; the settings decide about pss. */
enum trouble locks_sign(struct locks *locks, const struct lock_order *order, struct signature *out,
                        struct pin_state *state);
