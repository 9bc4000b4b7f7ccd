#pragma once

struct route;

/* Binding an enterprise: what may be chosen, the certificate read, the form confirmed. */
extern const struct route portal_bind_choices_route, portal_bind_read_route,
    portal_bind_confirm_route;
