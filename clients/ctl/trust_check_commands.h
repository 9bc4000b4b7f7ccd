/* The commands around a trust list that need neither settings nor a database. */
#pragma once

#include "ctl/command.h"

extern const struct command trust_check_commands[];
