/*
 * What of the rows of access/ is over, so that the retention job may delete it. Nothing that can be
 * proved later rests on them: audit rows say all they have to say themselves.
 */
#pragma once

struct sweep;

/* Grants with their refresh families, when none of their tokens can be good any more. */
extern const struct sweep over_grants;

/* Outbox rows that were delivered or given up. */
extern const struct sweep over_outbox;
