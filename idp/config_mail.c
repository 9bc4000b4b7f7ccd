#include "config_mail.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "config.h"
#include "notify/address.h"

/* What stands behind the scheme, or NULL when it is no address of a mail server. */
static const char *host_of(const char *server)
{
    const char *host = NULL;
    if (text_starts(server, "smtp://"))
        host = server + strlen("smtp://");
    if (text_starts(server, "smtps://"))
        host = server + strlen("smtps://");
    return host != NULL && *host != '\0' && strpbrk(host, "/?#@ \t") == NULL ? host : NULL;
}

static bool is_loopback(const char *host)
{
    return text_starts(host, "127.") || text_starts(host, "[::1]") ||
           strcmp(host, "localhost") == 0 || text_starts(host, "localhost:");
}

static const char *problem_without_server(const struct config *c)
{
    bool rest = c->mail_from != NULL || c->mail_name != NULL || c->mail_user != NULL ||
                c->mail_password_file != NULL || c->mail_ca_file != NULL;
    return rest ? "mail.server: is missing" : NULL;
}

const char *config_mail_problem(const struct config *c)
{
    if (c->mail_server == NULL)
        return problem_without_server(c);
    const char *host = host_of(c->mail_server);
    if (host == NULL)
        return "mail.server: expected smtp://host[:port] or smtps://host[:port]";
    if (!c->mail_starttls && text_starts(c->mail_server, "smtp:") && !is_loopback(host))
        return "mail.starttls: may be false for a server on this machine only";
    if (c->mail_from == NULL || !notify_is_address(c->mail_from))
        return "mail.from: expected a mail address";
    if (c->mail_name != NULL && !text_is_clean_utf8(c->mail_name, strlen(c->mail_name)))
        return "mail.name: expected one line";
    if ((c->mail_user == NULL) != (c->mail_password_file == NULL))
        return "mail.user, mail.password_file: expected both or none";
    return NULL;
}
