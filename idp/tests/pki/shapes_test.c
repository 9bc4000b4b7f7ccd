/*
 * One table of all that is signed about a lock and of every single thing that may be wrong with it;
 * the same for RSA, P-256 and SM2, which are not told apart anywhere but in pki/signed.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ocsp.h>

#include "pki/sm2/sm2.h"
#include "pki/trust/rules.h"
#include "tests/pki/shapes.h"

enum { KINDS = 3 };

static struct shapes all[KINDS];

/* --- what is wrong: certificates ------------------------------------------------------------ */

static void nothing(struct shape *s)
{
    (void)s;
}

static void lock_with_empty_id(struct shape *s)
{
    s->lock.how.sm2_id = "";
}

static void lock_with_another_id(struct shape *s)
{
    s->lock.how.sm2_id = "1234567812345679";
}

static void lock_with_another_signer(struct shape *s)
{
    s->lock.how.issuer_key = s->of->stranger.key;
}

static void lock_of_a_twin(struct shape *s) /* the same names, another key and its identifier */
{
    s->lock.how.issuer = s->of->same.certificate;
    s->lock.how.issuer_key = s->of->same.key;
}

static void lock_of_a_stranger_by_name(struct shape *s) /* signed by the authority itself */
{
    s->lock.how.issuer = s->of->same.root;
    shape_set(&s->lock, "authorityKeyIdentifier", NULL);
}

#define ANOTHER_KEY_ID "DER:30168014000102030405060708090a0b0c0d0e0f10111213"

static void lock_with_another_key_id(struct shape *s)
{
    shape_set(&s->lock, "authorityKeyIdentifier", NULL);
    shape_set(&s->lock, "2.5.29.35", ANOTHER_KEY_ID);
}

static void lock_expired(struct shape *s)
{
    s->lock.how.to = REGION_NOW - 1;
}

static void lock_not_yet_valid(struct shape *s)
{
    s->lock.how.from = REGION_NOW + 1;
}

static void lock_for_encryption(struct shape *s)
{
    shape_set(&s->lock, "keyUsage", "critical,keyEncipherment,dataEncipherment");
}

static void lock_that_signs_only_beyond_doubt(struct shape *s)
{
    shape_set(&s->lock, "keyUsage", "critical,nonRepudiation");
}

static void lock_for_servers(struct shape *s)
{
    shape_set(&s->lock, "extendedKeyUsage", "serverAuth");
}

static void lock_that_is_an_authority(struct shape *s)
{
    shape_set(&s->lock, "basicConstraints", "CA:TRUE");
}

static void lock_with_a_critical_unknown(struct shape *s)
{
    shape_set(&s->lock, "1.3.6.1.4.1.32473.9", "critical,DER:0500");
}

static void lock_by_sha1(struct shape *s)
{
    s->lock.how.digest = "SHA1";
}

static void another_algorithm_outside(struct shape *s)
{
    s->patch_algorithm = true;
}

static void other_parameters_outside(struct shape *s)
{
    s->patch_parameters = true;
}

static void root_of_length_zero(struct shape *s)
{
    shape_set(&s->root, "basicConstraints", "critical,CA:TRUE,pathlen:0");
}

static void middle_with_empty_id(struct shape *s)
{
    s->middle.how.sm2_id = "";
}

static void middle_with_another_id(struct shape *s)
{
    s->middle.how.sm2_id = "1234567812345679";
}

static void middle_with_another_signer(struct shape *s)
{
    s->middle.how.issuer_key = s->of->same.root_key;
}

static void middle_of_a_stranger(struct shape *s)
{
    s->middle.how.issuer = s->of->stranger.root;
    s->middle.how.issuer_key = s->of->stranger.root_key;
}

static void middle_with_another_key_id(struct shape *s)
{
    shape_set(&s->middle, "authorityKeyIdentifier", NULL);
    shape_set(&s->middle, "2.5.29.35", ANOTHER_KEY_ID);
}

static void middle_expired(struct shape *s)
{
    s->middle.how.to = REGION_NOW - 1;
}

static void middle_not_yet_valid(struct shape *s)
{
    s->middle.how.from = REGION_NOW + 1;
}

static void middle_that_is_no_authority(struct shape *s)
{
    shape_set(&s->middle, "basicConstraints", "critical,CA:FALSE");
}

static void middle_without_constraints(struct shape *s)
{
    shape_set(&s->middle, "basicConstraints", NULL);
}

static void middle_without_cert_sign(struct shape *s)
{
    shape_set(&s->middle, "keyUsage", "critical,cRLSign");
}

static void middle_with_a_critical_unknown(struct shape *s)
{
    shape_set(&s->middle, "1.3.6.1.4.1.32473.9", "critical,DER:0500");
}

static void middle_of_version_1(struct shape *s)
{
    s->middle.how.version = 1;
    s->middle.extensions[0] = (struct region_pair){NULL, NULL};
    shape_set(&s->lock, "authorityKeyIdentifier", NULL);
}

static void middle_by_sha1(struct shape *s)
{
    s->middle.how.digest = "SHA1";
}

static void root_expired(struct shape *s)
{
    s->root.how.to = REGION_NOW - 1;
}

/* --- what is wrong: lists ------------------------------------------------------------------- */

static void lock_is_listed(struct shape *s)
{
    s->entry.serial = s->of->serial;
}

static void lock_is_on_hold(struct shape *s)
{
    lock_is_listed(s);
    s->entry.reason = 6;
}

static void list_with_empty_id(struct shape *s)
{
    s->full.sm2_id = "";
}

static void list_with_another_id(struct shape *s)
{
    s->full.sm2_id = "1234567812345679";
}

static void list_by_another_key(struct shape *s)
{
    s->full.key = s->of->same.key;
}

static void list_by_the_root(struct shape *s)
{
    s->full.key = s->of->own.root_key;
}

static void list_over_other_bytes(struct shape *s)
{
    s->full.spoil = true;
}

static void list_of_a_stranger(struct shape *s)
{
    s->full.issuer = s->of->stranger.certificate;
    s->full.key = s->of->stranger.key;
}

static void list_under_another_name(struct shape *s)
{
    s->full.issuer = s->of->stranger.certificate;
}

static void list_with_another_key_id(struct shape *s)
{
    s->full.extensions = "301f0603551d23041830168014000102030405060708090a0b0c0d0e0f10111213";
}

static void issuer_without_crl_sign(struct shape *s)
{
    shape_set(&s->list_issuer, "keyUsage", "critical,keyCertSign");
}

static void list_is_over(struct shape *s)
{
    s->full.next_update = REGION_NOW;
}

static void list_from_the_future(struct shape *s)
{
    s->full.this_update = REGION_NOW + 301;
}

static void list_without_end(struct shape *s)
{
    s->full.next_update = 0;
}

static void list_with_an_end_before_it_begins(struct shape *s)
{
    s->full.next_update = s->full.this_update - 1;
}

#define CRITICAL_UNKNOWN "301206092b0601040181fd59090101ff04020500"

static void list_with_a_critical_unknown(struct shape *s)
{
    s->full.extensions = CRITICAL_UNKNOWN;
}

static void list_with_a_number_twice(struct shape *s)
{
    s->full.extensions = "300a0603551d140403020108";
}

static void list_of_users(struct shape *s)
{
    s->full.scope = "30038101ff";
}

static void list_of_authorities(struct shape *s)
{
    s->full.scope = "30038201ff";
}

static void list_of_attributes(struct shape *s)
{
    s->full.scope = "30038501ff";
}

static void list_for_third_parties(struct shape *s)
{
    s->full.scope = "30038401ff";
}

static void list_of_one_reason(struct shape *s)
{
    s->full.scope = "300483020640";
}

#define POINT "300ea00ca00a8608687474703a2f2f61" /* http://a */

static void list_of_a_point(struct shape *s)
{
    s->full.scope = POINT;
}

static void list_of_the_locks_point(struct shape *s)
{
    s->full.scope = POINT;
    shape_set(&s->lock, "crlDistributionPoints", "URI:http://b,URI:http://a");
}

static void list_of_another_point(struct shape *s)
{
    s->full.scope = POINT;
    shape_set(&s->lock, "crlDistributionPoints", "URI:http://b");
}

static void list_that_is_a_delta(struct shape *s)
{
    s->full.base = "05";
}

/* --- what is wrong: deltas ------------------------------------------------------------------ */

static void lock_is_listed_since(struct shape *s)
{
    s->changed.serial = s->of->serial;
}

static void lock_is_held_no_more(struct shape *s)
{
    lock_is_on_hold(s);
    lock_is_listed_since(s);
    s->changed.reason = 8;
}

static void lock_is_revoked_no_more(struct shape *s) /* which cannot be */
{
    lock_is_listed(s);
    lock_is_listed_since(s);
    s->changed.reason = 8;
}

static void delta_over_a_later_list(struct shape *s)
{
    s->delta.base = "08";
}

static void delta_that_is_no_newer(struct shape *s)
{
    s->delta.number = "07";
}

static void delta_without_number(struct shape *s)
{
    s->delta.number = NULL;
}

static void delta_that_is_none(struct shape *s)
{
    s->delta.base = NULL;
}

static void delta_of_another_scope(struct shape *s)
{
    s->delta.scope = "30038101ff";
}

static void delta_of_another_key_id(struct shape *s)
{
    s->delta.extensions = "301f0603551d23041830168014000102030405060708090a0b0c0d0e0f10111213";
}

static void delta_by_another_key(struct shape *s)
{
    s->delta.key = s->of->same.key;
}

static void delta_with_empty_id(struct shape *s)
{
    s->delta.sm2_id = "";
}

static void delta_over_other_bytes(struct shape *s)
{
    s->delta.spoil = true;
}

static void delta_under_another_name(struct shape *s)
{
    s->delta.issuer = s->of->stranger.certificate;
}

static void delta_is_over(struct shape *s)
{
    s->delta.next_update = REGION_NOW;
}

static void delta_from_the_future(struct shape *s)
{
    s->delta.this_update = REGION_NOW + 301;
}

static void delta_with_a_critical_unknown(struct shape *s)
{
    s->delta.extensions = CRITICAL_UNKNOWN;
}

/* --- what is wrong: answers ----------------------------------------------------------------- */

static void answer_revoked(struct shape *s)
{
    s->status.status = V_OCSP_CERTSTATUS_REVOKED;
}

static void answer_on_hold(struct shape *s)
{
    answer_revoked(s);
    s->status.reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD;
}

static void answer_unknown(struct shape *s)
{
    s->status.status = V_OCSP_CERTSTATUS_UNKNOWN;
}

static void answer_with_empty_id(struct shape *s)
{
    s->status.sm2_id = "";
}

static void answer_with_another_id(struct shape *s)
{
    s->status.sm2_id = "1234567812345679";
}

static void answer_by_sha1(struct shape *s)
{
    s->status.digest = "SHA1";
}

static void answer_about_another_serial(struct shape *s)
{
    s->status.about_other = true;
}

static void answer_about_another_issuer(struct shape *s)
{
    s->status.id_issuer = s->of->same.certificate;
}

static void answer_twice(struct shape *s)
{
    s->status.copies = 2;
}

static void answer_empty(struct shape *s)
{
    s->status.copies = 0;
}

static void answer_without_nonce(struct shape *s)
{
    s->status.nonce = REGION_NONCE_NONE;
}

static void answer_with_another_nonce(struct shape *s)
{
    s->status.nonce = REGION_NONCE_OTHER;
}

static void answer_with_the_nonce_elsewhere(struct shape *s)
{
    s->status.nonce = REGION_NONCE_IN_SINGLE;
}

static void answer_without_nonce_where_none_is_asked(struct shape *s)
{
    s->nonce = NONCE_OFF;
    s->status.nonce = REGION_NONCE_NONE;
}

static void answer_is_over(struct shape *s)
{
    s->status.this_update = REGION_NOW - 60;
    s->status.next_update = REGION_NOW - 1;
}

static void answer_too_old(struct shape *s)
{
    s->status.this_update = REGION_NOW - 600;
}

static void answer_from_the_future(struct shape *s)
{
    s->status.this_update = REGION_NOW + 301;
}

static void answer_made_in_the_future(struct shape *s)
{
    s->status.produced = REGION_NOW + 301;
}

static void answer_without_end(struct shape *s)
{
    s->status.next_update = 0;
}

static void answer_without_end_too_old(struct shape *s)
{
    s->status.next_update = 0;
    s->status.this_update = REGION_NOW - 300;
}

static void answer_with_a_critical_unknown(struct shape *s)
{
    s->status.critical = REGION_CRITICAL_WHOLE;
}

static void answer_of_another_type(struct shape *s)
{
    s->status.type = "1.3.6.1.4.1.32473.8";
}

static void answer_by(struct shape *s, EVP_PKEY *key, X509 *signer)
{
    s->responder_as_issue = false;
    s->status.key = key;
    s->status.signer = signer;
}

static void answer_by_the_issuer(struct shape *s)
{
    answer_by(s, s->of->own.key, s->of->own.certificate);
}

static void answer_by_the_root(struct shape *s)
{
    answer_by(s, s->of->own.root_key, s->of->own.root);
}

static void answer_by_a_stranger(struct shape *s)
{
    answer_by(s, s->of->stranger.responder_key, s->of->stranger.responder);
}

static void answer_by_a_twin(struct shape *s)
{
    answer_by(s, s->of->same.responder_key, s->of->same.responder);
}

static void answer_by_the_issuers_twin(struct shape *s)
{
    answer_by(s, s->of->same.key, s->of->same.certificate);
    s->status.send_signer = false;
}

static void answer_by_the_lock(struct shape *s)
{
    answer_by(s, s->of->lock.key, s->of->lock.certificate);
}

static void answer_by_who_is_not_pinned(struct shape *s)
{
    s->pinned = true;
}

static void responder_is_not_sent(struct shape *s)
{
    s->status.send_signer = false;
}

static void responder_expired(struct shape *s)
{
    s->responder.how.to = REGION_NOW - 1;
}

static void responder_not_yet_valid(struct shape *s)
{
    s->responder.how.from = REGION_NOW + 1;
}

static void responder_without_ocsp_signing(struct shape *s)
{
    shape_set(&s->responder, "extendedKeyUsage", "clientAuth");
}

static void responder_without_extended_usage(struct shape *s)
{
    shape_set(&s->responder, "extendedKeyUsage", NULL);
}

static void responder_for_anything(struct shape *s)
{
    shape_set(&s->responder, "extendedKeyUsage", "anyExtendedKeyUsage");
}

static void responder_that_may_not_sign(struct shape *s)
{
    shape_set(&s->responder, "keyUsage", "critical,keyEncipherment");
}

static void responder_that_is_an_authority(struct shape *s)
{
    shape_set(&s->responder, "basicConstraints", "CA:TRUE");
}

static void responder_of_a_stranger(struct shape *s)
{
    s->responder.how.issuer = s->of->stranger.certificate;
    s->responder.how.issuer_key = s->of->stranger.key;
}

static void responder_of_the_root(struct shape *s)
{
    s->responder.how.issuer = s->of->own.root;
    s->responder.how.issuer_key = s->of->own.root_key;
}

static void responder_with_another_signer(struct shape *s)
{
    s->responder.how.issuer_key = s->of->same.key;
}

static void responder_with_another_key_id(struct shape *s)
{
    shape_set(&s->responder, "authorityKeyIdentifier", NULL);
    shape_set(&s->responder, "2.5.29.35", ANOTHER_KEY_ID);
}

static void responder_with_empty_id(struct shape *s)
{
    s->responder.how.sm2_id = "";
}

static void responder_by_sha1(struct shape *s)
{
    s->responder.how.digest = "SHA1";
}

static void responder_with_a_critical_unknown(struct shape *s)
{
    shape_set(&s->responder, "1.3.6.1.4.1.32473.9", "critical,DER:0500");
}

/* --- the table ------------------------------------------------------------------------------ */

enum { EVERY_KIND, SM2_ONLY, NOT_SM2, RSA_ONLY };

static const struct row {
    shape_judge *judge;
    void (*fault)(struct shape *shape);
    const char *expected;
    int kinds;
} table[] = {
    {shape_lock, nothing, "good", EVERY_KIND},
    {shape_lock, lock_with_empty_id, "lock.path", SM2_ONLY},
    {shape_lock, lock_with_another_id, "lock.path", SM2_ONLY},
    {shape_lock, lock_with_another_signer, "lock.path", EVERY_KIND},
    {shape_lock, lock_of_a_twin, "lock.authority_unknown", EVERY_KIND},
    {shape_lock, lock_of_a_stranger_by_name, "lock.authority_unknown", EVERY_KIND},
    {shape_lock, lock_with_another_key_id, "lock.authority_unknown", EVERY_KIND},
    {shape_lock, lock_expired, "lock.expired", EVERY_KIND},
    {shape_lock, lock_not_yet_valid, "lock.not_yet_valid", EVERY_KIND},
    {shape_lock, lock_for_encryption, "lock.encryption_certificate", EVERY_KIND},
    {shape_lock, lock_that_signs_only_beyond_doubt, "lock.key_usage", EVERY_KIND},
    {shape_lock, lock_for_servers, "lock.extended_key_usage", EVERY_KIND},
    {shape_lock, lock_that_is_an_authority, "lock.ca_certificate", EVERY_KIND},
    {shape_lock, lock_with_a_critical_unknown, "lock.extension_critical", EVERY_KIND},
    {shape_lock, lock_by_sha1, "lock.weak_hash", NOT_SM2},
    {shape_lock, another_algorithm_outside, "lock.path", NOT_SM2},
    {shape_lock, another_algorithm_outside, "lock.weak_hash", SM2_ONLY},
    {shape_lock, other_parameters_outside, "lock.path", RSA_ONLY},

    {shape_chain, nothing, "good", EVERY_KIND},
    {shape_chain, lock_with_empty_id, "path", SM2_ONLY},
    {shape_chain, lock_with_another_id, "path", SM2_ONLY},
    {shape_chain, lock_with_another_signer, "path", EVERY_KIND},
    {shape_chain, lock_of_a_twin, "path", EVERY_KIND},
    {shape_chain, lock_with_another_key_id, "path", EVERY_KIND},
    {shape_chain, lock_expired, "time", EVERY_KIND},
    {shape_chain, lock_not_yet_valid, "time", EVERY_KIND},
    {shape_chain, lock_with_a_critical_unknown, "path", EVERY_KIND},
    {shape_chain, lock_by_sha1, "path", NOT_SM2},
    {shape_chain, root_of_length_zero, "path", EVERY_KIND},
    {shape_chain, root_expired, "time", EVERY_KIND},
    {shape_chain, middle_with_empty_id, "path", SM2_ONLY},
    {shape_chain, middle_with_another_id, "path", SM2_ONLY},
    {shape_chain, middle_with_another_signer, "path", EVERY_KIND},
    {shape_chain, middle_of_a_stranger, "path", EVERY_KIND},
    {shape_chain, middle_with_another_key_id, "path", EVERY_KIND},
    {shape_chain, middle_expired, "time", EVERY_KIND},
    {shape_chain, middle_not_yet_valid, "time", EVERY_KIND},
    {shape_chain, middle_that_is_no_authority, "path", EVERY_KIND},
    {shape_chain, middle_without_constraints, "path", EVERY_KIND},
    {shape_chain, middle_without_cert_sign, "path", EVERY_KIND},
    {shape_chain, middle_with_a_critical_unknown, "path", EVERY_KIND},
    {shape_chain, middle_of_version_1, "path", EVERY_KIND},
    {shape_chain, middle_by_sha1, "path", NOT_SM2},

    {shape_list, nothing, "good", EVERY_KIND},
    {shape_list, lock_is_listed, "revoked", EVERY_KIND},
    {shape_list, lock_is_on_hold, "on_hold", EVERY_KIND},
    {shape_list, list_with_empty_id, "bad_signature", SM2_ONLY},
    {shape_list, list_with_another_id, "bad_signature", SM2_ONLY},
    {shape_list, list_by_another_key, "bad_signature", EVERY_KIND},
    {shape_list, list_by_the_root, "bad_signature", EVERY_KIND},
    {shape_list, list_over_other_bytes, "bad_signature", EVERY_KIND},
    {shape_list, list_of_a_stranger, "other_issuer", EVERY_KIND},
    {shape_list, list_under_another_name, "other_issuer", EVERY_KIND},
    {shape_list, list_with_another_key_id, "other_key", EVERY_KIND},
    {shape_list, issuer_without_crl_sign, "no_signer", EVERY_KIND},
    {shape_list, another_algorithm_outside, "algorithms_differ", EVERY_KIND},
    {shape_list, other_parameters_outside, "algorithms_differ", RSA_ONLY},
    {shape_list, list_is_over, "stale", EVERY_KIND},
    {shape_list, list_from_the_future, "from_future", EVERY_KIND},
    {shape_list, list_without_end, "no_next_update", EVERY_KIND},
    {shape_list, list_with_an_end_before_it_begins, "date", EVERY_KIND},
    {shape_list, list_with_a_critical_unknown, "extension_unknown", EVERY_KIND},
    {shape_list, list_with_a_number_twice, "extension_twice", EVERY_KIND},
    {shape_list, list_of_users, "good", EVERY_KIND},
    {shape_list, list_of_authorities, "other_certificates", EVERY_KIND},
    {shape_list, list_of_attributes, "other_certificates", EVERY_KIND},
    {shape_list, list_for_third_parties, "indirect", EVERY_KIND},
    {shape_list, list_of_one_reason, "some_reasons", EVERY_KIND},
    {shape_list, list_of_a_point, "other_point", EVERY_KIND},
    {shape_list, list_of_the_locks_point, "good", EVERY_KIND},
    {shape_list, list_of_another_point, "other_point", EVERY_KIND},
    {shape_list, list_that_is_a_delta, "delta", EVERY_KIND},

    {shape_delta, nothing, "good", EVERY_KIND},
    {shape_delta, lock_is_listed_since, "revoked", EVERY_KIND},
    {shape_delta, lock_is_on_hold, "on_hold", EVERY_KIND},
    {shape_delta, lock_is_held_no_more, "good", EVERY_KIND},
    {shape_delta, lock_is_revoked_no_more, "revoked", EVERY_KIND},
    {shape_delta, delta_over_a_later_list, "base_too_old", EVERY_KIND},
    {shape_delta, delta_that_is_no_newer, "delta_too_old", EVERY_KIND},
    {shape_delta, delta_without_number, "no_number", EVERY_KIND},
    {shape_delta, delta_that_is_none, "delta", EVERY_KIND},
    {shape_delta, delta_of_another_scope, "other_scope", EVERY_KIND},
    {shape_delta, delta_of_another_key_id, "other_key", EVERY_KIND},
    {shape_delta, delta_by_another_key, "bad_signature", EVERY_KIND},
    {shape_delta, delta_with_empty_id, "bad_signature", SM2_ONLY},
    {shape_delta, delta_over_other_bytes, "bad_signature", EVERY_KIND},
    {shape_delta, delta_under_another_name, "other_issuer", EVERY_KIND},
    {shape_delta, delta_is_over, "stale", EVERY_KIND},
    {shape_delta, delta_from_the_future, "from_future", EVERY_KIND},
    {shape_delta, delta_with_a_critical_unknown, "extension_unknown", EVERY_KIND},
    {shape_delta, another_algorithm_outside, "algorithms_differ", EVERY_KIND},

    {shape_answer, nothing, "good", EVERY_KIND},
    {shape_answer, answer_revoked, "revoked", EVERY_KIND},
    {shape_answer, answer_on_hold, "on_hold", EVERY_KIND},
    {shape_answer, answer_unknown, "unknown", EVERY_KIND},
    {shape_answer, answer_with_empty_id, "signature", SM2_ONLY},
    {shape_answer, answer_with_another_id, "signature", SM2_ONLY},
    {shape_answer, answer_by_sha1, "signature", NOT_SM2},
    {shape_answer, another_algorithm_outside, "signature", EVERY_KIND},
    {shape_answer, other_parameters_outside, "signature", RSA_ONLY},
    {shape_answer, answer_about_another_serial, "subject", EVERY_KIND},
    {shape_answer, answer_about_another_issuer, "subject", EVERY_KIND},
    {shape_answer, answer_twice, "subject", EVERY_KIND},
    {shape_answer, answer_empty, "subject", EVERY_KIND},
    {shape_answer, answer_without_nonce, "nonce", EVERY_KIND},
    {shape_answer, answer_with_another_nonce, "nonce", EVERY_KIND},
    {shape_answer, answer_with_the_nonce_elsewhere, "nonce", EVERY_KIND},
    {shape_answer, answer_without_nonce_where_none_is_asked, "good", EVERY_KIND},
    {shape_answer, answer_is_over, "dates", EVERY_KIND},
    {shape_answer, answer_too_old, "dates", EVERY_KIND},
    {shape_answer, answer_from_the_future, "dates", EVERY_KIND},
    {shape_answer, answer_made_in_the_future, "dates", EVERY_KIND},
    {shape_answer, answer_without_end, "good", EVERY_KIND},
    {shape_answer, answer_without_end_too_old, "dates", EVERY_KIND},
    {shape_answer, answer_with_a_critical_unknown, "malformed", EVERY_KIND},
    {shape_answer, answer_of_another_type, "malformed", EVERY_KIND},
    {shape_answer, answer_by_the_issuer, "good", EVERY_KIND},
    {shape_answer, answer_by_the_root, "signer", EVERY_KIND},
    {shape_answer, answer_by_a_stranger, "signer", EVERY_KIND},
    {shape_answer, answer_by_a_twin, "signer", EVERY_KIND},
    {shape_answer, answer_by_the_issuers_twin, "signature", EVERY_KIND},
    {shape_answer, answer_by_the_lock, "signer", EVERY_KIND},
    {shape_answer, answer_by_who_is_not_pinned, "signer", EVERY_KIND},
    {shape_answer, responder_is_not_sent, "signer", EVERY_KIND},
    {shape_answer, responder_expired, "signer", EVERY_KIND},
    {shape_answer, responder_not_yet_valid, "signer", EVERY_KIND},
    {shape_answer, responder_without_ocsp_signing, "signer", EVERY_KIND},
    {shape_answer, responder_without_extended_usage, "signer", EVERY_KIND},
    {shape_answer, responder_for_anything, "signer", EVERY_KIND},
    {shape_answer, responder_that_may_not_sign, "signer", EVERY_KIND},
    {shape_answer, responder_that_is_an_authority, "signer", EVERY_KIND},
    {shape_answer, responder_of_a_stranger, "signer", EVERY_KIND},
    {shape_answer, responder_of_the_root, "signer", EVERY_KIND},
    {shape_answer, responder_with_another_signer, "signer", EVERY_KIND},
    {shape_answer, responder_with_another_key_id, "signer", EVERY_KIND},
    {shape_answer, responder_with_empty_id, "signer", SM2_ONLY},
    {shape_answer, responder_by_sha1, "signer", NOT_SM2},
    {shape_answer, responder_with_a_critical_unknown, "signer", EVERY_KIND},
};
enum { ROWS = sizeof(table) / sizeof(*table) };

static bool row_is_for(const struct row *row, const struct shapes *of)
{
    bool sm2 = strcmp(of->kind, "SM2") == 0;
    if (row->kinds == RSA_ONLY)
        return strcmp(of->kind, "RSA") == 0;
    return row->kinds == EVERY_KIND || (row->kinds == SM2_ONLY) == sm2;
}

static void each_fault_is_refused_for_what_it_is(const struct shapes *of)
{
    int wrong = 0;
    for (size_t i = 0; i < ROWS; i++) {
        struct shape shape = shape_begin(of);
        if (!row_is_for(&table[i], of))
            continue;
        table[i].fault(&shape);
        const char *word = table[i].judge(&shape);
        if (strcmp(word, table[i].expected) == 0)
            continue;
        wrong++;
        print_error("%s, row %zu: %s, expected %s\n", of->kind, i, word, table[i].expected);
    }
    assert_int_equal(wrong, 0);
}

static void faults_of_rsa_are_refused_for_what_they_are(void **state)
{
    (void)state;
    each_fault_is_refused_for_what_it_is(&all[0]);
}

static void faults_of_p256_are_refused_for_what_they_are(void **state)
{
    (void)state;
    each_fault_is_refused_for_what_it_is(&all[1]);
}

static void faults_of_sm2_are_refused_for_what_they_are(void **state)
{
    (void)state;
    each_fault_is_refused_for_what_it_is(&all[2]);
}

/* Where the arithmetic of our own is not used. */
static void faults_of_sm2_are_refused_by_openssl_too(void **state)
{
    (void)state;
    sm2_set_by_openssl(true);
    each_fault_is_refused_for_what_it_is(&all[2]);
    sm2_set_by_openssl(false);
}

/* One wrong bit in every byte, whatever that byte is part of. (Of answers: in ocsp_test.c.) */
static void no_wrong_bit_passes(shape_judge *judge)
{
    for (int kind = 0; kind < KINDS; kind++) {
        size_t accepted = 0;
        struct shape shape = shape_begin(&all[kind]);
        assert_string_equal(judge(&shape), "good");
        /* Each time it is signed anew; the signature's length varies. */
        for (shape.flip = 1; shape.flip <= shape.made; shape.flip++)
            accepted += strcmp(judge(&shape), "good") == 0 && shape.flip <= shape.made;
        assert_int_equal(accepted, 0);
    }
}

static void no_wrong_bit_of_a_lock_passes(void **state)
{
    (void)state;
    no_wrong_bit_passes(shape_lock);
}

static void no_wrong_bit_of_a_list_passes(void **state)
{
    (void)state;
    no_wrong_bit_passes(shape_list);
}

static void no_wrong_bit_of_a_delta_passes(void **state)
{
    (void)state;
    no_wrong_bit_passes(shape_delta);
}

static int make_all(void **state)
{
    static const char *const kinds[KINDS] = {"RSA", "P-256", "SM2"};
    (void)state;
    for (int i = 0; i < KINDS; i++)
        shapes_make(&all[i], kinds[i]);
    return 0;
}

static int clear_all(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++)
        shapes_clear(&all[i]);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_rsa_are_refused_for_what_they_are),
        cmocka_unit_test(faults_of_p256_are_refused_for_what_they_are),
        cmocka_unit_test(faults_of_sm2_are_refused_for_what_they_are),
        cmocka_unit_test(faults_of_sm2_are_refused_by_openssl_too),
        cmocka_unit_test(no_wrong_bit_of_a_lock_passes),
        cmocka_unit_test(no_wrong_bit_of_a_list_passes),
        cmocka_unit_test(no_wrong_bit_of_a_delta_passes),
    };
    return cmocka_run_group_tests_name("pki/shapes", tests, make_all, clear_all);
}
