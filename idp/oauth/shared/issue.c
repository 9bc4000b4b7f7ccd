#include "oauth/shared/issue.h"

#include <string.h>

#include "access/grant.h"
#include "app.h"
#include "base/json_out.h"
#include "base/text.h"
#include "http/http.h"
#include "oauth/shared/id_token.h"

enum { ANSWER_MAX = 8192 };

struct tokens {
    const char *access_token, *id_token, *refresh_token;
};

static enum idp_err write_answer(struct request *rq, struct response *rs,
                                 const struct tokens *tokens, const char *scope)
{
    char buffer[ANSWER_MAX];
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    json_out_object(&json, NULL);
    json_out_text(&json, "access_token", tokens->access_token);
    json_out_text(&json, "token_type", "Bearer");
    json_out_number(&json, "expires_in", rq->app->access.access_token_s);
    json_out_text(&json, "refresh_token", tokens->refresh_token);
    json_out_text(&json, "id_token", tokens->id_token);
    json_out_text(&json, "scope", *scope != '\0' ? scope : NULL);
    json_out_end_object(&json);
    return http_respond_written(rq, rs, &json);
}

enum idp_err issue_tokens(struct request *rq, struct response *rs, const struct issue *issue)
{
    struct tokens tokens = {.refresh_token = issue->refresh_token};
    struct access_token token = {.scopes = issue->scopes};
    const struct grant *grant = issue->grant;
    enum idp_err err = IDP_OK;
    memcpy(token.grant, grant->id, GRANT_ID_SIZE);
    if (issue->scopes != ACCESS_TOKEN_ALL_SCOPES)
        err = grant_narrow(rq->arena, grant, issue->scopes, &grant);
    if (err == IDP_OK)
        err = access_token_make(&rq->app->access, rq->arena, &token, rq->now, &tokens.access_token);
    const struct id_token wanted = {.client = rq->client,
                                    .grant = grant,
                                    .nonce = issue->nonce,
                                    .access_token = tokens.access_token,
                                    .now = rq->now};
    if (err == IDP_OK && text_list_has(grant->scope, "openid"))
        err = id_token_make(rq->app, rq->arena, &wanted, &tokens.id_token);
    if (err != IDP_OK)
        return err == IDP_DENIED ? IDP_BAD_GRANT : err;
    return write_answer(rq, rs, &tokens, grant->scope);
}
