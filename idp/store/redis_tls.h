/* What TLS to a Redis server rests on: certificates that are verified, and the host's name. */
#pragma once

#include <openssl/ssl.h>

#include "base/error.h"

/*
 * TLS 1.2 (ECDHE and AEAD only) and 1.3; the server must show a certificate that leads to an
 * authority in ca_file (NULL: the system's). Returns IDP_UNAVAILABLE when ca_file cannot be read
 * or holds no certificate, IDP_FAULT without memory.
 */
enum idp_err redis_tls_new(const char *ca_file, SSL_CTX **out);

/*
 * A session that is to be made over *fd, which stays where it is for as long, with the server that
 * calls itself host: a name, or an address, which then must stand in its certificate. Returns NULL
 * when there is no memory.
 */
SSL *redis_tls_session(SSL_CTX *tls, int *fd, const char *host);

/* Why a handshake failed, as a text that stays. */
const char *redis_tls_problem(const SSL *session);
