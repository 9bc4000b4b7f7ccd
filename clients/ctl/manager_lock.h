/*
 * The lock of a trust manager, reached as the assistant reaches locks: through the drivers that the
 * assistant's settings name (PKCS#11, SKF).
 */
#pragma once

#include <stddef.h>

#include <jansson.h>

struct ctl;
struct manager_lock;

/* Which lock, and where its PIN comes from. */
struct manager_lock_wanted {
    const char *assistant; /* the assistant's settings; NULL: where it looks for them itself */
    const char *name;      /* id or label; NULL: the only one, or the one that is chosen */
    const char *pin_file;  /* NULL: the PIN is asked for on the terminal */
};

/*
 * Finds the lock. Where several are plugged in and none is named, the person at the terminal is
 * asked. Returns NULL when it has complained. The lock ends with manager_lock_close(), which takes
 * NULL, too.
 */
struct manager_lock *manager_lock_open(struct ctl *ctl, const struct manager_lock_wanted *wanted);
void manager_lock_close(struct manager_lock *lock);

/* Its certificate, DER, and what it is called; both live as long as the lock. */
const unsigned char *manager_lock_certificate(const struct manager_lock *lock, size_t *len);
const char *manager_lock_label(const struct manager_lock *lock);

/*
 * Has the lock sign M for origin and challenge, once the PIN was given. Sets *out to the answer,
 * {format, algorithm, certificate, signature, agentVersion}, the caller's. Returns 0, or an exit
 * code when it has complained; a wrong PIN with the tries that are left.
 */
int manager_lock_sign(struct manager_lock *lock, const char *origin, const char *challenge,
                      json_t **out);

/* Every lock that could sign: {lock, label, subject, organisation, key_hash}, or that it cannot be
 * a manager's. Returns NULL when it has complained. */
json_t *manager_locks_list(struct ctl *ctl, const char *assistant);
