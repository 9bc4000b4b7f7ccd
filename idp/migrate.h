/* tamga-idp migrate: brings the database to this program's schema, and says what it did. */
#pragma once

/* files[0]: the settings. Needs nothing of them but the database and the log. Returns an exit code
 * (command.h). */
int migrate_command(const char *const files[]);
