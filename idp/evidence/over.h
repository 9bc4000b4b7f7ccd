/*
 * What of the audit rows is over, so that the retention job may delete it: logs of access, which
 * prove nothing that somebody may have to answer for. Everything else is kept: sign-ins and
 * bindings with their evidence, consents, endings of rights, and what operators did. So is each
 * evidence object, since each is named by a row that is kept. docs/decisions/retention.md.
 */
#pragma once

struct sweep;

/* Rows that say that somebody signed out. */
extern const struct sweep over_access_log;
