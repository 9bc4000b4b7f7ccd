#include "tests/store/redis_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/help.h"
#include "tests/pki_region.h"

enum { WORDS_MAX = 48, ANSWER_MAX = 4096, WAIT_MS = 10, WAITS = 1000, CERTIFICATE_DAYS = 30 };

static void give_up(const char *what)
{
    perror(what);
    abort();
}

static void nap(void)
{
    const struct timespec t = {.tv_nsec = WAIT_MS * 1000000L};
    (void)nanosleep(&t, NULL);
}

/* --- certificates ---------------------------------------------------------------------------- */

static void write_certificate(const char *path, X509 *certificate)
{
    char *pem = region_pem(certificate);
    help_write_file(path, pem, strlen(pem));
    free(pem);
}

static void write_key(const char *path, EVP_PKEY *key)
{
    FILE *f = fopen(path, "wbe");
    if (f == NULL || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(f) != 0)
        give_up(path);
}

static void make_certificates(struct test_redis *redis)
{
    static const struct region_pair authority_extensions[] = {
        {"basicConstraints", "critical,CA:TRUE"},
        {"keyUsage", "critical,keyCertSign"},
        {NULL, NULL}};
    static const struct region_pair server_extensions[] = {
        {"subjectAltName", "DNS:localhost,IP:127.0.0.1"}, {NULL, NULL}};
    static const struct region_pair authority_name[] = {{"CN", "test authority"}, {NULL, NULL}};
    static const struct region_pair server_name[] = {{"CN", "redis"}, {NULL, NULL}};
    char path[256];
    int64_t now = (int64_t)time(NULL);
    EVP_PKEY *authority_key = region_key("P-256");
    EVP_PKEY *key = region_key("P-256");
    struct region_certificate what = {.key = authority_key,
                                      .issuer_key = authority_key,
                                      .subject = authority_name,
                                      .extensions = authority_extensions,
                                      .from = now - REGION_DAY,
                                      .to = now + CERTIFICATE_DAYS * REGION_DAY};
    X509 *authority = region_issue(&what);
    what.key = key;
    what.issuer = authority;
    what.subject = server_name;
    what.extensions = server_extensions;
    X509 *server = region_issue(&what);
    write_certificate(redis->ca_file, authority);
    (void)snprintf(path, sizeof(path), "%s/server.pem", redis->folder);
    write_certificate(path, server);
    (void)snprintf(path, sizeof(path), "%s/server.key", redis->folder);
    write_key(path, key);
    X509_free(server);
    X509_free(authority);
    EVP_PKEY_free(key);
    EVP_PKEY_free(authority_key);
}

/* --- the process ----------------------------------------------------------------------------- */

/* The settings as a file: a folder's name and passwords stay out of what others can see. */
static void write_settings(const struct test_redis *redis, const char *path)
{
    FILE *f = fopen(path, "wbe");
    if (f == NULL)
        give_up(path);
    (void)fprintf(f,
                  "bind 127.0.0.1\nport %d\nunixsocket %s\nunixsocketperm 700\ndir %s\n"
                  "save \"\"\nappendonly no\nmaxmemory-policy noeviction\n"
                  "enable-debug-command local\n",
                  redis->port, redis->socket, redis->folder);
    if (!redis->how.open)
        (void)fprintf(f,
                      "requirepass \"%s\"\n"
                      "user %s on \">%s\" ~tamga:* -@all +auth +select +info +get +set +getdel "
                      "+eval +evalsha +exists +incrby +pexpire\n",
                      REDIS_SERVER_PASSWORD, REDIS_SERVER_USER, REDIS_SERVER_USER_PASSWORD);
    if (redis->how.tls)
        (void)fprintf(f,
                      "tls-port %d\ntls-cert-file %s/server.pem\ntls-key-file %s/server.key\n"
                      "tls-ca-cert-file %s\ntls-auth-clients no\n",
                      redis->tls_port, redis->folder, redis->folder, redis->ca_file);
    if (fclose(f) != 0)
        give_up(path);
}

static void run_server(const struct test_redis *redis)
{
    char path[256];
    const char *words[WORDS_MAX] = {"redis-server", path};
    size_t n = 2;
    for (const char *const *word = redis->how.added; word != NULL && *word != NULL; word++)
        words[n++] = *word;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(path, sizeof(path), "%s/log", redis->folder);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    (void)snprintf(path, sizeof(path), "%s/redis.conf", redis->folder);
    (void)execvp(words[0], (char *const *)(void *)words);
    _exit(127);
}

static int dial(const struct test_redis *redis)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)redis->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void wait_until_it_answers(const struct test_redis *redis)
{
    for (int i = 0; i < WAITS; i++) {
        int fd = dial(redis);
        if (fd >= 0) {
            (void)close(fd);
            (void)test_redis_ask(redis, "PING");
            return;
        }
        if (waitpid(redis->pid, NULL, WNOHANG) != 0)
            break;
        nap();
    }
    errno = 0;
    give_up("redis-server does not start");
}

void test_redis_restart(struct test_redis *redis)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/redis.conf", redis->folder);
    write_settings(redis, path);
    redis->pid = fork();
    if (redis->pid < 0)
        give_up("fork");
    if (redis->pid == 0)
        run_server(redis);
    wait_until_it_answers(redis);
}

static void write_password(char file[128], const char *folder, const char *name, const char *text)
{
    (void)snprintf(file, 128, "%s/%s", folder, name);
    help_write_file(file, text, strlen(text));
    if (chmod(file, 0600) != 0)
        give_up(file);
}

void test_redis_start(struct test_redis *redis, const struct redis_server_how *how)
{
    *redis = (struct test_redis){.how = *how, .folder = help_temp_folder()};
    redis->port = help_free_port();
    redis->tls_port = how->tls ? help_free_port() : 0;
    (void)snprintf(redis->socket, sizeof(redis->socket), "%s/socket", redis->folder);
    (void)snprintf(redis->ca_file, sizeof(redis->ca_file), "%s/ca.pem", redis->folder);
    (void)snprintf(redis->where, sizeof(redis->where), "redis://127.0.0.1:%d", redis->port);
    (void)snprintf(redis->where_unix, sizeof(redis->where_unix), "redis+unix:%s@%s",
                   REDIS_SERVER_USER, redis->socket);
    (void)snprintf(redis->where_tls, sizeof(redis->where_tls), "rediss://%s@localhost:%d",
                   REDIS_SERVER_USER, redis->tls_port);
    write_password(redis->password_file, redis->folder, "password", REDIS_SERVER_PASSWORD "\n");
    write_password(redis->user_password_file, redis->folder, "user-password",
                   REDIS_SERVER_USER_PASSWORD);
    if (how->tls)
        make_certificates(redis);
    test_redis_restart(redis);
}

void test_redis_freeze(struct test_redis *redis)
{
    int status = 0;
    if (kill(redis->pid, SIGSTOP) != 0 || waitpid(redis->pid, &status, WUNTRACED) != redis->pid)
        give_up("SIGSTOP");
}

void test_redis_thaw(struct test_redis *redis)
{
    (void)kill(redis->pid, SIGCONT);
}

void test_redis_kill(struct test_redis *redis)
{
    if (redis->pid == 0)
        return;
    (void)kill(redis->pid, SIGKILL);
    (void)waitpid(redis->pid, NULL, 0);
    redis->pid = 0;
}

void test_redis_stop(struct test_redis *redis)
{
    test_redis_kill(redis);
    help_remove_folder(redis->folder);
    free(redis->folder);
    *redis = (struct test_redis){.pid = 0};
}

/* --- asking ---------------------------------------------------------------------------------- */

/* Reads lines into answer until there are `lines`, and returns the last of them. */
static const char *read_lines(int fd, char answer[ANSWER_MAX], int lines)
{
    size_t n = 0;
    char *last = answer;
    while (lines > 0 && n < ANSWER_MAX - 1 && read(fd, answer + n, 1) == 1) {
        answer[++n] = '\0';
        if (answer[n - 1] != '\n')
            continue;
        lines--;
        if (lines > 0)
            last = answer + n;
    }
    if (lines > 0)
        give_up("Redis does not answer the test");
    last[strcspn(last, "\r")] = '\0';
    return last;
}

const char *test_redis_ask(const struct test_redis *redis, const char *command)
{
    static char answer[ANSWER_MAX];
    char text[1024];
    int fd = dial(redis);
    if (fd < 0)
        give_up("Redis does not let the test in");
    int n = redis->how.open ? snprintf(text, sizeof(text), "%s\r\n", command)
                            : snprintf(text, sizeof(text), "AUTH \"%s\"\r\n%s\r\n",
                                       REDIS_SERVER_PASSWORD, command);
    if (write(fd, text, (size_t)n) != n)
        give_up("Redis does not read from the test");
    const char *line = read_lines(fd, answer, redis->how.open ? 1 : 2);
    (void)close(fd);
    return line;
}
