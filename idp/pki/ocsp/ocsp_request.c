#include "pki/ocsp/ocsp_request.h"

#include <stddef.h>

#include "net/fetch.h"
#include "pki/ocsp/ocsp.h"
#include "pki/ocsp/ocsp_get.h"

enum idp_err ocsp_request_write(struct arena *arena, const struct ocsp_question *question,
                                const char *url, const char *const *allow, struct net_request *out)
{
    enum idp_err err = IDP_OK;
    const char *address = question->rules->revocation.method == OCSP_GET
                              ? ocsp_get_address(arena, url, question, &err)
                              : NULL;
    *out = (struct net_request){.url = address != NULL ? address : url,
                                .accept = "application/ocsp-response",
                                .answer_max = OCSP_ANSWER_MAX,
                                .allow = allow};
    if (address != NULL)
        return IDP_OK;
    out->content_type = "application/ocsp-request";
    out->body = question->der;
    out->body_len = question->der_len;
    return err;
}
