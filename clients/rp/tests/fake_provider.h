/*
 * A fake provider for the tests of librp: a small HTTP server on loopback that says what the test
 * scripts it to say, and signs tokens with OpenSSL. It checks nothing; it keeps what it was asked.
 */
#pragma once

#include <stddef.h>

#include <jansson.h>
#include <openssl/evp.h>

struct fake;

enum fake_page { FAKE_DISCOVERY, FAKE_JWKS, FAKE_TOKEN, FAKE_USERINFO, FAKE_PAGES };

/* Starts it on a free port of 127.0.0.1 with nothing to say. Ends the test program on failure. */
struct fake *fake_start(void);
void fake_stop(struct fake *fake);

/* http://127.0.0.1:port */
const char *fake_issuer(const struct fake *fake);

/* What the page answers from now on. type NULL: application/json. */
void fake_says(struct fake *fake, enum fake_page page, int status, const char *type,
               const char *body);

/* The same with a JSON value, which is taken over. */
void fake_says_json(struct fake *fake, enum fake_page page, json_t *body);

/* A header line for the page's answers, such as "Location: ...", or NULL. */
void fake_adds_header(struct fake *fake, enum fake_page page, const char *line);

/* How often the page was asked; the last request as it came, head and body (the caller frees). */
unsigned fake_asked(struct fake *fake, enum fake_page page);
char *fake_heard(struct fake *fake, enum fake_page page);

/* Keys made for the test; free with EVP_PKEY_free(). */
EVP_PKEY *fake_key(const char *type); /* RS256, ES256, short RSA */

/* The public JWK with this kid. */
json_t *fake_jwk(EVP_PKEY *key, const char *kid);

/* The compact JWS of header and claims (both taken over). key NULL: an empty signature. */
char *fake_sign(EVP_PKEY *key, json_t *header, json_t *claims);

/* The same of JSON as it is written. */
char *fake_sign_text(EVP_PKEY *key, const char *header, const char *claims);

/* The same, signed with HMAC-SHA-256 and these bytes for a key. */
char *fake_sign_hmac(const void *secret, size_t n, json_t *header, json_t *claims);
