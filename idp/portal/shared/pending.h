/*
 * The platform's request that a page is about: found again, checked again (docs/security.md row
 * 25), and finished.
 */
#pragma once

#include "access/authorization.h"
#include "access/interaction.h"
#include "base/error.h"

struct client;
struct request;

struct pending {
    const struct interaction *in;
    const struct client *client;
    enum authorization_need need;
};

/*
 * Finds the interaction of this session and its client as the row is now. Returns IDP_REFUSED when
 * it is gone, or the client is not active or has lost the redirect URI.
 */
enum idp_err portal_find_pending(struct request *rq, const char *id, struct pending *out);

/* Ends the interaction, which works once, and issues the code: *out is where the browser goes. */
enum idp_err portal_finish_pending(struct request *rq, const struct pending *pending,
                                   const char **out);
