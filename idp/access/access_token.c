#include "access/access_token.h"

#include <string.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/text.h"
#include "jose/purpose_keys.h"

enum {
    KEY_ID_SIZE = 1,
    NUMBER_SIZE = 4, /* random: tells the tokens of a grant apart */
    EXPIRY_SIZE = 8,
    LIFETIME_SIZE = 4,
    SCOPES_SIZE = 2,
    NUMBER_AT = KEY_ID_SIZE + GRANT_ID_SIZE,
    EXPIRY_AT = NUMBER_AT + NUMBER_SIZE,
    LIFETIME_AT = EXPIRY_AT + EXPIRY_SIZE,
    SCOPES_AT = LIFETIME_AT + LIFETIME_SIZE,
    BODY_SIZE = SCOPES_AT + SCOPES_SIZE,
    TOKEN_SIZE = BODY_SIZE + DIGEST_SIZE,
    TOKEN_TEXT = BASE64URL_LEN(TOKEN_SIZE),
};

static void put_number(unsigned char *at, uint64_t v, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(v >> 8 * (size - 1 - i));
}

static uint64_t get_number(const unsigned char *at, size_t size)
{
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++)
        v = v << 8 | at[i];
    return v;
}

static enum idp_err tag_of(const struct mac_key *key, const unsigned char *body,
                           unsigned char tag[DIGEST_SIZE])
{
    static const char label[] = "access token";
    const struct digest_piece pieces[] = {
        {label, sizeof(label)}, {body, BODY_SIZE}, {.bytes = NULL}};
    return mac(key, pieces, tag);
}

enum idp_err access_token_make(const struct access *access, struct arena *arena,
                               const struct access_token *token, int64_t now, const char **out)
{
    unsigned char bytes[TOKEN_SIZE];
    const struct mac_key *key = purpose_key_active(access->keys, PURPOSE_TOKEN, &bytes[0]);
    char *text = arena_alloc(arena, TOKEN_TEXT + 1);
    memcpy(bytes + KEY_ID_SIZE, token->grant, GRANT_ID_SIZE);
    put_number(bytes + EXPIRY_AT, (uint64_t)(now + access->access_token_s), EXPIRY_SIZE);
    put_number(bytes + LIFETIME_AT, (uint64_t)access->access_token_s, LIFETIME_SIZE);
    put_number(bytes + SCOPES_AT, token->scopes, SCOPES_SIZE);
    if (text == NULL || random_bytes(bytes + NUMBER_AT, NUMBER_SIZE) != IDP_OK ||
        tag_of(key, bytes, bytes + BODY_SIZE) != IDP_OK)
        return IDP_FAULT;
    base64url_encode(bytes, sizeof(bytes), text);
    *out = text;
    return IDP_OK;
}

enum idp_err access_token_read(const struct access *access, const char *text, int64_t now,
                               struct access_token *out)
{
    unsigned char bytes[TOKEN_SIZE];
    unsigned char tag[DIGEST_SIZE];
    size_t n = 0;
    if (strlen(text) != TOKEN_TEXT ||
        base64url_decode(text, TOKEN_TEXT, bytes, sizeof(bytes), &n) != IDP_OK || n != TOKEN_SIZE)
        return IDP_BAD_TOKEN;
    const struct mac_key *key = purpose_key_by_id(access->keys, PURPOSE_TOKEN, bytes[0]);
    if (key == NULL)
        return purpose_keys_stale(access->keys) ? IDP_UNAVAILABLE : IDP_BAD_TOKEN;
    if (tag_of(key, bytes, tag) != IDP_OK)
        return IDP_FAULT;
    if (!text_same_secret(tag, bytes + BODY_SIZE, sizeof(tag)))
        return IDP_BAD_TOKEN;
    int64_t expires = (int64_t)get_number(bytes + EXPIRY_AT, EXPIRY_SIZE);
    if (now >= expires)
        return IDP_BAD_TOKEN;
    memcpy(out->grant, bytes + KEY_ID_SIZE, GRANT_ID_SIZE);
    out->scopes = (uint16_t)get_number(bytes + SCOPES_AT, SCOPES_SIZE);
    out->expires = expires;
    out->issued = expires - (int64_t)get_number(bytes + LIFETIME_AT, LIFETIME_SIZE);
    return IDP_OK;
}

enum idp_err access_token_grant(const struct access *access, struct arena *arena,
                                const struct access_token *token, const struct grant **out)
{
    enum idp_err err = grant_find(access, arena, token->grant, out);
    if (err == IDP_NOT_FOUND)
        return IDP_BAD_TOKEN;
    if (err == IDP_OK && ((*out)->ended || !grant_authority_is_listed(access, *out)))
        return IDP_BAD_TOKEN;
    if (err == IDP_OK && token->scopes != ACCESS_TOKEN_ALL_SCOPES)
        err = grant_narrow(arena, *out, token->scopes, out);
    return err;
}

enum idp_err access_token_find(const struct access *access, struct arena *arena, const char *text,
                               int64_t now, struct access_token *token, const struct grant **out)
{
    enum idp_err err = access_token_read(access, text, now, token);
    return err == IDP_OK ? access_token_grant(access, arena, token, out) : err;
}
