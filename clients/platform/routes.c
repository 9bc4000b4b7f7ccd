#include "platform/routes.h"

#include <stddef.h>

#include "platform/pages/pages.h"

const struct route *const platform_routes[] = {
    /* for everybody */
    &platform_home_route,
    &platform_style_route,
    &platform_icon_route,
    &platform_hills_route,
    &platform_missing_route,
    /* signing in */
    &platform_login_route,
    &platform_initiate_route,
    &platform_callback_route,
    &platform_confirm_page_route,
    &platform_confirm_route,
    /* inside */
    &platform_inside_route,
    &platform_filing_route,
    &platform_logout_route,
    NULL,
};
