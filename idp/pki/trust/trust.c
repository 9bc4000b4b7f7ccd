/*
 * Loading the trust list: the file, the tables of its format, and what has to hold beyond the shape
 * of a member.
 */
#include "pki/trust/trust.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/arena.h"
#include "base/text.h"
#include "pki/certificate_time.h"
#include "pki/path.h"
#include "pki/signed.h"
#include "pki/trust/reading.h"
#include "pki/trust/rules.h"
#include "pki/trust/trust_members.h"

/* What the others see, and what it lives in. */
struct trust_list {
    struct trust trust;
    struct arena *arena;
    struct authority *authorities; /* the same as trust.authorities */
    const char **hosts;
};

static void drop_store(void *store)
{
    X509_STORE_free(store);
}

/* --- one authority -------------------------------------------------------------------------- */

/* The certificate's DER in the arena; its hash is there, or is made. */
static enum idp_err copy_bytes(struct arena *arena, X509 *certificate, const unsigned char *hash,
                               struct trust_certificate *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    unsigned char *own = arena_alloc(arena, DIGEST_SIZE);
    *out = (struct trust_certificate){.hash = hash != NULL ? hash : own,
                                      .der = len > 0 ? arena_copy(arena, der, (size_t)len) : NULL,
                                      .der_len = len > 0 ? (size_t)len : 0};
    OPENSSL_free(der);
    if (out->der == NULL || own == NULL)
        return IDP_FAULT;
    return hash != NULL ? IDP_OK : digest(DIGEST_SHA256, out->der, out->der_len, own);
}

/* The root of the list that issued the anchor, by name and by signature. */
static enum idp_err find_root(struct arena *arena, const struct certificates *roots,
                              struct anchor *anchor)
{
    for (size_t i = 0; i < roots->count; i++) {
        X509 *root = roots->list[i];
        if (X509_check_issued(root, anchor->certificate) != X509_V_OK ||
            signed_verify(anchor->bytes.der, anchor->bytes.der_len, X509_get0_pubkey(root)) !=
                IDP_OK)
            continue;
        struct trust_certificate *found = arena_alloc(arena, sizeof(*found));
        anchor->root = found;
        return found != NULL ? copy_bytes(arena, root, NULL, found) : IDP_FAULT;
    }
    return IDP_OK;
}

static enum idp_err make_anchor(struct arena *arena, X509 *certificate, bool strict,
                                struct anchor *out)
{
    unsigned size = DIGEST_SIZE;
    *out = (struct anchor){.certificate = certificate, .key = X509_get0_pubkey(certificate)};
    const struct path_rules rules = {.depth = 1, .level = 2, .strict = strict};
    X509_STORE *store = path_store_make(certificate, &rules);
    if (store == NULL || arena_own(arena, store, drop_store) == NULL ||
        X509_digest(certificate, EVP_sha256(), out->hash, &size) != 1 ||
        !certificate_time_span(certificate, &out->not_before, &out->not_after))
        return IDP_FAULT;
    out->store = store;
    return copy_bytes(arena, certificate, out->hash, &out->bytes);
}

/*
 * Answers are kept under it, and found again under another list for as long as nothing in it
 * changes; how old they may be is looked at when they are used.
 */
static enum idp_err name_voice(const struct trust_entry *entry, struct anchor *anchor)
{
    unsigned size = DIGEST_SIZE;
    const struct revocation *revocation = &entry->rules.revocation;
    const unsigned char modes[] = {(unsigned char)revocation->digest,
                                   (unsigned char)revocation->nonce, revocation->responder != NULL};
    unsigned char responder[DIGEST_SIZE] = {0};
    const struct digest_piece pieces[] = {{entry->authority.id, strlen(entry->authority.id) + 1},
                                          {anchor->hash, DIGEST_SIZE},
                                          {modes, sizeof(modes)},
                                          {responder, DIGEST_SIZE},
                                          {.bytes = NULL}};
    if (revocation->responder != NULL &&
        X509_digest(revocation->responder, EVP_sha256(), responder, &size) != 1)
        return IDP_FAULT;
    return digest_pieces(DIGEST_SHA256, pieces, anchor->voice);
}

static enum idp_err make_anchors(struct arena *arena, struct trust_entry *entry)
{
    size_t count = entry->anchors.count;
    struct anchor *list = arena_alloc(arena, count * sizeof(*list));
    enum idp_err err = list != NULL ? IDP_OK : IDP_FAULT;
    for (size_t i = 0; i < count && err == IDP_OK; i++) {
        err = make_anchor(arena, entry->anchors.list[i], entry->rules.strict, &list[i]);
        if (err == IDP_OK)
            err = find_root(arena, &entry->rules.roots, &list[i]);
        if (err == IDP_OK)
            err = name_voice(entry, &list[i]);
    }
    entry->rules.anchors = (struct anchors){.list = list, .count = count};
    return err;
}

/* NULL in the list of usages stands for "absent". */
static void sort_usages(struct oids *usages)
{
    size_t kept = 0;
    for (size_t i = 0; i < usages->count; i++) {
        if (usages->list[i] == NULL)
            usages->absent = true;
        else
            usages->list[kept++] = usages->list[i];
    }
    usages->count = kept;
}

/* What is not said of revocation. */
static void set_defaults(struct revocation *revocation)
{
    static const struct revocation defaults = {
        .crl_max_age_s = 86400, .recheck_s = 600, .ahead_s = 28800, .per_second = 20};
    if (revocation->crl_max_age_s == 0)
        revocation->crl_max_age_s = defaults.crl_max_age_s;
    if (revocation->recheck_s == 0)
        revocation->recheck_s = defaults.recheck_s;
    if (revocation->ahead_s == 0)
        revocation->ahead_s = defaults.ahead_s;
    if (revocation->per_second == 0)
        revocation->per_second = defaults.per_second;
}

/* GM/T 0015: the number of the person whom a certificate was issued to. */
static const char identify_code[] = "1.2.156.10260.4.1.1";

static void drop_object(void *object)
{
    ASN1_OBJECT_free(object);
}

/* Where the profile does not say where a person's number stands, it is where the standard says. */
static enum idp_err set_person(struct arena *arena, struct places *person)
{
    if (person->list != NULL)
        return IDP_OK;
    struct place *place = arena_alloc(arena, sizeof(*place));
    ASN1_OBJECT *oid = place != NULL ? OBJ_txt2obj(identify_code, 1) : NULL;
    if (oid == NULL || arena_own(arena, oid, drop_object) == NULL)
        return IDP_FAULT;
    *place = (struct place){.extension = oid, .types = PLACE_USUAL, .choice = true};
    *person = (struct places){.list = place, .count = 1};
    return IDP_OK;
}

enum idp_err trust_entry_check(struct reading *reading, void *object)
{
    struct trust_entry *entry = object;
    sort_usages(&entry->rules.extended_key_usage);
    set_defaults(&entry->rules.revocation);
    enum idp_err err = set_person(reading->arena, &entry->rules.person);
    return err == IDP_OK ? make_anchors(reading->arena, entry) : err;
}

/* --- the whole list ------------------------------------------------------------------------- */

/*
 * By its key, for two certificates of one key (cross-certified, or renewed) issue the same locks.
 * Some entries may be missing, where mistakes are being collected.
 */
static bool has_anchor(const struct trust_entry *entry, const X509 *anchor)
{
    const EVP_PKEY *key = anchor != NULL ? X509_get0_pubkey(anchor) : NULL;
    for (size_t i = 0; i < entry->anchors.count && key != NULL; i++) {
        const X509 *own = entry->anchors.list[i];
        if (own != NULL && X509_get0_pubkey(own) != NULL &&
            EVP_PKEY_eq(X509_get0_pubkey(own), key) == 1)
            return true;
    }
    return false;
}

static bool share_an_anchor(const struct trust_entry *a, const struct trust_entry *b)
{
    for (size_t i = 0; i < a->anchors.count; i++)
        if (has_anchor(b, a->anchors.list[i]))
            return true;
    return false;
}

static bool have_the_same_id(const struct trust_entry *a, const struct trust_entry *b)
{
    const char *id = b->authority.id;
    return a->authority.id != NULL && id != NULL && strcmp(a->authority.id, id) == 0;
}

/* Expects something of a member of authority number i. */
static void expect_of(struct reading *reading, size_t i, const char *member, bool holds,
                      const char *expected, enum idp_err *err)
{
    reading->depth = 0;
    *err = reading_worse(*err, reading_enter(reading, "authorities", 0));
    *err = reading_worse(*err, reading_enter(reading, NULL, i));
    *err = reading_worse(*err, reading_enter(reading, member, 0));
    reading_expect(reading, holds, expected, err);
    reading->depth = 0;
}

static enum idp_err check_repetitions(struct reading *reading,
                                      const struct trust_document *document)
{
    const struct trust_entry *list = document->entries.list;
    enum idp_err err = IDP_OK;
    for (size_t i = 1; i < document->entries.count; i++) {
        bool same_id = false;
        bool same_anchor = false;
        for (size_t j = 0; j < i; j++) {
            same_id = same_id || have_the_same_id(&list[i], &list[j]);
            same_anchor = same_anchor || share_an_anchor(&list[i], &list[j]);
        }
        expect_of(reading, i, "id", !same_id, "another id than an earlier authority's", &err);
        expect_of(reading, i, "anchors", !same_anchor,
                  "no anchor of an earlier authority, nor its key", &err);
    }
    return err;
}

/* The "host:port" of an address that check_url() has let through. */
static const char *host_of(struct arena *arena, const char *url)
{
    bool tls = text_starts(url, "https:");
    const char *host = url + (tls ? 8 : 7);
    size_t len = strcspn(host, "/");
    const char *bracket = memchr(host, ']', len);
    const char *from = bracket != NULL ? bracket : host;
    bool has_port = memchr(from, ':', len - (size_t)(from - host)) != NULL;
    return arena_printf(arena, "%.*s%s", (int)len, host, has_port ? "" : (tls ? ":443" : ":80"));
}

static bool add_hosts(struct trust_list *list, const struct urls *urls, size_t *n)
{
    for (size_t i = 0; i < urls->count; i++) {
        list->hosts[*n] = host_of(list->arena, urls->list[i]);
        if (list->hosts[(*n)++] == NULL)
            return false;
    }
    return true;
}

static enum idp_err list_hosts(struct trust_list *list, const struct trust_document *document)
{
    size_t room = document->entries.count * (4 + RULES_CRLS_MAX) + 1;
    size_t n = 0;
    list->hosts = arena_alloc(list->arena, room * sizeof(*list->hosts));
    if (list->hosts == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < document->entries.count; i++) {
        const struct revocation *revocation = &document->entries.list[i].rules.revocation;
        if (!add_hosts(list, &revocation->ocsp, &n) || !add_hosts(list, &revocation->crl, &n))
            return IDP_FAULT;
    }
    return IDP_OK;
}

static enum idp_err list_authorities(struct trust_list *list, struct trust_document *document)
{
    size_t count = document->entries.count;
    struct authority *authorities = arena_alloc(list->arena, count * sizeof(*authorities));
    if (authorities == NULL)
        return IDP_FAULT;
    for (size_t i = 0; i < count; i++) {
        struct trust_entry *entry = &document->entries.list[i];
        entry->rules.index = i;
        authorities[i] = entry->authority;
        authorities[i].rules = &entry->rules;
    }
    list->authorities = authorities;
    list->trust.authorities = authorities;
    list->trust.count = count;
    return list_hosts(list, document);
}

static enum idp_err fill(struct trust_list *list, struct reading *reading, json_t *json)
{
    struct trust_document *document = arena_alloc(list->arena, sizeof(*document));
    if (document == NULL)
        return IDP_FAULT;
    enum idp_err err = reading_members(reading, trust_members, json, document);
    if (reading_goes_on(reading, err))
        err = reading_worse(err, check_repetitions(reading, document));
    list->trust.number = document->number;
    list->trust.issued = document->issued;
    return err == IDP_OK ? list_authorities(list, document) : err;
}

static struct trust_list *list_new(const char *text, size_t len)
{
    unsigned char hash[DIGEST_SIZE];
    struct trust_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return NULL;
    list->arena = arena_new();
    const char *document = list->arena != NULL ? arena_strndup(list->arena, text, len) : NULL;
    if (document == NULL || digest(DIGEST_SHA256, text, len, hash) != IDP_OK) {
        arena_free(list->arena);
        free(list);
        return NULL;
    }
    list->trust.document = document;
    list->trust.document_len = len;
    text_to_hex(hash, DIGEST_SIZE, list->trust.version);
    return list;
}

static enum idp_err not_json(struct reading *reading, const json_error_t *error)
{
    char text[sizeof(error->text) + 64];
    (void)snprintf(text, sizeof(text), "a JSON document; line %d: %s", error->line, error->text);
    return reading_wrong(reading, text);
}

enum idp_err trust_read(struct reading *reading, const char *text, size_t len, struct trust **out)
{
    json_error_t error;
    struct trust_list *list = list_new(text, len);
    if (list == NULL)
        return IDP_FAULT;
    reading->arena = list->arena;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    enum idp_err err = json != NULL ? fill(list, reading, json) : not_json(reading, &error);
    json_decref(json);
    if (err != IDP_OK)
        trust_free(&list->trust);
    else
        *out = &list->trust;
    return err;
}

enum idp_err trust_parse(const char *name, const char *text, size_t len, char **why,
                         struct trust **out)
{
    struct reading reading = {.notes = arena_new()};
    *why = NULL;
    if (reading.notes == NULL)
        return IDP_FAULT;
    enum idp_err err = trust_read(&reading, text, len, out);
    if (err == IDP_BAD_REQUEST) {
        *why = reading_line(name, &reading.mistakes[0]);
        err = *why != NULL ? err : IDP_FAULT;
    }
    arena_free(reading.notes);
    return err;
}

static enum idp_err no_file(const char *path, const char *expected, char **why)
{
    *why = reading_line(path, &(struct mistake){.place = "", .expected = expected});
    return *why != NULL ? IDP_BAD_REQUEST : IDP_FAULT;
}

enum idp_err trust_load(const char *path, char **why, struct trust **out)
{
    size_t len = 0;
    char *text = NULL;
    FILE *file = fopen(path, "re");
    *why = NULL;
    if (file == NULL)
        return no_file(path, "a trust list that can be read", why);
    text = malloc(TRUST_FILE_MAX + 1);
    if (text != NULL)
        len = fread(text, 1, TRUST_FILE_MAX + 1, file);
    bool whole = text != NULL && ferror(file) == 0 && len <= TRUST_FILE_MAX;
    enum idp_err err = text == NULL ? IDP_FAULT : IDP_OK;
    if (whole)
        err = trust_parse(path, text, len, why, out);
    else if (err == IDP_OK)
        err = no_file(path, "a file of at most 4 MiB that can be read", why);
    free(text);
    (void)fclose(file);
    return err;
}

void trust_free(struct trust *trust)
{
    if (trust == NULL)
        return;
    struct trust_list *list = (struct trust_list *)trust;
    arena_free(list->arena);
    free(list);
}

enum idp_err trust_keep_signatures(struct trust *trust, const char *text, size_t len)
{
    struct trust_list *list = (struct trust_list *)trust;
    list->trust.signatures = arena_strndup(list->arena, text, len);
    return list->trust.signatures != NULL ? IDP_OK : IDP_FAULT;
}

void trust_set_rights_ended(struct trust *trust, const char *id, int64_t seconds)
{
    struct trust_list *list = (struct trust_list *)trust;
    for (size_t i = 0; i < trust->count; i++)
        if (strcmp(trust->authorities[i].id, id) == 0)
            list->authorities[i].rights_ended = seconds;
}

const struct authority *trust_find(const struct trust *trust, const char *id)
{
    for (size_t i = 0; i < trust->count; i++)
        if (strcmp(trust->authorities[i].id, id) == 0)
            return &trust->authorities[i];
    return NULL;
}

const char *const *trust_hosts(const struct trust *trust)
{
    return ((const struct trust_list *)trust)->hosts;
}
