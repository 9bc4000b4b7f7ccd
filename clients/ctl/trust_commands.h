/* tamgactl trust ...: which certification authorities are believed, on all nodes. */
#pragma once

#include "ctl/command.h"

extern const struct command trust_commands[];
