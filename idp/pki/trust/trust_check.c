#include "pki/trust/trust_check.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "base/arena.h"
#include "pki/certificate_time.h"
#include "pki/trust/rules.h"
#include "pki/trust/trust_members.h"

/* What is being looked at, and where the remarks go. */
struct look {
    struct arena *arena;
    struct trust_remarks *out;
    const struct trust *trust;
    int64_t now;
    size_t at; /* the authority */
    bool no_memory;
};

/* --- remarks -------------------------------------------------------------------------------- */

static bool begin(struct arena *arena, struct trust_remarks *out, size_t room)
{
    *out = (struct trust_remarks){.list = arena_alloc(arena, (room + 1) * sizeof(*out->list))};
    return out->list != NULL;
}

/* Warns about a member of the authority, unless all is well with it. */
static void warn(struct look *look, bool well, const char *member, const char *text)
{
    struct trust_remarks *out = look->out;
    if (well || text == NULL)
        return;
    if (out->count == TRUST_WARNINGS_MAX) {
        out->more = true;
        return;
    }
    const char *place = arena_printf(look->arena, "authorities[%zu].%s", look->at, member);
    look->no_memory = look->no_memory || place == NULL;
    out->list[out->count++] = (struct trust_remark){.place = place, .text = text};
}

/* --- certificates --------------------------------------------------------------------------- */

enum { DAY_S = 86400 };

static void look_at_dates(struct look *look, const char *member, const X509 *certificate)
{
    int64_t from = 0;
    int64_t to = 0;
    if (certificate == NULL || !certificate_time_span(certificate, &from, &to))
        return;
    int64_t days = (to - look->now) / DAY_S;
    warn(look, from <= look->now, member, "the certificate is not valid yet");
    if (to < look->now)
        warn(look, false, member, "the certificate has expired: nothing rests on it any more");
    else if (days < TRUST_SOON_DAYS)
        warn(look, false, member,
             arena_printf(look->arena, "the certificate expires in %lld days", (long long)days));
}

/* The path is checked at OpenSSL's level 2, which asks 2048 bits of RSA. */
static void look_at_anchor(struct look *look, const char *member, const struct anchor *anchor)
{
    X509 *certificate = anchor->certificate;
    look_at_dates(look, member, certificate);
    warn(look, !EVP_PKEY_is_a(anchor->key, "RSA") || EVP_PKEY_get_bits(anchor->key) >= 2048, member,
         "an RSA key of less than 2048 bits: no lock of it is accepted");
    warn(look,
         X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) != 0,
         member,
         "a root: believe the intermediates that issue locks instead, so that one can be taken "
         "off");
}

static void look_at_certificates(struct look *look, const struct authority_rules *rules)
{
    char member[32];
    for (size_t i = 0; i < rules->anchors.count; i++) {
        (void)snprintf(member, sizeof(member), "anchors[%zu]", i);
        look_at_anchor(look, member, &rules->anchors.list[i]);
        warn(look, rules->roots.count == 0 || rules->anchors.list[i].root != NULL, member,
             "none of \"roots\" issued it");
    }
    for (size_t i = 0; i < rules->roots.count; i++) {
        (void)snprintf(member, sizeof(member), "roots[%zu]", i);
        look_at_dates(look, member, rules->roots.list[i]);
    }
    look_at_dates(look, "revocation.responder", rules->revocation.responder);
    warn(look, rules->roots.count > 0, "roots",
         "no root is named: an anchor that its root revokes goes on being believed");
    warn(look, rules->roots.count == 0 || rules->revocation.crl.count > 0, "roots",
         "\"revocation.crl\" has no address where the roots' lists could be");
}

/* --- revocation ----------------------------------------------------------------------------- */

static void look_at_degraded(struct look *look, const struct degraded *degraded)
{
    const char *member = "revocation.degraded";
    char until[TIME_TEXT_SIZE];
    if (degraded->until == 0)
        return;
    certificate_time_text(degraded->until, until);
    if (degraded->until <= look->now)
        warn(look, false, member, "the degraded mode has ended: it can be left out");
    else
        warn(look, false, member,
             arena_printf(look->arena,
                          "degraded mode: until %s (UTC+8), good answers up to %d s old pass while "
                          "the authority cannot be reached",
                          until, degraded->max_age_s));
}

static void look_at_revocation(struct look *look, const struct revocation *revocation)
{
    bool asks = revocation->policy != POLICY_CRL;
    warn(look, !asks || revocation->digest != CERTID_SHA1, "revocation.hash",
         "questions name certificates by SHA-1: sha256 or sm3, where the service takes it");
    warn(look, !asks || revocation->nonce != NONCE_OFF, "revocation.nonce",
         "questions carry no nonce: an answer of up to two minutes ago may be played back");
    warn(look, !asks || revocation->nonce != NONCE_OPTIONAL, "revocation.nonce",
         "answers may lack the nonce: one of up to two minutes ago may be played back");
    warn(look, revocation->crl_grace_s == 0, "revocation.crl_grace_s",
         "lists count beyond their nextUpdate");
    look_at_degraded(look, &revocation->degraded);
}

/* --- the profile ---------------------------------------------------------------------------- */

static const ASN1_OBJECT *oid_of(const struct place *place)
{
    return place->extension != NULL ? place->extension : place->subject;
}

/* The same part of a certificate, whatever text is looked for in it. */
static bool same_part(const struct place *a, const struct place *b)
{
    return (a->extension != NULL) == (b->extension != NULL) && OBJ_cmp(oid_of(a), oid_of(b)) == 0;
}

/* Two readings of one part that a text of it tells apart. */
static bool tell_apart(const struct place *a, const struct place *b)
{
    return a->prefix != NULL || b->prefix != NULL || a->except != NULL || b->except != NULL ||
           (a->split != NULL && b->split != NULL && a->field != b->field);
}

static bool meet(const struct place *place, const struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        if (same_part(place, &places->list[i]) && !tell_apart(place, &places->list[i]))
            return true;
    return false;
}

/* What an authority's profile reads at the place of a USCC, other than one; or NULL. */
static const char *other_meaning(const struct authority_rules *rules, const struct place *place)
{
    return meet(place, &rules->person)          ? "a person's number"
           : meet(place, &rules->key_number)    ? "a key number"
           : meet(place, &rules->medium_number) ? "a medium number"
           : meet(place, &rules->name)          ? "a company's name"
                                                : NULL;
}

/* The same OID means different things at two authorities: that is so in practice, and just as often
 * a line that was copied from the wrong entry. */
static void look_at_uscc(struct look *look, size_t n, const struct place *place)
{
    char member[48];
    (void)snprintf(member, sizeof(member), "profile.uscc[%zu]", n);
    for (size_t i = 0; i < look->trust->count; i++) {
        const struct authority *other = &look->trust->authorities[i];
        const char *meaning = other_meaning(other->rules, place);
        if (meaning != NULL)
            warn(look, false, member,
                 i == look->at
                     ? arena_printf(look->arena, "the same place is read as %s, too", meaning)
                     : arena_printf(look->arena, "authority \"%s\" reads %s at this place",
                                    other->id, meaning));
    }
    warn(look, !place->bare, member, "bare characters are taken without their ASN.1 type");
}

static void look_at_profile(struct look *look, const struct authority_rules *rules)
{
    for (size_t i = 0; i < rules->uscc.count; i++)
        look_at_uscc(look, i, &rules->uscc.list[i]);
    warn(look, rules->person.count > 0, "profile.person",
         "no place of a person's number is named: legal-person locks may pass as enterprise locks");
    warn(look, !rules->person_allowed, "profile.person_allowed",
         "enterprise locks may hold a natural person's number");
    warn(look, rules->region.count > 0, "profile.region",
         "no rule says what was issued in the region: all its certificates count");
    warn(look, rules->strict, "profile.strict",
         "RFC 5280 is not kept to the letter: a certificate need not name its issuer's key");
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum idp_err look_at(const struct trust *trust, int64_t now, struct arena *arena,
                            struct trust_remarks *out)
{
    struct look look = {.arena = arena, .out = out, .trust = trust, .now = now};
    if (!begin(arena, out, TRUST_WARNINGS_MAX))
        return IDP_FAULT;
    for (look.at = 0; look.at < trust->count; look.at++) {
        const struct authority_rules *rules = trust->authorities[look.at].rules;
        look_at_certificates(&look, rules);
        look_at_profile(&look, rules);
        look_at_revocation(&look, &rules->revocation);
    }
    return look.no_memory ? IDP_FAULT : IDP_OK;
}

static enum idp_err list_mistakes(const struct reading *reading, struct arena *arena,
                                  struct trust_remarks *out)
{
    if (!begin(arena, out, reading->count))
        return IDP_FAULT;
    for (size_t i = 0; i < reading->count; i++)
        out->list[i] = (struct trust_remark){.place = reading->mistakes[i].place,
                                             .text = reading->mistakes[i].expected,
                                             .found = reading->mistakes[i].found};
    out->count = reading->count;
    out->more = reading->more;
    return IDP_OK;
}

enum idp_err trust_check(const char *text, size_t len, int64_t now, struct arena *arena,
                         struct trust_check *out)
{
    struct reading reading = {.notes = arena, .every = true};
    struct trust *trust = NULL;
    *out = (struct trust_check){.version = NULL};
    enum idp_err err = trust_read(&reading, text, len, &trust);
    if (err == IDP_BAD_REQUEST)
        return list_mistakes(&reading, arena, &out->mistakes);
    if (err != IDP_OK)
        return err;
    out->version = arena_strdup(arena, trust->version);
    out->authorities = trust->count;
    err = out->version != NULL ? look_at(trust, now, arena, &out->warnings) : IDP_FAULT;
    trust_free(trust);
    return err;
}
