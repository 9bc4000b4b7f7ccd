/*
 * The one error type of the program.
 *
 * A function that can fail returns enum idp_err and hands its result out through
 * a last parameter named out, which it sets only when it returns IDP_OK.
 */
#pragma once

enum idp_err {
    IDP_OK = 0,

    /* The caller's doing. */
    IDP_BAD_REQUEST, /* a parameter is missing, repeated, too long or malformed */
    IDP_BAD_CLIENT,  /* the client did not prove who it is */
    IDP_BAD_GRANT,   /* code, refresh token or assertion is no good */
    IDP_BAD_SCOPE,   /* asks for more than it may have */
    IDP_BAD_TOKEN,   /* the access token is no good */
    IDP_DENIED,      /* known, but not allowed */
    IDP_REFUSED,     /* refused for a reason that stands in a struct refusal */
    IDP_LIMITED,     /* too many requests; the caller may come again */
    IDP_NOT_FOUND,   /* an expected outcome of a look-up; handlers resolve it */
    IDP_CONFLICT,    /* it exists already, or another value stands there */

    /* Ours. */
    IDP_WAIT,        /* the answer has to be waited for, which this thread may not do */
    IDP_UNAVAILABLE, /* database, HSM or upstream does not answer */
    IDP_FULL,        /* a bounded store, queue or quota has no room */
    IDP_FAULT,       /* out of memory, or a bug */
};
