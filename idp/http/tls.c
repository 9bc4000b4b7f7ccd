#include "http/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "base/clock.h"
#include "base/file.h"

enum { PEM_MAX = 64 * 1024, CHAIN_MAX = 8 };

/* The server chooses, strongest first: clients of old systems list weak ciphers before good ones.
 */
const char http_tls_priorities[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:+AEAD:"
    "+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+COMP-NULL:"
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA256:"
    "+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:"
    "+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:"
    "+SIGN-RSA-SHA512:+CTYPE-X509:%SERVER_PRECEDENCE:%SAFE_RENEGOTIATION";

struct http_tls_pair {
    atomic_uint holders; /* the place where new connections find it, and each that shows it */
    gnutls_certificate_credentials_t credentials;
    int64_t begins, ends; /* seconds */
};

struct http_tls {
    const char *certificate, *key; /* names of files */
    pthread_mutex_t lock;          /* guards current */
    struct http_tls_pair *current;
};

/* --- one pair ------------------------------------------------------------------------------- */

/* Sets *why to "FILE: text"; it stays NULL when there is no memory. */
static enum idp_err wrong(const char *file, const char *text, char **why)
{
    size_t size = strlen(file) + strlen(text) + sizeof(": ");
    *why = malloc(size);
    if (*why != NULL)
        (void)snprintf(*why, size, "%s: %s", file, text);
    return IDP_BAD_REQUEST;
}

static enum idp_err read_times(const struct http_tls *tls, const gnutls_datum_t *pem, char **why,
                               struct http_tls_pair *out)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned count = CHAIN_MAX;
    if (gnutls_x509_crt_list_import(chain, &count, pem, GNUTLS_X509_FMT_PEM,
                                    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED) < 1)
        return wrong(tls->certificate, "expected one to eight certificates in PEM", why);
    out->begins = gnutls_x509_crt_get_activation_time(chain[0]);
    out->ends = gnutls_x509_crt_get_expiration_time(chain[0]);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return IDP_OK;
}

static enum idp_err check_times(const struct http_tls *tls, const struct http_tls_pair *pair,
                                char **why)
{
    int64_t now = clock_now();
    if (now < pair->begins)
        return wrong(tls->certificate, "the certificate is not valid yet", why);
    return now >= pair->ends ? wrong(tls->certificate, "the certificate has expired", why) : IDP_OK;
}

static enum idp_err join(const struct http_tls *tls, const gnutls_datum_t *certificate,
                         const gnutls_datum_t *key, char **why, struct http_tls_pair *pair)
{
    if (gnutls_certificate_allocate_credentials(&pair->credentials) < 0)
        return IDP_FAULT;
    int code = gnutls_certificate_set_x509_key_mem(pair->credentials, certificate, key,
                                                   GNUTLS_X509_FMT_PEM);
    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return wrong(tls->key, "is the key of another certificate", why);
    return code < 0 ? wrong(tls->key, "expected a private key in PEM, without a password", why)
                    : IDP_OK;
}

void http_tls_leave(struct http_tls_pair *pair)
{
    if (pair == NULL || atomic_fetch_sub(&pair->holders, 1) != 1)
        return;
    if (pair->credentials != NULL)
        gnutls_certificate_free_credentials(pair->credentials);
    free(pair);
}

static enum idp_err make_pair(const struct http_tls *tls, const struct file_bytes files[2],
                              char **why, struct http_tls_pair **out)
{
    const gnutls_datum_t certificate = {(unsigned char *)files[0].bytes, (unsigned)files[0].len};
    const gnutls_datum_t key = {(unsigned char *)files[1].bytes, (unsigned)files[1].len};
    struct http_tls_pair *pair = calloc(1, sizeof(*pair));
    if (pair == NULL)
        return IDP_FAULT;
    atomic_init(&pair->holders, 1);
    enum idp_err err = read_times(tls, &certificate, why, pair);
    if (err == IDP_OK)
        err = check_times(tls, pair, why);
    if (err == IDP_OK)
        err = join(tls, &certificate, &key, why, pair);
    if (err == IDP_OK)
        *out = pair;
    else
        http_tls_leave(pair);
    return err;
}

static enum idp_err read_pair(const struct http_tls *tls, char **why, struct http_tls_pair **out)
{
    struct file_bytes files[2] = {0};
    *why = NULL;
    enum idp_err err = file_read(tls->certificate, FILE_ANY, PEM_MAX, why, &files[0]);
    if (err == IDP_OK)
        err = file_read(tls->key, FILE_PRIVATE, PEM_MAX, why, &files[1]);
    if (err == IDP_OK)
        err = make_pair(tls, files, why, out);
    file_drop(&files[0]);
    file_drop(&files[1]);
    return err;
}

/* --- the present pair ----------------------------------------------------------------------- */

enum idp_err http_tls_open(const char *certificate, const char *key, char **why,
                           struct http_tls **out)
{
    struct http_tls *tls = calloc(1, sizeof(*tls));
    *why = NULL;
    if (tls == NULL)
        return IDP_FAULT;
    tls->certificate = certificate;
    tls->key = key;
    (void)pthread_mutex_init(&tls->lock, NULL);
    enum idp_err err = read_pair(tls, why, &tls->current);
    if (err == IDP_OK)
        *out = tls;
    else
        http_tls_close(tls);
    return err;
}

enum idp_err http_tls_reload(struct http_tls *tls, char **why)
{
    struct http_tls_pair *pair = NULL;
    enum idp_err err = read_pair(tls, why, &pair);
    if (err != IDP_OK)
        return err;
    (void)pthread_mutex_lock(&tls->lock);
    struct http_tls_pair *before = tls->current;
    tls->current = pair;
    (void)pthread_mutex_unlock(&tls->lock);
    http_tls_leave(before);
    return IDP_OK;
}

static struct http_tls_pair *hold(struct http_tls *tls)
{
    (void)pthread_mutex_lock(&tls->lock);
    struct http_tls_pair *pair = tls->current;
    atomic_fetch_add(&pair->holders, 1);
    (void)pthread_mutex_unlock(&tls->lock);
    return pair;
}

int64_t http_tls_ends(struct http_tls *tls)
{
    struct http_tls_pair *pair = hold(tls);
    int64_t ends = pair->ends;
    http_tls_leave(pair);
    return ends;
}

struct http_tls_pair *http_tls_show(struct http_tls *tls, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info == NULL || info->tls_session == NULL)
        return NULL;
    struct http_tls_pair *pair = hold(tls);
    if (gnutls_credentials_set(info->tls_session, GNUTLS_CRD_CERTIFICATE, pair->credentials) >= 0)
        return pair;
    http_tls_leave(pair);
    return NULL;
}

void http_tls_close(struct http_tls *tls)
{
    if (tls == NULL)
        return;
    http_tls_leave(tls->current);
    (void)pthread_mutex_destroy(&tls->lock);
    free(tls);
}

// NOLINTNEXTLINE(readability-function-size): GnuTLS says how many parameters it takes
int http_tls_show_nothing(gnutls_session_t session, const gnutls_datum_t *authorities,
                          int authority_count, const gnutls_pk_algorithm_t *algorithms,
                          int algorithm_count, gnutls_pcert_st **certificate, unsigned *length,
                          gnutls_privkey_t *key)
{
    (void)session, (void)authorities, (void)authority_count, (void)algorithms;
    (void)algorithm_count;
    *certificate = NULL;
    *length = 0;
    *key = NULL;
    return -1;
}
