/* tamga-idp serve: the provider itself, until a signal ends it. */
#pragma once

/* files[0]: the settings. Anything wrong at start is one line on standard error, with nothing
 * half-started. Returns an exit code (command.h). */
int serve_command(const char *const files[]);
