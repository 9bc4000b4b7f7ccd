/*
 * A lock of another authority that asserts the USCC of a company whose lock is bound: it does not
 * get in, but the company has to hear of it, and so has whoever audits the authority.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct access;
struct arena;
struct lock_identity;

/*
 * Adds the audit row "uscc_claimed" of the company and a mail to its contacts: once a day for each
 * certificate. Returns what sql_transact() does.
 */
enum idp_err rival_note(const struct access *access, struct arena *arena,
                        const struct lock_identity *rival, int64_t now);
