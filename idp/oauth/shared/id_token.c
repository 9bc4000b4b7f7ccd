#include "oauth/shared/id_token.h"

#include <string.h>

#include "access/acr.h"
#include "access/claims.h"
#include "access/grant.h"
#include "app.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/json_out.h"
#include "client/client.h"
#include "enterprise/holder.h"
#include "jose/sign.h"
#include "pki/pki.h"

enum { PAYLOAD_MAX = 8192, HALF = DIGEST_SIZE / 2 };

/* Section 3.1.3.6: the left half of the hash that the signature's algorithm uses, SHA-256. */
static enum idp_err write_at_hash(struct json_out *json, const char *access_token)
{
    unsigned char hash[DIGEST_SIZE];
    char text[BASE64URL_LEN(HALF) + 1];
    enum idp_err err = digest(DIGEST_SHA256, access_token, strlen(access_token), hash);
    if (err != IDP_OK)
        return err;
    base64url_encode(hash, HALF, text);
    json_out_text(json, "at_hash", text);
    return IDP_OK;
}

/* RFC 8176: a list. */
static void write_amr(struct json_out *json, const char *amr)
{
    json_out_array(json, "amr");
    json_out_words(json, amr);
    json_out_end_array(json);
}

static enum idp_err write_asked(struct app *app, struct arena *arena, struct json_out *json,
                                const struct grant *grant)
{
    const struct holder *holder = NULL;
    if (grant->claims.id_token == 0)
        return IDP_OK;
    enum idp_err err = holder_find(app->db, app->kv, arena, grant->lock, &holder);
    if (err == IDP_NOT_FOUND || (err == IDP_OK && !holder_in_good_standing(holder)))
        return IDP_DENIED;
    if (err != IDP_OK)
        return err;
    const struct trust *trust = pki_trust(app->pki, arena);
    if (trust == NULL)
        return IDP_FAULT;
    claims_write(json, grant->claims.id_token, holder, trust);
    return IDP_OK;
}

static enum idp_err write_payload(struct app *app, struct arena *arena, struct json_out *json,
                                  const struct id_token *t)
{
    enum idp_err err = IDP_OK;
    json_out_object(json, NULL);
    json_out_text(json, "iss", app->config.issuer);
    json_out_text(json, "sub", t->grant->enterprise);
    json_out_text(json, "aud", t->client->id);
    json_out_number(json, "exp", t->now + app->config.id_token_s);
    json_out_number(json, "iat", t->now);
    json_out_number(json, "auth_time", t->grant->auth_time);
    json_out_text(json, "nonce", t->nonce);
    json_out_text(json, "acr", t->grant->acr);
    json_out_text(json, "lock_status", acr_lock_status(t->grant->acr));
    write_amr(json, t->grant->amr);
    if (t->access_token != NULL)
        err = write_at_hash(json, t->access_token);
    if (err == IDP_OK)
        err = write_asked(app, arena, json, t->grant);
    json_out_end_object(json);
    return err;
}

enum idp_err id_token_make(struct app *app, struct arena *arena, const struct id_token *token,
                           const char **out)
{
    char buffer[PAYLOAD_MAX];
    struct json_out json = json_out_new(buffer, sizeof(buffer));
    enum idp_err err = write_payload(app, arena, &json, token);
    size_t len = json_out_done(&json);
    if (err != IDP_OK)
        return err;
    if (len == 0)
        return IDP_FAULT;
    const struct jose_payload payload = {
        .typ = "JWT", .bytes = buffer, .len = len, .now = token->now};
    return jose_sign(app->signer, token->client->id_token_alg, arena, &payload, out);
}
