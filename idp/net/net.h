/*
 * What all that goes out shares: the allow-list, the resolver, and the end of it all.
 */
#pragma once

#include "base/error.h"

struct net;

/* allow: "host:port" texts that may be plain http and may have any address; ends with NULL. */
enum idp_err net_new(const char *const *allow, struct net **out);
void net_free(struct net *net);

/* Breaks off what is on its way, within a second or so, and whatever comes after: for stopping. */
void net_interrupt(struct net *net);
