#pragma once

#include "ctl/command.h"

/* trust refusals: how often locks were refused, of which authorities, and why. */
int refusal_list(struct ctl *ctl, const struct command_arguments *arguments);
