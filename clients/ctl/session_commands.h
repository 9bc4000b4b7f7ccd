/* tamgactl session ...: the browser sessions of an enterprise. */
#pragma once

#include "ctl/command.h"

extern const struct command session_commands[];
