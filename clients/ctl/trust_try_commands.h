/* tamgactl trust try: what a list would change, before it is signed and loaded. */
#pragma once

#include "ctl/command.h"

int trust_try(struct ctl *ctl, const struct command_arguments *arguments);
