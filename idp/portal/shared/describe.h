/* Things as the portal's JSON calls describe them (schema/openapi.yaml). */
#pragma once

#include <jansson.h>

struct app;
struct arena;
struct client;
struct holder;
struct json_out;
struct lock_identity;
struct session;
struct trust;

/* Room for an answer that holds the members below. */
enum { DESCRIPTION_MAX = 8192 };

/* Writes the member "enterprise": name, uscc, entity_types. */
void describe_enterprise(struct json_out *json, const struct holder *holder);

/* Writes the member "lock": authority, serial, not_after, key_number, primary. */
void describe_lock(struct json_out *json, const struct trust *trust, const struct holder *holder);

/* Writes the member "certificate": what the certificate that was just read says. holder may be
 * NULL: not bound yet. */
void describe_certificate(struct json_out *json, const struct lock_identity *identity,
                          const struct holder *holder);

/* What follows returns a value the caller owns, or NULL without memory. */

/* {"zh","en"} */
json_t *describe_both(const char *zh, const char *en);

/* id, name, uri, logo, policy, terms, phone */
json_t *describe_client(const struct client *client);
