#include "tests/http/over_tls.h"

#include <stdlib.h>

#include "tests/help.h"
#include "tests/wire.h"
#include "tests/wire_tls.h"

static char *folder, *certificate, *key;

int over_tls_begin(void **state)
{
    (void)state;
    folder = help_temp_folder();
    tls_make_pair(
        &(struct tls_wish){.folder = folder, .name = "server", .from_now = -60, .until = 3600});
    certificate = tls_file(folder, "server", "crt");
    key = tls_file(folder, "server", "key");
    wire_speak_tls(true);
    return 0;
}

int over_tls_end(void **state)
{
    (void)state;
    wire_speak_tls(false);
    help_remove_folder(folder);
    free(folder);
    free(certificate);
    free(key);
    folder = certificate = key = NULL;
    return 0;
}

struct http_settings over_tls(struct http_settings settings)
{
    settings.certificate = certificate;
    settings.key = key;
    return settings;
}
