#include "pki/crl/crl_read.h"

#include <string.h>

#include "pki/crl/crl_extension.h"
#include "pki/der_time.h"

enum { INTEGER = 0x02, CRL_EXTENSIONS = DER_CONTEXT + DER_CONSTRUCTED + 0 };

/* The last arc below id-ce (RFC 5280 sections 5.2 and 5.3). */
enum {
    ID_CRL_NUMBER = 20,
    ID_REASON_CODE = 21,
    ID_INVALIDITY_DATE = 24,
    ID_DELTA_CRL_INDICATOR = 27,
    ID_ISSUING_DISTRIBUTION_POINT = 28,
    ID_CERTIFICATE_ISSUER = 29,
    ID_AUTHORITY_KEY_IDENTIFIER = 35,
    ID_FRESHEST_CRL = 46,
};

const char *crl_fault_name(enum crl_fault fault)
{
    static const char *const names[CRL_FAULTS] = {
        [CRL_SOUND] = "sound",
        [CRL_SHAPE] = "shape",
        [CRL_VERSION] = "version",
        [CRL_ALGORITHMS_DIFFER] = "algorithms_differ",
        [CRL_ISSUER] = "issuer",
        [CRL_DATE] = "date",
        [CRL_NO_NEXT_UPDATE] = "no_next_update",
        [CRL_EXTENSION_SHAPE] = "extension_shape",
        [CRL_EXTENSION_TWICE] = "extension_twice",
        [CRL_EXTENSION_UNKNOWN] = "extension_unknown",
        [CRL_NUMBER] = "number",
        [CRL_SCOPE] = "scope",
        [CRL_ENTRY_SHAPE] = "entry_shape",
        [CRL_ENTRY_SERIAL] = "entry_serial",
        [CRL_ENTRY_DATE] = "entry_date",
        [CRL_ENTRY_EXTENSION_SHAPE] = "entry_extension_shape",
        [CRL_ENTRY_EXTENSION_TWICE] = "entry_extension_twice",
        [CRL_ENTRY_EXTENSION_UNKNOWN] = "entry_extension_unknown",
        [CRL_ENTRY_REASON] = "entry_reason",
    };
    return names[fault];
}

static struct crl_part part(const struct der_item *item)
{
    return (struct crl_part){.at = item->bytes, .len = item->len};
}

static struct crl_part whole(const struct der_item *item)
{
    return (struct crl_part){.at = item->whole, .len = item->whole_len};
}

static bool next_is(const struct der *der, unsigned char tag)
{
    return der->left > 0 && *der->at == tag;
}

/* The contents of an INTEGER in its shortest form (X.690 section 8.3.2). */
static bool is_shortest(const struct der_item *integer)
{
    const unsigned char *at = integer->bytes;
    if (integer->len < 2)
        return integer->len == 1;
    return !(at[0] == 0 && at[1] < 0x80) && !(at[0] == 0xff && at[1] >= 0x80);
}

/* --- entries ---------------------------------------------------------------------------------- */

static bool read_reason(const struct crl_extension *extension, int *out)
{
    struct der_item code;
    if (!crl_extension_value(extension, DER_ENUMERATED, &code) || code.len != 1)
        return false;
    *out = code.bytes[0];
    return *out <= 10 && *out != 7; /* section 5.3.1: 7 is not used */
}

static bool read_invalidity(const struct crl_extension *extension, struct crl_record *out)
{
    struct der_item date;
    out->has_invalidity = true;
    return crl_extension_value(extension, DER_GENERALIZED_TIME, &date) &&
           der_time_read(&date, &out->invalid_since);
}

/* GeneralNames, at least one. */
static bool read_names(const struct crl_extension *extension, struct crl_part *out)
{
    struct der_item names;
    if (!crl_extension_value(extension, DER_SEQUENCE, &names) || names.len == 0 ||
        !der_is_whole(names.whole, names.whole_len))
        return false;
    *out = whole(&names);
    return true;
}

static enum crl_fault use_entry_extension(const struct crl_extension *extension,
                                          struct crl_record *out)
{
    switch (extension->id) {
    case ID_REASON_CODE:
        return read_reason(extension, &out->reason) ? CRL_SOUND : CRL_ENTRY_REASON;
    case ID_INVALIDITY_DATE:
        return read_invalidity(extension, out) ? CRL_SOUND : CRL_ENTRY_DATE;
    case ID_CERTIFICATE_ISSUER:
        return read_names(extension, &out->certificate_issuer) ? CRL_SOUND
                                                               : CRL_ENTRY_EXTENSION_SHAPE;
    default:
        return extension->critical ? CRL_ENTRY_EXTENSION_UNKNOWN : CRL_SOUND;
    }
}

static enum crl_fault read_entry_extensions(const struct der_item *sequence, struct crl_record *out)
{
    struct crl_extensions walk;
    struct crl_extension extension;
    enum crl_fault fault = CRL_SOUND;
    if (!crl_extensions_begin(sequence, &walk))
        return CRL_ENTRY_EXTENSION_SHAPE;
    while (fault == CRL_SOUND) {
        enum crl_extension_step step = crl_extensions_next(&walk, &extension);
        if (step == CRL_EXTENSION_END)
            return CRL_SOUND;
        if (step != CRL_EXTENSION_READ)
            return step == CRL_EXTENSION_BAD ? CRL_ENTRY_EXTENSION_SHAPE
                                             : CRL_ENTRY_EXTENSION_TWICE;
        fault = use_entry_extension(&extension, out);
    }
    return fault;
}

static enum crl_fault check_entry(struct der *entries, struct crl_record *out)
{
    struct der_item entry;
    struct der_item item;
    if (!der_next_is(entries, DER_SEQUENCE, &entry))
        return CRL_ENTRY_SHAPE;
    struct der inside = der_inside(&entry);
    *out = (struct crl_record){.reason = CRL_REASON_UNSAID};
    if (!der_next_is(&inside, INTEGER, &item) || !is_shortest(&item) || item.len > CRL_SERIAL_MAX)
        return CRL_ENTRY_SERIAL;
    out->serial = part(&item);
    if (!der_next(&inside, &item) || !der_time_read(&item, &out->revoked_at))
        return CRL_ENTRY_DATE;
    if (inside.left == 0)
        return CRL_SOUND;
    if (!der_next(&inside, &item) || inside.left != 0)
        return CRL_ENTRY_SHAPE;
    out->has_extensions = true;
    return read_entry_extensions(&item, out);
}

bool crl_read_entry(struct der *entries, struct crl_record *out)
{
    return entries->left > 0 && check_entry(entries, out) == CRL_SOUND;
}

static enum crl_fault read_entries(struct crl_list *list)
{
    struct der entries = list->entries;
    struct crl_record record;
    while (entries.left > 0) {
        enum crl_fault fault = check_entry(&entries, &record);
        if (fault != CRL_SOUND)
            return fault;
        if (record.has_extensions && list->version == 1)
            return CRL_VERSION;
        list->count++;
        list->names_issuers = list->names_issuers || record.certificate_issuer.at != NULL;
    }
    return CRL_SOUND;
}

/* --- the list's extensions -------------------------------------------------------------------- */

/* Twenty octets of magnitude: a number with its highest bit set has a zero before it. */
static bool read_number(const struct crl_extension *extension, struct crl_number *out)
{
    struct der_item number;
    if (!crl_extension_value(extension, INTEGER, &number) || !is_shortest(&number) ||
        number.bytes[0] >= 0x80)
        return false;
    size_t sign = number.len > 1 && number.bytes[0] == 0;
    size_t len = number.len - sign;
    if (len > CRL_NUMBER_OCTETS)
        return false;
    *out = (struct crl_number){{0}};
    memcpy(out->octets + CRL_NUMBER_OCTETS - len, number.bytes + sign, len);
    return true;
}

static bool read_authority_key(const struct crl_extension *extension, struct crl_list *out)
{
    struct der_item key;
    struct der_item item;
    if (!crl_extension_value(extension, DER_SEQUENCE, &key) ||
        !der_is_whole(key.whole, key.whole_len))
        return false;
    out->authority_key = whole(&key);
    struct der inside = der_inside(&key);
    if (next_is(&inside, DER_CONTEXT + 0) && der_next(&inside, &item))
        out->key_identifier = part(&item);
    return true;
}

/* BOOLEAN DEFAULT FALSE with a context tag. */
static bool read_flag(const struct der_item *item, bool *out)
{
    if (item->len != 1 || (item->bytes[0] != 0 && item->bytes[0] != 0xff))
        return false;
    *out = item->bytes[0] != 0;
    return true;
}

/* ReasonFlags: a BIT STRING of at most nine bits; the first is the highest of its octet. */
static bool read_reasons(const struct der_item *item, struct crl_scope *out)
{
    if (item->len < 1 || item->len > 3 || item->bytes[0] > 7)
        return false;
    out->some_reasons = true;
    for (unsigned bit = 0; bit < 8 * (item->len - 1); bit++)
        if ((item->bytes[1 + bit / 8] & (0x80 >> bit % 8)) != 0)
            out->reasons |= 1U << bit;
    return true;
}

/* [0] is a CHOICE, and so has its own tag inside. */
static bool read_point(const struct der_item *item, struct crl_scope *out)
{
    struct der_item name;
    struct der inside = der_inside(item);
    out->distribution_point = part(item);
    return der_next(&inside, &name) && inside.left == 0 && name.len > 0 &&
           (name.tag == DER_CONTEXT + DER_CONSTRUCTED + 0 ||
            name.tag == DER_CONTEXT + DER_CONSTRUCTED + 1);
}

static bool use_scope_member(const struct der_item *item, struct crl_scope *out)
{
    switch (item->tag) {
    case DER_CONTEXT + DER_CONSTRUCTED + 0:
        return read_point(item, out);
    case DER_CONTEXT + 1:
        return read_flag(item, &out->only_user_certificates);
    case DER_CONTEXT + 2:
        return read_flag(item, &out->only_authorities);
    case DER_CONTEXT + 3:
        return read_reasons(item, out);
    case DER_CONTEXT + 4:
        return read_flag(item, &out->indirect);
    case DER_CONTEXT + 5:
        return read_flag(item, &out->only_attribute_certificates);
    default:
        return false;
    }
}

/* Section 5.2.5: not empty, and at most one kind of certificates only. */
static bool read_scope(const struct crl_extension *extension, struct crl_scope *out)
{
    enum { NUMBER = 0x1f };
    struct der_item scope;
    struct der_item item;
    int last = -1;
    if (!crl_extension_value(extension, DER_SEQUENCE, &scope) || scope.len == 0 ||
        !der_is_whole(scope.whole, scope.whole_len))
        return false;
    *out = (struct crl_scope){.present = true, .whole = whole(&scope)};
    for (struct der inside = der_inside(&scope); inside.left > 0;) {
        bool good = der_next(&inside, &item) && (item.tag & NUMBER) > last;
        if (!good || !use_scope_member(&item, out))
            return false;
        last = item.tag & NUMBER;
    }
    return out->only_user_certificates + out->only_authorities + out->only_attribute_certificates <=
           1;
}

static enum crl_fault use_extension(const struct crl_extension *extension, struct crl_list *out)
{
    switch (extension->id) {
    case ID_CRL_NUMBER:
        out->has_number = true;
        return read_number(extension, &out->number) ? CRL_SOUND : CRL_NUMBER;
    case ID_DELTA_CRL_INDICATOR:
        out->is_delta = true;
        return read_number(extension, &out->base) ? CRL_SOUND : CRL_NUMBER;
    case ID_ISSUING_DISTRIBUTION_POINT:
        return read_scope(extension, &out->scope) ? CRL_SOUND : CRL_SCOPE;
    case ID_AUTHORITY_KEY_IDENTIFIER:
        return read_authority_key(extension, out) ? CRL_SOUND : CRL_EXTENSION_SHAPE;
    case ID_FRESHEST_CRL:
        return read_names(extension, &out->freshest) ? CRL_SOUND : CRL_EXTENSION_SHAPE;
    default:
        return extension->critical ? CRL_EXTENSION_UNKNOWN : CRL_SOUND;
    }
}

static enum crl_fault read_extensions(const struct der_item *tagged, struct crl_list *out)
{
    struct crl_extensions walk;
    struct crl_extension extension;
    struct der_item sequence;
    struct der inside = der_inside(tagged);
    enum crl_fault fault = CRL_SOUND;
    if (!der_next(&inside, &sequence) || inside.left != 0 ||
        !crl_extensions_begin(&sequence, &walk))
        return CRL_EXTENSION_SHAPE;
    while (fault == CRL_SOUND) {
        enum crl_extension_step step = crl_extensions_next(&walk, &extension);
        if (step == CRL_EXTENSION_END)
            return CRL_SOUND;
        if (step != CRL_EXTENSION_READ)
            return step == CRL_EXTENSION_BAD ? CRL_EXTENSION_SHAPE : CRL_EXTENSION_TWICE;
        fault = use_extension(&extension, out);
    }
    return fault;
}

/* --- the list --------------------------------------------------------------------------------- */

/* The version is there for 2 only (section 5.1.2.1). */
static bool read_version(struct der *der, struct crl_list *out)
{
    struct der_item version;
    out->version = 1;
    if (!next_is(der, INTEGER))
        return true;
    out->version = 2;
    return der_next(der, &version) && version.len == 1 && version.bytes[0] == 1;
}

/* Sections 5.1.2.3 and 5.1.2.5: the issuer is named, and says when the next list comes. */
static enum crl_fault read_head(struct der *der, struct crl_list *out)
{
    struct der_item item;
    if (!der_next_is(der, DER_SEQUENCE, &item) || !der_is_whole(item.whole, item.whole_len))
        return CRL_SHAPE;
    out->algorithm = whole(&item);
    if (!der_next_is(der, DER_SEQUENCE, &item) || item.len == 0 ||
        !der_is_whole(item.whole, item.whole_len))
        return CRL_ISSUER;
    out->issuer = whole(&item);
    if (!der_next(der, &item) || !der_time_read(&item, &out->this_update))
        return CRL_DATE;
    if (!next_is(der, DER_UTC_TIME) && !next_is(der, DER_GENERALIZED_TIME))
        return CRL_NO_NEXT_UPDATE;
    if (!der_next(der, &item) || !der_time_read(&item, &out->next_update) ||
        out->next_update < out->this_update)
        return CRL_DATE;
    return CRL_SOUND;
}

/* Entries may be missing, or none at all: both are written by authorities that revoked nobody. */
static enum crl_fault read_body(const struct der_item *body, struct crl_list *out)
{
    struct der_item item;
    struct der rest = der_inside(body);
    if (!read_version(&rest, out))
        return CRL_VERSION;
    enum crl_fault fault = read_head(&rest, out);
    if (fault == CRL_SOUND && next_is(&rest, DER_SEQUENCE)) {
        if (!der_next(&rest, &item))
            return CRL_SHAPE;
        out->entries = der_inside(&item);
        fault = read_entries(out);
    }
    if (fault != CRL_SOUND || rest.left == 0)
        return fault;
    if (!der_next_is(&rest, CRL_EXTENSIONS, &item) || rest.left != 0)
        return CRL_SHAPE;
    return out->version == 2 ? read_extensions(&item, out) : CRL_VERSION;
}

enum crl_fault crl_read(const void *der, size_t len, struct crl_list *out)
{
    struct der rest = {.at = der, .left = len};
    struct der_item list;
    struct der_item body;
    struct der_item algorithm;
    struct der_item signature;
    *out = (struct crl_list){.version = 0};
    if (!der_next_is(&rest, DER_SEQUENCE, &list) || rest.left != 0)
        return CRL_SHAPE;
    rest = der_inside(&list);
    if (!der_next_is(&rest, DER_SEQUENCE, &body) || !der_next_is(&rest, DER_SEQUENCE, &algorithm) ||
        !der_next_is(&rest, DER_BIT_STRING, &signature) || rest.left != 0)
        return CRL_SHAPE;
    enum crl_fault fault = read_body(&body, out);
    if (fault != CRL_SOUND)
        return fault;
    bool same = out->algorithm.len == algorithm.whole_len &&
                memcmp(out->algorithm.at, algorithm.whole, algorithm.whole_len) == 0;
    return same ? CRL_SOUND : CRL_ALGORITHMS_DIFFER; /* section 5.1.1.2 */
}
