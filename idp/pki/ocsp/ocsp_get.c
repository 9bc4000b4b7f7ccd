#include "pki/ocsp/ocsp_get.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"

enum { DER_MAX = OCSP_GET_MAX / 4 * 3, BASE64_SIZE = (DER_MAX + 2) / 3 * 4 + 1 };

/* RFC 5019 section 5: the three characters of base64 that mean something else in an address. */
static const char *escaped(char c)
{
    return c == '+' ? "%2B" : c == '/' ? "%2F" : c == '=' ? "%3D" : NULL;
}

/* Appends as much as there is room for; returns the length that the whole would have. */
static size_t append(char *out, size_t size, size_t len, const char *text, size_t n)
{
    for (size_t i = 0; i < n && len + i + 1 < size; i++)
        out[len + i] = text[i];
    return len + n;
}

const char *ocsp_get_address(struct arena *arena, const char *service,
                             const struct ocsp_question *question, enum idp_err *err)
{
    char base64[BASE64_SIZE];
    char out[OCSP_GET_MAX + 1];
    size_t len = strlen(service);
    *err = IDP_OK;
    if (question->der_len > DER_MAX || strpbrk(service, "?#") != NULL)
        return NULL;
    base64_encode(question->der, question->der_len, base64);
    size_t n = append(out, sizeof(out), 0, service, len);
    if (service[len - 1] != '/')
        n = append(out, sizeof(out), n, "/", 1);
    for (const char *at = base64; *at != '\0'; at++) {
        const char *code = escaped(*at);
        n = append(out, sizeof(out), n, code != NULL ? code : at, code != NULL ? 3 : 1);
    }
    if (n > OCSP_GET_MAX)
        return NULL;
    out[n] = '\0';
    const char *address = arena_strdup(arena, out);
    *err = address != NULL ? IDP_OK : IDP_FAULT;
    return address;
}
