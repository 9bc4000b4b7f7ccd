/*
 * Everything that is signed about a lock, made anew with one thing wrong at a time, and judged by
 * the functions that judge it in production: the lock itself, a chain, a list of revoked
 * certificates, a delta, an answer about its status. With keys of one kind throughout.
 */
#pragma once

#include "pki/trust/trust.h"
#include "tests/pki/crl_make.h"
#include "tests/pki_region.h"

/* The authorities of one kind of key. */
struct shapes {
    const char *kind;
    struct region_authority own, same, stranger; /* `same` has the names of `own` and other keys */
    struct region_holder lock;                   /* of `own`, with nothing wrong */
    char serial[CRL_MAKE_SERIAL_SIZE];           /* its */
    struct trust *trust;                         /* believes `own` and `stranger` */
};

void shapes_make(struct shapes *shapes, const char *kind);
void shapes_clear(struct shapes *shapes);

enum { SHAPE_EXTENSIONS_MAX = 12 };

struct shape_certificate {
    struct region_certificate how;
    struct region_pair extensions[SHAPE_EXTENSIONS_MAX];
};

/* How the objects are made; shape_begin() has nothing wrong. */
struct shape {
    const struct shapes *of;
    struct shape_certificate root, middle, lock, responder, list_issuer;
    struct crl_making_entry entry, changed; /* of the full list and the delta */
    struct crl_making full, delta;
    struct region_status status;
    int nonce;               /* what the trust list says: enum nonce_mode */
    bool pinned;             /* so is the responder */
    bool responder_as_issue; /* the responder is issued; else it is what `status` says */
    bool patch_algorithm;    /* the outer AlgorithmIdentifier becomes another … */
    bool patch_parameters;   /* … or its parameters, NULL, become an empty string */
    size_t flip;             /* from 1: the byte with a wrong bit; 0: none */
    size_t made;             /* set: the length of what was judged */
};

struct shape shape_begin(const struct shapes *of);

/* Sets an extension by its name, adds it, or takes it away (value NULL). */
void shape_set(struct shape_certificate *certificate, const char *name, const char *value);

/*
 * Makes one object and judges it. Returns "good", or what is wrong in production's own words: the
 * code of a reason, a fault or objection of lists, a fault of answers; "path" and "time" of chains;
 * "revoked", "on_hold", "unknown".
 */
typedef const char *shape_judge(struct shape *shape);
shape_judge shape_lock, shape_chain, shape_list, shape_delta, shape_answer;
