#include "pki/crl/crl_extension.h"

#include <string.h>

bool crl_extensions_begin(const struct der_item *sequence, struct crl_extensions *walk)
{
    walk->rest = der_inside(sequence);
    walk->count = 0;
    return sequence->tag == DER_SEQUENCE && sequence->len > 0;
}

static bool was_seen(const struct crl_extensions *walk, const struct der_item *oid)
{
    for (size_t i = 0; i < walk->count; i++)
        if (walk->seen[i].len == oid->len && memcmp(walk->seen[i].bytes, oid->bytes, oid->len) == 0)
            return true;
    return false;
}

static int id_of(const struct der_item *oid)
{
    return oid->len == 3 && oid->bytes[0] == 0x55 && oid->bytes[1] == 0x1d && oid->bytes[2] < 0x80
               ? oid->bytes[2]
               : -1;
}

/* BOOLEAN DEFAULT FALSE. Some write FALSE out, which says the same. */
static bool read_critical(struct der *der, bool *out)
{
    struct der_item flag;
    *out = false;
    if (der->left == 0 || *der->at != DER_BOOLEAN)
        return true;
    if (!der_next(der, &flag) || flag.len != 1 || (flag.bytes[0] != 0 && flag.bytes[0] != 0xff))
        return false;
    *out = flag.bytes[0] != 0;
    return true;
}

static bool read_one(struct der *rest, struct der_item *oid, struct crl_extension *out)
{
    struct der_item whole;
    struct der_item octets;
    if (!der_next_is(rest, DER_SEQUENCE, &whole))
        return false;
    struct der inside = der_inside(&whole);
    if (!der_next_is(&inside, DER_OID, oid) || oid->len == 0 ||
        !read_critical(&inside, &out->critical) ||
        !der_next_is(&inside, DER_OCTET_STRING, &octets) || inside.left != 0)
        return false;
    out->id = id_of(oid);
    out->octets = der_inside(&octets);
    return true;
}

enum crl_extension_step crl_extensions_next(struct crl_extensions *walk, struct crl_extension *out)
{
    struct der_item oid;
    if (walk->rest.left == 0)
        return CRL_EXTENSION_END;
    if (walk->count == CRL_EXTENSIONS_MAX || !read_one(&walk->rest, &oid, out))
        return CRL_EXTENSION_BAD;
    if (was_seen(walk, &oid))
        return CRL_EXTENSION_REPEATED;
    walk->seen[walk->count++] = oid;
    return CRL_EXTENSION_READ;
}

bool crl_extension_value(const struct crl_extension *extension, unsigned char tag,
                         struct der_item *out)
{
    struct der octets = extension->octets;
    return der_next_is(&octets, tag, out) && octets.left == 0;
}
