/* What an authority's profile says of a leaf: class, region, key usage, identity. */
#pragma once

#include "pki/lock/leaf.h"

/* The credit code, as refusals name it. */
extern const struct leaf_field profile_field_uscc;

/*
 * Says whether the certificate is one that a profile can be held against: version 3, a serial
 * number of 1 to 20 bytes, each extension once and readable (RFC 5280 sections 4.1.2 and 4.2). It
 * needs no authority: OpenSSL finds none for extensions that it cannot read. Returns PKI_REASONS or
 * the reason.
 */
enum pki_reason profile_check_form(const struct leaf *leaf);

/*
 * Reads uscc, name, key_number, medium_number and names_person into the leaf, whose authority,
 * anchor and certificate are set and whose form is good, once class, region, purpose and strength
 * are what the profile says. Returns PKI_REASONS when there is nothing against it; else the first
 * reason, with leaf->field set where it is PKI_PROFILE.
 */
enum pki_reason profile_read(struct leaf *leaf);
