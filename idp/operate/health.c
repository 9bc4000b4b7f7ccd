/* Whether the program is alive: it answers. Whoever restarts it on a failure asks here, and not
 * whether it is ready: a database that is away is no reason to restart. */
#include "operate/health.h"

#include "http/http.h"
#include "operate/fail.h"

static enum idp_err health(struct request *rq, struct response *rs)
{
    (void)rq;
    static const char body[] = "{\"status\":\"alive\"}";
    return http_respond_bytes(rs, 200, "application/json", body, sizeof(body) - 1);
}

const struct route operate_health_route = {
    .spec = "docs/decisions/operating.md",
    .methods = HTTP_GET,
    .path = "/healthz",
    .waits = HTTP_WAITS_NEVER,
    .handle = health,
    .fail = operate_fail,
};
