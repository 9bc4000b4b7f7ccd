#include "pki/sm2/sm2.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include "base/digest.h"
#include "base/log.h"
#include "pki/der.h"
#include "pki/sm2/sm2_point.h"

/* --- the curve's own table ------------------------------------------------------------------ */

enum {
    G_TEETH = 8,
    KEY_TEETH = 5, /* four cost a tenth more time, six twice the memory for a tenth less */
    KEY_POINTS = (1 << KEY_TEETH) - 1,
};

static struct sm2_affine g_points[SM2_POINTS_MAX];
static struct sm2_comb g_comb = {.teeth = G_TEETH, .points = g_points};

/* --- keys ----------------------------------------------------------------------------------- */

struct sm2_key {
    unsigned char z[DIGEST_SIZE]; /* the hash of identifier, curve and key that M begins with */
    struct sm2_comb comb;
    struct sm2_affine points[KEY_POINTS];
};

/* GB/T 32918.2 section 5.5: ENTL, ID, a, b, x and y of G; then come those of the key. */
static const unsigned char z_begins[] = {
    0x00, 0x80, '1',  '2',  '3',  '4',  '5',  '6',  '7',  '8',  '1',  '2',  '3',  '4',  '5',
    '6',  '7',  '8',  0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFC, 0x28, 0xE9, 0xFA, 0x9E, 0x9D, 0x9F, 0x5E, 0x34, 0x4D, 0x5A,
    0x9E, 0x4B, 0xCF, 0x65, 0x09, 0xA7, 0xF3, 0x97, 0x89, 0xF5, 0x15, 0xAB, 0x8F, 0x92, 0xDD,
    0xBC, 0xBD, 0x41, 0x4D, 0x94, 0x0E, 0x93, 0x32, 0xC4, 0xAE, 0x2C, 0x1F, 0x19, 0x81, 0x19,
    0x5F, 0x99, 0x04, 0x46, 0x6A, 0x39, 0xC9, 0x94, 0x8F, 0xE3, 0x0B, 0xBF, 0xF2, 0x66, 0x0B,
    0xE1, 0x71, 0x5A, 0x45, 0x89, 0x33, 0x4C, 0x74, 0xC7, 0xBC, 0x37, 0x36, 0xA2, 0xF4, 0xF6,
    0x77, 0x9C, 0x59, 0xBD, 0xCE, 0xE3, 0x6B, 0x69, 0x21, 0x53, 0xD0, 0xA9, 0x87, 0x7C, 0xC6,
    0x2A, 0x47, 0x40, 0x02, 0xDF, 0x32, 0xE5, 0x21, 0x39, 0xF0, 0xA0,
};

/* A coordinate is a number below p. */
static bool read_point(const unsigned char x[SM2_COORDINATE_SIZE],
                       const unsigned char y[SM2_COORDINATE_SIZE], struct sm2_affine *out)
{
    const struct sm2_words x_number = sm2_words_read(x);
    const struct sm2_words y_number = sm2_words_read(y);
    return sm2_field_read(&x_number, &out->x) && sm2_field_read(&y_number, &out->y) &&
           sm2_point_is_on_curve(out);
}

struct sm2_key *sm2_key_new(const unsigned char x[SM2_COORDINATE_SIZE],
                            const unsigned char y[SM2_COORDINATE_SIZE])
{
    struct sm2_affine point;
    const struct digest_piece identity[] = {{.bytes = z_begins, .len = sizeof(z_begins)},
                                            {.bytes = x, .len = SM2_COORDINATE_SIZE},
                                            {.bytes = y, .len = SM2_COORDINATE_SIZE},
                                            {.bytes = NULL}};
    if (!read_point(x, y, &point))
        return NULL;
    struct sm2_key *key = malloc(sizeof(*key));
    if (key == NULL || digest_pieces(DIGEST_SM3, identity, key->z) != IDP_OK) {
        free(key);
        return NULL;
    }
    key->comb = (struct sm2_comb){.teeth = KEY_TEETH, .points = key->points};
    sm2_comb_fill(&key->comb, &point);
    return key;
}

void sm2_key_free(struct sm2_key *key)
{
    free(key);
}

/* --- signatures ----------------------------------------------------------------------------- */

/* An INTEGER from 1 to n - 1 (X.690 section 8.3: no leading zero byte that is not needed). */
static bool read_number(struct der *rest, struct sm2_words *out)
{
    struct der_item item;
    unsigned char bytes[SM2_BYTES] = {0};
    if (!der_next_is(rest, DER_INTEGER, &item) || item.len == 0 || (item.bytes[0] & 0x80) != 0)
        return false;
    if (item.bytes[0] == 0) {
        if (item.len > 1 && (item.bytes[1] & 0x80) == 0)
            return false;
        item.bytes++;
        item.len--;
    }
    if (item.len > SM2_BYTES)
        return false;
    memcpy(bytes + SM2_BYTES - item.len, item.bytes, item.len);
    *out = sm2_words_read(bytes);
    return !sm2_words_are_zero(out) && sm2_words_less(out, &sm2_n);
}

/* GM/T 0009 section 7.3: SEQUENCE { r INTEGER, s INTEGER }, and nothing behind it. */
static bool read_signature(const unsigned char *der, size_t len, struct sm2_words *r,
                           struct sm2_words *s)
{
    struct der rest = {.at = der, .left = len};
    struct der_item both;
    if (!der_next_is(&rest, DER_SEQUENCE, &both) || rest.left != 0)
        return false;
    rest = der_inside(&both);
    return read_number(&rest, r) && read_number(&rest, s) && rest.left == 0;
}

/* Says whether x1 of the point is r - e modulo n, as a number below p, which is more than n. */
static bool agrees(const struct sm2_point *point, const struct sm2_words *wanted)
{
    unsigned char carry = 0;
    if (sm2_point_has_x(point, wanted))
        return true;
    const struct sm2_words other = sm2_words_add(wanted, &sm2_n, &carry);
    return carry == 0 && sm2_point_has_x(point, &other);
}

/* Section 7.1, B1 to B7, for the digest e. */
static bool is_signed(const struct sm2_key *key, const unsigned char digest[DIGEST_SIZE],
                      const struct sm2_words *r, const struct sm2_words *s)
{
    unsigned char borrow = 0;
    struct sm2_words e = sm2_words_read(digest);
    const struct sm2_words t = sm2_words_add_modulo(r, s, &sm2_n);
    if (sm2_words_are_zero(&t))
        return false;
    if (!sm2_words_less(&e, &sm2_n))
        e = sm2_words_subtract(&e, &sm2_n, &borrow);
    const struct sm2_words wanted = sm2_words_subtract_modulo(r, &e, &sm2_n);
    const struct sm2_point point = sm2_comb_sum(&g_comb, s, &key->comb, &t);
    return agrees(&point, &wanted);
}

bool sm2_key_has_signed_digest(const struct sm2_key *key, const unsigned char e[DIGEST_SIZE],
                               const unsigned char *signature, size_t signature_len)
{
    struct sm2_words r;
    struct sm2_words s;
    return read_signature(signature, signature_len, &r, &s) && is_signed(key, e, &r, &s);
}

bool sm2_key_has_signed(const struct sm2_key *key, const void *bytes, size_t n,
                        const unsigned char *signature, size_t signature_len)
{
    unsigned char e[DIGEST_SIZE];
    const struct digest_piece pieces[] = {{.bytes = key->z, .len = DIGEST_SIZE},
                                          {.bytes = n > 0 ? bytes : "", .len = n},
                                          {.bytes = NULL}};
    return digest_pieces(DIGEST_SM3, pieces, e) == IDP_OK &&
           sm2_key_has_signed_digest(key, e, signature, signature_len);
}

/* --- whether it may be used ----------------------------------------------------------------- */

/* The example of GB/T 32918.5-2017 appendix A.2. */
static const unsigned char known_x[] = {
    0x09, 0xF9, 0xDF, 0x31, 0x1E, 0x54, 0x21, 0xA1, 0x50, 0xDD, 0x7D, 0x16, 0x1E, 0x4B, 0xC5, 0xC6,
    0x72, 0x17, 0x9F, 0xAD, 0x18, 0x33, 0xFC, 0x07, 0x6B, 0xB0, 0x8F, 0xF3, 0x56, 0xF3, 0x50, 0x20};
static const unsigned char known_y[] = {
    0xCC, 0xEA, 0x49, 0x0C, 0xE2, 0x67, 0x75, 0xA5, 0x2D, 0xC6, 0xEA, 0x71, 0x8C, 0xC1, 0xAA, 0x60,
    0x0A, 0xED, 0x05, 0xFB, 0xF3, 0x5E, 0x08, 0x4A, 0x66, 0x32, 0xF6, 0x07, 0x2D, 0xA9, 0xAD, 0x13};
static const unsigned char known_signature[] = {
    0x30, 0x46, 0x02, 0x21, 0x00, 0xF5, 0xA0, 0x3B, 0x06, 0x48, 0xD2, 0xC4, 0x63, 0x0E, 0xEA,
    0xC5, 0x13, 0xE1, 0xBB, 0x81, 0xA1, 0x59, 0x44, 0xDA, 0x38, 0x27, 0xD5, 0xB7, 0x41, 0x43,
    0xAC, 0x7E, 0xAC, 0xEE, 0xE7, 0x20, 0xB3, 0x02, 0x21, 0x00, 0xB1, 0xB6, 0xAA, 0x29, 0xDF,
    0x21, 0x2F, 0xD8, 0x76, 0x31, 0x82, 0xBC, 0x0D, 0x42, 0x1C, 0xA1, 0xBB, 0x90, 0x38, 0xFD,
    0x1F, 0x7F, 0x42, 0xD4, 0x84, 0x0B, 0x69, 0xC4, 0x85, 0xBB, 0xC1, 0xAA};
static const char known_text[] = "message digest";
static const char other_text[] = "message digesu";
enum { KNOWN_LEN = sizeof(known_text) - 1 };

static bool answers_as_known(void)
{
    struct sm2_key *key = sm2_key_new(known_x, known_y);
    bool good =
        key != NULL &&
        sm2_key_has_signed(key, known_text, KNOWN_LEN, known_signature, sizeof(known_signature)) &&
        !sm2_key_has_signed(key, other_text, KNOWN_LEN, known_signature, sizeof(known_signature));
    sm2_key_free(key);
    return good;
}

/* A point with a wrong bit is beside the curve; the sums below need a sixth of them only. */
static bool table_is_on_curve(void)
{
    for (size_t i = 0; i < SM2_POINTS_MAX; i++)
        if (!sm2_point_is_on_curve(&g_points[i]))
            return false;
    return true;
}

/* nG is at infinity; (n-1)G + 0 has the x of G. */
static bool order_is_right(void)
{
    static const struct sm2_words zero = {{0}};
    static const struct sm2_words one = {{1, 0, 0, 0}};
    unsigned char borrow = 0;
    const struct sm2_words less = sm2_words_subtract(&sm2_n, &one, &borrow);
    const struct sm2_words x = sm2_field_number(&sm2_g.x);
    const struct sm2_point whole = sm2_comb_sum(&g_comb, &sm2_n, &g_comb, &zero);
    const struct sm2_point last = sm2_comb_sum(&g_comb, &less, &g_comb, &zero);
    return sm2_point_is_infinity(&whole) && sm2_point_has_x(&last, &x);
}

static pthread_once_t begun = PTHREAD_ONCE_INIT;
static bool is_sound; /* written once, before anybody reads it */
static atomic_bool is_by_openssl;

static int ex_index;
static pthread_mutex_t ex_lock = PTHREAD_MUTEX_INITIALIZER;

static void free_with_key(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl,
                          void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    sm2_key_free(ptr);
}

static void begin(void)
{
    sm2_comb_fill(&g_comb, &sm2_g);
    ex_index = EVP_PKEY_get_ex_new_index(0, NULL, NULL, NULL, free_with_key);
    is_sound = ex_index >= 0 && table_is_on_curve() && answers_as_known() && order_is_right();
    if (!is_sound)
        log_event(LOG_ERROR, "sm2_self_test_failed", "instead", "openssl");
}

bool sm2_is_used(void)
{
    (void)pthread_once(&begun, begin);
    return is_sound && !atomic_load_explicit(&is_by_openssl, memory_order_relaxed);
}

void sm2_set_by_openssl(bool by_openssl)
{
    atomic_store(&is_by_openssl, by_openssl);
}

/* --- keys that OpenSSL keeps ---------------------------------------------------------------- */

static bool read_coordinate(const EVP_PKEY *key, const char *name,
                            unsigned char out[SM2_COORDINATE_SIZE])
{
    BIGNUM *number = NULL;
    bool good = EVP_PKEY_get_bn_param(key, name, &number) == 1 &&
                BN_bn2binpad(number, out, SM2_COORDINATE_SIZE) == SM2_COORDINATE_SIZE;
    BN_free(number);
    return good;
}

static struct sm2_key *prepare(const EVP_PKEY *key)
{
    unsigned char x[SM2_COORDINATE_SIZE];
    unsigned char y[SM2_COORDINATE_SIZE];
    if (!EVP_PKEY_is_a(key, "SM2") || !read_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
        !read_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, y))
        return NULL;
    return sm2_key_new(x, y);
}

static struct sm2_key *find_kept(EVP_PKEY *key)
{
    (void)pthread_mutex_lock(&ex_lock);
    struct sm2_key *kept = EVP_PKEY_get_ex_data(key, ex_index);
    (void)pthread_mutex_unlock(&ex_lock);
    return kept;
}

/* Two threads may have prepared the same key: the first one's is kept. */
static struct sm2_key *keep(EVP_PKEY *key, struct sm2_key *made)
{
    (void)pthread_mutex_lock(&ex_lock);
    struct sm2_key *kept = EVP_PKEY_get_ex_data(key, ex_index);
    if (kept == NULL && EVP_PKEY_set_ex_data(key, ex_index, made) == 1) {
        kept = made;
        made = NULL;
    }
    (void)pthread_mutex_unlock(&ex_lock);
    sm2_key_free(made);
    return kept;
}

const struct sm2_key *sm2_key_of(EVP_PKEY *key)
{
    struct sm2_key *found = sm2_is_used() ? find_kept(key) : NULL;
    if (found != NULL || !sm2_is_used())
        return found;
    found = prepare(key);
    return found != NULL ? keep(key, found) : NULL;
}
