/* Things as the portal's JSON calls describe them (schema/openapi.yaml). */
#pragma once

#include <jansson.h>

struct app;
struct arena;
struct client;
struct holder;
struct lock_identity;
struct session;

/* All return a value the caller owns, or NULL without memory. */

/* {"zh","en"} */
json_t *describe_both(const char *zh, const char *en);

/* name, uscc, entity_types */
json_t *describe_enterprise(const struct holder *holder);

/* authority, serial, not_after, key_number, primary */
json_t *describe_lock(const struct app *app, const struct holder *holder);

/* What the certificate that was just read says. holder may be NULL: not bound yet. */
json_t *describe_certificate(const struct lock_identity *identity, const struct holder *holder);

/* id, name, uri, logo, policy, terms, phone */
json_t *describe_client(const struct client *client);
