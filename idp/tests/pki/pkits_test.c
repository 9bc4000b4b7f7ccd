/*
 * NIST PKITS: all 247 cases through path_build(), certificate_time_span(), crl_read(),
 * crl_judge_*() and crl_index_find(), which judge locks, with rules of its own: the anchor is a
 * root, paths may be long, authorities may be leaves, RSA and DSA of any strength is taken.
 *
 * What each case expects is in pkits.json; the certificates and lists come from Debian's
 * python3-cryptography-vectors. A case that is refused says in "by" what refuses it, so that it is
 * not refused for the wrong reason; one that is refused although it should pass says in "refused"
 * why we choose so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <openssl/x509v3.h>

#include "pki/certificate_time.h"
#include "pki/crl/crl_issuers.h"
#include "pki/crl/crl_judge.h"
#include "pki/crl/crl_look.h"
#include "pki/crl/crl_read.h"
#include "pki/path.h"
#include "pki/signed.h"
#include "tests/help.h"
#include "tests/pki_region.h"

#define CASES "idp/tests/pki/pkits.json"
#define CORPUS "/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data"
#define POLICIES "2.16.840.1.101.3.2.1.48."

enum { CASE_COUNT = 247, TOO_MANY_MAX = 15, LISTS_MAX = 8, CHAIN_MAX = 8, DEPTH_MAX = 2 };

/* The corpus has four DSA certificates and two such lists, from another time. */
static const struct signed_algorithm dsa = {.key = "DSA",
                                            .digest = "SHA1",
                                            .nid = NID_dsaWithSHA1,
                                            .oid_len = 7,
                                            .oid = {0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3}};

/* --- the corpus ----------------------------------------------------------------------------- */

static char *read_part(const char *folder, const char *name, const char *type, size_t *len)
{
    char path[512];
    (void)snprintf(path, sizeof(path), CORPUS "/%s/%s.%s", folder, name, type);
    char *bytes = help_read_file(path, len);
    if (bytes == NULL) {
        (void)fprintf(stderr,
                      "%s is missing: install Debian's python3-cryptography-vectors "
                      "(scripts/install-packages.sh does)\n",
                      path);
        exit(1);
    }
    return bytes;
}

static X509 *load_certificate(const char *name)
{
    size_t len = 0;
    char *bytes = read_part("certs", name, "crt", &len);
    const unsigned char *at = (const unsigned char *)bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)len);
    free(bytes);
    assert_non_null(certificate);
    return certificate;
}

struct held {
    char *bytes;
    struct crl_received received;
    enum crl_fault fault;
    struct crl_index *index;
};

static void load_list(const char *name, struct held *out)
{
    size_t len = 0;
    out->bytes = read_part("crls", name, "crl", &len);
    out->received.der = (const unsigned char *)out->bytes;
    out->received.len = len;
    out->fault = crl_read(out->bytes, len, &out->received.list);
    if (out->fault == CRL_SOUND)
        assert_int_equal(crl_index_new(&out->received.list, &out->index), IDP_OK);
}

/* --- one case ------------------------------------------------------------------------------- */

static struct world {
    X509 *anchor;
    STACK_OF(X509) *untrusted;
    X509 *leaf;
    struct held lists[LISTS_MAX];
    size_t lists_count;
    ASN1_OBJECT *policies[4];
    struct path_policies asked;
} w;

static void begin(const json_t *all, const json_t *one)
{
    const json_t *name = NULL;
    size_t i = 0;
    w = (struct world){.untrusted = sk_X509_new_null()};
    w.anchor = load_certificate(json_string_value(json_object_get(all, "anchor")));
    json_array_foreach(json_object_get(one, "certificates"), i, name)
    {
        w.leaf = load_certificate(json_string_value(name));
        assert_true(sk_X509_push(w.untrusted, w.leaf) > 0);
    }
    load_list(json_string_value(json_object_get(all, "anchor_list")), &w.lists[w.lists_count++]);
    json_array_foreach(json_object_get(one, "lists"), i, name)
        load_list(json_string_value(name), &w.lists[w.lists_count++]);
    json_array_foreach(json_object_get(one, "policies"), i, name)
    {
        char oid[64];
        (void)snprintf(oid, sizeof(oid), POLICIES "%d", (int)json_integer_value(name));
        w.policies[i] = OBJ_txt2obj(oid, 1);
        w.asked.count = i + 1;
    }
    w.asked.list = (const ASN1_OBJECT *const *)w.policies;
    w.asked.explicit_policy = json_is_true(json_object_get(one, "explicit_policy"));
    w.asked.inhibit_mapping = json_is_true(json_object_get(one, "inhibit_mapping"));
    w.asked.inhibit_any_policy = json_is_true(json_object_get(one, "inhibit_any_policy"));
}

static void end(void)
{
    X509_free(w.anchor);
    sk_X509_pop_free(w.untrusted, X509_free);
    for (size_t i = 0; i < w.lists_count; i++) {
        crl_index_free(w.lists[i].index);
        free(w.lists[i].bytes);
    }
    for (size_t i = 0; i < w.asked.count; i++)
        ASN1_OBJECT_free(w.policies[i]);
}

/* --- revocation (RFC 5280 section 6.3) ------------------------------------------------------ */

static bool is_of_now(const struct held *held, X509 *signer, enum crl_objection *why)
{
    *why = crl_judge_issuer(&held->received, signer, &dsa);
    if (*why == CRL_SPEAKS)
        *why = crl_judge_dates(&held->received.list, REGION_NOW, 0);
    return *why == CRL_SPEAKS;
}

/* A delta over a full list by the same signer, or NULL. */
static const struct held *delta_over(const struct held *full, X509 *signer)
{
    enum crl_objection why = CRL_SPEAKS;
    for (size_t i = 0; i < w.lists_count; i++)
        if (w.lists[i].fault == CRL_SOUND &&
            crl_judge_delta(&full->received.list, &w.lists[i].received.list) == CRL_SPEAKS &&
            is_of_now(&w.lists[i], signer, &why))
            return &w.lists[i];
    return NULL;
}

static bool is_listed(const struct held *full, X509 *signer, const X509 *certificate)
{
    unsigned char serial[CRL_SERIAL_MAX];
    size_t len = crl_serial_of(certificate, serial);
    const struct held *delta = delta_over(full, signer);
    return crl_look(full->index, delta != NULL ? delta->index : NULL, serial, len).entry !=
           CRL_NOT_LISTED;
}

/* What the lists say that one signer has signed: returns NULL when one speaks and none lists it. */
static const char *ask_signer(X509 *certificate, X509 *signer)
{
    const char *problem = "no_list";
    bool is_authority = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
    for (size_t i = 0; i < w.lists_count; i++) {
        const struct held *held = &w.lists[i];
        enum crl_objection why = CRL_SPEAKS;
        if (held->fault != CRL_SOUND) {
            problem = crl_fault_name(held->fault);
            continue;
        }
        if (is_of_now(held, signer, &why))
            why = crl_judge_scope(&held->received.list,
                                  is_authority ? CRL_OF_AUTHORITIES : CRL_OF_USERS);
        if (why == CRL_SPEAKS)
            why = crl_judge_point(&held->received.list, certificate);
        if (why == CRL_SPEAKS && is_listed(held, signer, certificate))
            return "revoked";
        if (why == CRL_SPEAKS)
            problem = NULL;
        else if (problem != NULL && why != CRL_OTHER_ISSUER)
            problem = crl_objection_name(why);
    }
    return problem;
}

static const char *judge(X509 *certificate, int depth);

/*
 * Who issued a certificate may sign lists with another key (section 6.3.3 (f)): every certificate
 * that bears the issuer's name is asked, if it is good itself.
 */
static const char *check_revocation(X509 *certificate, X509 *issuer, int depth)
{
    const char *problem = ask_signer(certificate, issuer);
    for (int i = 0; i < sk_X509_num(w.untrusted) && depth < DEPTH_MAX; i++) {
        X509 *other = sk_X509_value(w.untrusted, i);
        if (problem == NULL || strcmp(problem, "revoked") == 0)
            break;
        if (X509_NAME_cmp(X509_get_subject_name(other), X509_get_subject_name(issuer)) == 0 &&
            X509_cmp(other, issuer) != 0 && judge(other, depth + 1) == NULL)
            problem = ask_signer(certificate, other);
    }
    return problem;
}

static const char *check_chain(const STACK_OF(X509) *chain, int depth)
{
    int64_t from = 0;
    int64_t to = 0;
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (!certificate_time_span(sk_X509_value(chain, i), &from, &to) || REGION_NOW < from ||
            REGION_NOW > to)
            return "time";
    for (int i = sk_X509_num(chain) - 2; i >= 0; i--) {
        const char *problem =
            check_revocation(sk_X509_value(chain, i), sk_X509_value(chain, i + 1), depth);
        if (problem != NULL)
            return problem;
    }
    return NULL;
}

/* Returns what refuses a certificate, or NULL when it is accepted. */
static const char *judge(X509 *certificate, int depth)
{
    const struct path_rules rules = {.depth = CHAIN_MAX, .policies = &w.asked};
    struct path_search search = {.store = path_store_make(w.anchor, &rules),
                                 .untrusted = w.untrusted};
    assert_non_null(search.store);
    assert_int_equal(path_build(&search, certificate), IDP_OK);
    const char *problem = search.chain != NULL ? check_chain(search.chain, depth) : "path";
    sk_X509_pop_free(search.chain, X509_free);
    X509_STORE_free(search.store);
    return problem;
}

/* --- all of them ---------------------------------------------------------------------------- */

static struct outcome {
    int cases, accepted, refused, wrongly_accepted, too_many, unnamed, unexpected, other_reason;
} outcome;

static const char *text(const json_t *one, const char *member)
{
    const char *value = json_string_value(json_object_get(one, member));
    return value != NULL ? value : "";
}

static void note(const json_t *one, const char *what, const char *problem)
{
    (void)fprintf(stderr, "%s %s: %s (%s)\n", text(one, "section"), text(one, "name"), what,
                  problem != NULL ? problem : "accepted");
}

static void count_refusal_of_good(const json_t *one, const char *problem)
{
    outcome.too_many++;
    outcome.unnamed += text(one, "refused")[0] == '\0';
    note(one, text(one, "refused"), problem);
}

static void run(const json_t *all, const json_t *one)
{
    bool valid = json_is_true(json_object_get(one, "valid"));
    begin(all, one);
    const char *problem = judge(w.leaf, 0);
    outcome.cases++;
    if (problem == NULL) {
        outcome.accepted++;
        outcome.wrongly_accepted += !valid;
        outcome.unexpected += valid && text(one, "refused")[0] != '\0';
        if (!valid)
            note(one, "ACCEPTED ALTHOUGH IT IS NOT GOOD", problem);
    } else {
        outcome.refused++;
        if (valid)
            count_refusal_of_good(one, problem);
        if (strcmp(problem, text(one, "by")) != 0) {
            outcome.other_reason++;
            note(one, "refused for another reason", problem);
        }
    }
    end();
}

static int run_all(void **state)
{
    (void)state;
    const json_t *one = NULL;
    size_t i = 0;
    json_error_t error;
    json_t *all = json_load_file(CASES, JSON_REJECT_DUPLICATES, &error);
    if (all == NULL) {
        (void)fprintf(stderr, CASES " line %d: %s\n", error.line, error.text);
        return -1;
    }
    json_array_foreach(json_object_get(all, "cases"), i, one) run(all, one);
    (void)fprintf(stderr, "PKITS: %d cases, %d accepted, %d refused, %d of them too many\n",
                  outcome.cases, outcome.accepted, outcome.refused, outcome.too_many);
    json_decref(all);
    return 0;
}

static void all_cases_of_the_suite_are_run(void **state)
{
    (void)state;
    assert_int_equal(outcome.cases, CASE_COUNT);
}

static void nothing_is_accepted_that_must_not_be(void **state)
{
    (void)state;
    assert_int_equal(outcome.wrongly_accepted, 0);
}

static void each_refusal_has_the_reason_that_the_case_is_about(void **state)
{
    (void)state;
    assert_int_equal(outcome.other_reason, 0);
}

static void good_cases_that_are_refused_are_few_and_named(void **state)
{
    (void)state;
    assert_in_range(outcome.too_many, 0, TOO_MANY_MAX);
    assert_int_equal(outcome.unnamed, 0);
}

static void named_exceptions_are_exceptions(void **state)
{
    (void)state;
    assert_int_equal(outcome.unexpected, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cases_of_the_suite_are_run),
        cmocka_unit_test(nothing_is_accepted_that_must_not_be),
        cmocka_unit_test(each_refusal_has_the_reason_that_the_case_is_about),
        cmocka_unit_test(good_cases_that_are_refused_are_few_and_named),
        cmocka_unit_test(named_exceptions_are_exceptions),
    };
    return cmocka_run_group_tests_name("pki/pkits", tests, run_all, NULL);
}
