/*
 * Holds the house's own verification of SM2 signatures to OpenSSL's: whatever is fed, both say the
 * same. An input is
 *
 *     kind (1 byte) | multiple of G that is the key (1 byte) | s | t | e (32 bytes each) | rest
 *
 * Of its kind, bit 0: the rest is the signature (over e), or s and t make one, with the digest that
 * is right for them, changed by the bits of e; bit 1: the key is the multiple's opposite; bit 2:
 * the first 64 bytes of the rest are the key.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pki/sm2/sm2.h"
#include "tests/pki/sm2_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REST_IS_SIGNATURE = 1, OPPOSITE = 2, REST_IS_KEY = 4, FIXED = 2 + 3 * 32 };

static EC_GROUP *group;

struct trial {
    EC_POINT *point;
    unsigned char key[65];
    unsigned char e[32];
    unsigned char signature[256];
    size_t len;
};

static void find_key(struct trial *trial, const uint8_t *data)
{
    BIGNUM *multiple = BN_new();
    oracle_need(multiple != NULL && BN_set_word(multiple, (BN_ULONG)data[1] + 1) == 1);
    trial->point = oracle_sum(group, multiple, NULL, NULL);
    if ((data[0] & OPPOSITE) != 0)
        oracle_need(EC_POINT_invert(group, trial->point, NULL) == 1);
    oracle_need(EC_POINT_point2oct(group, trial->point, POINT_CONVERSION_UNCOMPRESSED, trial->key,
                                   sizeof(trial->key), NULL) == sizeof(trial->key));
    BN_free(multiple);
}

/* The digest that makes s and t a signature, changed by the bits that were fed. */
static void make_signature(struct trial *trial, const uint8_t *data)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *s = BN_bin2bn(data + 2, 32, NULL);
    BIGNUM *t = BN_bin2bn(data + 34, 32, NULL);
    const BIGNUM *n = EC_GROUP_get0_order(group);
    oracle_need(ctx != NULL && s != NULL && t != NULL && BN_nnmod(s, s, n, ctx) == 1 &&
                BN_nnmod(t, t, n, ctx) == 1);
    trial->len = oracle_make_good(group, trial->point, s, t, trial->e, trial->signature);
    for (size_t i = 0; i < sizeof(trial->e); i++)
        trial->e[i] ^= data[66 + i];
    BN_free(t);
    BN_free(s);
    BN_CTX_free(ctx);
}

static void compare(const struct trial *trial)
{
    EVP_PKEY *theirs = oracle_key(trial->key);
    struct sm2_key *own = sm2_key_new(trial->key + 1, trial->key + 33);
    if ((theirs == NULL) != (own == NULL))
        abort();
    if (own != NULL && sm2_key_has_signed_digest(own, trial->e, trial->signature, trial->len) !=
                           oracle_accepts_digest(theirs, trial->e, trial->signature, trial->len))
        abort();
    sm2_key_free(own);
    EVP_PKEY_free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trial trial = {.len = 0};
    if (size < FIXED || size > FIXED + sizeof(trial.signature) || !sm2_is_used())
        return 0;
    if (group == NULL)
        group = oracle_group();
    const uint8_t *rest = data + FIXED;
    size_t left = size - FIXED;
    find_key(&trial, data);
    if ((data[0] & REST_IS_SIGNATURE) == 0)
        make_signature(&trial, data);
    if ((data[0] & REST_IS_KEY) != 0 && left >= 64) {
        memcpy(trial.key + 1, rest, 64);
        rest += 64;
        left -= 64;
    }
    if ((data[0] & REST_IS_SIGNATURE) != 0) {
        memcpy(trial.e, data + 66, sizeof(trial.e));
        memcpy(trial.signature, rest, left);
        trial.len = left;
    }
    compare(&trial);
    EC_POINT_free(trial.point);
    return 0;
}
