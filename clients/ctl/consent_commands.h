/* tamgactl consent ...: what an enterprise agreed that platforms learn. */
#pragma once

#include "ctl/command.h"

extern const struct command consent_commands[];
