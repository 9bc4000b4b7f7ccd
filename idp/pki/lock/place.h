/* Reading a certificate where the trust list says. */
#pragma once

#include <stdbool.h>

#include <openssl/x509.h>

#include "pki/trust/rules.h"

enum { PLACE_TEXT_SIZE = RULES_TEXT_MAX + 1 };

enum place_outcome {
    PLACE_ABSENT, /* nothing stands there, or it does not begin with the prefix */
    PLACE_FOUND,
    PLACE_WRONG, /* repeated, of another type, too long, not clean text, wrong count of fields */
};

/* Writes the text (UTF-8, not empty, without control characters) when it is found. */
enum place_outcome place_read(const struct place *place, const X509 *certificate,
                              char out[PLACE_TEXT_SIZE]);

/* The first place of the list that is not absent decides. */
enum place_outcome place_read_first(const struct places *places, const X509 *certificate,
                                    char out[PLACE_TEXT_SIZE]);

/* Says whether all rules of a list hold; an empty list does not. */
bool place_rules_hold(const struct rules *rules, const X509 *certificate,
                      const unsigned char *anchor_hash);

/* The same, if what cannot be read in the subject were what the rules want. */
bool place_rules_might_hold(const struct rules *rules, const X509 *certificate,
                            const unsigned char *anchor_hash);
