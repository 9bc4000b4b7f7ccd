/*
 * The folder of lists: for each issuer, named by the SHA-256 of its certificate, the full list, the
 * delta over it, and a mark when the issuer itself was found revoked. A file is written aside,
 * brought to the disk, and renamed: whatever is interrupted, there is the list before or the one
 * after it. Nodes on one machine may share the folder.
 *
 * What is mapped never has a name there, but is a copy that was removed at once: a mapped file that
 * somebody cuts ends the program (SIGBUS), and one that somebody writes to would change what was
 * verified.
 */
#pragma once

#include <stdbool.h>

#include "base/digest.h"
#include "base/error.h"

enum { CRL_PATH_MAX = 4096 };

enum crl_file { CRL_FILE_FULL, CRL_FILE_DELTA, CRL_FILE_REVOKED };

/* A file that is being written. */
struct crl_draft {
    int fd;
    char path[CRL_PATH_MAX];
};

/*
 * Makes the folder (0700) when it is missing, and tries to write there. Returns IDP_UNAVAILABLE
 * with a line "FOLDER: what is wrong" in *why, which the caller frees; IDP_FAULT without memory.
 */
enum idp_err crl_files_begin(const char *folder, char **why);

/* Begins a file of a name that nobody has; its owner only may read it. A folder that is gone is
 * made again. */
enum idp_err crl_draft_begin(const char *folder, struct crl_draft *out);

/* Closes a draft, and removes what was not kept. */
void crl_draft_end(struct crl_draft *draft);

/* Puts a copy of what was written in the place of the issuer's file, also of several issuers' in
 * turn. Returns IDP_UNAVAILABLE when the disk does not take it: then the file before stays. */
enum idp_err crl_draft_keep(const struct crl_draft *draft, const char *folder,
                            const unsigned char issuer[DIGEST_SIZE], enum crl_file kind);

/* The same for a file of the folder that belongs to no issuer. */
enum idp_err crl_draft_keep_as(const struct crl_draft *draft, const char *folder, const char *name);

/* Opens an issuer's file for reading: a descriptor, or -1. */
int crl_file_open(const char *folder, const unsigned char issuer[DIGEST_SIZE], enum crl_file kind);

/* Opens a copy of it that has no name: a descriptor, or -1. Where the disk has no room for one, it
 * is the file itself. */
int crl_file_copy(const char *folder, const unsigned char issuer[DIGEST_SIZE], enum crl_file kind);

/* Removes an issuer's file, if it is there. */
void crl_file_remove(const char *folder, const unsigned char issuer[DIGEST_SIZE],
                     enum crl_file kind);

/* Leaves a mark, which has no contents. */
enum idp_err crl_file_mark(const char *folder, const unsigned char issuer[DIGEST_SIZE]);

/*
 * Removes the files of issuers that are not known any more, and drafts that nobody has finished for
 * an hour. Other files are left alone.
 */
void crl_files_tidy(const char *folder,
                    bool (*is_known)(const void *with, const unsigned char issuer[DIGEST_SIZE]),
                    const void *with);
