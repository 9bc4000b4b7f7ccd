/* tamgactl enterprise ...: who bids, and whether it may. */
#pragma once

#include "ctl/command.h"

extern const struct command enterprise_commands[];
