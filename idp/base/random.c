/*
 * OpenSSL's generator asks a price for every call (two microseconds for sixteen bytes), so that
 * each thread draws more than it needs and hands it out in pieces. What was handed out is wiped.
 */
#include "base/random.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/arena.h"
#include "base/base64.h"

enum { TEXT_BYTES_MAX = 64, STOCK = 512, FROM_STOCK_MAX = 64 };

static _Thread_local struct {
    unsigned char bytes[STOCK];
    size_t left; /* the first so many */
} stock;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A child must not draw what its parent draws. */
static void drop_stock(void)
{
    OPENSSL_cleanse(stock.bytes, sizeof(stock.bytes));
    stock.left = 0;
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, drop_stock);
}

static bool restock(void)
{
    (void)pthread_once(&once, watch_forks);
    if (RAND_bytes(stock.bytes, STOCK) != 1)
        return false;
    stock.left = STOCK;
    return true;
}

enum idp_err random_bytes(void *out, size_t n)
{
    if (n > FROM_STOCK_MAX)
        return n <= INT_MAX && RAND_bytes(out, (int)n) == 1 ? IDP_OK : IDP_FAULT;
    if (n > stock.left && !restock())
        return IDP_FAULT;
    stock.left -= n;
    memcpy(out, stock.bytes + stock.left, n);
    OPENSSL_cleanse(stock.bytes + stock.left, n);
    return IDP_OK;
}

const char *random_text(struct arena *arena, size_t n)
{
    unsigned char bytes[TEXT_BYTES_MAX];
    if (n > sizeof(bytes) || random_bytes(bytes, n) != IDP_OK)
        return NULL;
    char *text = arena_alloc(arena, BASE64URL_LEN(n) + 1);
    if (text != NULL)
        base64url_encode(bytes, n, text);
    return text;
}
