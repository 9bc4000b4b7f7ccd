/* The pages, by file. */
#pragma once

struct route;

/* welcome.c: the platform's home page, and what does not exist */
extern const struct route platform_home_route, platform_missing_route;

/* files.c */
extern const struct route platform_style_route, platform_icon_route, platform_hills_route;

/* sign_in.c: GET /login, /initiate, /callback */
extern const struct route platform_login_route, platform_initiate_route, platform_callback_route;

/* confirm.c: GET and POST /confirm */
extern const struct route platform_confirm_page_route, platform_confirm_route;

/* inside.c: GET /home, POST /filing, POST /logout */
extern const struct route platform_inside_route, platform_filing_route, platform_logout_route;
