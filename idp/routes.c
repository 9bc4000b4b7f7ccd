/* The table of contents of the server. */
#include "routes.h"

#include <stddef.h>

#include "oauth/authorize.h"
#include "oauth/discovery.h"
#include "oauth/introspect.h"
#include "oauth/jwks.h"
#include "oauth/revoke.h"
#include "oauth/token.h"
#include "oauth/userinfo.h"
#include "operate/health.h"
#include "operate/metrics.h"
#include "operate/ready.h"
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
    &oauth_discovery_route,  /* GET /.well-known/openid-configuration */
    &oauth_jwks_route,       /* GET /oauth2/jwks */
    &oauth_authorize_route,  /* GET, POST /oauth2/authorize */
    &oauth_token_route,      /* POST /oauth2/token */
    &oauth_userinfo_route,   /* GET, POST /oauth2/userinfo */
    &oauth_introspect_route, /* POST /oauth2/introspect */
    &oauth_revoke_route,     /* POST /oauth2/revoke */

    /* what a bidder's browser calls */
    &portal_session_route,      /* GET /api/session */
    &portal_sign_out_route,     /* POST /api/sign-out */
    &portal_challenge_route,    /* POST /api/challenge */
    &portal_certificate_route,  /* POST /api/certificate */
    &portal_sign_in_route,      /* POST /api/sign-in */
    &portal_interaction_route,  /* GET /api/interaction */
    &portal_continue_route,     /* POST /api/continue */
    &portal_consent_route,      /* POST /api/consent */
    &portal_platforms_route,    /* GET /api/platforms */
    &portal_launch_route,       /* POST /api/launch */
    &portal_bind_choices_route, /* GET /api/bind/choices */
    &portal_bind_read_route,    /* POST /api/bind/read */
    &portal_bind_confirm_route, /* POST /api/bind/confirm */
    &portal_help_route,         /* GET /api/help */
    &portal_download_route,     /* GET /api/download */
    &portal_package_route,      /* GET /download/… */

    /* everything else is a page */
    &portal_pages_route, /* GET /… */
    NULL,
};

/* On a listener of its own, where the settings want one. */
const struct route *const idp_operate_routes[] = {
    &operate_health_route,  /* GET /healthz */
    &operate_ready_route,   /* GET /readyz */
    &operate_metrics_route, /* GET /metrics */
    NULL,
};
