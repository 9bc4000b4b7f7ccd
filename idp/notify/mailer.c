#include "notify/mailer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "net/smtp.h"

struct mailer {
    struct net *net;
    struct mailer_settings settings;
    char *password;
};

enum idp_err mailer_new(struct net *net, const struct mailer_settings *settings,
                        struct mailer **out)
{
    struct mailer *mailer = calloc(1, sizeof(*mailer));
    if (mailer == NULL)
        return IDP_FAULT;
    mailer->net = net;
    mailer->settings = *settings;
    mailer->settings.password = NULL;
    if (settings->user != NULL) {
        mailer->password = strdup(settings->password);
        if (mailer->password == NULL) {
            free(mailer);
            return IDP_FAULT;
        }
    }
    *out = mailer;
    return IDP_OK;
}

void mailer_free(struct mailer *mailer)
{
    if (mailer == NULL)
        return;
    if (mailer->password != NULL)
        OPENSSL_cleanse(mailer->password, strlen(mailer->password));
    free(mailer->password);
    free(mailer);
}

static void note(const struct letter *letter, const char *what, int code)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "mail_not_sent");
    log_text(&line, "id", letter->id);
    log_text(&line, "why", what);
    if (code != 0)
        log_number(&line, "code", code);
    log_end(&line);
}

static const char *describe(enum idp_err err)
{
    if (err == IDP_DENIED)
        return "the server refuses it for good";
    if (err == IDP_LIMITED)
        return "the server refuses it for now";
    return err == IDP_BAD_REQUEST ? "mail.server cannot be used without STARTTLS, or is none"
                                  : "the server does not answer, or not as it should";
}

enum idp_err mailer_send(const struct mailer *mailer, struct arena *arena,
                         const struct letter *letter)
{
    const struct mailer_settings *s = &mailer->settings;
    struct letter ours = *letter;
    struct message message;
    int code = 0;
    ours.from = s->from;
    ours.from_name = s->from_name;
    enum idp_err err = message_write(arena, &ours, &message);
    if (err == IDP_BAD_REQUEST)
        note(letter, "the address, or the text, is not one that mail can carry", 0);
    if (err != IDP_OK)
        return err == IDP_BAD_REQUEST ? IDP_DENIED : err;
    const struct net_mail mail = {.server = s->server,
                                  .user = s->user,
                                  .password = mailer->password,
                                  .ca_file = s->ca_file,
                                  .plain = !s->starttls,
                                  .from = s->from,
                                  .to = letter->to,
                                  .message = message.text,
                                  .message_len = message.len,
                                  .deadline_ms = MAILER_DEADLINE_MS};
    err = net_mail_send(mailer->net, &mail, &code);
    if (err != IDP_OK)
        note(letter, describe(err), code);
    return err;
}
