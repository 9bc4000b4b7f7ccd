/*
 * Plays a file of requests against a server and says how fast it was, how long callers waited and
 * what it cost the server.
 *
 *     bench-load PORT PID FILE CONNECTIONS THREADS MILLISECONDS [ANSWERS]
 *
 * MILLISECONDS 0: each request once, in order of the file, and then the answers may be kept.
 *
 * The cost is what the kernel has accounted to the server's process: its CPU-time clock, in
 * nanoseconds, over all its threads, user and system together. It is read when all connections
 * stand and again after the last answer. Over loopback
 * the kernel delivers on the time of who sends: requests on ours, answers on the server's, for the
 * bare answer in the ceiling as well.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>

#include "base/clock.h"
#include "player.h"

enum { THREADS_MAX = 16, CONNECTIONS_MAX = 10000, SETTLE_MS = 30 };

struct options {
    const char *file, *answers;
    long port, pid, connections, threads, duration_ms;
};

struct runner {
    pthread_t thread;
    struct player *player;
    struct played played;
    bool good;
};

static bool number(const char *text, long least, long most, long *out)
{
    char *end = NULL;
    *out = strtol(text, &end, 10);
    return end != text && *end == '\0' && *out >= least && *out <= most;
}

static bool read_options(int argc, char *argv[], struct options *out)
{
    if (argc != 7 && argc != 8)
        return false;
    out->file = argv[3];
    out->answers = argc == 8 ? argv[7] : NULL;
    return number(argv[1], 1, 65535, &out->port) && number(argv[2], 1, 1L << 30, &out->pid) &&
           number(argv[4], 1, CONNECTIONS_MAX, &out->connections) &&
           number(argv[5], 1, THREADS_MAX, &out->threads) &&
           number(argv[6], 0, 600000, &out->duration_ms) && out->connections >= out->threads &&
           (out->answers == NULL || out->duration_ms == 0);
}

/* Room for all answers, which is only touched as they come. */
static bool make_room(struct play *play)
{
    char *room = calloc(play->requests.count, ANSWER_KEPT_MAX);
    struct span *list = calloc(play->requests.count, sizeof(*list));
    if (room == NULL || list == NULL) {
        free(room);
        free(list);
        return false;
    }
    for (size_t i = 0; i < play->requests.count; i++)
        list[i].bytes = room + i * ANSWER_KEPT_MAX;
    play->answers = (struct spans){.list = list, .count = play->requests.count};
    return true;
}

static bool prepare(const struct options *o, struct play *play)
{
    if (!requests_read(o->file, &play->requests))
        return false;
    play->server = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)o->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    play->duration_us = (int64_t)o->duration_ms * 1000;
    return o->answers == NULL || make_room(play);
}

static bool connect_all(const struct options *o, struct play *play, struct runner *runners)
{
    const struct timespec settle = {.tv_nsec = SETTLE_MS * 1000000L};
    for (long i = 0; i < o->threads; i++) {
        long share = o->connections / o->threads + (i < o->connections % o->threads);
        runners[i].player = player_new(play, (unsigned)share);
        if (runners[i].player == NULL) {
            (void)fprintf(stderr, "port %ld: cannot connect\n", o->port);
            return false;
        }
    }
    (void)nanosleep(&settle, NULL); /* until the server has accepted all */
    return true;
}

static void *run_one(void *arg)
{
    struct runner *runner = arg;
    runner->good = player_run(runner->player, &runner->played);
    return NULL;
}

static bool run_all(const struct options *o, struct runner *runners)
{
    bool good = true;
    long started = 0;
    for (; good && started < o->threads; started++)
        good = pthread_create(&runners[started].thread, NULL, run_one, &runners[started]) == 0;
    for (long i = 0; i < started; i++)
        good = pthread_join(runners[i].thread, NULL) == 0 && runners[i].good && good;
    if (!good)
        (void)fprintf(stderr, "a connection broke\n");
    return good;
}

/* The CPU time of a process so far, in nanoseconds. */
static bool cpu_of(long pid, int64_t *out)
{
    clockid_t clock = 0;
    struct timespec t = {0};
    if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &t) != 0) {
        (void)fprintf(stderr, "no CPU clock of process %ld\n", pid);
        return false;
    }
    *out = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    return true;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* All waits of all threads, sorted. */
static bool join(const struct options *o, const struct runner *runners, struct played *all)
{
    for (long i = 0; i < o->threads; i++)
        all->room += runners[i].played.calls;
    all->waits_us = calloc(all->room + 1, sizeof(*all->waits_us));
    if (all->waits_us == NULL)
        return false;
    for (long i = 0; i < o->threads; i++) {
        const struct played *one = &runners[i].played;
        if (one->calls > 0)
            memcpy(all->waits_us + all->calls, one->waits_us, one->calls * sizeof(uint32_t));
        all->calls += one->calls;
        all->failed += one->failed;
    }
    qsort(all->waits_us, all->calls, sizeof(*all->waits_us), by_size);
    return all->calls > 0;
}

static double share_ms(const struct played *all, double share)
{
    return all->waits_us[(size_t)(share * (double)(all->calls - 1))] / 1000.0;
}

/* Runs and prints what came of it. */
static bool measure(const struct options *o, struct play *play, struct runner *runners)
{
    struct played all = {.waits_us = NULL};
    int64_t cpu_before = 0;
    int64_t cpu_after = 0;
    if (!connect_all(o, play, runners) || !cpu_of(o->pid, &cpu_before))
        return false;
    int64_t begun = clock_ticks_us();
    atomic_store(&play->until_us, begun + play->duration_us);
    bool good = run_all(o, runners);
    int64_t took = clock_ticks_us() - begun;
    good = good && cpu_of(o->pid, &cpu_after) && join(o, runners, &all);
    if (good)
        (void)printf("{\"calls\":%zu,\"failed\":%zu,\"seconds\":%.6f,\"cpu_us\":%.1f,"
                     "\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
                     all.calls, all.failed, (double)took / 1e6,
                     (double)(cpu_after - cpu_before) / 1e3, share_ms(&all, 0.5),
                     share_ms(&all, 0.99));
    free(all.waits_us);
    return good;
}

int main(int argc, char *argv[])
{
    struct options options = {.port = 0};
    struct play play = {.duration_us = 0};
    struct runner runners[THREADS_MAX] = {{.player = NULL}};
    if (!read_options(argc, argv, &options)) {
        (void)fputs("usage: bench-load PORT PID FILE CONNECTIONS THREADS MILLISECONDS [ANSWERS]\n",
                    stderr);
        return EXIT_FAILURE;
    }
    bool good = prepare(&options, &play) && measure(&options, &play, runners) &&
                (options.answers == NULL || requests_write(options.answers, &play.answers));
    for (long i = 0; i < options.threads; i++) {
        player_free(runners[i].player);
        free(runners[i].played.waits_us);
    }
    if (play.answers.list != NULL)
        free(play.answers.list[0].bytes);
    free(play.answers.list);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
