/*
 * The least that a server on libmicrohttpd can do: reads the whole request and sends an answer that
 * was made once. It is the part of every ceiling that HTTP itself costs.
 *
 *     bench-answers THREADS BODY TYPE CACHE [WORKERS]
 *
 * BODY: bytes of the answer's body; TYPE and CACHE: its Content-Type and Cache-Control. With
 * WORKERS every request is handed to one of as many threads, which does nothing and hands it back:
 * what whoever has to wait for something cannot do without. Threads, epoll, memory and time limits
 * are those of the provider. Listens on a free port of loopback, prints it, and ends when standard
 * input does.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <microhttpd.h>

enum { WORKERS_MOST = 256, WAITING = 65536 };

/* The requests that wait for a worker: a ring that cannot overflow, there are fewer connections. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct MHD_Connection *waiting[WAITING];
    unsigned in, out;
    long workers;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

enum { MEMORY = 16 * 1024, SILENCE_S = 30, CONNECTIONS = 16384, BODY_MOST = 1 << 20 };

static void hand_over(struct MHD_Connection *connection)
{
    MHD_suspend_connection(connection);
    (void)pthread_mutex_lock(&pool.lock);
    pool.waiting[pool.in++ % WAITING] = connection;
    (void)pthread_cond_signal(&pool.more);
    (void)pthread_mutex_unlock(&pool.lock);
}

/* Never ends: the program does. */
static void *work(void *unused)
{
    (void)unused;
    for (;;) {
        (void)pthread_mutex_lock(&pool.lock);
        while (pool.in == pool.out)
            (void)pthread_cond_wait(&pool.more, &pool.lock);
        struct MHD_Connection *connection = pool.waiting[pool.out++ % WAITING];
        (void)pthread_mutex_unlock(&pool.lock);
        MHD_resume_connection(connection);
    }
    return NULL;
}

static bool start_workers(long count)
{
    pthread_t thread;
    pool.workers = count;
    for (long i = 0; i < count; i++)
        if (pthread_create(&thread, NULL, work, NULL) != 0 || pthread_detach(thread) != 0)
            return false;
    return true;
}

// NOLINTNEXTLINE(readability-function-size): libmicrohttpd says how many parameters it takes
static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **context)
{
    static char begun, handed_over;
    (void)url, (void)method, (void)version, (void)upload;
    if (*context == NULL) {
        *context = &begun;
        return MHD_YES;
    }
    if (*upload_len > 0) {
        *upload_len = 0;
        return MHD_YES;
    }
    if (pool.workers > 0 && *context == &begun) {
        *context = &handed_over;
        hand_over(connection);
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, cls);
}

static struct MHD_Response *make(size_t len, const char *type, const char *cache)
{
    static char body[BODY_MOST];
    memset(body, 'x', len);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, body, MHD_RESPMEM_PERSISTENT);
    if (response == NULL || MHD_add_response_header(response, "Content-Type", type) != MHD_YES)
        return NULL;
    if (cache != NULL && MHD_add_response_header(response, "Cache-Control", cache) != MHD_YES)
        return NULL;
    return response;
}

static struct MHD_Daemon *start(unsigned threads, struct MHD_Response *response)
{
    union {
        struct sockaddr_in v4;
        struct sockaddr any;
    } address = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer, response,
        MHD_OPTION_SOCK_ADDR, &address.any, MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S, MHD_OPTION_END);
}

static int serve(struct MHD_Daemon *daemon)
{
    char ignored[64];
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL || printf("%u\n", (unsigned)info->port) < 0 || fflush(stdout) != 0)
        return EXIT_FAILURE;
    while (read(STDIN_FILENO, ignored, sizeof(ignored)) > 0)
        ;
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    long threads = argc >= 4 ? strtol(argv[1], NULL, 10) : 0;
    long body = argc >= 4 ? strtol(argv[2], NULL, 10) : -1;
    long workers = argc == 6 ? strtol(argv[5], NULL, 10) : 0;
    if (threads < 2 || threads > 256 || body < 0 || body > BODY_MOST || workers < 0 ||
        workers > WORKERS_MOST || !start_workers(workers)) {
        (void)fputs("usage: bench-answers THREADS(2 or more) BODY TYPE CACHE [WORKERS]\n", stderr);
        return EXIT_FAILURE;
    }
    struct MHD_Response *response =
        make((size_t)body, argv[3], argc > 4 && argv[4][0] != '\0' ? argv[4] : NULL);
    struct MHD_Daemon *daemon = response != NULL ? start((unsigned)threads, response) : NULL;
    if (daemon == NULL) {
        (void)fputs("bench-answers: cannot be started\n", stderr);
        return EXIT_FAILURE;
    }
    int status = serve(daemon);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return status;
}
