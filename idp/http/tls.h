/*
 * The server's certificate and key: read from files, replaced while the server runs. A connection
 * holds what it was shown, so that a replacement disturbs nobody.
 *
 * TLS 1.3, and 1.2 with ECDHE and AEAD ciphers, as RFC 9325 sections 3.1.1 and 4.2 recommend.
 */
#pragma once

#include <stdint.h>

#include <gnutls/abstract.h>
#include <microhttpd.h>

#include "base/error.h"

struct http_tls;
struct http_tls_pair; /* a certificate and its key */

/* What GnuTLS may speak, in the language of gnutls_priority_init(). */
extern const char http_tls_priorities[];

/*
 * Reads both files (PEM, up to 64 KiB; the certificate first, then those that lead to its issuer;
 * the names are borrowed). Returns IDP_BAD_REQUEST when they cannot be used: not PEM, the key is
 * another certificate's, outside its time; IDP_DENIED when others may read the key;
 * IDP_UNAVAILABLE when a file cannot be read; each with a line in *why, which the caller frees.
 */
enum idp_err http_tls_open(const char *certificate, const char *key, char **why,
                           struct http_tls **out);

/* Reads the files again. On failure, which is as above, what was read before stays. */
enum idp_err http_tls_reload(struct http_tls *tls, char **why);

/* When the certificate ends, in seconds. */
int64_t http_tls_ends(struct http_tls *tls);

/*
 * Lets a connection that has just begun show the present certificate. Returns what it is to hold
 * until its end, or NULL without memory: the connection then fails in its handshake.
 */
struct http_tls_pair *http_tls_show(struct http_tls *tls, struct MHD_Connection *mhd);

/* Gives back what a connection held. NULL is allowed. */
void http_tls_leave(struct http_tls_pair *pair);

/* After all connections have ended. NULL is allowed. */
void http_tls_close(struct http_tls *tls);

/*
 * For libmicrohttpd, which wants a certificate of its own before a connection begins: there is
 * none, so that one that was not given a pair ends in its handshake.
 */
gnutls_certificate_retrieve_function2 http_tls_show_nothing;
