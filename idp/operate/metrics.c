/* What the program counts, for Prometheus. Nothing is asked of a store: figures are there when
 * everything else is away. */
#include "operate/metrics.h"

#include "http/http.h"
#include "operate/exposition.h"
#include "operate/fail.h"
#include "operate/families.h"

static enum idp_err metrics(struct request *rq, struct response *rs)
{
    size_t len = 0;
    struct exposition e = exposition_new(rq->arena);
    families_of_process(&e, rq);
    families_of_server(&e, rq);
    families_of_stores(&e, rq);
    families_of_authorities(&e, rq);
    families_of_lists(&e, rq);
    families_of_trust(&e, rq);
    families_of_outbox(&e, rq);
    const char *text = exposition_done(&e, &len);
    return text != NULL ? http_respond_bytes(rs, 200, EXPOSITION_TYPE, text, len) : IDP_FAULT;
}

/* It reads files of /proc, which is not for a thread of the network. */
const struct route operate_metrics_route = {
    .spec = "docs/decisions/operating.md",
    .methods = HTTP_GET,
    .path = "/metrics",
    .waits = HTTP_WAITS_ALWAYS,
    .handle = metrics,
    .fail = operate_fail,
};
