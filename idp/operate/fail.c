#include "operate/fail.h"

#include <string.h>

#include "http/http.h"

void operate_fail(struct request *rq, struct response *rs, enum idp_err err)
{
    (void)rq;
    const char *body = "{\"error\":\"fault\"}";
    int status = 500;
    if (err == IDP_BAD_REQUEST) {
        body = "{\"error\":\"bad_request\"}";
        status = 400;
    }
    (void)http_respond_bytes(rs, status, "application/json", body, strlen(body));
}
