/* The legal entity that bids, as the record keeps it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct sql_tx;

struct enterprise {
    const char *id; /* the stable subject: random, survives renewal, renaming and binding again */
    const char *uscc;
    const char *name;
    bool suspended;
    const char *city; /* an id of enterprise/choices.h */
    const char *legal_representative;
    const char *phone;
    const char *address;
    const char *email;
    const char *entity_types; /* ids of enterprise/choices.h, space-separated */
};

/* Adds a row. IDP_CONFLICT when the USCC has one. */
enum idp_err enterprise_insert(struct sql_tx *tx, const struct enterprise *enterprise, int64_t now);

/* Replaces all but id, USCC and standing. */
enum idp_err enterprise_update(struct sql_tx *tx, const struct enterprise *enterprise, int64_t now);

/*
 * Suspends it, or lifts that. Its rights are ended by access/revoke.h; a code from before a
 * suspension is no good afterwards either. One that stands so already stays so. IDP_NOT_FOUND.
 */
enum idp_err enterprise_suspend(struct sql_tx *tx, const char *id, int64_t now);
enum idp_err enterprise_resume(struct sql_tx *tx, const char *id, int64_t now);

/* The record follows the certificate: a renamed company's new name. */
enum idp_err enterprise_rename(struct sql_tx *tx, const char *id, const char *name, int64_t now);
