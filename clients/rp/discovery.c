/*
 * OpenID Connect Discovery 1.0 section 4: the document tells where the endpoints are, and it
 * counts only when the issuer in it is, byte for byte, the one we asked (section 4.3).
 */
#include "rp/discovery.h"

#include <string.h>

#include "base/arena.h"
#include "rp/address.h"
#include "rp/note.h"

static bool lists(const json_t *document, const char *name, const char *wanted)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(document, name), i, entry)
    {
        if (json_is_string(entry) && strcmp(json_string_value(entry), wanted) == 0)
            return true;
    }
    return false;
}

static bool has(const json_t *document, const char *name)
{
    return json_object_get(document, name) != NULL;
}

/* Section 3: client_secret_basic is what a document without a list means. */
static bool takes_our_secret(const json_t *document, enum rp_client_auth auth)
{
    static const char *const names[] = {[RP_CLIENT_SECRET_BASIC] = "client_secret_basic",
                                        [RP_CLIENT_SECRET_POST] = "client_secret_post",
                                        [RP_CLIENT_NONE] = "none"};
    static const char list[] = "token_endpoint_auth_methods_supported";
    return has(document, list) ? lists(document, list, names[auth])
                               : auth == RP_CLIENT_SECRET_BASIC;
}

/* What the provider cannot do that we need, or NULL. */
static const char *missing(const json_t *document, enum rp_client_auth auth)
{
    if (!lists(document, "response_types_supported", "code"))
        return "the response type code";
    if (!lists(document, "id_token_signing_alg_values_supported", "RS256") &&
        !lists(document, "id_token_signing_alg_values_supported", "ES256"))
        return "RS256 and ES256";
    if (has(document, "code_challenge_methods_supported") &&
        !lists(document, "code_challenge_methods_supported", "S256"))
        return "PKCE with S256";
    return takes_our_secret(document, auth) ? NULL : "our client authentication";
}

/* An endpoint's address from the document; a bad one is as bad as none. */
static const char *endpoint(struct arena *arena, const json_t *document, const char *name,
                            bool development)
{
    const char *url = json_string_value(json_object_get(document, name));
    return url != NULL && rp_address_is_safe(url, development) ? arena_strdup(arena, url) : NULL;
}

static enum rp_err read_document(struct arena *arena, const struct rp_settings *settings,
                                 const json_t *document, struct rp_note *note,
                                 struct rp_metadata *out)
{
    bool development = settings->development;
    const char *issuer = json_string_value(json_object_get(document, "issuer"));
    if (issuer == NULL || strcmp(issuer, settings->issuer) != 0) /* section 4.3 */
        return rp_note_set(note, RP_BAD_PROVIDER, "the provider calls itself %s, not %s",
                           issuer != NULL ? issuer : "(nothing)", settings->issuer);
    const char *lack = missing(document, settings->client_auth);
    if (lack != NULL)
        return rp_note_set(note, RP_BAD_PROVIDER, "the provider does not offer %s", lack);
    *out = (struct rp_metadata){
        .authorization_endpoint = endpoint(arena, document, "authorization_endpoint", development),
        .token_endpoint = endpoint(arena, document, "token_endpoint", development),
        .jwks_uri = endpoint(arena, document, "jwks_uri", development),
        .userinfo_endpoint = endpoint(arena, document, "userinfo_endpoint", development),
        .answers_with_iss = json_is_true(
            json_object_get(document, "authorization_response_iss_parameter_supported")),
    };
    if (out->authorization_endpoint == NULL || out->token_endpoint == NULL ||
        out->jwks_uri == NULL ||
        (out->userinfo_endpoint == NULL && has(document, "userinfo_endpoint")))
        return rp_note_set(note, RP_BAD_PROVIDER,
                           "an endpoint of the provider is missing or not an https address");
    return RP_OK;
}

/* Fetches into scratch, keeps in arena. */
static enum rp_err fetch(struct arena *scratch, struct arena *arena,
                         const struct rp_settings *settings, const struct rp_limits *limits,
                         struct rp_note *note, struct rp_metadata *out)
{
    size_t len = strlen(settings->issuer);
    if (settings->issuer[len - 1] == '/') /* section 4: no double slash */
        len--;
    const struct rp_call call = {.url =
                                     arena_printf(scratch, "%.*s/.well-known/openid-configuration",
                                                  (int)len, settings->issuer)};
    struct rp_reply reply = {0};
    if (call.url == NULL)
        return rp_note_set(note, RP_FAULT, "out of memory");
    enum rp_err err = rp_fetch(scratch, limits, &call, note, &reply);
    if (err != RP_OK)
        return err;
    if (reply.status != 200 || reply.json == NULL)
        return rp_note_set(note, RP_BAD_PROVIDER, "%s answers %ld, or no JSON", call.url,
                           reply.status);
    return read_document(arena, settings, reply.json, note, out);
}

enum rp_err rp_discovery_fetch(struct arena *arena, const struct rp_settings *settings,
                               const struct rp_limits *limits, struct rp_note *note,
                               struct rp_metadata *out)
{
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return rp_note_set(note, RP_FAULT, "out of memory");
    enum rp_err err = fetch(scratch, arena, settings, limits, note, out);
    arena_free(scratch);
    return err;
}
