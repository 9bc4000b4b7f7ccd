/*
 * Everything that depends on the operating system. A port writes this header's functions anew
 * (os_linux.c is the one there is) and changes nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* --- drivers ---------------------------------------------------------------------------------- */

/*
 * Loads a vendor's library. Returns a handle that is kept until the program ends (such libraries
 * seldom survive being unloaded), or NULL, and then the reason in why, which holds size bytes.
 */
void *os_library_load(const char *path, char *why, size_t size);

/* Finds a function by its name; cast it to its type. Returns NULL when there is none. */
typedef void (*os_function)(void);
os_function os_library_function(void *library, const char *name);

/* --- places ----------------------------------------------------------------------------------- */

/*
 * Writes the path of the settings file that counts when none is named: the user's own where it
 * exists, else the machine's.
 */
void os_settings_path(char *out, size_t size);

/* Whether a path says where it starts, independent of the current folder. */
bool os_path_is_absolute(const char *path);

/* Opens a file that lines are appended to, readable by its owner only. Returns -1 when it cannot.
 */
int os_log_open(const char *path);

/* --- network ---------------------------------------------------------------------------------- */

enum os_loopback { OS_LOOPBACK_V4, OS_LOOPBACK_V6 };

/* What os_listen() answers instead of a socket. */
enum { OS_PORT_IN_USE = -1, OS_NO_ADDRESS = -2 };

/*
 * Opens a listening socket at 127.0.0.1 or ::1, in such a way that nobody else can listen there
 * too: that also makes this the only assistant at the port. Returns the socket, OS_PORT_IN_USE,
 * or OS_NO_ADDRESS where the machine has no such address.
 */
int os_listen(enum os_loopback family, unsigned int port);

/* --- processes -------------------------------------------------------------------------------- */

/* A program that is talked to over its standard input and output. */
struct os_process {
    long id;
    int fd; /* both directions */
};

/* Starts program (found by the usual search path), without arguments. Returns false when it cannot.
 */
bool os_process_start(const char *program, struct os_process *out);

/* Writes all of it. Returns false when the other end is gone. */
bool os_process_write(const struct os_process *process, const void *bytes, size_t len);

enum { OS_READ_ENDED = 0, OS_READ_NOTHING_YET = -1 };

/*
 * Waits at most wait_ms for something to read. Returns how many bytes were read into out,
 * OS_READ_NOTHING_YET, or OS_READ_ENDED.
 */
int os_process_read(const struct os_process *process, void *out, size_t size, int wait_ms);

/* Ends the program, whether or not it has finished, and forgets it. */
void os_process_end(struct os_process *process);

/* Shows an address in the user's browser. Returns false when there is none. */
bool os_browser_open(const char *address);

/* --- this program ----------------------------------------------------------------------------- */

/* No memory of this program, in which a PIN may lie, is ever written to disk after a crash. */
void os_protect_memory(void);

/* Keeps the signals that ask programs to stop from this thread and those it starts. */
void os_hold_stop_signals(void);

/* Waits until one of them comes. */
void os_wait_for_stop(void);

/* Ends the program at once, without waiting for threads that a driver keeps. */
_Noreturn void os_leave(int status);
