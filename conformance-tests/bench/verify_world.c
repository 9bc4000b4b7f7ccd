#include "verify_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <dirent.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "http/http.h"
#include "net/race.h"
#include "pki/crl/crl_files.h"
#include "pki/crl/crls.h"
#include "pki/lock/lock_answer.h"
#include "pki/lock/verify.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/pki/crl_make.h"

static const struct kind {
    const char *name, *key, *algorithm;
    size_t keys; /* how many the locks share, where making one takes long */
} kinds[] = {{"rsa", "RSA", "RS256", 8},
             {"p256", "P-256", "ES256", VERIFY_LOCKS},
             {"sm2", "SM2", "SM2", VERIFY_LOCKS}};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

const char *const verify_suffixes[VERIFY_WEATHERS] = {
    [VERIFY_USUAL] = "", [VERIFY_CA_DEAD] = "_ca_dead", [VERIFY_MILLION_CRL] = "_million_crl"};

/* --- the locks ------------------------------------------------------------------------------ */

static EVP_MD_CTX *prepare(EVP_PKEY *key)
{
    static const char sm2_id[] = "1234567812345678";
    EVP_PKEY_CTX *key_ctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool sm2 = EVP_PKEY_is_a(key, "SM2") == 1;
    const char *digest = sm2 ? "SM3" : "SHA256";
    if (ctx != NULL && EVP_DigestVerifyInit_ex(ctx, &key_ctx, digest, NULL, NULL, key, NULL) == 1 &&
        (!sm2 || EVP_PKEY_CTX_set1_id(key_ctx, sm2_id, sizeof(sm2_id) - 1) == 1))
        return ctx;
    EVP_MD_CTX_free(ctx);
    return NULL;
}

/* What the lock signs (pki/lock/verify.h). */
static bool write_m(const struct kind *kind, const struct verify_lock *lock,
                    struct verify_signed *out)
{
    static const char context[] = "TAMGA-LOGIN/1";
    enum digest_kind hash = strcmp(kind->key, "SM2") == 0 ? DIGEST_SM3 : DIGEST_SHA256;
    out->len = sizeof(context) + (size_t)3 * DIGEST_SIZE;
    out->bytes = malloc(out->len);
    if (out->bytes == NULL)
        return false;
    unsigned char *at = out->bytes + sizeof(context);
    memcpy(out->bytes, context, sizeof(context));
    return digest(hash, REGION_ORIGIN, strlen(REGION_ORIGIN), at) == IDP_OK &&
           digest(hash, REGION_CHALLENGE, strlen(REGION_CHALLENGE), at + DIGEST_SIZE) == IDP_OK &&
           digest(hash, lock->der, lock->der_len, at + (size_t)2 * DIGEST_SIZE) == IDP_OK;
}

static bool sign_in(const struct kind *kind, EVP_PKEY *key, struct verify_lock *lock)
{
    const struct region_signing signing = {.algorithm = kind->algorithm,
                                           .origin = REGION_ORIGIN,
                                           .challenge = REGION_CHALLENGE,
                                           .certificate = lock->der,
                                           .certificate_len = lock->der_len};
    lock->answer.signature = region_sign(key, &signing, &lock->answer.signature_len);
    lock->answer.ready = prepare(key);
    return lock->answer.ready != NULL && write_m(kind, lock, &lock->answer);
}

static bool take_apart(X509 *certificate, EVP_PKEY *issuer, struct verify_signed *out)
{
    const ASN1_BIT_STRING *signature = NULL;
    int len = i2d_re_X509_tbs(certificate, &out->bytes);
    X509_get0_signature(&signature, NULL, certificate);
    out->signature_len = (size_t)ASN1_STRING_length(signature);
    out->signature = malloc(out->signature_len);
    out->ready = prepare(issuer);
    if (len <= 0 || out->signature == NULL || out->ready == NULL)
        return false;
    out->len = (size_t)len;
    memcpy(out->signature, ASN1_STRING_get0_data(signature), out->signature_len);
    return true;
}

static bool write_body(const struct kind *kind, struct verify_lock *lock)
{
    static const char form[] =
        "{\"answer\":{\"format\":\"tamga-lock:1\",\"algorithm\":\"%s\",\"certificate\":\"%s\","
        "\"signature\":\"%s\",\"agentVersion\":\"0.1.0\"},\"interaction\":\"%.22s\"}";
    char certificate[LOCK_CERTIFICATE_MAX * 2];
    char signature[LOCK_SIGNATURE_MAX * 2];
    lock->body = malloc(sizeof(form) + sizeof(certificate) + sizeof(signature));
    if (lock->body == NULL || lock->der_len > LOCK_CERTIFICATE_MAX)
        return false;
    base64_encode(lock->der, lock->der_len, certificate);
    base64_encode(lock->answer.signature, lock->answer.signature_len, signature);
    lock->body_len = (size_t)sprintf(lock->body, form, kind->algorithm, certificate, signature,
                                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    return true;
}

static bool make_lock(const struct region_authority *authority, const struct kind *kind,
                      EVP_PKEY *key, struct verify_lock *lock)
{
    const struct region_certificate what = {.key = key,
                                            .issuer = authority->certificate,
                                            .issuer_key = authority->key,
                                            .subject = region_subject,
                                            .extensions = region_extensions,
                                            .from = REGION_NOW - 100 * (int64_t)REGION_DAY,
                                            .to = REGION_NOW + 600 * (int64_t)REGION_DAY};
    X509 *certificate = region_issue(&what);
    lock->der = region_der(certificate, &lock->der_len);
    bool good = take_apart(certificate, authority->key, &lock->certificate);
    X509_free(certificate);
    return good && sign_in(kind, key, lock) && write_body(kind, lock);
}

static bool make_locks(struct verify_region *region, const struct kind *kind)
{
    EVP_PKEY *keys[VERIFY_LOCKS] = {NULL};
    bool good = true;
    for (size_t i = 0; i < kind->keys; i++)
        keys[i] = region_key(kind->key);
    for (size_t i = 0; good && i < VERIFY_LOCKS; i++)
        good = make_lock(&region->authority, kind, keys[i % kind->keys], &region->locks[i]);
    for (size_t i = 0; i < kind->keys; i++)
        EVP_PKEY_free(keys[i]);
    return good;
}

bool verify_region_make(struct verify_region *region, const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            region_authority_make(&region->authority, name, kinds[i].key);
            return make_locks(region, &kinds[i]);
        }
    return false;
}

static void clear_signed(struct verify_signed *what)
{
    EVP_MD_CTX_free(what->ready);
    free(what->signature);
}

void verify_region_clear(struct verify_region *region)
{
    for (size_t i = 0; i < VERIFY_LOCKS; i++) {
        struct verify_lock *lock = &region->locks[i];
        clear_signed(&lock->answer);
        clear_signed(&lock->certificate);
        free(lock->answer.bytes);
        OPENSSL_free(lock->certificate.bytes);
        free(lock->body);
        free(lock->der);
    }
    region_authority_clear(&region->authority);
}

/* --- the room ------------------------------------------------------------------------------- */

#define FOLDER "/tmp/bench-verify-XXXXXX"
enum { REVOKED = 1000000 };

struct verify_world {
    struct region_way way; /* first: serve() is told it */
    struct verify_region *region;
    enum verify_weather weather;
    char folder[sizeof(FOLDER)];
    struct crls *crls;
    char *list; /* the trust list, as it is read */
    struct kv *kv;
    struct pki *pki;
    struct trust *next;
    bool is_dead;
};

/* The status service: good, or as long as one waits for somebody who is not there. */
static enum idp_err serve(void *context, struct arena *arena, const struct net_request *request,
                          struct net_answer *out)
{
    const struct verify_world *world = context;
    const struct region_authority *authority = &world->region->authority;
    const struct region_status how = {.key = authority->responder_key,
                                      .signer = authority->responder,
                                      .issuer = authority->certificate,
                                      .send_signer = true,
                                      .status = V_OCSP_CERTSTATUS_GOOD,
                                      .this_update = REGION_NOW,
                                      .next_update = REGION_NOW + 3600,
                                      .copies = 1};
    size_t len = 0;
    if (world->is_dead) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        return IDP_UNAVAILABLE;
    }
    unsigned char *bytes = region_answer(&how, request->body, request->body_len, &len);
    *out =
        (struct net_answer){.status = 200, .body = arena_copy(arena, bytes, len), .body_len = len};
    free(bytes);
    return out->body != NULL ? IDP_OK : IDP_FAULT;
}

/* With lists, they are all that counts. */
static char *write_list(const struct verify_world *world)
{
    json_t *entry = region_entry(&world->region->authority);
    json_t *revocation = json_object_get(entry, "revocation");
    if (world->weather == VERIFY_MILLION_CRL) {
        (void)json_object_set_new(revocation, "policy", json_string("crl"));
        (void)json_object_set_new(revocation, "crl",
                                  json_pack("[{s:s}]", "url", "http://127.0.0.51:8500/crl"));
    }
    json_t *list = region_trust_list((json_t *[]){entry, NULL});
    char *text = json_dumps(list, 0);
    json_decref(list);
    return text;
}

static struct trust *read_list(const struct verify_world *world)
{
    char *why = NULL;
    struct trust *trust = NULL;
    if (trust_parse("bench", world->list, strlen(world->list), &why, &trust) != IDP_OK)
        (void)fprintf(stderr, "bench-verify: %s\n", why != NULL ? why : "no memory");
    free(why);
    return trust;
}

/* Takes a list of a million others that are revoked. */
static bool take_million(struct verify_world *world, const unsigned char *der, size_t len)
{
    struct crl_draft draft;
    const char *id = world->region->authority.id;
    if (crls_draft(world->crls, &draft) != IDP_OK)
        return false;
    size_t written = 0;
    for (ssize_t n = 1; written < len && n > 0; written += (size_t)n)
        n = write(draft.fd, der + written, len - written);
    const struct crls_result result = crls_offer(world->crls, &draft, id, REGION_NOW);
    crl_draft_end(&draft);
    return result.outcome == CRLS_TAKEN && result.entries == REVOKED;
}

static bool begin_lists(struct verify_world *world, const struct trust *trust)
{
    const struct crl_making how = {.issuer = world->region->authority.certificate,
                                   .key = world->region->authority.key,
                                   .this_update = REGION_NOW - 60,
                                   .next_update = REGION_NOW + REGION_DAY,
                                   .number = "01",
                                   .random = REVOKED};
    size_t len = 0;
    memcpy(world->folder, FOLDER, sizeof(FOLDER));
    if (mkdtemp(world->folder) == NULL || crls_new(world->folder, &world->crls) != IDP_OK ||
        crls_follow(world->crls, trust) != IDP_OK)
        return false;
    unsigned char *der = crl_make(&how, &len);
    bool good = take_million(world, der, len);
    free(der);
    return good;
}

static bool begin(struct verify_world *world)
{
    struct pki_settings settings = {.fetch = {.context = world, .race = region_race},
                                    .background = 1};
    if (kv_memory_open(NULL, NULL, &world->kv) != IDP_OK)
        return false;
    settings.kv = world->kv;
    world->list = write_list(world);
    settings.trust = world->list != NULL ? read_list(world) : NULL;
    if (settings.trust == NULL)
        return false;
    bool good = world->weather != VERIFY_MILLION_CRL || begin_lists(world, settings.trust);
    if (good && world->crls != NULL)
        settings.lists = pki_lists_of(world->crls);
    good = good && pki_new(&settings, &world->pki) == IDP_OK;
    if (!good)
        trust_free(settings.trust);
    return good;
}

struct verify_world *verify_world_new(struct verify_region *region, enum verify_weather weather)
{
    struct verify_world *world = calloc(1, sizeof(*world));
    if (world == NULL)
        return NULL;
    world->way.send = serve;
    world->region = region;
    world->weather = weather;
    bool good = begin(world);
    for (size_t i = 0; good && i < VERIFY_LOCKS; i++)
        good = verify_once(world, i);
    world->is_dead = weather != VERIFY_USUAL;
    if (good)
        return world;
    verify_world_free(world);
    return NULL;
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0); /* . and .. are no files */
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(folder);
}

void verify_world_free(struct verify_world *world)
{
    if (world == NULL)
        return;
    pki_free(world->pki);
    crls_free(world->crls);
    if (world->crls != NULL)
        remove_folder(world->folder);
    kv_close(world->kv);
    trust_free(world->next);
    free(world->list);
    free(world);
}

bool verify_world_prepare(struct verify_world *world)
{
    world->next = read_list(world);
    return world->next != NULL;
}

bool verify_world_forget(struct verify_world *world)
{
    bool good = pki_exchange(world->pki, world->next) == IDP_OK;
    if (good)
        world->next = NULL;
    return good;
}

/* --- what is measured ----------------------------------------------------------------------- */

/* As POST /api/sign-in takes them. */
static const struct param params[] = {
    {.name = "answer", .required = true, .kind = PARAM_OBJECT},
    {.name = "interaction", .max = 64},
    {.name = NULL},
};

static enum idp_err verify(struct verify_world *world, struct arena *arena,
                           const struct verify_lock *lock, struct lock_identity *who)
{
    const struct lock_question question = {
        .origin = REGION_ORIGIN, .challenge = REGION_CHALLENGE, .now = REGION_NOW};
    const char *values[HTTP_PARAMS_MAX] = {NULL};
    struct refusal why = {.count = 0};
    struct lock_answer answer;
    json_t *json = NULL;
    enum idp_err err = http_json_parse(arena, lock->body, lock->body_len, params, values, &json);
    if (err == IDP_OK)
        err = lock_answer_read(arena, json_object_get(json, "answer"), &why, &answer);
    if (err == IDP_OK)
        err = lock_prepare(world->pki, arena, question.now, &answer);
    if (err == IDP_OK)
        err = lock_verify(world->pki, arena, &question, &answer, &why, who);
    if (err != IDP_OK)
        (void)fprintf(stderr, "bench-verify: %s\n", why.reason != NULL ? why.reason->code : "-");
    return err;
}

bool verify_once(struct verify_world *world, size_t n)
{
    struct lock_identity who = {.authority = NULL};
    struct arena *arena = arena_new();
    enum idp_err err =
        arena != NULL ? verify(world, arena, &world->region->locks[n], &who) : IDP_FAULT;
    bool good = err == IDP_OK && strcmp(who.uscc, REGION_USCC) == 0;
    arena_free(arena);
    return good;
}
