/*
 * What went wrong: a sentence for each code, and the particulars of one call.
 */
#include "rp/note.h"

#include <stdarg.h>
#include <stdio.h>

static void clean(char *s)
{
    for (; *s != '\0'; s++)
        if (*s < 0x20 || *s > 0x7E)
            *s = '?';
}

enum rp_err rp_note_set(struct rp_note *note, enum rp_err err, const char *format, ...)
{
    if (note == NULL)
        return err;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(note->text, sizeof(note->text), format, args);
    va_end(args);
    clean(note->text);
    return err;
}

void rp_note_error(struct rp_note *note, const char *error)
{
    if (note == NULL)
        return;
    (void)snprintf(note->error, sizeof(note->error), "%s", error);
    clean(note->error);
}

const char *rp_err_text(enum rp_err err)
{
    static const char *const texts[] = {
        [RP_OK] = "fine",
        [RP_BAD_SETTINGS] = "a setting is missing or unsafe",
        [RP_FAULT] = "out of memory or of randomness",
        [RP_UNREACHABLE] = "the provider does not answer",
        [RP_BAD_PROVIDER] = "the provider's metadata or keys cannot be used",
        [RP_BAD_CLIENT] = "the provider does not accept this client",
        [RP_BAD_CALLBACK] = "the callback is malformed",
        [RP_BAD_PENDING] = "there is no sign-in pending in this browser",
        [RP_BAD_STATE] = "the answer belongs to another request",
        [RP_BAD_ISSUER] = "the answer is another provider's",
        [RP_DENIED] = "the provider refused the request",
        [RP_BAD_CODE] = "the code is no good",
        [RP_BAD_TARGET] = "the login was not initiated by our provider, or leads elsewhere",
        [RP_BAD_TOKEN] = "the token response or the ID token does not hold",
        [RP_BAD_USERINFO] = "the userinfo answer does not hold",
    };
    return (unsigned)err < sizeof(texts) / sizeof(*texts) ? texts[err] : "unknown";
}
