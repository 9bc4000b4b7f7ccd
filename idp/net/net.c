#include "net/net.h"

#include <stdlib.h>
#include <string.h>

#include "net/target.h"

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    while (list[n] != NULL)
        n++;
    char **copy = calloc(n + 1, sizeof(*copy));
    for (size_t i = 0; i < n && copy != NULL; i++)
        copy[i] = strdup(list[i]);
    return copy;
}

enum idp_err net_new(const char *const *allow, struct net **out)
{
    static const char *const nothing[] = {NULL};
    net_start();
    struct net *net = calloc(1, sizeof(*net));
    if (net == NULL)
        return IDP_FAULT;
    net->resolver = net_system_resolver;
    net->allow = copy_list(allow != NULL ? allow : nothing);
    if (net->allow == NULL) {
        free(net);
        return IDP_FAULT;
    }
    net_pool_init(&net->pool);
    *out = net;
    return IDP_OK;
}

void net_free(struct net *net)
{
    if (net == NULL)
        return;
    net_pool_clear(&net->pool);
    for (size_t i = 0; net->allow[i] != NULL; i++)
        free(net->allow[i]);
    free((void *)net->allow);
    free(net);
}

void net_interrupt(struct net *net)
{
    atomic_store(&net->interrupted, true);
}

void net_set_resolver(struct net *net, struct net_resolver resolver)
{
    net->resolver = resolver;
}
