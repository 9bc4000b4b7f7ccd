#include "assistant/message.h"

#include <string.h>

#include "base/digest.h"

static const char prefix[14] = "TAMGA-LOGIN/1"; /* its NUL is the separator */

/* The curve of GB/T 32918.5: a, b, xG, yG. */
static const unsigned char sm2_curve[4 * 32] = {
    0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFC,
    0x28, 0xE9, 0xFA, 0x9E, 0x9D, 0x9F, 0x5E, 0x34, 0x4D, 0x5A, 0x9E, 0x4B, 0xCF, 0x65, 0x09, 0xA7,
    0xF3, 0x97, 0x89, 0xF5, 0x15, 0xAB, 0x8F, 0x92, 0xDD, 0xBC, 0xBD, 0x41, 0x4D, 0x94, 0x0E, 0x93,
    0x32, 0xC4, 0xAE, 0x2C, 0x1F, 0x19, 0x81, 0x19, 0x5F, 0x99, 0x04, 0x46, 0x6A, 0x39, 0xC9, 0x94,
    0x8F, 0xE3, 0x0B, 0xBF, 0xF2, 0x66, 0x0B, 0xE1, 0x71, 0x5A, 0x45, 0x89, 0x33, 0x4C, 0x74, 0xC7,
    0xBC, 0x37, 0x36, 0xA2, 0xF4, 0xF6, 0x77, 0x9C, 0x59, 0xBD, 0xCE, 0xE3, 0x6B, 0x69, 0x21, 0x53,
    0xD0, 0xA9, 0x87, 0x7C, 0xC6, 0x2A, 0x47, 0x40, 0x02, 0xDF, 0x32, 0xE5, 0x21, 0x39, 0xF0, 0xA0,
};

/* The identifier's length in bits (two bytes), and the identifier. */
static const unsigned char sm2_id[18] = "\x00\x80"
                                        "1234567812345678";

static enum digest_kind hash_of(const struct certificate *certificate)
{
    return certificate->kind == KEY_SM2 ? DIGEST_SM3 : DIGEST_SHA256;
}

bool message_build(const struct certificate *certificate, const char *origin, const char *challenge,
                   unsigned char *out)
{
    enum digest_kind h = hash_of(certificate);
    unsigned char *at = out + sizeof(prefix);
    memcpy(out, prefix, sizeof(prefix));
    return digest(h, origin, strlen(origin), at) == IDP_OK &&
           digest(h, challenge, strlen(challenge), at + DIGEST_SIZE) == IDP_OK &&
           digest(h, certificate->der, certificate->len, at + (size_t)2 * DIGEST_SIZE) == IDP_OK;
}

bool message_digest(const struct certificate *certificate, const void *message, size_t len,
                    unsigned char *out)
{
    if (certificate->kind != KEY_SM2)
        return digest(DIGEST_SHA256, message, len, out) == IDP_OK;

    unsigned char z[DIGEST_SIZE];
    const struct digest_piece signer[] = {
        {sm2_id, sizeof(sm2_id)},
        {sm2_curve, sizeof(sm2_curve)},
        {certificate->point, POINT_SIZE},
        {NULL, 0},
    };
    const struct digest_piece input[] = {{z, sizeof(z)}, {message, len}, {NULL, 0}};
    return digest_pieces(DIGEST_SM3, signer, z) == IDP_OK &&
           digest_pieces(DIGEST_SM3, input, out) == IDP_OK;
}
