/*
 * What of the audit rows is over, so that the retention job may delete it: logs of access, which
 * prove nothing that somebody may have to answer for. Everything else is kept: sign-ins and
 * bindings with their evidence, consents, endings of rights, and what operators did. So is each
 * evidence object that such a row names. What was seen of locks and why they were refused is for
 * operators only, and goes. docs/decisions/retention.md.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct sql;
struct sweep;

/* Rows that say that somebody signed out. */
extern const struct sweep over_access_log;

/* Certificates that were not shown for long and are of no bound lock, with what is kept of them for
 * a refusal only. */
extern const struct sweep over_certificates;

/*
 * Deletes the refusals of one day that was over before that moment, the oldest. *deleted is how
 * many rows: 0 when there is no such day. Returns what sql_execute() does.
 */
enum idp_err over_refusals(struct sql *db, int64_t before, int64_t *deleted);
