/* tamgactl keys ...: the provider's own keys, how they are replaced, and the master key. */
#pragma once

#include "ctl/command.h"

extern const struct command keys_commands[];
