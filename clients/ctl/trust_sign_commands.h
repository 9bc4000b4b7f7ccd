/* tamgactl trust sign and locks: what trust managers do, on any machine, without the provider's
 * database. */
#pragma once

#include "ctl/command.h"

extern const struct command trust_sign_commands[];
