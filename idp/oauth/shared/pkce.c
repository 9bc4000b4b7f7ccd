#include "oauth/shared/pkce.h"

#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/text.h"

enum { CHALLENGE_LEN = BASE64URL_LEN(DIGEST_SIZE), VERIFIER_MIN = 43, VERIFIER_MAX = 128 };

bool pkce_challenge_is_good(const char *challenge, const char *method)
{
    unsigned char hash[DIGEST_SIZE];
    size_t n = 0;
    return challenge != NULL && method != NULL && strcmp(method, "S256") == 0 &&
           strlen(challenge) == CHALLENGE_LEN &&
           base64url_decode(challenge, CHALLENGE_LEN, hash, sizeof(hash), &n) == IDP_OK;
}

/* Section 4.1: unreserved characters only. */
static bool is_verifier(const char *s)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t len = strlen(s);
    return len >= VERIFIER_MIN && len <= VERIFIER_MAX && strspn(s, unreserved) == len;
}

bool pkce_verifier_fits(const char *verifier, const char *challenge)
{
    unsigned char hash[DIGEST_SIZE];
    char text[CHALLENGE_LEN + 1];
    if (verifier == NULL || challenge == NULL || !is_verifier(verifier) ||
        digest(DIGEST_SHA256, verifier, strlen(verifier), hash) != IDP_OK)
        return false;
    base64url_encode(hash, sizeof(hash), text);
    return text_same_secret_string(text, challenge);
}
