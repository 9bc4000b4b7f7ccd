#include "pki/der.h"

enum { DEPTH_MAX = 16, ITEMS_MAX = 1024, LENGTH_BYTES_MAX = 4 };

/* Reads the length octets (X.690 sections 8.1.3 and 10.1): definite and as short as can be. */
static bool read_length(struct der *der, size_t *out)
{
    size_t first = *der->at++;
    der->left--;
    if (first < 0x80) {
        *out = first;
        return true;
    }
    size_t count = first & 0x7f;
    if (count == 0 || count > LENGTH_BYTES_MAX || count > der->left || *der->at == 0)
        return false;
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length = length << 8 | *der->at++;
    der->left -= count;
    *out = length;
    return length >= 0x80;
}

/*
 * X.690 sections 8.9 to 8.12 and 10.2: of the universal types sequences and sets are constructed,
 * with EXTERNAL and EMBEDDED PDV, and nothing else. A string in parts would be another writing of
 * the same: that of a signature, another certificate that is as good.
 */
static bool form_fits(unsigned char tag)
{
    enum { CLASS = 0xc0, NUMBER = 0x1f };
    enum { EXTERNAL = 8, EMBEDDED = 11, SEQUENCE = 16, SET = 17 };
    unsigned number = tag & NUMBER;
    if ((tag & CLASS) != 0)
        return true;
    bool constructed =
        number == SEQUENCE || number == SET || number == EXTERNAL || number == EMBEDDED;
    return constructed == ((tag & DER_CONSTRUCTED) != 0);
}

bool der_next(struct der *der, struct der_item *out)
{
    struct der rest = *der;
    struct der_item item = {.whole = der->at};
    if (rest.left < 2 || (*rest.at & 0x1f) == 0x1f || *rest.at == 0 || !form_fits(*rest.at))
        return false;
    item.tag = *rest.at++;
    rest.left--;
    if (!read_length(&rest, &item.len) || item.len > rest.left)
        return false;
    item.bytes = rest.at;
    item.whole_len = (size_t)(rest.at - item.whole) + item.len;
    *out = item;
    *der = (struct der){.at = rest.at + item.len, .left = rest.left - item.len};
    return true;
}

bool der_next_is(struct der *der, unsigned char tag, struct der_item *out)
{
    return der_next(der, out) && out->tag == tag;
}

struct der der_inside(const struct der_item *item)
{
    return (struct der){.at = item->bytes, .left = item->len};
}

bool der_is_whole(const void *bytes, size_t len)
{
    struct der levels[DEPTH_MAX] = {{.at = bytes, .left = len}};
    struct der_item item;
    size_t depth = 0;
    size_t items = 0;
    if (!der_next(&(struct der){.at = bytes, .left = len}, &item) || item.whole_len != len)
        return false;
    for (;;) {
        while (levels[depth].left == 0 && depth > 0)
            depth--;
        if (levels[depth].left == 0)
            return true;
        if (!der_next(&levels[depth], &item) || ++items > ITEMS_MAX)
            return false;
        if ((item.tag & DER_CONSTRUCTED) == 0)
            continue;
        if (++depth == DEPTH_MAX)
            return false;
        levels[depth] = der_inside(&item);
    }
}
