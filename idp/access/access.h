/* What the room works with: stores, keys, lifetimes. One for the whole program. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct kv;
struct mailer;
struct pki;
struct purpose_keys;
struct sql;

struct access {
    struct sql *db;
    struct kv *kv;
    const struct purpose_keys *keys;
    struct pki *pki; /* whose locks are recognised now */
    const char *issuer;

    /* Lifetimes, in seconds. */
    int64_t challenge_s, interaction_s, code_s, session_idle_s, session_absolute_s, access_token_s,
        launch_s, refresh_family_s, refresh_grace_s;

    /* Mail; tamgactl, which only writes rows, has no mailer. */
    bool tells; /* enterprises are told what happens to them */
    const struct mailer *mailer;
    const char *support_phone; /* in mails; "": none */
    int64_t message_retry_s; /* after the first failure; then twice as long each time, to an hour */
    int64_t message_attempts; /* then it is parked */
};
