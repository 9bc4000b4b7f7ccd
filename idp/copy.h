/* tamga-idp copy: moves an installation to another database, and says what it moved. */
#pragma once

/* files: the settings of the installation as it is, and of the one it moves to; only their
 * databases and logs count, and their issuers, which have to be the same. Returns an exit code
 * (command.h). */
int copy_command(const char *const files[]);
