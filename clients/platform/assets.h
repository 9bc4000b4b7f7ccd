/* The files that a platform's pages ask for: style sheet and pictures, in the platform's colour. */
#pragma once

#include <stddef.h>

struct http_fixed;
struct platform_settings;

/* Each NULL when there is no memory; free with http_fixed_free(). */
struct http_fixed *assets_style(size_t number);
struct http_fixed *assets_icon(size_t number, const struct platform_settings *settings);
struct http_fixed *assets_hills(void);
