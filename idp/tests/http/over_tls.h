/* Lets a group of tests run once more, over TLS: as cmocka's set-up and tear-down of the group. */
#pragma once

#include "http/server.h"

int over_tls_begin(void **state);
int over_tls_end(void **state);

/* Adds certificate and key to the settings of a server while TLS is spoken. */
struct http_settings over_tls(struct http_settings settings);
