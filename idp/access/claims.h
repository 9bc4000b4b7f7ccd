/*
 * The claims about an enterprise and its lock: which scope carries which, what a bidder is told
 * about them on the consent page, and how they are written (docs/claims.md).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct arena;
struct holder;
struct json_out;
struct trust;

/* Bits of a set of claims. */
enum claim {
    CLAIM_NAME = 1 << 0,
    CLAIM_USCC = 1 << 1,
    CLAIM_ENTITY_TYPES = 1 << 2,
    CLAIM_REGION = 1 << 3,
    CLAIM_LEGAL_REPRESENTATIVE = 1 << 4,
    CLAIM_LOCK = 1 << 5,
    CLAIM_EMAIL = 1 << 6,
    CLAIM_PHONE = 1 << 7,
    CLAIM_ADDRESS = 1 << 8,
};

struct claim_kind {
    uint32_t bit;
    const char *name;    /* in tokens */
    const char *scope;   /* that carries it */
    const char *zh, *en; /* for the consent page */
};

/* All of them, in the order of the consent page; ends with a 0 bit. */
extern const struct claim_kind claim_kinds[];

/* The scopes about an enterprise that a client may be registered for, space-separated, "openid"
 * first. Tokens name them by their places: new ones are put at the end. */
extern const char claims_scopes[];

/* The last of them, which carries no claim: refresh tokens (OpenID Connect Core section 11). */
extern const char claims_offline[]; /* "offline_access" */

/* What a client may be registered for towards others in its own name (client_credentials). */
extern const char claims_client_scopes[];

/* A set of claims_scopes, a bit for each place, and back to the list, in the arena; NULL: no
 * memory. Names that are not among them are left out. */
uint16_t claims_scope_bits(const char *scope);
const char *claims_scope_names(struct arena *arena, uint16_t bits);

/* Which claims go where. */
struct claims_asked {
    uint32_t userinfo, id_token;
};

/* The claims that a scope list carries; in the code flow they go to userinfo. */
uint32_t claims_of_scope(const char *scope);

/*
 * Reads the claims parameter (OpenID Connect Core section 5.5) and adds what it asks for to *out,
 * as far as the scopes the client is registered for carry it; what is not known is left out.
 * Returns IDP_BAD_REQUEST when it is not such an object, IDP_FAULT without memory.
 */
enum idp_err claims_parse(struct arena *arena, const char *text, const char *registered_scope,
                          struct claims_asked *out);

/* The set as a space-separated list of names, in the arena, and back. NULL without memory. */
const char *claims_to_text(struct arena *arena, uint32_t set);
uint32_t claims_from_text(const char *text);

/*
 * Writes the members of the set about a holder into an object that was begun. The list knows the
 * name of the lock's authority.
 */
void claims_write(struct json_out *json, uint32_t set, const struct holder *holder,
                  const struct trust *trust);

/* The value of a claim that is a plain text; NULL for the others. */
const char *claims_show(uint32_t bit, const struct holder *holder);
