/* How handlers say what to answer. Nothing is sent here. */
#include "http/http.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/arena.h"
#include "base/json_out.h"

enum { FIRST_GUESS = 1024 };

/* Writes the value into the arena; most answers fit the first guess and are written once. */
static enum idp_err dump(struct arena *arena, const json_t *body, const char **text, size_t *len)
{
    size_t size = FIRST_GUESS;
    char *buffer = arena_alloc(arena, size);
    size_t n = buffer != NULL ? json_dumpb(body, buffer, size, JSON_COMPACT) : 0;
    if (n > size) {
        size = n;
        buffer = arena_alloc(arena, size);
        n = buffer != NULL ? json_dumpb(body, buffer, size, JSON_COMPACT) : 0;
    }
    if (n == 0 || n > size)
        return IDP_FAULT;
    *text = buffer;
    *len = n;
    return IDP_OK;
}

enum idp_err http_respond_json(struct request *rq, struct response *rs, int status, json_t *body)
{
    const char *text = NULL;
    size_t len = 0;
    if (body == NULL)
        return IDP_FAULT;
    enum idp_err err = dump(rq->arena, body, &text, &len);
    json_decref(body);
    return err == IDP_OK ? http_respond_bytes(rs, status, "application/json", text, len) : err;
}

enum idp_err http_respond_written(struct request *rq, struct response *rs, struct json_out *json)
{
    size_t len = json_out_done(json);
    const char *body = len > 0 ? arena_copy(rq->arena, json->buffer, len) : NULL;
    OPENSSL_cleanse(json->buffer, json->len);
    return body != NULL ? http_respond_bytes(rs, 200, "application/json", body, len) : IDP_FAULT;
}

enum idp_err http_respond_bytes(struct response *rs, int status, const char *type, const char *body,
                                size_t len)
{
    rs->status = status;
    rs->type = type;
    rs->body = body;
    rs->body_len = len;
    rs->fixed = NULL;
    return IDP_OK;
}

enum idp_err http_redirect(struct response *rs, const char *location)
{
    enum idp_err err = http_header_add(rs, "Location", location);
    return err == IDP_OK ? http_respond_bytes(rs, 303, NULL, NULL, 0) : err;
}

/* Field values of RFC 9110 section 5.5, without the tab that libmicrohttpd refuses. */
static bool is_field_value(const char *s)
{
    if (s == NULL || *s == '\0')
        return false;
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7F)
            return false;
    return true;
}

enum idp_err http_header_add(struct response *rs, const char *name, const char *value)
{
    if (rs->header_count == HTTP_HEADERS_MAX || !is_field_value(name) || !is_field_value(value))
        return IDP_FAULT;
    rs->headers[rs->header_count++] = (struct http_header){.name = name, .value = value};
    return IDP_OK;
}
