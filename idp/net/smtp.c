#include "net/smtp.h"

#include <stdint.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lane.h"
#include "net/target.h"

/* One message on its way. */
struct sending {
    const struct net_mail *mail;
    struct net_target target;
    size_t sent;
    int fd;             /* of the connection; -1: there is none */
    bool about_message; /* the last command was about this recipient or message */
};

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    return address->ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* The host stands in the settings, so any address of it will do; save that plain text stays here.
 */
static enum idp_err find_addresses(const struct net *net, struct sending *s)
{
    enum idp_err err = net_target_read(s->mail->server, "smtp smtps", &s->target);
    if (err == IDP_DENIED)
        return IDP_BAD_REQUEST;
    if (err == IDP_OK)
        err = net_target_resolve(net, &s->target, s->mail->deadline_ms);
    if (err != IDP_OK || !s->mail->plain || strcmp(s->target.scheme, "smtps") == 0)
        return err;
    for (size_t i = 0; i < s->target.addresses.count; i++)
        if (!is_loopback(&s->target.addresses.list[i]))
            return IDP_BAD_REQUEST;
    return IDP_OK;
}

static size_t give(char *bytes, size_t size, size_t count, void *context)
{
    struct sending *s = context;
    size_t n = s->mail->message_len - s->sent;
    if (n > size * count)
        n = size * count;
    memcpy(bytes, (const char *)s->mail->message + s->sent, n);
    s->sent += n;
    return n;
}

/* Nobody reads what servers say but their numbers. */
static size_t hear_nothing(const char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes, (void)context;
    return size * count;
}

/*
 * Sees each command, to know what the server's last word was about: RFC 5321 section 4.2.1 gives
 * the same numbers to a recipient that does not exist and to a login that is refused. And curl
 * waits for the answer to QUIT for two minutes, whatever the deadline: nobody here needs it.
 */
static int see(CURL *handle, curl_infotype type, char *bytes, size_t len, void *context)
{
    struct sending *s = context;
    (void)handle;
    if (type != CURLINFO_HEADER_OUT || len < 4)
        return 0;
    if (memcmp(bytes, "QUIT", 4) == 0)
        (void)shutdown(s->fd, SHUT_RD);
    else
        s->about_message = memcmp(bytes, "RCPT", 4) == 0 || memcmp(bytes, "DATA", 4) == 0;
    return 0;
}

/* Knows which socket it is; curl has none of this handle's left when it is cleaned up. */
static int remember_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
    struct sending *s = context;
    (void)purpose;
    s->fd = fd;
    return CURL_SOCKOPT_OK;
}

static int close_socket(void *context, curl_socket_t fd)
{
    struct sending *s = context;
    s->fd = -1;
    return close(fd);
}

static bool set_security(CURL *handle, const struct net_mail *mail)
{
    bool good =
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_USE_SSL,
                         (long)(mail->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL)) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    if (good && mail->ca_file != NULL)
        good = curl_easy_setopt(handle, CURLOPT_CAINFO, mail->ca_file) == CURLE_OK &&
               curl_easy_setopt(handle, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (good && mail->user != NULL)
        good = curl_easy_setopt(handle, CURLOPT_USERNAME, mail->user) == CURLE_OK &&
               curl_easy_setopt(handle, CURLOPT_PASSWORD, mail->password) == CURLE_OK;
    return good;
}

static bool set_message(CURL *handle, struct sending *s, struct curl_slist *recipients)
{
    return curl_easy_setopt(handle, CURLOPT_URL, s->mail->server) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_MAIL_FROM, s->mail->from) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, recipients) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->mail->message_len) ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_READFUNCTION, give) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_READDATA, s) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, hear_nothing) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, remember_socket) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SOCKOPTDATA, s) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_CLOSESOCKETDATA, s) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, see) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_DEBUGDATA, s) == CURLE_OK;
}

static enum idp_err outcome(CURL *handle, const struct sending *s, CURLcode result, int *code)
{
    long number = 0;
    (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &number);
    *code = (int)number;
    if (result == CURLE_OK)
        return IDP_OK;
    if (result == CURLE_OUT_OF_MEMORY)
        return IDP_FAULT;
    bool answered = result == CURLE_SEND_ERROR || result == CURLE_WEIRD_SERVER_REPLY;
    if (!answered || !s->about_message || number < 400)
        return IDP_UNAVAILABLE;
    return number >= 500 ? IDP_DENIED : IDP_LIMITED;
}

/* A handle and a connection for each message, so that both end here. */
static enum idp_err transfer(struct net *net, struct sending *s, unsigned deadline_ms, int *code)
{
    CURL *handle = curl_easy_init();
    struct curl_slist *recipients = curl_slist_append(NULL, s->mail->to);
    struct curl_slist *pins = NULL;
    enum idp_err err = IDP_FAULT;
    if (handle != NULL && recipients != NULL &&
        net_target_bind(handle, net, &s->target, deadline_ms, &pins) &&
        set_security(handle, s->mail) && set_message(handle, s, recipients))
        err = outcome(handle, s, curl_easy_perform(handle), code);
    if (s->fd >= 0)
        (void)shutdown(s->fd, SHUT_RDWR); /* broken off: nobody says good-bye */
    curl_easy_cleanup(handle);
    curl_slist_free_all(recipients);
    curl_slist_free_all(pins);
    return err;
}

enum idp_err net_mail_send(struct net *net, const struct net_mail *mail, int *code)
{
    struct sending s = {.mail = mail, .fd = -1};
    int64_t end = clock_ticks_ms() + mail->deadline_ms;
    *code = 0;
    if (!lane_may_wait())
        return IDP_WAIT;
    enum idp_err err = find_addresses(net, &s);
    if (err != IDP_OK)
        return err;
    int64_t left = end - clock_ticks_ms();
    return left > 0 ? transfer(net, &s, (unsigned)left, code) : IDP_UNAVAILABLE;
}
