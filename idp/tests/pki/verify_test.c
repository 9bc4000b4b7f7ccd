#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/refusal.h"
#include "net/fetch.h"
#include "pki/der.h"
#include "pki/lock/verify.h"
#include "pki/pki.h"
#include "pki/state.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/pki_region.h"

enum { OF_RSA, OF_P256, OF_SM2, OF_KINDS };

static const char *const kinds[OF_KINDS] = {"RSA", "P-256", "SM2"};
static const char *const algorithms[OF_KINDS] = {"RS256", "ES256", "SM2"};

/* Made once: keys take long. The strangers' authority is in no trust list. */
static struct region_authority authorities[OF_KINDS], strangers;
static struct region_holder locks[OF_KINDS];

/* The world of one test. */
static struct world {
    struct kv *kv;
    struct pki *pki;
    struct arena *arena;
    struct region_status status; /* how the service answers */
    enum idp_err sent;           /* what becomes of a question */
    int packets;                 /* questions that left the house */
    const char *address;         /* where the last one went */
    struct refusal why;
    struct lock_identity who;
} w;

static enum idp_err answer_question(void *context, struct arena *arena,
                                    const struct net_request *request, struct net_answer *out)
{
    size_t len = 0;
    (void)context;
    w.packets++;
    w.address = request->url;
    if (w.sent != IDP_OK)
        return w.sent;
    unsigned char *bytes = region_answer(&w.status, request->body, request->body_len, &len);
    *out =
        (struct net_answer){.status = 200, .body = arena_copy(arena, bytes, len), .body_len = len};
    free(bytes);
    return IDP_OK;
}

static struct region_way way = {answer_question};

/* The service of this kind's authority answers. */
static void serve(int kind)
{
    const struct region_authority *authority = &authorities[kind];
    w.status = (struct region_status){.key = authority->responder_key,
                                      .signer = authority->responder,
                                      .issuer = authority->certificate,
                                      .send_signer = true,
                                      .status = V_OCSP_CERTSTATUS_GOOD,
                                      .revoked_at = REGION_NOW - REGION_DAY,
                                      .this_update = REGION_NOW,
                                      .next_update = REGION_NOW + 3600,
                                      .copies = 1};
}

static struct trust *parse_trust(json_t *list)
{
    char *why = NULL;
    struct trust *trust = NULL;
    char *text = json_dumps(list, 0);
    assert_non_null(text);
    enum idp_err err = trust_parse("trust-list.json", text, strlen(text), &why, &trust);
    if (err != IDP_OK)
        print_message("%s\n", why);
    assert_int_equal(err, IDP_OK);
    free(text);
    json_decref(list);
    return trust;
}

static void begin(json_t *list)
{
    w = (struct world){.arena = arena_new()};
    struct pki_settings settings = {.trust = parse_trust(list), .fetch = {&way, region_race}};
    assert_non_null(w.arena);
    assert_int_equal(kv_memory_open(NULL, NULL, &settings.kv), IDP_OK);
    w.kv = settings.kv;
    assert_int_equal(pki_new(&settings, &w.pki), IDP_OK);
    serve(OF_RSA);
}

static json_t *usual_list(void)
{
    json_t *entries[OF_KINDS + 1] = {NULL};
    for (int i = 0; i < OF_KINDS; i++)
        entries[i] = region_entry(&authorities[i]);
    return region_trust_list(entries);
}

static int set_up(void **state)
{
    (void)state;
    begin(usual_list());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lane_set_may_wait(true);
    arena_free(w.arena);
    pki_free(w.pki);
    kv_close(w.kv);
    return 0;
}

/* A world whose list has this entry only. */
static void begin_again(json_t *entry)
{
    json_t *entries[] = {entry, NULL};
    (void)tear_down(NULL);
    begin(region_trust_list(entries));
}

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    for (int i = 0; i < OF_KINDS; i++) {
        region_authority_make(&authorities[i],
                              kinds[i][0] == 'R' ? "rsa"
                              : i == OF_P256     ? "p256"
                                                 : "sm2",
                              kinds[i]);
        region_lock_make(&authorities[i], &(struct region_lock){.kind = NULL}, &locks[i]);
    }
    region_authority_make(&strangers, "strangers", "P-256");
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (int i = 0; i < OF_KINDS; i++) {
        region_authority_clear(&authorities[i]);
        region_lock_clear(&locks[i]);
    }
    region_authority_clear(&strangers);
    return 0;
}

/* --- signing in ----------------------------------------------------------------------------- */

static const struct lock_question question = {
    .origin = REGION_ORIGIN, .challenge = REGION_CHALLENGE, .now = REGION_NOW};

static enum lock_algorithm algorithm_of(const char *name)
{
    for (int i = LOCK_RS256; i <= LOCK_SM2; i++)
        if (strcmp(lock_algorithm_name((enum lock_algorithm)i), name) == 0)
            return (enum lock_algorithm)i;
    fail();
    return LOCK_SM2;
}

static struct region_signing usual_signing(const struct region_holder *lock, const char *algorithm)
{
    return (struct region_signing){.algorithm = algorithm,
                                   .origin = REGION_ORIGIN,
                                   .challenge = REGION_CHALLENGE,
                                   .certificate = lock->der,
                                   .certificate_len = lock->der_len};
}

/* Presents a certificate with a signature, each in a block of exactly its size. */
static enum idp_err present(const unsigned char *der, size_t der_len,
                            const unsigned char *signature, size_t signature_len,
                            const char *algorithm)
{
    struct lock_answer answer = {.algorithm = algorithm_of(algorithm),
                                 .certificate = der,
                                 .certificate_len = der_len,
                                 .signature = signature,
                                 .signature_len = signature_len,
                                 .agent_version = "0.1.0"};
    w.why = (struct refusal){.count = 0};
    return lock_verify(w.pki, w.arena, &question, &answer, &w.why, &w.who);
}

static enum idp_err sign_in_with(const struct region_holder *lock, const struct region_signing *how)
{
    size_t len = 0;
    unsigned char *signature = region_sign(lock->key, how, &len);
    unsigned char *exact = realloc(signature, len);
    enum idp_err err = present(lock->der, lock->der_len, exact, len, how->algorithm);
    free(exact);
    return err;
}

static enum idp_err sign_in(const struct region_holder *lock, const char *algorithm)
{
    struct region_signing how = usual_signing(lock, algorithm);
    return sign_in_with(lock, &how);
}

static void expect_refusal(enum idp_err err, const char *code)
{
    if (err == IDP_REFUSED && strcmp(w.why.reason->code, code) != 0)
        print_message("%s instead of %s\n", w.why.reason->code, code);
    assert_int_equal(err, IDP_REFUSED);
    assert_string_equal(w.why.reason->code, code);
}

static void expect_fact(const char *name, const char *value)
{
    assert_non_null(refusal_find(&w.why, name));
    assert_string_equal(refusal_find(&w.why, name), value);
}

/* Signs in with a lock of the RSA authority whose extensions or subject differ. */
static void expect_of_lock(const struct region_authority *authority, const struct region_lock *how,
                           const char *algorithm, const char *code)
{
    struct region_holder lock;
    region_lock_make(authority, how, &lock);
    enum idp_err err = sign_in(&lock, algorithm);
    expect_refusal(err, code);
    region_lock_clear(&lock);
}

/* The usual extensions, of which the one of this name gets another value (NULL: is left out). */
static const struct region_pair *extensions_with(const char *name, const char *value)
{
    static struct region_pair list[16];
    size_t n = 0;
    bool replaced = false;
    for (const struct region_pair *pair = region_extensions; pair->name != NULL; pair++) {
        bool this_one = strcmp(pair->name, name) == 0;
        replaced = replaced || this_one;
        if (!this_one)
            list[n++] = *pair;
        else if (value != NULL)
            list[n++] = (struct region_pair){name, value};
    }
    if (!replaced)
        list[n++] = (struct region_pair){name, value};
    list[n] = (struct region_pair){NULL, NULL};
    return list;
}

static void expect_of_extension(const char *name, const char *value, const char *code)
{
    const struct region_lock how = {.extensions = extensions_with(name, value)};
    expect_of_lock(&authorities[OF_P256], &how, "ES256", code);
}

/* The P-256 authority's entry, of whose profile a member (JSON; NULL: leaves it out) is another. */
static json_t *entry_with(const char *name, const char *json)
{
    json_t *entry = region_entry(&authorities[OF_P256]);
    json_t *profile = json_object_get(entry, "profile");
    if (json == NULL)
        assert_int_equal(json_object_del(profile, name), 0);
    else
        assert_int_equal(
            json_object_set_new(profile, name, json_loads(json, JSON_DECODE_ANY, NULL)), 0);
    return entry;
}

/* --- good ----------------------------------------------------------------------------------- */

static void every_kind_of_lock_signs_in(void **state)
{
    (void)state;
    for (int i = 0; i < OF_KINDS; i++) {
        serve(i);
        assert_int_equal(sign_in(&locks[i], algorithms[i]), IDP_OK);
        assert_string_equal(w.who.authority->id, authorities[i].id);
        assert_string_equal(w.who.uscc, REGION_USCC);
        assert_string_equal(w.who.name, "风铃建设有限公司");
        assert_string_equal(w.who.key_number, "KEY0001");
        assert_int_equal(w.who.key, i);
        assert_false(w.who.names_person);
        assert_true(w.who.not_before < REGION_NOW && w.who.not_after > REGION_NOW);
    }
}

static void rsa_lock_may_sign_with_pss(void **state)
{
    (void)state;
    assert_int_equal(sign_in(&locks[OF_RSA], "PS256"), IDP_OK);
    assert_int_equal(w.who.algorithm, LOCK_PS256);
}

static void identity_names_certificate_and_key(void **state)
{
    (void)state;
    unsigned char hash[32];
    unsigned size = 0;
    char serial[64];
    assert_int_equal(sign_in(&locks[OF_RSA], "RS256"), IDP_OK);
    assert_int_equal(w.who.certificate_len, locks[OF_RSA].der_len);
    assert_memory_equal(w.who.certificate, locks[OF_RSA].der, locks[OF_RSA].der_len);
    assert_int_equal(X509_digest(locks[OF_RSA].certificate, EVP_sha256(), hash, &size), 1);
    assert_memory_equal(w.who.certificate_hash, hash, sizeof(hash));
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(locks[OF_RSA].key, &spki);
    assert_true(len > 0);
    assert_int_equal(EVP_Digest(spki, (size_t)len, hash, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(w.who.key_hash, hash, sizeof(hash));
    OPENSSL_free(spki);
    uint64_t number = 0;
    assert_int_equal(
        ASN1_INTEGER_get_uint64(&number, X509_get0_serialNumber(locks[OF_RSA].certificate)), 1);
    (void)snprintf(serial, sizeof(serial), "%016llX", (unsigned long long)number);
    assert_string_equal(w.who.serial, serial);
}

static void verdict_carries_its_evidence(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) { /* asked, then remembered */
        assert_int_equal(sign_in(&locks[OF_RSA], "RS256"), IDP_OK);
        const unsigned char *at = w.who.status.response;
        OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)w.who.status.response_len);
        assert_non_null(response);
        OCSP_RESPONSE_free(response);
        assert_int_equal(w.who.status.this_update, REGION_NOW);
        assert_int_equal(w.who.status.next_update, REGION_NOW + 3600);
    }
    assert_int_equal(w.packets, 1);
}

/* The chain upwards, as the list has it. */
static void verdict_names_its_anchor_and_the_root_where_the_list_has_it(void **state)
{
    (void)state;
    unsigned char hash[32];
    const struct region_authority *authority = &authorities[OF_SM2];
    for (int listed = 0; listed < 2; listed++) {
        json_t *entry = region_entry(authority);
        char *stranger = region_pem(strangers.root);
        char *root = region_pem(authority->root);
        if (listed == 1)
            assert_int_equal(
                json_object_set_new(entry, "roots", json_pack("[s, s]", stranger, root)), 0);
        free(stranger);
        free(root);
        begin_again(entry);
        serve(OF_SM2);
        assert_int_equal(sign_in(&locks[OF_SM2], "SM2"), IDP_OK);
        assert_int_equal(X509_digest(authority->certificate, EVP_sha256(), hash, NULL), 1);
        assert_memory_equal(w.who.anchor->hash, hash, sizeof(hash));
        assert_int_equal(
            EVP_Digest(w.who.anchor->der, w.who.anchor->der_len, hash, NULL, EVP_sha256(), NULL),
            1);
        assert_memory_equal(w.who.anchor->hash, hash, sizeof(hash));
        assert_int_equal(w.who.root != NULL, listed);
    }
    assert_int_equal(X509_digest(authority->root, EVP_sha256(), hash, NULL), 1);
    assert_memory_equal(w.who.root->hash, hash, sizeof(hash));
}

/* So that the refusal can be kept with its certificate: only of who proved the key, and whose path
 * is good. */
static void refusal_tells_of_a_lock_only_what_its_authority_vouches_for(void **state)
{
    (void)state;
    struct region_holder strange;
    w.status.status = V_OCSP_CERTSTATUS_REVOKED;
    expect_refusal(sign_in(&locks[OF_RSA], "RS256"), "lock.revoked");
    assert_memory_equal(w.who.certificate, locks[OF_RSA].der, locks[OF_RSA].der_len);
    assert_string_equal(w.who.authority->id, "rsa");
    assert_string_equal(w.who.uscc, REGION_USCC);

    struct region_signing other = usual_signing(&locks[OF_RSA], "RS256");
    other.challenge = "login.another";
    expect_refusal(sign_in_with(&locks[OF_RSA], &other), "lock.not_accepted");
    assert_null(w.who.certificate);

    region_lock_make(&strangers, &(struct region_lock){.kind = NULL}, &strange);
    expect_refusal(sign_in(&strange, "ES256"), "lock.authority_unknown");
    assert_null(w.who.certificate);
    region_lock_clear(&strange);
}

static void absent_key_number_is_null(void **state)
{
    (void)state;
    struct region_holder lock;
    const struct region_lock how = {.extensions = extensions_with("1.3.6.1.4.1.32473.1.3", NULL)};
    region_lock_make(&authorities[OF_RSA], &how, &lock);
    assert_int_equal(sign_in(&lock, "RS256"), IDP_OK);
    assert_null(w.who.key_number);
    region_lock_clear(&lock);
}

/* --- what was signed ------------------------------------------------------------------------ */

static void signature_for_another_origin_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < OF_KINDS; i++) {
        struct region_signing how = usual_signing(&locks[i], algorithms[i]);
        how.origin = "https://evil.example";
        expect_refusal(sign_in_with(&locks[i], &how), "lock.not_accepted");
    }
    assert_int_equal(w.packets, 0);
}

static void signature_over_another_challenge_is_refused(void **state)
{
    (void)state;
    struct region_signing how = usual_signing(&locks[OF_SM2], "SM2");
    how.challenge = "login.BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    expect_refusal(sign_in_with(&locks[OF_SM2], &how), "lock.not_accepted");
}

static void signature_for_another_purpose_is_refused(void **state)
{
    (void)state;
    struct region_signing how = usual_signing(&locks[OF_P256], "ES256");
    how.challenge = "bind" /* the rest is the same */
                    ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    expect_refusal(sign_in_with(&locks[OF_P256], &how), "lock.not_accepted");
}

static void another_certificate_of_the_same_key_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < OF_KINDS; i++) {
        const struct region_certificate what = {.key = locks[i].key,
                                                .issuer = authorities[i].certificate,
                                                .issuer_key = authorities[i].key,
                                                .subject = region_subject,
                                                .extensions = region_extensions,
                                                .from = REGION_NOW - REGION_DAY,
                                                .to = REGION_NOW + REGION_DAY};
        struct region_holder twin = {.key = locks[i].key, .certificate = region_issue(&what)};
        twin.der = region_der(twin.certificate, &twin.der_len);
        struct region_signing how = usual_signing(&locks[i], algorithms[i]);
        expect_refusal(sign_in_with(&twin, &how), "lock.not_accepted");
        X509_free(twin.certificate);
        free(twin.der);
    }
}

static void swapped_certificate_is_refused(void **state)
{
    (void)state;
    struct region_holder other;
    region_lock_make(&authorities[OF_RSA], &(struct region_lock){.kind = NULL}, &other);
    struct region_holder swapped = {
        .key = locks[OF_RSA].key, .der = other.der, .der_len = other.der_len};
    struct region_signing how = usual_signing(&other, "RS256");
    expect_refusal(sign_in_with(&swapped, &how), "lock.not_accepted");
    region_lock_clear(&other);
}

static void sm2_signature_with_an_empty_or_other_id_is_refused(void **state)
{
    (void)state;
    static const char *const ids[] = {"", "1234567812345670", "ALICE123@YAHOO.COM"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        struct region_signing how = usual_signing(&locks[OF_SM2], "SM2");
        how.sm2_id = ids[i];
        expect_refusal(sign_in_with(&locks[OF_SM2], &how), "lock.not_accepted");
    }
}

static void flipped_bits_in_a_signature_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < OF_KINDS; i++) {
        size_t len = 0;
        struct region_signing how = usual_signing(&locks[i], algorithms[i]);
        unsigned char *signature = region_sign(locks[i].key, &how, &len);
        for (size_t at = 0; at < len; at += 7) {
            signature[at] ^= 1;
            expect_refusal(present(locks[i].der, locks[i].der_len, signature, len, algorithms[i]),
                           "lock.not_accepted");
            signature[at] ^= 1;
        }
        free(signature);
    }
}

static void signature_with_something_behind_it_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < OF_KINDS; i++) {
        size_t len = 0;
        struct region_signing how = usual_signing(&locks[i], algorithms[i]);
        unsigned char *signature = region_sign(locks[i].key, &how, &len);
        signature = realloc(signature, len + 1);
        signature[len] = 0;
        expect_refusal(present(locks[i].der, locks[i].der_len, signature, len + 1, algorithms[i]),
                       "lock.not_accepted");
        free(signature);
    }
}

static void algorithm_of_another_key_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[OF_KINDS][3] = {
        {"ES256", "SM2"}, {"RS256", "SM2", "PS256"}, {"ES256", "RS256", "PS256"}};
    for (int i = 0; i < OF_KINDS; i++)
        for (int j = 0; j < 3 && wrong[i][j] != NULL; j++)
            expect_refusal(present(locks[i].der, locks[i].der_len,
                                   (const unsigned char *)"signature", 9, wrong[i][j]),
                           "lock.algorithm");
}

static void rsa_padding_is_not_interchangeable(void **state)
{
    (void)state;
    size_t len = 0;
    struct region_signing how = usual_signing(&locks[OF_RSA], "RS256");
    unsigned char *signature = region_sign(locks[OF_RSA].key, &how, &len);
    expect_refusal(present(locks[OF_RSA].der, locks[OF_RSA].der_len, signature, len, "PS256"),
                   "lock.not_accepted");
    free(signature);
}

/* --- which certificate ---------------------------------------------------------------------- */

static void every_flipped_bit_of_a_certificate_is_refused(void **state)
{
    (void)state;
    /* Signed with the true key over the changed bytes: the authority's signature has to catch it.
     */
    for (int i = OF_P256; i < OF_KINDS; i++) {
        size_t len = locks[i].der_len;
        unsigned char *der = malloc(len);
        memcpy(der, locks[i].der, len);
        serve(i);
        for (size_t at = 0; at < len; at++) {
            der[at] ^= (unsigned char)(1U << at % 8);
            struct region_holder bent = {.key = locks[i].key, .der = der, .der_len = len};
            assert_int_equal(sign_in(&bent, algorithms[i]), IDP_REFUSED);
            der[at] ^= (unsigned char)(1U << at % 8);
        }
        free(der);
    }
    assert_int_equal(w.packets, 0);
}

/* SEQUENCE { body, algorithm, BIT STRING } with a new ECDSA signature over the body. */
static size_t sign_again(const unsigned char *der, size_t len, EVP_PKEY *key, unsigned char *out)
{
    struct der rest = {.at = der, .left = len};
    struct der_item whole;
    struct der_item body;
    struct der_item algorithm;
    unsigned char signature[80];
    size_t signature_len = sizeof(signature);
    assert_true(der_next_is(&rest, DER_SEQUENCE, &whole));
    rest = der_inside(&whole);
    assert_true(der_next(&rest, &body) && der_next(&rest, &algorithm));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &signature_len, body.whole, body.whole_len), 1);
    EVP_MD_CTX_free(ctx);
    size_t inside = body.whole_len + algorithm.whole_len + 3 + signature_len;
    const unsigned char begins[] = {DER_SEQUENCE, 0x82, (unsigned char)(inside >> 8),
                                    (unsigned char)inside};
    const unsigned char bits[] = {DER_BIT_STRING, (unsigned char)(signature_len + 1), 0};
    memcpy(out, begins, sizeof(begins));
    out += sizeof(begins);
    memcpy(out, body.whole, body.whole_len);
    out += body.whole_len;
    memcpy(out, algorithm.whole, algorithm.whole_len);
    out += algorithm.whole_len;
    memcpy(out, bits, sizeof(bits));
    memcpy(out + sizeof(bits), signature, signature_len);
    return sizeof(begins) + inside;
}

/* The first one: ecdsa-with-SHA384 for ecdsa-with-SHA256 (RFC 5758 section 3.2). */
static void change_inner_algorithm(unsigned char *der, size_t len)
{
    static const unsigned char sha256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
    size_t at = 0;
    while (at + sizeof(sha256) < len && memcmp(der + at, sha256, sizeof(sha256)) != 0)
        at++;
    assert_in_range(at, 1, len / 2);
    der[at + sizeof(sha256) - 1] = 3;
}

/* RFC 5280 section 4.1.1.2: the issuer's signature is good, and what it signed names another
 * algorithm. */
static void inner_and_outer_algorithm_have_to_agree(void **state)
{
    (void)state;
    unsigned char changed[LOCK_CERTIFICATE_MAX];
    unsigned char made[LOCK_CERTIFICATE_MAX];
    struct region_holder lock = locks[OF_P256];
    EVP_PKEY *issuer = authorities[OF_P256].key;
    json_t *lenient = region_entry(&authorities[OF_P256]);
    assert_int_equal(
        json_object_set_new(json_object_get(lenient, "profile"), "strict", json_false()), 0);
    begin_again(lenient);
    serve(OF_P256);
    memcpy(changed, lock.der, lock.der_len);
    lock.der = made;
    lock.der_len = sign_again(changed, lock.der_len, issuer, made);
    assert_int_equal(sign_in(&lock, "ES256"), IDP_OK);
    change_inner_algorithm(changed, locks[OF_P256].der_len);
    lock.der_len = sign_again(changed, locks[OF_P256].der_len, issuer, made);
    expect_refusal(sign_in(&lock, "ES256"), "lock.path");
}

static void cut_and_lengthened_certificates_are_malformed(void **state)
{
    (void)state;
    size_t len = locks[OF_P256].der_len;
    for (size_t n = 1; n < len; n += 13) {
        unsigned char *cut = malloc(n);
        memcpy(cut, locks[OF_P256].der, n);
        struct region_holder bent = {.key = locks[OF_P256].key, .der = cut, .der_len = n};
        expect_refusal(sign_in(&bent, "ES256"), "lock.shape");
        free(cut);
    }
    unsigned char *longer = calloc(1, len + 1);
    memcpy(longer, locks[OF_P256].der, len);
    struct region_holder bent = {.key = locks[OF_P256].key, .der = longer, .der_len = len + 1};
    expect_refusal(sign_in(&bent, "ES256"), "lock.shape");
    free(longer);
}

static void indefinite_length_is_malformed(void **state)
{
    (void)state;
    /* 30 82 LL LL … becomes 30 80 … 00 00: BER that OpenSSL would read. */
    size_t len = locks[OF_P256].der_len;
    unsigned char *ber = malloc(len);
    ber[0] = 0x30;
    ber[1] = 0x80;
    memcpy(ber + 2, locks[OF_P256].der + 4, len - 4);
    memset(ber + len - 2, 0, 2);
    struct region_holder bent = {.key = locks[OF_P256].key, .der = ber, .der_len = len};
    expect_refusal(sign_in(&bent, "ES256"), "lock.shape");
    free(ber);
}

static void unknown_authority_is_told_to_the_holder_only(void **state)
{
    (void)state;
    struct region_holder lock;
    region_lock_make(&strangers, &(struct region_lock){.kind = NULL}, &lock);
    expect_refusal(sign_in(&lock, "ES256"), "lock.authority_unknown");
    struct region_signing how = usual_signing(&lock, "ES256");
    how.challenge = "login.other";
    expect_refusal(sign_in_with(&lock, &how), "lock.not_accepted");
    assert_int_equal(w.packets, 0);
    region_lock_clear(&lock);
}

static void same_issuer_name_with_another_key_is_unknown(void **state)
{
    (void)state;
    struct region_authority twin;
    region_authority_make(&twin, "p256", "P-256");
    expect_of_lock(&twin, &(struct region_lock){.kind = NULL}, "ES256", "lock.authority_unknown");
    region_authority_clear(&twin);
}

/* Without an authority key identifier, only the signature tells the twin from the true one. */
static void forged_issuer_name_without_key_id_has_no_path(void **state)
{
    (void)state;
    struct region_authority twin;
    region_authority_make(&twin, "p256", "P-256");
    begin_again(entry_with("strict", "false"));
    const struct region_lock how = {.extensions = extensions_with("authorityKeyIdentifier", NULL)};
    expect_of_lock(&twin, &how, "ES256", "lock.path");
    assert_int_equal(w.packets, 0);
    region_authority_clear(&twin);
}

static void strict_profile_demands_the_authority_key_id(void **state)
{
    (void)state;
    const struct region_lock how = {.extensions = extensions_with("authorityKeyIdentifier", NULL)};
    expect_of_lock(&authorities[OF_P256], &how, "ES256", "lock.key_id");
    json_t *entry = region_entry(&authorities[OF_P256]);
    assert_int_equal(json_object_set_new(json_object_get(entry, "profile"), "strict", json_false()),
                     0);
    begin_again(entry);
    serve(OF_P256);
    struct region_holder lock;
    region_lock_make(&authorities[OF_P256], &how, &lock);
    assert_int_equal(sign_in(&lock, "ES256"), IDP_OK);
    region_lock_clear(&lock);
}

static void root_and_self_signed_certificates_have_no_path(void **state)
{
    (void)state;
    const struct region_certificate what = {.key = locks[OF_P256].key,
                                            .subject = region_subject,
                                            .extensions = region_extensions,
                                            .from = REGION_NOW - REGION_DAY,
                                            .to = REGION_NOW + REGION_DAY};
    struct region_holder lock = {.key = locks[OF_P256].key, .certificate = region_issue(&what)};
    lock.der = region_der(lock.certificate, &lock.der_len);
    expect_refusal(sign_in(&lock, "ES256"), "lock.authority_unknown");
    X509_free(lock.certificate);
    free(lock.der);
}

static void certificate_that_may_issue_others_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"critical,CA:TRUE", "CA:TRUE",
                                         "critical,CA:TRUE,pathlen:0"};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        expect_of_extension("basicConstraints", values[i], "lock.ca_certificate");
}

static void unknown_critical_extension_is_refused(void **state)
{
    (void)state;
    expect_of_extension("1.3.6.1.4.1.32473.9.9", "critical,ASN1:PRINTABLESTRING:x",
                        "lock.extension_critical");
}

/* Signs in with a certificate of the P-256 authority that is as it should be but for this. */
static void expect_of_certificate(struct region_certificate what, const char *code)
{
    what.key = locks[OF_P256].key;
    what.issuer = authorities[OF_P256].certificate;
    what.issuer_key = authorities[OF_P256].key;
    what.subject = what.subject != NULL ? what.subject : region_subject;
    what.from = REGION_NOW - REGION_DAY;
    what.to = REGION_NOW + REGION_DAY;
    struct region_holder lock = {.key = what.key, .certificate = region_issue(&what)};
    lock.der = region_der(lock.certificate, &lock.der_len);
    expect_refusal(sign_in(&lock, "ES256"), code);
    expect_fact("authority", "p256"); /* whom to call */
    struct region_signing stranger = usual_signing(&lock, "ES256");
    stranger.challenge = "login.other"; /* whoever does not hold the key learns nothing of it */
    expect_refusal(sign_in_with(&lock, &stranger), "lock.not_accepted");
    X509_free(lock.certificate);
    free(lock.der);
}

static void old_versions_are_told_to_the_holder_only(void **state)
{
    (void)state;
    expect_of_certificate((struct region_certificate){.version = 1}, "lock.version");
    expect_of_certificate((struct region_certificate){.version = 2}, "lock.version");
    expect_of_certificate(
        (struct region_certificate){.version = 1, .extensions = region_extensions}, "lock.version");
}

static void zero_negative_and_overlong_serials_are_told_to_the_holder_only(void **state)
{
    (void)state;
    static const char *const serials[] = {"0", "-1", "-8000000000000000",
                                          "010000000000000000000000000000000000000000",
                                          "80000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof(serials) / sizeof(*serials); i++)
        expect_of_certificate(
            (struct region_certificate){.extensions = region_extensions, .serial_hex = serials[i]},
            "lock.serial");
}

static void longest_serial_is_good(void **state)
{
    (void)state;
    struct region_holder lock;
    const struct region_lock how = {.serial_hex = "7fffffffffffffffffffffffffffffffffffffff"};
    serve(OF_P256);
    region_lock_make(&authorities[OF_P256], &how, &lock);
    assert_int_equal(sign_in(&lock, "ES256"), IDP_OK);
    assert_string_equal(w.who.serial, "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
    region_lock_clear(&lock);
}

static void certificate_issued_to_the_issuers_own_name_is_refused(void **state)
{
    (void)state;
    static const struct region_pair issuing[] = {{"CN", "p256 issuing"}, {NULL, NULL}};
    expect_of_certificate(
        (struct region_certificate){.subject = issuing, .extensions = region_extensions},
        "lock.self_issued");
}

static void weak_keys_and_hashes_are_refused(void **state)
{
    (void)state;
    static const char *const short_keys[] = {"RSA-1024", "RSA-2040"};
    const struct region_lock exponent = {.kind = "RSA-e3"};
    const struct region_lock sha1 = {.digest = "SHA1"};
    for (size_t i = 0; i < sizeof(short_keys) / sizeof(*short_keys); i++) {
        const struct region_lock small = {.kind = short_keys[i]};
        expect_of_lock(&authorities[OF_RSA], &small, "RS256", "lock.weak_key");
    }
    expect_of_lock(&authorities[OF_RSA], &exponent, "RS256", "lock.weak_exponent");
    expect_of_lock(&authorities[OF_RSA], &sha1, "RS256", "lock.weak_hash");
    expect_of_lock(&authorities[OF_P256], &sha1, "ES256", "lock.weak_hash");
}

/* Nothing can be verified with them, so they are told at once. */
static void other_kinds_of_key_are_each_told_by_their_own_reason(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *code;
    } other[] = {{"DSA", "lock.key_dsa"},         {"P-384", "lock.key_curve"},
                 {"secp256k1", "lock.key_curve"}, {"ED25519", "lock.key_kind"},
                 {"RSA-PSS", "lock.key_kind"},    {"RSA-e65", "lock.key_oversized"}};
    for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
        struct region_holder lock;
        const struct region_lock how = {.kind = other[i].kind};
        region_lock_make(&authorities[OF_RSA], &how, &lock);
        expect_refusal(
            present(lock.der, lock.der_len, (const unsigned char *)"signature", 9, "ES256"),
            other[i].code);
        region_lock_clear(&lock);
    }
}

static void kind_of_key_that_the_authority_does_not_issue_is_refused(void **state)
{
    (void)state;
    json_t *entry = region_entry(&authorities[OF_RSA]);
    assert_int_equal(
        json_object_set_new(json_object_get(entry, "limits"), "keys", json_pack("[s]", "rsa")), 0);
    begin_again(entry);
    const struct region_lock how = {.kind = "P-256"};
    expect_of_lock(&authorities[OF_RSA], &how, "ES256", "lock.key_not_issued");
}

/* --- the profile ---------------------------------------------------------------------------- */

static void personal_lock_is_refused(void **state)
{
    (void)state;
    expect_of_extension("certificatePolicies", "1.3.6.1.4.1.32473.1.1.2,1.3.6.1.4.1.32473.1.2.15",
                        "lock.personal");
    assert_int_equal(w.packets, 0);
}

static void legal_person_lock_is_refused_however_it_is_tagged(void **state)
{
    (void)state;
    static const char *const values[] = {"ASN1:IMPLICIT:0,PRINTABLESTRING:150100190002300026",
                                         "ASN1:EXPLICIT:0,PRINTABLESTRING:150100190002300026",
                                         "ASN1:EXPLICIT:2,UTF8String:E12345678",
                                         "ASN1:INTEGER:5"}; /* unreadable is there all the same */
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        expect_of_extension("1.2.156.10260.4.1.1", values[i], "lock.legal_person");
}

static void certificate_of_no_class_is_refused(void **state)
{
    (void)state;
    expect_of_extension("certificatePolicies", "1.3.6.1.4.1.32473.1.2.15", "lock.class");
}

static void lock_of_another_region_is_refused(void **state)
{
    (void)state;
    expect_of_extension("certificatePolicies", "1.3.6.1.4.1.32473.1.1.1,1.3.6.1.4.1.32473.1.2.14",
                        "lock.other_region");
    expect_fact("phone", "0471-000-0000");
}

static void encryption_certificates_are_refused_critical_or_not(void **state)
{
    (void)state;
    static const char *const usages[] = {
        "critical,keyEncipherment,dataEncipherment,keyAgreement",
        "keyEncipherment",
        "digitalSignature,keyEncipherment",
        "digitalSignature,dataEncipherment",
        "critical,keyAgreement",
        "digitalSignature,keyAgreement,encipherOnly",
        "digitalSignature,keyAgreement,decipherOnly",
    };
    for (size_t i = 0; i < sizeof(usages) / sizeof(*usages); i++)
        expect_of_extension("keyUsage", usages[i], "lock.encryption_certificate");
}

static void key_usage_has_to_be_there_and_to_sign(void **state)
{
    (void)state;
    static const char *const usages[] = {"nonRepudiation", "critical,nonRepudiation",
                                         "digitalSignature,cRLSign",
                                         "digitalSignature,keyCertSign"};
    expect_of_extension("keyUsage", NULL, "lock.key_usage_missing");
    for (size_t i = 0; i < sizeof(usages) / sizeof(*usages); i++)
        expect_of_extension("keyUsage", usages[i], "lock.key_usage");
}

static void extended_key_usage_follows_the_profile(void **state)
{
    (void)state;
    static const char *const usages[] = {NULL, "serverAuth", "anyExtendedKeyUsage",
                                         "clientAuth,OCSPSigning", "codeSigning"};
    for (size_t i = 0; i < sizeof(usages) / sizeof(*usages); i++)
        expect_of_extension("extendedKeyUsage", usages[i], "lock.extended_key_usage");
}

static void required_policies_follow_the_profile(void **state)
{
    (void)state;
    static const char *const others[] = {
        "1.3.6.1.4.1.32473.1.1.1,1.3.6.1.4.1.32473.1.2.15",
        "1.3.6.1.4.1.32473.1.1.1,1.3.6.1.4.1.32473.1.2.15,anyPolicy",
    };
    begin_again(entry_with("policies", "[\"1.3.6.1.4.1.32473.1.8\",\"1.3.6.1.4.1.32473.1.9\"]"));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        expect_of_extension("certificatePolicies", others[i], "lock.policy");
    struct region_holder lock;
    const struct region_lock how = {
        .extensions = extensions_with("certificatePolicies",
                                      "1.3.6.1.4.1.32473.1.1.1,1.3.6.1.4.1.32473.1.2.15,"
                                      "1.3.6.1.4.1.32473.1.9")};
    serve(OF_P256);
    region_lock_make(&authorities[OF_P256], &how, &lock);
    assert_int_equal(sign_in(&lock, "ES256"), IDP_OK);
    region_lock_clear(&lock);
}

static void expect_twice(const char *name, const char *value)
{
    struct region_pair twice[16];
    size_t n = 0;
    for (const struct region_pair *pair = region_extensions; pair->name != NULL; pair++)
        twice[n++] = *pair;
    twice[n++] = (struct region_pair){name, value};
    twice[n] = (struct region_pair){NULL, NULL};
    const struct region_lock how = {.extensions = twice};
    expect_of_lock(&authorities[OF_P256], &how, "ES256", "lock.extension_repeated");
    expect_fact("authority", "p256");
}

/* OpenSSL takes the first of two that it does not know, and finds no issuer for two that it does.
 */
static void repeated_extension_is_refused_whether_openssl_knows_it_or_not(void **state)
{
    (void)state;
    expect_twice("1.2.156.10260.4.1.4", "ASN1:PRINTABLESTRING:91150200MA0TEAT28J");
    expect_twice("1.2.156.10260.4.1.4", "ASN1:PRINTABLESTRING:" REGION_USCC);
    expect_twice("keyUsage", "digitalSignature");
    expect_twice("basicConstraints", "CA:TRUE");
    expect_twice("certificatePolicies", "1.3.6.1.4.1.32473.1.1.1");
    expect_twice("subjectKeyIdentifier", "hash");
}

static void extension_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"keyUsage", "extendedKeyUsage", "certificatePolicies",
                                        "basicConstraints", "authorityKeyIdentifier"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        expect_of_extension(names[i], "DER:0400", "lock.extension_malformed");
        expect_fact("authority", "p256");
    }
}

static void certificate_of_too_long_a_life_is_refused(void **state)
{
    (void)state;
    const struct region_lock how = {.to = REGION_NOW + 1900 * (int64_t)REGION_DAY};
    expect_of_lock(&authorities[OF_P256], &how, "ES256", "lock.lifetime");
}

/* --- persons -------------------------------------------------------------------------------- */

/* Class by policy alone, as an authority's own papers might say. */
static json_t *lenient_entry(void)
{
    return entry_with("class", "{\"enterprise\":[{\"policy\":\"1.3.6.1.4.1.32473.1.1.1\"}]}");
}

#define AGENT "ASN1:EXPLICIT:0,PRINTABLESTRING:150100190002300026"

static void persons_number_in_an_enterprise_certificate_is_refused(void **state)
{
    (void)state;
    begin_again(lenient_entry());
    expect_of_extension("1.2.156.10260.4.1.1", AGENT, "lock.names_person");
    expect_of_extension("1.2.156.10260.4.1.1", "ASN1:INTEGER:5", "lock.names_person");
    assert_int_equal(w.packets, 0);
}

static void persons_number_is_looked_for_where_the_standard_puts_it_unless_told(void **state)
{
    (void)state;
    json_t *entry = lenient_entry();
    assert_int_equal(json_object_del(json_object_get(entry, "profile"), "person"), 0);
    begin_again(entry);
    expect_of_extension("1.2.156.10260.4.1.1", AGENT, "lock.names_person");
}

static void authority_whose_enterprise_locks_name_an_agent_says_so(void **state)
{
    (void)state;
    struct region_holder lock;
    json_t *entry = lenient_entry();
    assert_int_equal(
        json_object_set_new(json_object_get(entry, "profile"), "person_allowed", json_true()), 0);
    begin_again(entry);
    serve(OF_P256);
    const struct region_lock how = {.extensions = extensions_with("1.2.156.10260.4.1.1", AGENT)};
    region_lock_make(&authorities[OF_P256], &how, &lock);
    assert_int_equal(sign_in(&lock, "ES256"), IDP_OK);
    assert_true(w.who.names_person);
    region_lock_clear(&lock);
}

/* --- identity ------------------------------------------------------------------------------- */

static void medium_number_is_read_where_the_profile_says(void **state)
{
    (void)state;
    struct region_holder lock;
    begin_again(entry_with(
        "medium_number", "[{\"extension\":\"1.3.6.1.4.1.32473.1.4\",\"types\":[\"printable\"]}]"));
    serve(OF_P256);
    const struct region_lock how = {
        .extensions = extensions_with("1.3.6.1.4.1.32473.1.4", "ASN1:PRINTABLESTRING:M-0042")};
    region_lock_make(&authorities[OF_P256], &how, &lock);
    assert_int_equal(sign_in(&lock, "ES256"), IDP_OK);
    assert_string_equal(w.who.medium_number, "M-0042");
    assert_string_equal(w.who.key_number, "KEY0001");
    region_lock_clear(&lock);
    expect_of_extension("1.3.6.1.4.1.32473.1.4", "ASN1:FORMAT:UTF8,UTF8String:M-0042",
                        "lock.profile");
    expect_fact("field", "medium_number");
}

static void missing_or_repeated_name_is_refused(void **state)
{
    (void)state;
    static const struct region_pair nameless[] = {{"O", "x"}, {NULL, NULL}};
    static const struct region_pair twice[] = {{"CN", "x"}, {"CN", "y"}, {NULL, NULL}};
    const struct region_lock none = {.subject = nameless};
    const struct region_lock two = {.subject = twice};
    expect_of_lock(&authorities[OF_P256], &none, "ES256", "lock.profile");
    expect_fact("field_zh", "单位名称");
    expect_of_lock(&authorities[OF_P256], &two, "ES256", "lock.profile");
}

/* --- the USCC ------------------------------------------------------------------------------- */

static void lock_without_uscc_needs_an_operator(void **state)
{
    (void)state;
    serve(OF_P256);
    expect_of_extension("1.2.156.10260.4.1.4", NULL, "lock.no_uscc");
}

static void wrong_uscc_is_named(void **state)
{
    (void)state;
    static const char *const values[] = {
        "ASN1:PRINTABLESTRING:91150100MA0TEAT1XE",
        "ASN1:PRINTABLESTRING:91150100MA0TEAT1X",
        "ASN1:PRINTABLESTRING:91150100MA0TEAT1XDD",
        "ASN1:PRINTABLESTRING:91150100ma0teat1xd",
    };
    serve(OF_P256);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        expect_of_extension("1.2.156.10260.4.1.4", values[i], "lock.uscc_check");
        expect_fact("field", "uscc");
    }
}

static void uscc_of_another_type_is_not_read(void **state)
{
    (void)state;
    static const char *const values[] = {"ASN1:FORMAT:UTF8,UTF8String:" REGION_USCC,
                                         "ASN1:BMPSTRING:" REGION_USCC,
                                         "ASN1:FORMAT:HEX,OCTETSTRING:00",
                                         "DER:393131353031303"
                                         "04d413054454154315844"};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        expect_of_extension("1.2.156.10260.4.1.4", values[i], "lock.profile");
        expect_fact("field", "uscc");
    }
}

/* --- times ---------------------------------------------------------------------------------- */

static void expired_lock_says_since_when_and_whom_to_call(void **state)
{
    (void)state;
    const struct region_lock how = {.to = REGION_NOW - REGION_DAY};
    expect_of_lock(&authorities[OF_P256], &how, "ES256", "lock.expired");
    expect_fact("since", "2026-11-21 21:20");
    expect_fact("authority", "p256");
    expect_fact("authority_zh", "示例认证中心");
    expect_fact("phone", "0471-000-0000");
    assert_int_equal(w.packets, 0);
}

static void future_lock_says_from_when(void **state)
{
    (void)state;
    const struct region_lock how = {.from = REGION_NOW + REGION_DAY};
    expect_of_lock(&authorities[OF_P256], &how, "ES256", "lock.not_yet_valid");
    expect_fact("since", "2026-11-23 21:20");
}

static void validity_includes_both_ends(void **state)
{
    (void)state;
    static const struct {
        int64_t from, to;
        enum idp_err err;
    } cases[] = {
        {REGION_NOW, REGION_NOW + 5, IDP_OK},
        {REGION_NOW + 1, REGION_NOW + 5, IDP_REFUSED},
        {REGION_NOW - 5, REGION_NOW, IDP_OK},
        {REGION_NOW - 5, REGION_NOW - 1, IDP_REFUSED},
    };
    serve(OF_P256);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct region_holder lock;
        const struct region_lock how = {.from = cases[i].from, .to = cases[i].to};
        region_lock_make(&authorities[OF_P256], &how, &lock);
        assert_int_equal(sign_in(&lock, "ES256"), cases[i].err);
        region_lock_clear(&lock);
    }
}

static void remembered_leaf_still_expires(void **state)
{
    (void)state;
    size_t len = 0;
    struct region_signing how = usual_signing(&locks[OF_RSA], "RS256");
    unsigned char *signature = region_sign(locks[OF_RSA].key, &how, &len);
    const struct lock_answer answer = {.algorithm = LOCK_RS256,
                                       .certificate = locks[OF_RSA].der,
                                       .certificate_len = locks[OF_RSA].der_len,
                                       .signature = signature,
                                       .signature_len = len};
    struct lock_question later = question;
    assert_int_equal(lock_verify(w.pki, w.arena, &later, &answer, &w.why, &w.who), IDP_OK);
    later.now = REGION_NOW + 601 * (int64_t)REGION_DAY;
    expect_refusal(lock_verify(w.pki, w.arena, &later, &answer, &w.why, &w.who), "lock.expired");
    free(signature);
}

/* --- status --------------------------------------------------------------------------------- */

static void revoked_lock_says_since_when(void **state)
{
    (void)state;
    w.status.status = V_OCSP_CERTSTATUS_REVOKED;
    w.status.reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE;
    for (int again = 0; again < 2; again++) {
        expect_refusal(sign_in(&locks[OF_RSA], "RS256"), "lock.revoked");
        expect_fact("since", "2026-11-21 21:20");
        expect_fact("phone", "0471-000-0000");
    }
}

static bool every_anchor_is_revoked(void *context, const unsigned char *anchor)
{
    (void)context;
    return anchor != NULL;
}

/* PKI.md section 6, 29: the root's list says so, whatever the authority says itself. */
static void no_lock_of_a_revoked_authority_signs_in(void **state)
{
    (void)state;
    assert_int_equal(sign_in(&locks[OF_RSA], "RS256"), IDP_OK);
    w.pki->lists.anchor_revoked = every_anchor_is_revoked;
    expect_refusal(sign_in(&locks[OF_RSA], "RS256"), "lock.issuer_revoked");
    expect_fact("authority", authorities[OF_RSA].id);
    expect_fact("phone", "0471-000-0000");
}

static void lock_on_hold_is_told_apart(void **state)
{
    (void)state;
    w.status.status = V_OCSP_CERTSTATUS_REVOKED;
    w.status.reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
    expect_refusal(sign_in(&locks[OF_RSA], "RS256"), "lock.on_hold");
}

static void unknown_is_never_good(void **state)
{
    (void)state;
    w.status.status = V_OCSP_CERTSTATUS_UNKNOWN;
    expect_refusal(sign_in(&locks[OF_RSA], "RS256"), "lock.status_unknown");
}

static void dead_service_fails_closed_and_says_when_to_retry(void **state)
{
    (void)state;
    w.sent = IDP_UNAVAILABLE;
    expect_refusal(sign_in(&locks[OF_RSA], "RS256"), "lock.status_unavailable");
    expect_fact("retry", "10");
    assert_int_equal(w.why.reason->status, 503);
}

static void dead_service_of_one_authority_does_not_touch_another(void **state)
{
    (void)state;
    w.sent = IDP_UNAVAILABLE;
    expect_refusal(sign_in(&locks[OF_RSA], "RS256"), "lock.status_unavailable");
    w.sent = IDP_OK;
    serve(OF_SM2);
    assert_int_equal(sign_in(&locks[OF_SM2], "SM2"), IDP_OK);
    serve(OF_RSA);
    expect_refusal(sign_in(&locks[OF_RSA], "RS256"), "lock.status_unavailable"); /* circuit open */
    assert_int_equal(w.packets, 2);
}

static void good_answer_is_remembered_until_it_is_old(void **state)
{
    (void)state;
    size_t len = 0;
    struct region_signing how = usual_signing(&locks[OF_RSA], "RS256");
    unsigned char *signature = region_sign(locks[OF_RSA].key, &how, &len);
    const struct lock_answer answer = {.algorithm = LOCK_RS256,
                                       .certificate = locks[OF_RSA].der,
                                       .certificate_len = locks[OF_RSA].der_len,
                                       .signature = signature,
                                       .signature_len = len};
    struct lock_question later = question;
    for (int64_t age = 0; age <= 599; age += 599) { /* max_age_s is 600 */
        later.now = REGION_NOW + age;
        assert_int_equal(lock_verify(w.pki, w.arena, &later, &answer, &w.why, &w.who), IDP_OK);
    }
    assert_int_equal(w.packets, 1);
    later.now = REGION_NOW + 600;
    expect_refusal(lock_verify(w.pki, w.arena, &later, &answer, &w.why, &w.who),
                   "lock.status_unavailable");
    assert_int_equal(w.packets, 2);
    free(signature);
}

/* A store that is down: every call says so. */
static enum idp_err down_get(struct kv *kv, enum kv_kind kind, struct kv_bytes key,
                             struct arena *arena, struct kv_bytes *out)
{
    (void)kv, (void)kind, (void)key, (void)arena, (void)out;
    return IDP_UNAVAILABLE;
}

static void store_that_is_down_is_neither_good_nor_revoked(void **state)
{
    (void)state;
    static const struct kv_driver down = {.name = "down", .get = down_get};
    const struct kv_driver *driver = w.kv->driver;
    assert_int_equal(sign_in(&locks[OF_RSA], "RS256"), IDP_OK);
    w.kv->driver = &down;
    assert_int_equal(sign_in(&locks[OF_RSA], "RS256"), IDP_UNAVAILABLE);
    w.kv->driver = driver;
    assert_int_equal(w.packets, 1);
}

/* --- no packet ------------------------------------------------------------------------------ */

static void certificate_without_a_good_path_causes_no_packet(void **state)
{
    (void)state;
    struct region_holder stranger;
    region_lock_make(&strangers, &(struct region_lock){.kind = NULL}, &stranger);
    expect_refusal(sign_in(&stranger, "ES256"), "lock.authority_unknown");
    expect_of_extension("1.3.6.1.4.1.32473.9.9", "critical,ASN1:PRINTABLESTRING:x",
                        "lock.extension_critical");
    region_lock_clear(&stranger);
    assert_int_equal(w.packets, 0);
}

static void address_in_a_certificate_is_never_asked(void **state)
{
    (void)state;
    struct region_holder lock;
    const struct region_lock how = {
        .extensions = extensions_with("authorityInfoAccess", "OCSP;URI:http://evil.example/ocsp")};
    region_lock_make(&authorities[OF_RSA], &how, &lock);
    assert_int_equal(sign_in(&lock, "RS256"), IDP_OK);
    assert_string_equal(w.address, "http://127.0.0.51:8500/ocsp");
    region_lock_clear(&lock);
}

/* --- lanes ---------------------------------------------------------------------------------- */

static struct lock_answer answer_of(const struct region_holder *lock, const char *algorithm,
                                    unsigned char **signature)
{
    struct lock_answer answer = {.algorithm = algorithm_of(algorithm),
                                 .certificate = lock->der,
                                 .certificate_len = lock->der_len};
    struct region_signing how = usual_signing(lock, algorithm);
    *signature = region_sign(lock->key, &how, &answer.signature_len);
    answer.signature = *signature;
    return answer;
}

static void thread_that_may_not_wait_is_told_before_the_challenge_is_taken(void **state)
{
    (void)state;
    unsigned char *signature = NULL;
    struct lock_answer answer = answer_of(&locks[OF_RSA], "RS256", &signature);
    lane_set_may_wait(false);
    assert_int_equal(lock_prepare(w.pki, w.arena, REGION_NOW, &answer), IDP_WAIT);
    assert_int_equal(lock_verify(w.pki, w.arena, &question, &answer, &w.why, &w.who), IDP_WAIT);
    assert_int_equal(w.packets, 0);
    lane_set_may_wait(true); /* a worker */
    assert_int_equal(lock_prepare(w.pki, w.arena, REGION_NOW, &answer), IDP_OK);
    assert_int_equal(lock_verify(w.pki, w.arena, &question, &answer, &w.why, &w.who), IDP_OK);
    lane_set_may_wait(false); /* all is known now */
    assert_int_equal(lock_prepare(w.pki, w.arena, REGION_NOW, &answer), IDP_OK);
    assert_non_null(answer.known);
    assert_int_equal(lock_verify(w.pki, w.arena, &question, &answer, &w.why, &w.who), IDP_OK);
    assert_int_equal(w.packets, 1);
    free(signature);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_kind_of_lock_signs_in),
        TEST(rsa_lock_may_sign_with_pss),
        TEST(identity_names_certificate_and_key),
        TEST(verdict_carries_its_evidence),
        TEST(verdict_names_its_anchor_and_the_root_where_the_list_has_it),
        TEST(refusal_tells_of_a_lock_only_what_its_authority_vouches_for),
        TEST(absent_key_number_is_null),
        TEST(signature_for_another_origin_is_refused),
        TEST(signature_over_another_challenge_is_refused),
        TEST(signature_for_another_purpose_is_refused),
        TEST(another_certificate_of_the_same_key_is_refused),
        TEST(swapped_certificate_is_refused),
        TEST(sm2_signature_with_an_empty_or_other_id_is_refused),
        TEST(flipped_bits_in_a_signature_are_refused),
        TEST(signature_with_something_behind_it_is_refused),
        TEST(algorithm_of_another_key_is_refused),
        TEST(inner_and_outer_algorithm_have_to_agree),
        TEST(rsa_padding_is_not_interchangeable),
        TEST(every_flipped_bit_of_a_certificate_is_refused),
        TEST(cut_and_lengthened_certificates_are_malformed),
        TEST(indefinite_length_is_malformed),
        TEST(unknown_authority_is_told_to_the_holder_only),
        TEST(same_issuer_name_with_another_key_is_unknown),
        TEST(forged_issuer_name_without_key_id_has_no_path),
        TEST(strict_profile_demands_the_authority_key_id),
        TEST(root_and_self_signed_certificates_have_no_path),
        TEST(certificate_that_may_issue_others_is_refused),
        TEST(unknown_critical_extension_is_refused),
        TEST(old_versions_are_told_to_the_holder_only),
        TEST(zero_negative_and_overlong_serials_are_told_to_the_holder_only),
        TEST(longest_serial_is_good),
        TEST(certificate_issued_to_the_issuers_own_name_is_refused),
        TEST(weak_keys_and_hashes_are_refused),
        TEST(other_kinds_of_key_are_each_told_by_their_own_reason),
        TEST(kind_of_key_that_the_authority_does_not_issue_is_refused),
        TEST(personal_lock_is_refused),
        TEST(legal_person_lock_is_refused_however_it_is_tagged),
        TEST(certificate_of_no_class_is_refused),
        TEST(lock_of_another_region_is_refused),
        TEST(encryption_certificates_are_refused_critical_or_not),
        TEST(key_usage_has_to_be_there_and_to_sign),
        TEST(extended_key_usage_follows_the_profile),
        TEST(required_policies_follow_the_profile),
        TEST(repeated_extension_is_refused_whether_openssl_knows_it_or_not),
        TEST(extension_that_cannot_be_read_is_refused),
        TEST(certificate_of_too_long_a_life_is_refused),
        TEST(persons_number_in_an_enterprise_certificate_is_refused),
        TEST(persons_number_is_looked_for_where_the_standard_puts_it_unless_told),
        TEST(authority_whose_enterprise_locks_name_an_agent_says_so),
        TEST(medium_number_is_read_where_the_profile_says),
        TEST(missing_or_repeated_name_is_refused),
        TEST(lock_without_uscc_needs_an_operator),
        TEST(wrong_uscc_is_named),
        TEST(uscc_of_another_type_is_not_read),
        TEST(expired_lock_says_since_when_and_whom_to_call),
        TEST(future_lock_says_from_when),
        TEST(validity_includes_both_ends),
        TEST(remembered_leaf_still_expires),
        TEST(revoked_lock_says_since_when),
        TEST(no_lock_of_a_revoked_authority_signs_in),
        TEST(lock_on_hold_is_told_apart),
        TEST(unknown_is_never_good),
        TEST(dead_service_fails_closed_and_says_when_to_retry),
        TEST(dead_service_of_one_authority_does_not_touch_another),
        TEST(good_answer_is_remembered_until_it_is_old),
        TEST(store_that_is_down_is_neither_good_nor_revoked),
        TEST(certificate_without_a_good_path_causes_no_packet),
        TEST(address_in_a_certificate_is_never_asked),
        TEST(thread_that_may_not_wait_is_told_before_the_challenge_is_taken),
    };
    return cmocka_run_group_tests_name("pki/verify", tests, make_all, free_all);
}
