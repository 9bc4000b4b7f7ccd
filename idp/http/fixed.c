/* Answers that are the same for everybody, made ready once. */
#include "http/fixed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/digest.h"
#include "http/send.h"

static bool make_etag(struct http_fixed *fixed, const void *body, size_t len)
{
    unsigned char hash[DIGEST_SIZE];
    char text[BASE64URL_LEN(DIGEST_SIZE) + 1];
    if (digest(DIGEST_SHA256, body, len, hash) != IDP_OK)
        return false;
    base64url_encode(hash, sizeof(hash), text);
    (void)snprintf(fixed->etag, sizeof(fixed->etag), "\"%s\"", text);
    return true;
}

static bool add_headers(struct http_fixed *fixed, const struct http_header *headers)
{
    for (; headers != NULL && headers->name != NULL; headers++)
        if (http_header_add(&fixed->answer, headers->name, headers->value) != IDP_OK)
            return false;
    return http_header_add(&fixed->answer, "ETag", fixed->etag) == IDP_OK;
}

/* The 304 repeats the headers that the 200 would have had (RFC 9110 section 15.4.5). */
static bool make_ready(struct http_fixed *fixed)
{
    if (strncasecmp(fixed->answer.type, "text/html", 9) == 0)
        return true;
    struct response unchanged = fixed->answer;
    unchanged.body = NULL;
    unchanged.body_len = 0;
    fixed->full = http_send_make(&fixed->answer, fixed, NULL);
    fixed->unchanged = http_send_make(&unchanged, fixed, NULL);
    return fixed->full != NULL && fixed->unchanged != NULL;
}

struct http_fixed *http_fixed_new(const char *type, const void *body, size_t len,
                                  const struct http_header *headers)
{
    struct http_fixed *fixed = calloc(1, sizeof(*fixed) + len + 1);
    if (fixed == NULL)
        return NULL;
    atomic_init(&fixed->users, 1);
    atomic_init(&fixed->holders, 1);
    fixed->self = fixed;
    if (len > 0)
        memcpy(fixed->body, body, len);
    fixed->answer = (struct response){
        .status = 200, .type = type, .body = (const char *)fixed->body, .body_len = len};
    if (make_etag(fixed, fixed->body, len) && add_headers(fixed, headers) && make_ready(fixed))
        return fixed;
    http_fixed_free(fixed);
    return NULL;
}

void http_fixed_leave(void *fixed)
{
    struct http_fixed *left = fixed;
    if (atomic_fetch_sub(&left->holders, 1) == 1)
        free(left);
}

void http_fixed_free(struct http_fixed *fixed)
{
    if (fixed == NULL || atomic_fetch_sub(&fixed->users, 1) > 1)
        return;
    if (fixed->full != NULL)
        MHD_destroy_response(fixed->full);
    if (fixed->unchanged != NULL)
        MHD_destroy_response(fixed->unchanged);
    http_fixed_leave(fixed);
}

/* Weak comparison against a list of entity tags (RFC 9110 sections 8.8.3.2 and 13.1.2). */
static bool names_etag(const char *list, const char *etag)
{
    size_t etag_len = strlen(etag);
    if (strcmp(list, "*") == 0)
        return true;
    while (*list != '\0') {
        list += strspn(list, " \t,");
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        size_t len = strcspn(list, ", \t"); /* our tags hold none of these */
        if (len == etag_len && memcmp(list, etag, len) == 0)
            return true;
        list += len;
    }
    return false;
}

enum idp_err http_respond_fixed(struct request *rq, struct response *rs,
                                const struct http_fixed *fixed)
{
    bool unchanged = rq->if_none_match != NULL && names_etag(rq->if_none_match, fixed->etag);
    rs->fixed = fixed;
    rs->status = unchanged ? 304 : 200;
    rs->type = fixed->answer.type;
    rs->body = unchanged ? NULL : fixed->answer.body;
    rs->body_len = unchanged ? 0 : fixed->answer.body_len;
    return IDP_OK;
}
