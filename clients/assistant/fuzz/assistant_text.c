/* Requests, settings, challenges, origins, certificates and pinentry's lines. */
#include <stdlib.h>
#include <string.h>

#include "assistant/body.h"
#include "assistant/fuzz/fuzz.h"
#include "assistant/lock.h"
#include "assistant/origin.h"
#include "assistant/pinentry.h"
#include "assistant/settings.h"

/* What is read as a text ends with NUL. */
static void read_texts(const char *bytes, size_t len)
{
    char line[PINENTRY_LINE_MAX];
    char *text = calloc(1, len + 1);
    if (text == NULL)
        return;
    memcpy(text, bytes, len);
    (void)challenge_read(text);
    if (origin_is_well_formed(text))
        (void)(origin_is_http(text) + origin_is_loopback(text));
    (void)pinentry_line("SETDESC", text, line);
    free(text);
}

void assistant_text(const uint8_t *bytes, size_t len)
{
    static struct settings settings;
    static char why[SETTINGS_WHY_MAX];
    struct certificate certificate;
    struct body_sign body;
    struct pin pin;
    char shown[64];
    const char *text = (const char *)bytes;
    (void)body_is_empty(text, len);
    if (body_read_sign(text, len, &body))
        pin_wipe(&body.pin);
    (void)settings_parse("fuzz", text, len, &settings, why);
    (void)pinentry_read_data(text, len, &pin);
    (void)certificate_read(bytes, len, &certificate);
    lock_text_copy(bytes, len, shown, sizeof(shown));
    read_texts(text, len);
}
