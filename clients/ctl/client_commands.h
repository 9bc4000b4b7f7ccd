/* tamgactl client ...: registers and looks after the programs that sign people in here. */
#pragma once

#include "ctl/command.h"

extern const struct command client_commands[];
