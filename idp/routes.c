/* The table of contents of the server. */
#include "routes.h"

#include <stddef.h>

#include "oauth/authorize.h"
#include "oauth/discovery.h"
#include "oauth/introspect.h"
#include "oauth/jwks.h"
#include "oauth/token.h"
#include "oauth/userinfo.h"
#include "portal/bind.h"
#include "portal/challenge.h"
#include "portal/consent.h"
#include "portal/help.h"
#include "portal/interaction.h"
#include "portal/pages.h"
#include "portal/platforms.h"
#include "portal/session.h"
#include "portal/sign_in.h"

const struct route *const idp_routes[] = {
    /* what client programs call */
    &oauth_discovery_route,
    &oauth_jwks_route,
    &oauth_authorize_route,
    &oauth_token_route,
    &oauth_userinfo_route,
    &oauth_introspect_route,

    /* what a bidder's browser calls */
    &portal_session_route,
    &portal_sign_out_route,
    &portal_challenge_route,
    &portal_certificate_route,
    &portal_sign_in_route,
    &portal_interaction_route,
    &portal_continue_route,
    &portal_consent_route,
    &portal_platforms_route,
    &portal_launch_route,
    &portal_bind_choices_route,
    &portal_bind_read_route,
    &portal_bind_confirm_route,
    &portal_help_route,
    &portal_download_route,
    &portal_package_route,

    /* everything else is a page */
    &portal_pages_route,
    NULL,
};
