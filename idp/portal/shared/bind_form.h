/* The form a bidder fills in when the enterprise is bound. */
#pragma once

#include "base/error.h"
#include "enterprise/binding.h"
#include "http/http.h"

/* The members of the form, for the route's parameters. */
extern const struct param bind_form_params[];

/*
 * Checks every field. Returns IDP_REFUSED with form.invalid, the first wrong field in the fact
 * "field" and all of them, space-separated, in "fields".
 */
enum idp_err bind_form_read(struct request *rq, struct binding_form *out);
