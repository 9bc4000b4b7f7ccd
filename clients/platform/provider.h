/*
 * The provider, met when it is first needed: a platform starts and shows its pages whether the
 * provider is up or not.
 */
#pragma once

#include "rp/rp.h"

struct provider;

/* settings are borrowed. NULL when there is no memory. */
struct provider *provider_new(const struct rp_settings *settings);

/* NULL is allowed. */
void provider_free(struct provider *provider);

/*
 * The relying party. Asks the provider for its metadata when nobody has yet, and after a failure
 * not again for two seconds, so that a dead provider holds up one visitor at a time. Waits. The
 * codes of rp_new().
 */
enum rp_err provider_meet(struct provider *provider, struct rp_note *note, struct rp **out);
