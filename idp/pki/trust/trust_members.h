/* The tables of the trust list's format, and what they fill in. */
#pragma once

#include "pki/trust/reading.h"
#include "pki/trust/rules.h"
#include "pki/trust/trust.h"

struct trust_entry {
    struct authority authority;
    struct authority_rules rules;
    struct {
        X509 **list;
        size_t count;
    } anchors; /* as they stand in the list; trust_entry_check() makes rules.anchors of them */
};

struct trust_document {
    int version; /* of the format */
    int64_t number, issued;
    struct {
        struct trust_entry *list;
        size_t count;
    } entries;
};

/* For struct trust_document; ends with NULL. */
extern const struct member trust_members[];

/* By enum revocation_policy; ends with NULL. */
extern const char *const trust_policy_names[];

/* What has to hold beyond the shape of an authority; in trust.c. */
enum idp_err trust_entry_check(struct reading *reading, void *object);

/*
 * Reads and checks a list's text as trust_parse() does, and leaves what is wrong in the reading,
 * whose notes are the caller's. In trust.c.
 */
enum idp_err trust_read(struct reading *reading, const char *text, size_t len, struct trust **out);
