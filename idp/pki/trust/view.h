/*
 * A trust list with all that rests on it: the leaves that were judged by it, the verdicts that are
 * not good, and the line to each of its authorities. Another list is another view: nothing that was
 * judged by the old one is believed under the new one.
 */
#pragma once

#include "pki/lock/leaf.h"
#include "pki/lock/leaves.h"
#include "pki/ocsp/line.h"
#include "pki/ocsp/verdicts.h"
#include "pki/trust/trust.h"

struct view {
    struct trust *trust; /* owned */
    struct leaves *leaves;
    struct verdicts refused; /* guarded by the lock of asking.c */
    struct line *lines[];    /* one for each authority, in the list's order */
};

/*
 * Makes a view of a list, which it takes over when it succeeds. The lines of authorities that stand
 * in the view before it, which may be NULL, are shared. Returns NULL when there is no memory.
 */
struct view *view_new(struct trust *trust, const struct view *before);

/* Frees the list, too. NULL is allowed. */
void view_free(struct view *view);

/* Frees the view without the list, which is the caller's again. NULL is allowed. */
void view_drop(struct view *view);

/*
 * The leaf of a certificate: one seen before, or parsed, judged by this view and kept if its path
 * is good. *out has a reference. Returns IDP_REFUSED when it cannot be read, IDP_FAULT.
 */
enum idp_err view_leaf(struct view *view, const unsigned char *der, size_t len, struct leaf **out);

/* The line to the authority that issued a leaf which was judged by this view. */
struct line *view_line(const struct view *view, const struct leaf *leaf);
