/* What an authority's profile says of a leaf: class, region, key usage, identity. */
#pragma once

#include "pki/leaf.h"

/* The credit code, as refusals name it. */
extern const struct leaf_field profile_field_uscc;

/*
 * Reads uscc, name, key_number and names_person into the leaf, whose authority, anchor and
 * certificate are set. Returns PKI_REASONS when there is nothing against it; else the reason, with
 * leaf->field set where it is about one part.
 */
enum pki_reason profile_read(struct leaf *leaf);
