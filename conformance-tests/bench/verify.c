/*
 * Measures what a verdict on a lock's answer costs, from the JSON text as the browser posts it to
 * the verdict, with nothing written yet; and, in the same rounds, what OpenSSL alone takes for what
 * cannot be avoided. One line of JSON for each row and round, costs in microseconds of CPU.
 *
 *     bench-verify rsa|p256|sm2 ROUNDS THREADS
 *
 * Warm: leaf and answer about revocation are known. The ceiling is the verification of the lock's
 * signature. Cold: no leaf is known, the answers are. The ceiling is parsing the certificate and
 * verifying both signatures. All keys are opened and all contexts prepared before.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/x509.h>

#include "bare.h"
#include "base/clock.h"
#include "base/log.h"
#include "verify_world.h"

enum { THREADS_MAX = 8, PASS_NS = 40000000, SAMPLES_MAX = 32768 };

/* One thing that is measured, once for each lock in a pass. */
struct work {
    const struct verify_region *region;
    struct verify_world *world;
    bool (*once)(const struct work *work, size_t n);
    bool again; /* passes are repeated until enough time is spent */
};

/* What one thread has measured. */
struct share {
    const struct work *work;
    pthread_t thread;
    size_t first, step;
    size_t calls;
    int64_t cpu_ns;
    size_t samples;
    int64_t walls_ns[SAMPLES_MAX];
    bool good;
};

struct measured {
    double us, p50_us, p99_us;
};

static struct share shares[THREADS_MAX];
static size_t threads;

/* --- measuring ------------------------------------------------------------------------------ */

static int64_t wall_ns(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool run_pass(struct share *share)
{
    for (size_t n = share->first; n < VERIFY_LOCKS; n += share->step) {
        int64_t begun = wall_ns();
        if (!share->work->once(share->work, n))
            return false;
        if (share->samples < SAMPLES_MAX)
            share->walls_ns[share->samples++] = wall_ns() - begun;
        share->calls++;
    }
    return true;
}

static void *run_share(void *context)
{
    struct share *share = context;
    int64_t begun = bare_cpu_ns();
    do {
        share->good = run_pass(share);
        share->cpu_ns = bare_cpu_ns() - begun;
    } while (share->good && share->work->again && share->cpu_ns < PASS_NS);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static struct measured sum_up(struct share *share, size_t count)
{
    struct measured all = {.us = 0};
    double ns = 0;
    double calls = 0;
    for (size_t i = 0; i < count; i++) {
        ns += (double)share[i].cpu_ns;
        calls += (double)share[i].calls;
    }
    qsort(share->walls_ns, share->samples, sizeof(*share->walls_ns), by_size);
    all.us = ns / calls / 1000;
    all.p50_us = (double)share->walls_ns[share->samples / 2] / 1000;
    all.p99_us = (double)share->walls_ns[share->samples * 99 / 100] / 1000;
    return all;
}

static bool measure(const struct work *work, struct measured *out)
{
    size_t begun = 0;
    bool good = true;
    for (; begun < threads; begun++) {
        struct share *share = &shares[begun];
        share->work = work;
        share->first = begun;
        share->step = threads;
        share->calls = share->samples = 0;
        if (pthread_create(&share->thread, NULL, run_share, share) != 0)
            break;
    }
    for (size_t i = 0; i < begun; i++) {
        (void)pthread_join(shares[i].thread, NULL);
        good = good && shares[i].good;
    }
    if (!good || begun < threads)
        return false;
    *out = sum_up(shares, threads);
    return true;
}

/* --- what is measured ----------------------------------------------------------------------- */

static bool verify_whole(const struct work *work, size_t n)
{
    return verify_once(work->world, n);
}

static bool verify_bare(const struct verify_signed *what)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good =
        ctx != NULL && EVP_MD_CTX_copy_ex(ctx, what->ready) == 1 &&
        EVP_DigestVerify(ctx, what->signature, what->signature_len, what->bytes, what->len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool verify_answer(const struct work *work, size_t n)
{
    return verify_bare(&work->region->locks[n].answer);
}

static bool verify_certificate(const struct work *work, size_t n)
{
    return verify_bare(&work->region->locks[n].certificate);
}

static bool parse(const struct work *work, size_t n)
{
    const struct verify_lock *lock = &work->region->locks[n];
    const unsigned char *at = lock->der;
    X509 *certificate = d2i_X509(NULL, &at, (long)lock->der_len);
    bool good = certificate != NULL && X509_get0_pubkey(certificate) != NULL;
    X509_free(certificate);
    return good;
}

/* --- rows ----------------------------------------------------------------------------------- */

struct rounds {
    const char *kind;
    struct verify_region region;
    struct verify_world *worlds[VERIFY_WEATHERS];
};

static void print_row(const struct rounds *all, const char *kind_of_row, size_t weather,
                      const struct measured *whole)
{
    (void)printf("{\"row\":\"verify_%s%s%s\",\"us\":%.3f,\"p50_us\":%.3f,\"p99_us\":%.3f,"
                 "\"parts\":{",
                 all->kind, kind_of_row, verify_suffixes[weather], whole->us, whole->p50_us,
                 whole->p99_us);
}

static bool round_warm(struct rounds *all)
{
    struct measured bare;
    struct measured whole;
    struct work work = {.region = &all->region, .once = verify_answer, .again = true};
    bool good = measure(&work, &bare);
    work.once = verify_whole;
    for (size_t i = 0; good && i < VERIFY_WEATHERS; i++) {
        work.world = all->worlds[i];
        good = measure(&work, &whole);
        if (!good)
            break;
        print_row(all, "", i, &whole);
        (void)printf("\"verification\":%.3f}}\n", bare.us);
    }
    return good;
}

/* The leaves of the round before are freed at its cost. */
static bool measure_cold(struct work *work, struct measured *out)
{
    if (!verify_world_prepare(work->world))
        return false;
    int64_t begun = bare_cpu_ns();
    bool good = verify_world_forget(work->world);
    double forgetting = (double)(bare_cpu_ns() - begun) / 1000 / VERIFY_LOCKS;
    if (!good || !measure(work, out))
        return false;
    out->us += forgetting;
    return true;
}

static bool round_cold(struct rounds *all)
{
    struct measured parsing;
    struct measured certificate;
    struct measured answer;
    struct measured whole;
    struct work work = {.region = &all->region, .once = parse, .again = true};
    bool good = measure(&work, &parsing);
    work.once = verify_certificate;
    good = good && measure(&work, &certificate);
    work.once = verify_answer;
    good = good && measure(&work, &answer);
    work.once = verify_whole;
    work.again = false;
    for (size_t i = 0; good && i < VERIFY_WEATHERS; i++) {
        work.world = all->worlds[i];
        good = measure_cold(&work, &whole);
        if (!good)
            break;
        print_row(all, "_cold", i, &whole);
        (void)printf("\"parse\":%.3f,\"certificate\":%.3f,\"verification\":%.3f}}\n", parsing.us,
                     certificate.us, answer.us);
    }
    return good;
}

static bool run(struct rounds *all, long rounds)
{
    bool good = verify_region_make(&all->region, all->kind);
    for (size_t i = 0; good && i < VERIFY_WEATHERS; i++) {
        all->worlds[i] = verify_world_new(&all->region, (enum verify_weather)i);
        good = all->worlds[i] != NULL;
    }
    for (long i = 0; good && i < rounds; i++)
        good = round_warm(all) && round_cold(all);
    for (size_t i = 0; i < VERIFY_WEATHERS; i++)
        verify_world_free(all->worlds[i]);
    verify_region_clear(&all->region);
    return good;
}

int main(int argc, char *argv[])
{
    static struct rounds all;
    long rounds = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
    long wanted = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    log_set_level(LOG_ERROR);
    if (rounds > 0 && wanted > 0 && wanted <= THREADS_MAX) {
        threads = (size_t)wanted;
        all.kind = argv[1];
        if (run(&all, rounds))
            return EXIT_SUCCESS;
    }
    (void)fputs("bench-verify: wrong arguments, or it could not be measured\n", stderr);
    return EXIT_FAILURE;
}
