#include "net/fetch.h"

#include <stdint.h>

#include "base/clock.h"
#include "base/lane.h"
#include "net/exchange.h"

static enum idp_err transfer(struct net *net, struct arena *arena, struct net_exchange *exchange,
                             unsigned deadline_ms, struct net_answer *out)
{
    CURL *handle = net_handle();
    if (handle == NULL)
        return IDP_FAULT;
    enum idp_err err = net_exchange_bind(exchange, net, handle, deadline_ms);
    if (err == IDP_OK)
        err = net_exchange_outcome(exchange, handle, curl_easy_perform(handle), arena, out);
    curl_easy_reset(handle); /* keeps the connections, forgets everything borrowed */
    net_exchange_clear(exchange);
    return err;
}

enum idp_err net_fetch(struct net *net, struct arena *arena, const struct net_request *request,
                       struct net_answer *out)
{
    struct net_exchange exchange;
    int64_t end = clock_ticks_ms() + request->deadline_ms;
    if (!lane_may_wait())
        return IDP_WAIT;
    enum idp_err err = net_exchange_aim(net, request, request->deadline_ms, &exchange);
    if (err != IDP_OK)
        return err;
    int64_t left = end - clock_ticks_ms();
    return left > 0 ? transfer(net, arena, &exchange, (unsigned)left, out) : IDP_UNAVAILABLE;
}
