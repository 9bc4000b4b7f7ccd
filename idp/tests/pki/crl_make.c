#include "tests/pki/crl_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

/* Grows; a test without memory has nothing to say. */
struct bytes {
    unsigned char *at;
    size_t len, room;
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "crl_make: %s\n", what);
    abort();
}

static void add(struct bytes *to, const void *bytes, size_t len)
{
    if (to->room - to->len < len) {
        to->room = 2 * to->room + len + 64;
        to->at = realloc(to->at, to->room);
        need(to->at != NULL, "memory");
    }
    if (len > 0)
        memcpy(to->at + to->len, bytes, len);
    to->len += len;
}

static void add_head(struct bytes *to, unsigned char tag, size_t len)
{
    unsigned char head[6] = {tag};
    size_t n = 1;
    if (len < 0x80) {
        head[n++] = (unsigned char)len;
    } else {
        size_t octets = len < 0x100 ? 1 : len < 0x10000 ? 2 : len < 0x1000000 ? 3 : 4;
        head[n++] = (unsigned char)(0x80 + octets);
        while (octets-- > 0)
            head[n++] = (unsigned char)(len >> 8 * octets);
    }
    add(to, head, n);
}

static void add_item(struct bytes *to, unsigned char tag, const void *bytes, size_t len)
{
    add_head(to, tag, len);
    add(to, bytes, len);
}

/* Adds what was gathered as one element, and drops it. */
static void add_wrapped(struct bytes *to, unsigned char tag, struct bytes *inside)
{
    add_item(to, tag, inside->at, inside->len);
    free(inside->at);
    *inside = (struct bytes){.at = NULL};
}

static void add_hex(struct bytes *to, const char *hex)
{
    for (size_t i = 0; hex[i] != '\0'; i += 2) {
        const char digits[] = {hex[i], hex[i + 1], '\0'};
        unsigned char byte = (unsigned char)strtoul(digits, NULL, 16);
        add(to, &byte, 1);
    }
}

static void add_time(struct bytes *to, int64_t at)
{
    char text[32];
    time_t seconds = (time_t)at;
    struct tm tm;
    need(gmtime_r(&seconds, &tm) != NULL, "date");
    bool utc = tm.tm_year >= 50 && tm.tm_year < 150;
    size_t n = strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
    add_item(to, utc ? 0x17 : 0x18, text + (utc ? 2 : 0), n - (utc ? 2 : 0));
}

/* An extension below id-ce whose value is gathered, which it drops. */
static void add_extension(struct bytes *to, unsigned char arc, bool critical, struct bytes *value)
{
    static const unsigned char yes = 0xff;
    const unsigned char oid[] = {0x55, 0x1d, arc};
    struct bytes inside = {.at = NULL};
    add_item(&inside, 0x06, oid, sizeof(oid));
    if (critical)
        add_item(&inside, 0x01, &yes, 1);
    add_wrapped(&inside, 0x04, value);
    add_wrapped(to, 0x30, &inside);
}

/* --- entries ---------------------------------------------------------------------------------- */

static void add_reason(struct bytes *to, int reason)
{
    unsigned char code = (unsigned char)reason;
    struct bytes value = {.at = NULL};
    struct bytes extensions = {.at = NULL};
    add_item(&value, 0x0a, &code, 1);
    add_extension(&extensions, 21, false, &value);
    add_wrapped(to, 0x30, &extensions);
}

static void add_entry(struct bytes *to, const struct crl_making *how,
                      const struct crl_making_entry *entry)
{
    struct bytes serial = {.at = NULL};
    struct bytes inside = {.at = NULL};
    add_hex(&serial, entry->serial);
    add_wrapped(&inside, 0x02, &serial);
    add_time(&inside, entry->at != 0 ? entry->at : how->this_update);
    if (entry->reason != 0)
        add_reason(&inside, entry->reason);
    add_wrapped(to, 0x30, &inside);
}

static void add_random_entries(struct bytes *to, const struct crl_making *how)
{
    enum { SERIAL = 16, AT_ONCE = 4096 };
    unsigned char serials[AT_ONCE][SERIAL];
    struct bytes date = {.at = NULL};
    add_time(&date, how->this_update);
    for (size_t i = 0; i < how->random; i++) {
        unsigned char *serial = serials[i % AT_ONCE];
        if (i % AT_ONCE == 0)
            need(RAND_bytes(*serials, sizeof(serials)) == 1, "randomness");
        *serial = (unsigned char)((*serial & 0x7f) | 0x40); /* positive, and as short as can be */
        add_head(to, 0x30, 2 + SERIAL + date.len);
        add_item(to, 0x02, serial, SERIAL);
        add(to, date.at, date.len);
    }
    free(date.at);
}

/* --- the list --------------------------------------------------------------------------------- */

static void add_number(struct bytes *to, unsigned char arc, bool critical, const char *hex)
{
    struct bytes octets = {.at = NULL};
    struct bytes value = {.at = NULL};
    add_hex(&octets, hex);
    add_wrapped(&value, 0x02, &octets);
    add_extension(to, arc, critical, &value);
}

static void add_extensions(struct bytes *to, const struct crl_making *how)
{
    struct bytes all = {.at = NULL};
    struct bytes tagged = {.at = NULL};
    if (how->number != NULL)
        add_number(&all, 20, false, how->number);
    if (how->base != NULL)
        add_number(&all, 27, true, how->base);
    if (how->scope != NULL) {
        struct bytes scope = {.at = NULL};
        add_hex(&scope, how->scope);
        add_extension(&all, 28, true, &scope);
    }
    if (how->extensions != NULL)
        add_hex(&all, how->extensions);
    if (all.len > 0) {
        add_wrapped(&tagged, 0x30, &all);
        add_wrapped(to, 0xa0, &tagged);
    }
}

static void add_issuer(struct bytes *to, const X509 *issuer)
{
    unsigned char *name = NULL;
    int len = i2d_X509_NAME(X509_get_subject_name(issuer), &name);
    need(len > 0, "name");
    add(to, name, (size_t)len);
    OPENSSL_free(name);
}

static const char *algorithm_of(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return "300d06092a864886f70d01010b0500";
    return EVP_PKEY_is_a(key, "SM2") ? "300a06082a811ccf55018375" : "300a06082a8648ce3d040302";
}

static struct bytes make_body(const struct crl_making *how)
{
    struct bytes inside = {.at = NULL};
    struct bytes entries = {.at = NULL};
    struct bytes body = {.at = NULL};
    add_hex(&inside, "020101");
    add_hex(&inside, algorithm_of(how->key));
    add_issuer(&inside, how->issuer);
    add_time(&inside, how->this_update);
    if (how->next_update != 0)
        add_time(&inside, how->next_update);
    for (size_t i = 0; how->entries != NULL && how->entries[i].serial != NULL; i++)
        add_entry(&entries, how, &how->entries[i]);
    add_random_entries(&entries, how);
    if (entries.len > 0)
        add_wrapped(&inside, 0x30, &entries);
    free(entries.at);
    add_extensions(&inside, how);
    add_wrapped(&body, 0x30, &inside);
    return body;
}

static void add_signature(struct bytes *to, const struct crl_making *how, const struct bytes *body)
{
    unsigned char signature[1024] = {0}; /* begins with the count of unused bits */
    size_t len = sizeof(signature) - 1;
    const char *id = how->sm2_id != NULL ? how->sm2_id : "1234567812345678";
    bool sm2 = EVP_PKEY_is_a(how->key, "SM2");
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    need(ctx != NULL && EVP_DigestSignInit_ex(ctx, &key_ctx, sm2 ? "SM3" : "SHA256", NULL, NULL,
                                              how->key, NULL) == 1,
         "signing context");
    if (sm2)
        need(EVP_PKEY_CTX_set1_id(key_ctx, id, (int)strlen(id)) == 1, "SM2 id");
    need(EVP_DigestSign(ctx, signature + 1, &len, body->at, body->len - how->spoil) == 1,
         "signature");
    EVP_MD_CTX_free(ctx);
    add_item(to, 0x03, signature, len + 1);
}

unsigned char *crl_make(const struct crl_making *how, size_t *len)
{
    struct bytes inside = make_body(how);
    struct bytes list = {.at = NULL};
    struct bytes tail = {.at = NULL};
    add_hex(&tail, algorithm_of(how->key));
    add_signature(&tail, how, &inside);
    add(&inside, tail.at, tail.len);
    free(tail.at);
    add_wrapped(&list, 0x30, &inside);
    unsigned char *exact = realloc(list.at, list.len);
    need(exact != NULL, "memory");
    *len = list.len;
    return exact;
}

void crl_make_serial(const X509 *certificate, char out[CRL_MAKE_SERIAL_SIZE])
{
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
    need(len > 2 && len <= 2 + 64, "serial");
    for (int i = 2; i < len; i++)
        (void)snprintf(out + 2 * (i - 2), 3, "%02x", der[i]);
    OPENSSL_free(der);
}
