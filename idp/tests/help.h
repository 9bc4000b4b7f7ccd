/* What the tests of several rooms share: free ports and temporary folders. */
#pragma once

#include <stddef.h>

/* A TCP port of 127.0.0.1 that was free a moment ago. Ends the test program when there is none. */
int help_free_port(void);

/* Makes an empty folder below $TMPDIR, or /tmp. The caller frees the name; never NULL. */
char *help_temp_folder(void);

/* Removes a folder and all in it; links are removed, not followed. */
void help_remove_folder(const char *folder);

/* Reads a whole file, with a NUL behind it, and sets *len (may be NULL). The caller frees it; NULL
 * when the file cannot be read. */
char *help_read_file(const char *path, size_t *len);

/* Writes a whole file. Ends the test program when it cannot. */
void help_write_file(const char *path, const void *bytes, size_t len);
