/*
 * The one set of rules for client metadata (RFC 7591 section 2, OIDC Registration section 2, and
 * members of our own that begin with tamga_). tamgactl, the console and dynamic registration all
 * pass through here; schema/client-metadata.schema.json says the same for editors.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "client/address.h"
#include "client/client.h"

struct arena;

enum { METADATA_TEXT_MAX = 32 * 1024 };

/* Scope of a client whose metadata names none. */
extern const char client_default_scope[];

/* The grant types that a client can be registered for, space-separated. */
extern const char client_grant_types[];

/* What is wrong, for a person. field is a member's name, or "" for the document itself. */
struct metadata_problem {
    char field[80];
    char problem[160];
};

/*
 * Parses and checks metadata text, at most METADATA_TEXT_MAX bytes. Every member has its type,
 * length and form; unknown members, duplicate ones, sparse (null) and duplicate entries of lists
 * are refused; addresses are kept byte for byte. *out is the client it describes, in the arena,
 * with defaults where a member is missing: id "" when client_id is absent, standing active, or
 * announced when tamga_joined is false. Returns IDP_BAD_REQUEST and the problem otherwise;
 * IDP_FAULT without memory.
 */
enum idp_err metadata_parse(struct arena *arena, const struct address_rules *rules,
                            const char *text, size_t len, struct metadata_problem *problem,
                            struct client *out);
