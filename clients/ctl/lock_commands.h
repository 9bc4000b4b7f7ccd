/* tamgactl lock ...: the locks of an enterprise. */
#pragma once

#include "ctl/command.h"

extern const struct command lock_commands[];
