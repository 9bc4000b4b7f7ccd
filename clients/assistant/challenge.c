#include "assistant/challenge.h"

#include <stddef.h>
#include <string.h>

/*
 * What pages may have signed. `trust` is not among them: a trust list counts even against who has
 * taken over the provider and its pages, so managers sign it with tamgactl alone, which reads the
 * list itself and shows it.
 */
static const struct challenge_purpose purposes[] = {
    {"login", "登录", "Sign in"},
    {"bind", "企业绑定", "Bind the enterprise"},
    {"activate", "激活副锁", "Activate a secondary lock"},
    {"approve", "同意一项操作", "Approve an operation"},
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* 32 bytes in base64url (RFC 4648 section 5), without padding. */
enum { PART = 43 };

static const struct challenge_purpose *purpose_of(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(purposes) / sizeof(*purposes); i++)
        if (strlen(purposes[i].name) == len && memcmp(purposes[i].name, text, len) == 0)
            return &purposes[i];
    return NULL;
}

/* Steps over "." and 43 characters of the alphabet. Returns NULL when something else stands there.
 */
static const char *part(const char *text)
{
    if (*text != '.' || strspn(text + 1, alphabet) != PART)
        return NULL;
    return text + 1 + PART;
}

const struct challenge_purpose *challenge_read(const char *text)
{
    size_t len = strcspn(text, ".");
    const struct challenge_purpose *purpose = purpose_of(text, len);
    const char *rest = part(text + len);
    if (rest != NULL && *rest != '\0')
        rest = part(rest);
    return rest != NULL && *rest == '\0' ? purpose : NULL;
}
