// The folder that the SKF double reads its locks and its faults from; skf-double.c tells what lies
// there. Every function looks at the files anew, so that a test can change them while it runs.
#pragma once
#include <stddef.h>

enum {
    FOLDER_NAME = 64,    // a lock's name with its NUL
    FOLDER_NAMES = 8192, // room for the names of all locks
    FOLDER_CERTIFICATE = 4096,
    FOLDER_DIGEST = 32,
    FOLDER_HALF = 64, // r and s are 64 bytes each, the value at the right
    FOLDER_TRIES = 10 // what a lock has when it was never counted
};

// The name's ending under which a lock appears a second time (fault several_locks).
extern const char folder_twin[];

// Whether faults/<name> is there.
int folder_fault(const char *name);

// Waits when the fault `slow` is on.
void folder_be_slow(void);

// Whether a lock of that name is there.
int folder_has_lock(const char *name);

// Writes the locks' names in alphabetical order, each with its NUL and the list with one more, to
// out, which holds FOLDER_NAMES; returns the length of it all. Obeys no_lock and several_locks.
size_t folder_list(char *out);

// Reads the first line of a lock's file to out, "" when there is none.
void folder_line(const char *lock, const char *name, char *out, int size);

// How many tries the PIN has left, and setting it.
int folder_tries(const char *lock);
void folder_set_tries(const char *lock, int left);

// Writes the DER of a lock's PEM certificate to out, which holds FOLDER_CERTIFICATE; returns its
// length, 0 when there is none.
size_t folder_certificate(const char *lock, const char *name, unsigned char *out);

// Signs a digest e (GM/T 0003.2: the caller has put Z into it) with the lock's SM2 key. r and s
// hold FOLDER_HALF bytes. Obeys wrong_key and zero_r. Returns 1, or 0 when there is no key.
int folder_sign(const char *lock, const unsigned char *digest, unsigned char *r, unsigned char *s);
