/*
 * The trust list: which certification authorities are believed, how each writes its certificates,
 * and where it answers about revocation. Authorities differ, and the same OID means different
 * things at two of them, so nothing about a certificate is known without this list
 * (schema/trust-list.schema.json).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct authority_rules; /* pki/trust/rules.h, for this room only */

struct authority {
    const char *id;
    const char *name_zh, *name_en;
    const char *phone;       /* what its holders may call */
    const char *environment; /* "test" or "production" */
    int64_t rights_ended;    /* what its locks gave before, or then, is over; seconds, 0: never */
    const struct authority_rules *rules;
};

/* A certificate of the list, as evidence keeps it. */
struct trust_certificate {
    const unsigned char *hash; /* SHA-256 of the DER */
    const unsigned char *der;
    size_t der_len;
};

struct trust {
    char version[65];     /* SHA-256 of the document, hex: names it in logs and evidence */
    int64_t loading;      /* of its row (pki/trust/trust_rows.h); 0: it comes from none */
    const char *document; /* the text, as it was read */
    size_t document_len;
    int64_t number; /* of this version of the list: a later one has a higher number */
    int64_t issued; /* seconds since 1970, as the list says */
    const char
        *signatures; /* enough managers' (pki/trust/trust_signatures.h), as JSON; NULL: unsigned */
    const struct authority *authorities;
    size_t count; /* at least 1 */
};

enum {
    TRUST_FILE_MAX = 4 * 1024 * 1024,
    TRUST_AUTHORITIES_MAX = 64,
};

/*
 * Reads and checks the whole list, but nobody's signature. Returns IDP_BAD_REQUEST when it is
 * missing, empty or wrong in any point; then *why is one line for the operator, to be freed with
 * free(): the file, the place (authorities[1].profile.uscc[0].extension) and what was expected.
 * IDP_FAULT: no memory, *why is NULL. *out is freed with trust_free().
 */
enum idp_err trust_load(const char *path, char **why, struct trust **out);

/* The same for a text of len bytes; name stands for the file in *why. */
enum idp_err trust_parse(const char *name, const char *text, size_t len, char **why,
                         struct trust **out);

/* NULL is allowed. */
void trust_free(struct trust *trust);

/* Lets the list keep a copy of the signatures that were verified. IDP_FAULT: no memory. */
enum idp_err trust_keep_signatures(struct trust *trust, const char *text, size_t len);

/* Sets authority->rights_ended; nothing when there is no such authority. Not once it is shared. */
void trust_set_rights_ended(struct trust *trust, const char *id, int64_t seconds);

/* The authority of that id, or NULL. */
const struct authority *trust_find(const struct trust *trust, const char *id);

/*
 * The "host:port" texts of all status services and places of lists, ending with NULL: what a
 * question to one of them may be allowed (net/fetch.h). They live as long as the list.
 */
const char *const *trust_hosts(const struct trust *trust);
