#include "tests/pki/shapes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "pki/certificate_time.h"
#include "pki/crl/crl_issuers.h"
#include "pki/crl/crl_judge.h"
#include "pki/crl/crl_look.h"
#include "pki/lock/leaf.h"
#include "pki/ocsp/ocsp.h"
#include "pki/path.h"
#include "pki/signed.h"

/* --- the authorities ------------------------------------------------------------------------ */

void shapes_make(struct shapes *shapes, const char *kind)
{
    char *why = NULL;
    *shapes = (struct shapes){.kind = kind};
    region_authority_make(&shapes->own, "shape", kind);
    region_authority_make(&shapes->same, "shape", kind);
    region_authority_make(&shapes->stranger, "stranger", kind);
    region_lock_make(&shapes->own, &(struct region_lock){.kind = NULL}, &shapes->lock);
    crl_make_serial(shapes->lock.certificate, shapes->serial);
    json_t *entries[] = {region_entry(&shapes->own), region_entry(&shapes->stranger), NULL};
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    assert_int_equal(trust_parse("trust", text, strlen(text), &why, &shapes->trust), IDP_OK);
    free(text);
    json_decref(list);
}

void shapes_clear(struct shapes *shapes)
{
    trust_free(shapes->trust);
    region_lock_clear(&shapes->lock);
    region_authority_clear(&shapes->own);
    region_authority_clear(&shapes->same);
    region_authority_clear(&shapes->stranger);
}

/* --- one shape ------------------------------------------------------------------------------ */

void shape_set(struct shape_certificate *certificate, const char *name, const char *value)
{
    struct region_pair *pair = certificate->extensions;
    while (pair->name != NULL && strcmp(pair->name, name) != 0)
        pair++;
    assert_in_range(pair - certificate->extensions, 0, SHAPE_EXTENSIONS_MAX - 2);
    if (value != NULL) {
        *pair = (struct region_pair){name, value};
        return;
    }
    for (; pair->name != NULL; pair++)
        pair[0] = pair[1];
}

static const struct region_pair root_name[] = {{"CN", "shape"}, {NULL, NULL}};
static const struct region_pair middle_name[] = {{"CN", "shape issuing"}, {NULL, NULL}};
static const struct region_pair responder_name[] = {{"CN", "shape responder"}, {NULL, NULL}};

static struct shape_certificate certificate(EVP_PKEY *key, const struct region_pair *subject)
{
    struct shape_certificate made = {.how = {.key = key,
                                             .subject = subject,
                                             .from = REGION_NOW - 100 * (int64_t)REGION_DAY,
                                             .to = REGION_NOW + 600 * (int64_t)REGION_DAY}};
    shape_set(&made, "subjectKeyIdentifier", "hash");
    return made;
}

static struct shape_certificate authority(EVP_PKEY *key, const struct region_pair *subject)
{
    struct shape_certificate made = certificate(key, subject);
    shape_set(&made, "basicConstraints", "critical,CA:TRUE");
    shape_set(&made, "keyUsage", "critical,keyCertSign,cRLSign");
    return made;
}

/* Issued by the authority that the trust list anchors. */
static void issue_by(struct shape_certificate *made, X509 *issuer, EVP_PKEY *key)
{
    made->how.issuer = issuer;
    made->how.issuer_key = key;
    shape_set(made, "authorityKeyIdentifier", "keyid");
}

static void begin_certificates(struct shape *shape)
{
    const struct region_authority *own = &shape->of->own;
    shape->root = authority(own->root_key, root_name);
    shape->middle = authority(own->key, middle_name);
    shape->list_issuer = authority(own->key, middle_name);
    issue_by(&shape->middle, NULL, own->root_key);
    issue_by(&shape->list_issuer, own->root, own->root_key);
    shape->lock = certificate(shape->of->lock.key, region_subject);
    shape->lock.how.serial_hex = shape->of->serial;
    for (const struct region_pair *pair = region_extensions; pair->name != NULL; pair++)
        shape_set(&shape->lock, pair->name, pair->value);
    issue_by(&shape->lock, own->certificate, own->key);
    shape->responder = certificate(own->responder_key, responder_name);
    shape_set(&shape->responder, "keyUsage", "critical,digitalSignature");
    shape_set(&shape->responder, "extendedKeyUsage", "OCSPSigning");
    shape_set(&shape->responder, "noCheck", "ignored"); /* id-pkix-ocsp-nocheck */
    issue_by(&shape->responder, own->certificate, own->key);
}

struct shape shape_begin(const struct shapes *of)
{
    const struct region_authority *own = &of->own;
    struct shape shape = {.of = of, .responder_as_issue = true};
    begin_certificates(&shape);
    shape.entry = shape.changed = (struct crl_making_entry){.serial = "4711"};
    shape.full = (struct crl_making){.issuer = own->certificate,
                                     .key = own->key,
                                     .this_update = REGION_NOW - 3600,
                                     .next_update = REGION_NOW + REGION_DAY,
                                     .number = "07"};
    shape.delta = shape.full;
    shape.delta.this_update = REGION_NOW - 60;
    shape.delta.number = "09";
    shape.delta.base = "05";
    shape.status = (struct region_status){.key = own->responder_key,
                                          .issuer = own->certificate,
                                          .send_signer = true,
                                          .revoked_at = REGION_NOW - 5,
                                          .this_update = REGION_NOW,
                                          .next_update = REGION_NOW + 3600,
                                          .copies = 1};
    return shape;
}

/* --- making --------------------------------------------------------------------------------- */

static X509 *issue(struct shape_certificate *made)
{
    made->how.extensions = made->extensions;
    return region_issue(&made->how);
}

/* The outer AlgorithmIdentifier in SEQUENCE { body, algorithm, signature … }. */
static struct der outer_algorithm(const unsigned char *der, size_t len)
{
    struct der rest = {.at = der, .left = len};
    struct der_item item;
    assert_true(der_next(&rest, &item));
    rest = der_inside(&item);
    assert_true(der_next(&rest, &item) && der_next(&rest, &item));
    return der_inside(&item);
}

static void patch(const struct shape *shape, unsigned char *der, size_t len)
{
    struct der inside = outer_algorithm(der, len);
    struct der_item oid;
    assert_true(der_next_is(&inside, DER_OID, &oid));
    unsigned char *behind = der + (oid.bytes + oid.len - der);
    if (shape->patch_algorithm)
        behind[-1]++; /* SHA-384 for SHA-256; nothing for SM3 */
    if (shape->patch_parameters) {
        assert_int_equal(inside.left, 2);
        behind[0] = DER_OCTET_STRING;
    }
}

static void spoil(struct shape *shape, unsigned char *der, size_t len)
{
    shape->made = len;
    if (shape->patch_algorithm || shape->patch_parameters)
        patch(shape, der, len);
    if (shape->flip > 0 && shape->flip <= len)
        der[shape->flip - 1] ^= (unsigned char)(1U << shape->flip % 8);
}

/* --- the lock ------------------------------------------------------------------------------- */

static const char *judge_leaf(struct leaf *leaf, const struct trust *trust)
{
    enum pki_reason reason = PKI_REASONS;
    assert_int_equal(leaf_judge(leaf, trust), IDP_OK);
    if (leaf->verdict != PKI_REASONS)
        reason = leaf->verdict;
    else if (REGION_NOW < leaf->not_before)
        reason = PKI_NOT_YET_VALID;
    else if (REGION_NOW > leaf->not_after)
        reason = PKI_EXPIRED;
    return reason == PKI_REASONS ? "good" : pki_reasons[reason].code;
}

const char *shape_lock(struct shape *shape)
{
    size_t len = 0;
    enum pki_reason why = PKI_REASONS;
    struct leaf *leaf = NULL;
    X509 *made = issue(&shape->lock);
    unsigned char *der = region_der(made, &len);
    spoil(shape, der, len);
    enum idp_err err = leaf_parse(der, len, &why, &leaf);
    const char *word = err == IDP_OK ? judge_leaf(leaf, shape->of->trust) : pki_reasons[why].code;
    leaf_release(leaf);
    free(der);
    X509_free(made);
    return word;
}

/* --- a chain: root, middle, lock ------------------------------------------------------------ */

static bool is_in_time(const X509 *made)
{
    int64_t from = 0;
    int64_t to = 0;
    return certificate_time_span(made, &from, &to) && from <= REGION_NOW && REGION_NOW <= to;
}

static const char *judge_chain(X509 *root, X509 *middle, X509 *lock)
{
    const struct path_rules rules = {.depth = 1, .level = 2, .strict = true};
    struct path_search search = {.store = path_store_make(root, &rules),
                                 .untrusted = sk_X509_new_null()};
    assert_true(search.store != NULL && sk_X509_push(search.untrusted, middle) == 1);
    assert_int_equal(signed_set_sm2_id(middle), IDP_OK);
    assert_int_equal(signed_set_sm2_id(lock), IDP_OK);
    assert_int_equal(path_build(&search, lock), IDP_OK);
    bool in_time = is_in_time(root) && is_in_time(middle) && is_in_time(lock);
    const char *word = search.chain == NULL ? "path" : in_time ? "good" : "time";
    sk_X509_pop_free(search.chain, X509_free);
    sk_X509_free(search.untrusted);
    X509_STORE_free(search.store);
    return word;
}

const char *shape_chain(struct shape *shape)
{
    X509 *root = issue(&shape->root);
    if (shape->middle.how.issuer == NULL)
        shape->middle.how.issuer = root;
    X509 *middle = issue(&shape->middle);
    if (shape->lock.how.issuer == shape->of->own.certificate)
        shape->lock.how.issuer = middle;
    X509 *lock = issue(&shape->lock);
    const char *word = judge_chain(root, middle, lock);
    X509_free(lock);
    X509_free(middle);
    X509_free(root);
    return word;
}

/* --- lists ---------------------------------------------------------------------------------- */

static const char *word_of(const struct crl_list *full, const struct crl_list *delta,
                           const X509 *certificate)
{
    static const char *const words[] = {
        [CRL_NOT_LISTED] = "good", [CRL_LISTED] = "revoked", [CRL_LISTED_ON_HOLD] = "on_hold"};
    unsigned char serial[CRL_SERIAL_MAX];
    struct crl_index *indexes[2] = {NULL, NULL};
    assert_int_equal(crl_index_new(full, &indexes[0]), IDP_OK);
    if (delta != NULL)
        assert_int_equal(crl_index_new(delta, &indexes[1]), IDP_OK);
    struct crl_word word =
        crl_look(indexes[0], indexes[1], serial, crl_serial_of(certificate, serial));
    crl_index_free(indexes[0]);
    crl_index_free(indexes[1]);
    return words[word.entry];
}

/* Makes and reads a list, and asks whether it is the issuer's word of now. */
static const char *receive(struct shape *shape, struct crl_making *how,
                           const struct crl_making_entry *entry, struct crl_received *out)
{
    const struct crl_making_entry entries[] = {*entry, {.serial = NULL}};
    how->entries = entries;
    unsigned char *der = crl_make(how, &out->len);
    how->entries = NULL;
    out->der = der;
    spoil(shape, der, out->len);
    enum crl_fault fault = crl_read(out->der, out->len, &out->list);
    if (fault != CRL_SOUND)
        return crl_fault_name(fault);
    X509 *issuer = issue(&shape->list_issuer);
    enum crl_objection why = crl_judge_issuer(out, issuer, NULL);
    if (why == CRL_SPEAKS)
        why = crl_judge_dates(&out->list, REGION_NOW, 0);
    X509_free(issuer);
    return why != CRL_SPEAKS ? crl_objection_name(why) : NULL;
}

static const char *judge_list(struct shape *shape, X509 *lock, struct crl_received *full)
{
    const char *word = receive(shape, &shape->full, &shape->entry, full);
    if (word != NULL)
        return word;
    enum crl_objection why = crl_judge_scope(&full->list, CRL_OF_USERS);
    if (why == CRL_SPEAKS)
        why = crl_judge_point(&full->list, lock);
    return why == CRL_SPEAKS ? word_of(&full->list, NULL, lock) : crl_objection_name(why);
}

const char *shape_list(struct shape *shape)
{
    struct crl_received full = {.der = NULL};
    X509 *lock = issue(&shape->lock);
    const char *word = judge_list(shape, lock, &full);
    free((void *)(uintptr_t)full.der);
    X509_free(lock);
    return word;
}

const char *shape_delta(struct shape *shape)
{
    struct shape sound = *shape; /* only the delta is spoilt */
    struct crl_received full = {.der = NULL};
    struct crl_received delta = {.der = NULL};
    sound.patch_algorithm = false;
    sound.flip = 0;
    const char *word = receive(&sound, &sound.full, &sound.entry, &full);
    assert_null(word);
    word = receive(shape, &shape->delta, &shape->changed, &delta);
    enum crl_objection why = word == NULL ? crl_judge_delta(&full.list, &delta.list) : CRL_SPEAKS;
    if (word == NULL)
        word = why == CRL_SPEAKS ? word_of(&full.list, &delta.list, shape->of->lock.certificate)
                                 : crl_objection_name(why);
    free((void *)(uintptr_t)full.der);
    free((void *)(uintptr_t)delta.der);
    return word;
}

/* --- an answer about the lock's status ------------------------------------------------------ */

/* Where the BasicOCSPResponse begins: in SEQUENCE { status, [0] SEQUENCE { type, OCTET STRING } }.
 */
static size_t basic_at(const unsigned char *der, size_t len)
{
    struct der rest = {.at = der, .left = len};
    struct der_item item;
    assert_true(der_next(&rest, &item));
    rest = der_inside(&item);
    assert_true(der_next(&rest, &item) && der_next(&rest, &item));
    rest = der_inside(&item);
    assert_true(der_next(&rest, &item));
    rest = der_inside(&item);
    assert_true(der_next(&rest, &item) && der_next_is(&rest, DER_OCTET_STRING, &item));
    return (size_t)(item.bytes - der);
}

static const char *word_of_answer(const struct ocsp_answer *answer)
{
    static const char *const words[] = {[STATUS_GOOD] = "good",
                                        [STATUS_REVOKED] = "revoked",
                                        [STATUS_ON_HOLD] = "on_hold",
                                        [STATUS_UNKNOWN] = "unknown"};
    return answer->verdict == STATUS_UNUSABLE ? ocsp_fault_names[answer->fault]
                                              : words[answer->verdict];
}

static const char *ask(struct shape *shape, const struct authority_rules *rules)
{
    struct ocsp_question question = {.request = NULL};
    size_t len = 0;
    assert_int_equal(ocsp_question_make(rules, &rules->anchors.list[0], shape->of->lock.der,
                                        shape->of->lock.der_len, &question),
                     IDP_OK);
    unsigned char *bytes = region_answer(&shape->status, question.der, question.der_len, &len);
    size_t at = basic_at(bytes, len);
    spoil(shape, bytes + at, len - at);
    struct ocsp_answer answer = ocsp_answer_read(&question, bytes, len, REGION_NOW);
    free(bytes);
    ocsp_question_clear(&question);
    return word_of_answer(&answer);
}

const char *shape_answer(struct shape *shape)
{
    struct authority_rules rules = *shape->of->trust->authorities[0].rules;
    X509 *responder = issue(&shape->responder);
    if (shape->responder_as_issue)
        shape->status.signer = responder;
    rules.revocation.nonce = shape->nonce;
    if (shape->pinned)
        rules.revocation.responder = shape->of->own.responder;
    const char *word = ask(shape, &rules);
    X509_free(responder);
    return word;
}
