/* Who asks: a platform or another program that is registered with the provider. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jose/jwk.h"

enum client_standing {
    CLIENT_ACTIVE,
    CLIENT_SUSPENDED,
    CLIENT_ANNOUNCED, /* a platform that has not joined yet: shown, but cannot sign anybody in */
};

/* The two never meet in one sign-in. */
enum client_environment { CLIENT_PRODUCTION, CLIENT_TEST };

enum client_auth_method { CLIENT_SECRET_BASIC, CLIENT_SECRET_POST, CLIENT_AUTH_NONE };

enum client_group { CLIENT_GROUP_NONE, CLIENT_REGIONAL, CLIENT_WEST, CLIENT_EAST };

/* What introspection tells it (docs/security.md row 10): its own tokens, or everybody's. */
enum client_introspect { CLIENT_INTROSPECT_OWN, CLIENT_INTROSPECT_ALL };

enum { CLIENT_ID_MAX = 64, CLIENT_REDIRECT_URIS_MAX = 16 };

/* Read-only once made. Texts are never NULL unless said so; all are checked by the metadata rules,
 * so that they hold no control characters and the addresses are absolute http(s). */
struct client {
    const char *id;
    enum client_standing standing;
    enum client_environment environment;
    const char *secret_hash; /* NULL for a client without secret; see client/secret.h */
    enum client_auth_method auth_method;

    const char *const *redirect_uris; /* exact texts, compared byte for byte */
    size_t redirect_uri_count;
    const char *initiate_login_uri; /* NULL: cannot be launched from the portal */
    const char *scope;              /* what it may ask for, space-separated */
    const char *grant_types;        /* what it may use at the token endpoint, space-separated */
    enum jose_alg id_token_alg;
    enum client_introspect may_introspect;
    bool require_pkce;              /* always true for now */
    const char *default_acr_values; /* space-separated, or NULL */

    const char *name_zh, *name_en;
    const char *client_uri, *logo_uri, *policy_uri, *tos_uri; /* each may be NULL */
    const char *phone;                                        /* or NULL */
    enum client_group group;
    const char *city; /* an id such as "hohhot", or NULL */
    int64_t order;    /* in the chooser, within its group; small first */
};

/* "active", "regional" ...; group none is NULL. */
const char *client_standing_name(enum client_standing standing);
const char *client_environment_name(enum client_environment environment);
const char *client_group_name(enum client_group group);

/* Says whether uri is one of the client's redirect URIs, byte for byte (RFC 9700 section 2.1). */
bool client_has_redirect_uri(const struct client *client, const char *uri);
