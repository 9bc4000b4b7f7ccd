/* An answer and what it is made of. */
#pragma once

#include <jansson.h>

#include "rp/redeem.h"

/* Makes the answer of copies and references of its own. userinfo may be NULL. Returns RP_FAULT. */
enum rp_err rp_answer_new(const struct rp_tokens *tokens, const json_t *claims,
                          const json_t *userinfo, int64_t now, struct rp_answer **out);
