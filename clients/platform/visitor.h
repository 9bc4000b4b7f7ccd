/* Who signed in, as the provider told it. */
#pragma once

#include <stdint.h>

#include "rp/rp.h"

enum { VISITOR_TEXT_MAX = 256 };

/* Texts that were not told, or are longer than a page would show, are empty. */
struct visitor {
    char subject[VISITOR_TEXT_MAX];
    char name[VISITOR_TEXT_MAX], uscc[VISITOR_TEXT_MAX];
    char entity_types[VISITOR_TEXT_MAX];                                 /* ids, space-separated */
    char authority_zh[VISITOR_TEXT_MAX], authority_en[VISITOR_TEXT_MAX]; /* its name */
    char serial[VISITOR_TEXT_MAX], key_number[VISITOR_TEXT_MAX];
    int64_t not_after; /* of the certificate, seconds since 1970; 0: not told */
    char acr[VISITOR_TEXT_MAX], amr[VISITOR_TEXT_MAX];
    int64_t auth_time; /* 0: not told */
};

void visitor_read(const struct rp_answer *answer, struct visitor *out);
