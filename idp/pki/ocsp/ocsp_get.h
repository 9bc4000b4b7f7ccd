/* A question as an address (RFC 6960 appendix A.1), for services that answer GET only. */
#pragma once

#include "pki/ocsp/ocsp.h"

struct arena;

enum { OCSP_GET_MAX = 255 /* characters of such an address */ };

/*
 * The service's address with the question behind it, from the arena. NULL when the question has to
 * be sent by POST: the address would be too long, or the service's own has a query, behind which
 * nothing can stand. Sets *err to IDP_FAULT when there is no memory, else to IDP_OK.
 */
const char *ocsp_get_address(struct arena *arena, const char *service,
                             const struct ocsp_question *question, enum idp_err *err);
