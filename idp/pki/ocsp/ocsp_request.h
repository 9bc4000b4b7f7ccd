/* A question to a status service as an HTTP request (RFC 6960 appendix A). */
#pragma once

#include "base/error.h"

struct arena;
struct net_request;
struct ocsp_question;

/*
 * Writes the request to one address, by GET where the authority wants that and it can be done; what
 * it needs is the arena's, or the question's. allow: what is allowed beside the net's own list.
 */
enum idp_err ocsp_request_write(struct arena *arena, const struct ocsp_question *question,
                                const char *url, const char *const *allow, struct net_request *out);
