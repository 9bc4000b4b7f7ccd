#include "pki/lock/lock_answer.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "pki/reasons.h"

static const char *const members[] = {"format", "algorithm", "certificate", "signature",
                                      "agentVersion"};
enum { MEMBERS = sizeof(members) / sizeof(*members) };

static const char *const algorithms[] = {
    [LOCK_RS256] = "RS256", [LOCK_PS256] = "PS256", [LOCK_ES256] = "ES256", [LOCK_SM2] = "SM2"};
enum { ALGORITHMS = sizeof(algorithms) / sizeof(*algorithms) };

const char *lock_algorithm_name(enum lock_algorithm algorithm)
{
    return algorithms[algorithm];
}

/* Exactly the members of the format, each a text without NUL. */
static bool has_the_members(const json_t *json)
{
    if (json_object_size(json) != MEMBERS)
        return false;
    for (size_t i = 0; i < MEMBERS; i++) {
        const json_t *value = json_object_get(json, members[i]);
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
            return false;
    }
    return true;
}

static const char *text(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static bool is_version(const char *version)
{
    size_t len = strlen(version);
    if (len == 0 || len > LOCK_AGENT_VERSION_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (version[i] < '!' || version[i] > '~')
            return false;
    return true;
}

/* Decodes a member of 1 to max bytes. */
static enum idp_err decode(struct arena *arena, const char *base64, size_t max,
                           const unsigned char **out, size_t *out_len)
{
    size_t len = strlen(base64);
    size_t n = 0;
    if (len == 0 || len > (max + 2) / 3 * 4)
        return IDP_BAD_REQUEST;
    unsigned char *bytes = arena_alloc(arena, len / 4 * 3 + 1);
    if (bytes == NULL)
        return IDP_FAULT;
    enum idp_err err = base64_decode(base64, len, bytes, len / 4 * 3 + 1, &n);
    if (err != IDP_OK || n == 0 || n > max)
        return IDP_BAD_REQUEST;
    *out = bytes;
    *out_len = n;
    return IDP_OK;
}

static enum idp_err read_members(struct arena *arena, const json_t *json, struct lock_answer *out)
{
    if (!has_the_members(json) || strcmp(text(json, "format"), "tamga-lock:1") != 0 ||
        !is_version(text(json, "agentVersion")))
        return IDP_BAD_REQUEST;
    enum idp_err err = decode(arena, text(json, "certificate"), LOCK_CERTIFICATE_MAX,
                              &out->certificate, &out->certificate_len);
    if (err == IDP_OK)
        err = decode(arena, text(json, "signature"), LOCK_SIGNATURE_MAX, &out->signature,
                     &out->signature_len);
    if (err != IDP_OK)
        return err;
    out->agent_version = arena_strdup(arena, text(json, "agentVersion"));
    return out->agent_version != NULL ? IDP_OK : IDP_FAULT;
}

enum idp_err lock_answer_read(struct arena *arena, const json_t *json, struct refusal *why,
                              struct lock_answer *out)
{
    struct lock_answer answer = {.known = NULL};
    size_t i = 0;
    enum idp_err err = read_members(arena, json, &answer);
    if (err == IDP_BAD_REQUEST)
        return refusal_set(why, &pki_reasons[PKI_SHAPE]);
    if (err != IDP_OK)
        return err;
    while (i < ALGORITHMS && strcmp(text(json, "algorithm"), algorithms[i]) != 0)
        i++;
    if (i == ALGORITHMS)
        return refusal_set(why, &pki_reasons[PKI_ALGORITHM]);
    answer.algorithm = (enum lock_algorithm)i;
    *out = answer;
    return IDP_OK;
}
