#include "pki/lock/place.h"

#include <limits.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/text.h"
#include "pki/der.h"

/* --- text ----------------------------------------------------------------------------------- */

static enum place_outcome take(const unsigned char *bytes, size_t len, char out[PLACE_TEXT_SIZE])
{
    if (len == 0 || len >= PLACE_TEXT_SIZE || !text_is_clean_utf8((const char *)bytes, len))
        return PLACE_WRONG;
    memcpy(out, bytes, len);
    out[len] = '\0';
    return PLACE_FOUND;
}

static bool is_ascii(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < ' ' || bytes[i] > '~')
            return false;
    return true;
}

/* PrintableString's characters (X.680 section 41.4). */
static bool is_printable(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] == '\0' ||
            strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?",
                   bytes[i]) == NULL)
            return false;
    return true;
}

/* UCS-2, big-endian (X.680 section 41.1). */
static enum place_outcome take_bmp(const unsigned char *bytes, size_t len,
                                   char out[PLACE_TEXT_SIZE])
{
    unsigned char utf8[PLACE_TEXT_SIZE * 3];
    size_t n = 0;
    if (len % 2 != 0 || len / 2 >= PLACE_TEXT_SIZE)
        return PLACE_WRONG;
    for (size_t i = 0; i < len; i += 2) {
        unsigned unit = (unsigned)bytes[i] << 8 | bytes[i + 1];
        if (unit < 0x80) {
            utf8[n++] = (unsigned char)unit;
        } else if (unit < 0x800) {
            utf8[n++] = (unsigned char)(0xc0 | unit >> 6);
            utf8[n++] = (unsigned char)(0x80 | (unit & 0x3f));
        } else { /* halves of pairs come out as what is not UTF-8 */
            utf8[n++] = (unsigned char)(0xe0 | unit >> 12);
            utf8[n++] = (unsigned char)(0x80 | (unit >> 6 & 0x3f));
            utf8[n++] = (unsigned char)(0x80 | (unit & 0x3f));
        }
    }
    return take(utf8, n, out);
}

/* TeletexString and UniversalString are never read: nobody agrees on the first one's characters,
 * and no authority was seen to write the second. */
static enum place_outcome take_string(const struct der_item *item, unsigned types,
                                      char out[PLACE_TEXT_SIZE])
{
    bool fits = false;
    if (item->tag == DER_PRINTABLE)
        fits = (types & PLACE_PRINTABLE) != 0 && is_printable(item->bytes, item->len);
    else if (item->tag == DER_IA5)
        fits = (types & PLACE_IA5) != 0 && is_ascii(item->bytes, item->len);
    else if (item->tag == DER_UTF8)
        fits = (types & PLACE_UTF8) != 0;
    else if (item->tag == DER_BMP && (types & PLACE_BMP) != 0)
        return take_bmp(item->bytes, item->len, out);
    return fits ? take(item->bytes, item->len, out) : PLACE_WRONG;
}

/* --- extensions ----------------------------------------------------------------------------- */

/*
 * IdentifyCode is CHOICE { [0] PrintableString, [1] UTF8String, [2] PrintableString }; GM/T
 * 0015-2012 does not say whether the tags are implicit or explicit.
 */
static enum place_outcome take_choice(const struct der_item *item, unsigned types,
                                      char out[PLACE_TEXT_SIZE])
{
    static const unsigned char tags[] = {DER_PRINTABLE, DER_UTF8, DER_PRINTABLE};
    unsigned number = item->tag & 0x1fU;
    struct der_item string = *item;
    struct der inside = der_inside(item);
    if (number >= sizeof(tags))
        return PLACE_WRONG;
    if (item->tag == (DER_CONTEXT | number))
        string.tag = tags[number];
    else if (item->tag != (DER_CONTEXT | DER_CONSTRUCTED | number) ||
             !der_next_is(&inside, tags[number], &string) || inside.left != 0)
        return PLACE_WRONG;
    return take_string(&string, types, out);
}

static enum place_outcome take_value(const struct place *place, const unsigned char *bytes,
                                     size_t len, char out[PLACE_TEXT_SIZE])
{
    struct der rest = {.at = bytes, .left = len};
    struct der_item item;
    if (der_next(&rest, &item) && rest.left == 0) {
        if (place->choice)
            return take_choice(&item, place->types, out);
        if (take_string(&item, place->types, out) == PLACE_FOUND)
            return PLACE_FOUND;
    }
    return place->bare && is_ascii(bytes, len) ? take(bytes, len, out) : PLACE_WRONG;
}

static enum place_outcome read_extension(const struct place *place, const X509 *certificate,
                                         char out[PLACE_TEXT_SIZE])
{
    int at = X509_get_ext_by_OBJ(certificate, place->extension, -1);
    if (at < 0)
        return PLACE_ABSENT;
    if (X509_get_ext_by_OBJ(certificate, place->extension, at) >= 0)
        return PLACE_WRONG; /* OpenSSL does not mind two values of one extension that it does not
                               know */
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    int len = value != NULL ? ASN1_STRING_length(value) : 0;
    if (len <= 0)
        return PLACE_WRONG;
    return take_value(place, ASN1_STRING_get0_data(value), (size_t)len, out);
}

/* --- the subject ---------------------------------------------------------------------------- */

/* Two values in one relative name (CN=a+CN=b, CN=a+OU=b) have no order that means anything. */
static bool stands_alone(const X509_NAME *subject, int at)
{
    int set = X509_NAME_ENTRY_set(X509_NAME_get_entry(subject, at));
    const X509_NAME_ENTRY *before = at > 0 ? X509_NAME_get_entry(subject, at - 1) : NULL;
    const X509_NAME_ENTRY *after = X509_NAME_get_entry(subject, at + 1);
    return (before == NULL || X509_NAME_ENTRY_set(before) != set) &&
           (after == NULL || X509_NAME_ENTRY_set(after) != set);
}

static enum place_outcome read_attribute(const X509_NAME *subject, int at, unsigned types,
                                         char out[PLACE_TEXT_SIZE])
{
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    int type = ASN1_STRING_type(value);
    int len = ASN1_STRING_length(value);
    if (len <= 0 || type < 0 || type > UCHAR_MAX || !stands_alone(subject, at))
        return PLACE_WRONG;
    const struct der_item item = {
        .tag = (unsigned char)type, .bytes = ASN1_STRING_get0_data(value), .len = (size_t)len};
    return take_string(&item, types, out);
}

/* Leaves field number `field` of exactly `of` in text. */
static enum place_outcome cut_field(const struct place *place, char *text)
{
    char *from = text;
    int count = 1;
    for (char *at = text; *at != '\0'; at++) {
        if (*at != place->split[0])
            continue;
        if (count == place->field)
            from = at + 1;
        count++;
    }
    if (count != place->of)
        return PLACE_WRONG;
    size_t len = strcspn(from, place->split);
    memmove(text, from, len);
    text[len] = '\0';
    return len > 0 ? PLACE_FOUND : PLACE_ABSENT;
}

static enum place_outcome read_subject(const struct place *place, const X509 *certificate,
                                       char out[PLACE_TEXT_SIZE])
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_OBJ(subject, place->subject, -1);
    if (at < 0)
        return PLACE_ABSENT;
    if (X509_NAME_get_index_by_OBJ(subject, place->subject, at) >= 0)
        return PLACE_WRONG;
    unsigned types = place->types != 0 ? place->types : PLACE_USUAL;
    enum place_outcome outcome = read_attribute(subject, at, types, out);
    return outcome == PLACE_FOUND && place->split != NULL ? cut_field(place, out) : outcome;
}

/* --- places and rules ----------------------------------------------------------------------- */

enum place_outcome place_read(const struct place *place, const X509 *certificate,
                              char out[PLACE_TEXT_SIZE])
{
    enum place_outcome outcome = place->extension != NULL ? read_extension(place, certificate, out)
                                                          : read_subject(place, certificate, out);
    if (outcome == PLACE_FOUND && place->except != NULL && text_starts(out, place->except))
        return PLACE_ABSENT;
    if (outcome != PLACE_FOUND || place->prefix == NULL)
        return outcome;
    size_t len = strlen(place->prefix);
    if (strncmp(out, place->prefix, len) != 0)
        return PLACE_ABSENT;
    memmove(out, out + len, strlen(out + len) + 1);
    return out[0] != '\0' ? PLACE_FOUND : PLACE_WRONG;
}

enum place_outcome place_read_first(const struct places *places, const X509 *certificate,
                                    char out[PLACE_TEXT_SIZE])
{
    enum place_outcome outcome = PLACE_ABSENT;
    for (size_t i = 0; i < places->count && outcome == PLACE_ABSENT; i++)
        outcome = place_read(&places->list[i], certificate, out);
    if (outcome != PLACE_FOUND)
        out[0] = '\0';
    return outcome;
}

static bool text_fits(const struct rule *rule, const char *text)
{
    return rule->equals != NULL ? strcmp(text, rule->equals) == 0 : text_starts(text, rule->starts);
}

/*
 * Any attribute of that type counts: a subject may have several organizational units. One that
 * cannot be read might say anything: then the rule holds where doubt is enough, and else does not.
 */
static bool subject_rule_holds(const struct rule *rule, const X509 *certificate, bool in_doubt)
{
    char text[PLACE_TEXT_SIZE];
    const unsigned types = PLACE_PRINTABLE | PLACE_UTF8 | PLACE_IA5 | PLACE_BMP;
    const X509_NAME *subject = X509_get_subject_name(certificate);
    bool holds = false;
    int at = -1;
    while ((at = X509_NAME_get_index_by_OBJ(subject, rule->subject, at)) >= 0) {
        if (read_attribute(subject, at, types, text) != PLACE_FOUND)
            return in_doubt;
        holds = holds || text_fits(rule, text);
    }
    return holds;
}

static bool policy_rule_holds(const struct rule *rule, const X509 *certificate)
{
    CERTIFICATEPOLICIES *policies =
        X509_get_ext_d2i(certificate, NID_certificate_policies, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_POLICYINFO_num(policies) && !found; i++)
        found = OBJ_cmp(sk_POLICYINFO_value(policies, i)->policyid, rule->policy) == 0;
    CERTIFICATEPOLICIES_free(policies);
    return found;
}

static bool rule_holds(const struct rule *rule, const X509 *certificate,
                       const unsigned char *anchor_hash, bool in_doubt)
{
    char text[PLACE_TEXT_SIZE];
    if (rule->subject != NULL)
        return subject_rule_holds(rule, certificate, in_doubt);
    if (rule->policy != NULL)
        return policy_rule_holds(rule, certificate);
    if (rule->issuer != NULL)
        return memcmp(rule->issuer, anchor_hash, DIGEST_SIZE) == 0;
    /* What stands there but cannot be read stands there. */
    if (rule->has.extension != NULL || rule->has.subject != NULL)
        return place_read(&rule->has, certificate, text) != PLACE_ABSENT;
    return place_read(&rule->lacks, certificate, text) == PLACE_ABSENT;
}

static bool all_hold(const struct rules *rules, const X509 *certificate,
                     const unsigned char *anchor_hash, bool in_doubt)
{
    for (size_t i = 0; i < rules->count; i++)
        if (!rule_holds(&rules->list[i], certificate, anchor_hash, in_doubt))
            return false;
    return rules->count > 0;
}

bool place_rules_hold(const struct rules *rules, const X509 *certificate,
                      const unsigned char *anchor_hash)
{
    return all_hold(rules, certificate, anchor_hash, false);
}

bool place_rules_might_hold(const struct rules *rules, const X509 *certificate,
                            const unsigned char *anchor_hash)
{
    return all_hold(rules, certificate, anchor_hash, true);
}
