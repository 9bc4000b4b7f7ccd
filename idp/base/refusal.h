/*
 * Why something was refused, for the three who ask: the program at the other end (a
 * code), the operator (a sentence in the log), the bidder (what happened and what to
 * do next, in Chinese and English).
 *
 * Each room keeps its reasons as const structs in one table. A function that refuses
 * fills a struct refusal and returns IDP_REFUSED; facts such as the authority's name
 * and phone are put into the texts where {name} stands.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct arena;

struct reason {
    const char *code;          /* stable, e.g. lock.revoked */
    int status;                /* HTTP */
    const char *operator_note; /* for the log */
    const char *action;        /* the button to offer: bind, sign_in, retry, call; or NULL */
    const char *zh, *zh_next;  /* what happened; what to do next */
    const char *en, *en_next;
};

enum { REFUSAL_FACTS_MAX = 8 };

struct refusal {
    const struct reason *reason;
    const char
        *about; /* what was refused, for the log: a certificate's hash; NULL: nothing named */
    struct {
        const char *name, *value;
    } facts[REFUSAL_FACTS_MAX];
    size_t count;
};

/* Sets the reason, keeps the facts. Returns IDP_REFUSED, so that callers can return it. */
enum idp_err refusal_set(struct refusal *refusal, const struct reason *reason);

/*
 * Adds a fact (borrowed: both must live as long as the refusal). A NULL value is left out, a
 * name that is there already is replaced, one too many is dropped.
 */
void refusal_fact(struct refusal *refusal, const char *name, const char *value);

/* The value of a fact, or NULL. */
const char *refusal_find(const struct refusal *refusal, const char *name);

/*
 * Returns text with each {name} replaced by its fact (by nothing when there is none), from the
 * arena, or NULL when there is no memory. A NULL text gives an empty one.
 */
char *refusal_text(const struct refusal *refusal, struct arena *arena, const char *text);
