/* TLS for tests: certificates made on the spot, and a client that is another library's than the
 * server's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tls_wish {
    const char *folder, *name; /* the files are FOLDER/NAME.crt and FOLDER/NAME.key (0600) */
    int64_t from_now, until;   /* seconds from now, both */
    bool rsa;                  /* else P-256 */
};

/* Writes a certificate for NAME that signs itself, and its key. Ends the test program when
 * it cannot. */
void tls_make_pair(const struct tls_wish *wish);

/* FOLDER/NAME.ENDING; the caller frees it. */
char *tls_file(const char *folder, const char *name, const char *ending);

/*
 * Speaks TLS over a connected socket, which it takes over, and believes any certificate. Returns a
 * socket on which what would be said without TLS goes in and comes out; a thread carries it, until
 * either side closes.
 */
int tls_wrap(int fd);
