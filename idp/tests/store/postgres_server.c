#include "tests/store/postgres_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "tests/help.h"

enum { PATH_ROOM = 4096, FAMILY_MAX = 256, TRIES = 3000, PAUSE_NS = 10000000 };

/* Made once and copied: initdb takes longer than all the rest. */
static const char template_folder[] = "build/postgres-template";

static const char disk_library[] = "build/doubles/full-disk.so";

static const char usual_conf[] = "fsync = off\n" /* a process that dies loses nothing by this */
                                 "full_page_writes = off\n"
                                 "shared_buffers = 16MB\n"
                                 "max_connections = 80\n"
                                 "wal_level = minimal\n"
                                 "max_wal_senders = 0\n"
                                 "log_min_messages = error\n";

struct postgres_server {
    char *folder; /* the socket, the log and the password lie in it, and below it the data */
    char data[PATH_ROOM];
    char bin[PATH_ROOM]; /* PostgreSQL's programs */
    bool on_disk;        /* that can be filled */
    int port;
    pid_t pid; /* 0: it does not run */
    pid_t frozen[FAMILY_MAX];
    size_t frozen_count;
};

static void give_up(const char *what)
{
    (void)fprintf(stderr, "PostgreSQL for a test: %s\n", what);
    abort();
}

static void nap(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    (void)nanosleep(&pause, NULL);
}

__attribute__((format(printf, 3, 4))) static void format(char *out, size_t size, const char *text,
                                                         ...)
{
    va_list args;
    va_start(args, text);
    int n = vsnprintf(out, size, text, args);
    va_end(args);
    if (n < 0 || (size_t)n >= size)
        give_up("a name is too long");
}

/* --- programs ------------------------------------------------------------------------------ */

/* The user it runs as; NULL: this one. PostgreSQL refuses root. */
static const struct passwd *user(void)
{
    if (geteuid() != 0)
        return NULL;
    const struct passwd *found = getpwnam("postgres"); // NOLINT(concurrency-mt-unsafe)
    return found != NULL ? found : getpwnam("nobody"); // NOLINT(concurrency-mt-unsafe)
}

/* Becomes that user, to end when this thread ends, and then the program. */
static void become(const char *const argv[], const char *const env[], int out)
{
    char uid[24];
    char gid[24];
    const char *all[64] = {"setpriv", "--pdeathsig", "KILL"};
    size_t n = 3;
    const struct passwd *as = user();
    if (as != NULL) {
        format(uid, sizeof(uid), "--reuid=%u", (unsigned)as->pw_uid);
        format(gid, sizeof(gid), "--regid=%u", (unsigned)as->pw_gid);
        all[n++] = uid;
        all[n++] = gid;
        all[n++] = "--clear-groups";
    }
    all[n++] = "env";
    for (size_t i = 0; env != NULL && env[i] != NULL && n < 62; i++)
        all[n++] = env[i];
    for (size_t i = 0; argv[i] != NULL && n < 63; i++)
        all[n++] = argv[i];
    if (dup2(out, 1) >= 0 && dup2(out, 2) >= 0)
        (void)execvp(all[0], (char *const *)(const void *)all);
}

/* Starts a program as that user. env has NAME=value, or is NULL. */
static pid_t start(const char *const argv[], const char *const env[], const char *log)
{
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid > 0)
        return pid;
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (out >= 0)
        become(argv, env, out);
    _exit(127);
}

static bool ends_well(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs a program of this user's to its end. */
static bool run(const char *const argv[])
{
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        (void)execvp(argv[0], (char *const *)(const void *)argv);
        _exit(127);
    }
    return ends_well(pid);
}

static void find_programs(char *out, size_t size)
{
    FILE *pipe = popen("pg_config --bindir", "r"); // NOLINT(cert-env33-c): a fixed text
    if (pipe == NULL || fgets(out, (int)size, pipe) == NULL || pclose(pipe) != 0)
        give_up("pg_config does not say where its programs are");
    out[strcspn(out, "\n")] = '\0';
}

/* --- the data ------------------------------------------------------------------------------ */

static void give_to_user(const char *path)
{
    const struct passwd *as = user();
    if (as != NULL && chown(path, as->pw_uid, as->pw_gid) != 0)
        give_up(path);
}

static void copy_folder(const char *from, const char *to)
{
    const char *const argv[] = {"cp", "-R", "-p", from, to, NULL};
    if (!run(argv))
        give_up("cp");
}

static void give_folder_to_user(const char *folder)
{
    char owner[64];
    const struct passwd *as = user();
    if (as == NULL)
        return;
    format(owner, sizeof(owner), "%u:%u", (unsigned)as->pw_uid, (unsigned)as->pw_gid);
    const char *const argv[] = {"chown", "-R", owner, folder, NULL};
    if (!run(argv))
        give_up("chown");
}

static void make_data(const struct postgres_server *server)
{
    char program[PATH_ROOM + 16];
    char password[PATH_ROOM];
    char file[PATH_ROOM + 16];
    char log[PATH_ROOM];
    format(program, sizeof(program), "%s/initdb", server->bin);
    format(password, sizeof(password), "%s/password", server->folder);
    format(file, sizeof(file), "--pwfile=%s", password);
    format(log, sizeof(log), "%s/initdb.log", server->folder);
    help_write_file(password, POSTGRES_PASSWORD "\n", strlen(POSTGRES_PASSWORD) + 1);
    give_to_user(password);
    const char *const argv[] = {program,
                                "--no-sync",
                                "--auth-local=trust",
                                "--auth-host=scram-sha-256",
                                "--encoding=UTF8",
                                "--locale=C",
                                "--username=tamga",
                                "--wal-segsize=1",
                                file,
                                "-D",
                                server->data,
                                NULL};
    if (!ends_well(start(argv, NULL, log)))
        give_up("initdb failed");
}

/* Keeps what initdb made for the next time; of two test programs at once, one does. */
static void keep_template(const struct postgres_server *server)
{
    char draft[PATH_ROOM];
    format(draft, sizeof(draft), "%s.%ld", template_folder, (long)getpid());
    if (access("build", W_OK) != 0)
        return;
    copy_folder(server->data, draft);
    if (rename(draft, template_folder) != 0)
        help_remove_folder(draft);
}

static void configure(const struct postgres_server *server, const char *conf)
{
    char path[PATH_ROOM + 32];
    format(path, sizeof(path), "%s/postgresql.conf", server->data);
    FILE *file = fopen(path, "ae");
    if (file == NULL || fputs(usual_conf, file) < 0 || (conf != NULL && fputs(conf, file) < 0) ||
        fclose(file) != 0)
        give_up(path);
}

/* --- running ------------------------------------------------------------------------------- */

static void where_by_socket(const struct postgres_server *server, const char *database, char *where,
                            size_t size)
{
    format(where, size, "postgresql://tamga@/%s?host=%s&port=%d", database, server->folder,
           server->port);
}

static bool answers(const struct postgres_server *server)
{
    char where[PATH_ROOM + 64];
    where_by_socket(server, "postgres", where, sizeof(where));
    return PQping(where) == PQPING_OK;
}

/* Whether it has ended; then it is no process of ours any more. */
static bool has_ended(struct postgres_server *server)
{
    if (waitpid(server->pid, NULL, WNOHANG) != server->pid)
        return false;
    server->pid = 0;
    return true;
}

static void launch(struct postgres_server *server)
{
    char program[PATH_ROOM + 16];
    char log[PATH_ROOM];
    char port[16];
    char library[PATH_ROOM + 32];
    char mark[PATH_ROOM + 32];
    format(program, sizeof(program), "%s/postgres", server->bin);
    format(log, sizeof(log), "%s/postgres.log", server->folder);
    format(port, sizeof(port), "%d", server->port);
    const char *const argv[] = {program, "-D",        server->data, "-p",           port,
                                "-h",    "127.0.0.1", "-k",         server->folder, NULL};
    format(library, sizeof(library), "LD_PRELOAD=%s/full-disk.so", server->folder);
    format(mark, sizeof(mark), "FULL_DISK=%s/full", server->folder);
    const char *const env[] = {library, mark, NULL};
    server->pid = start(argv, server->on_disk ? env : NULL, log);
}

/* A fresh one may find its port taken meanwhile; what was killed may need a moment until it is
 * gone. */
static void start_server(struct postgres_server *server, bool fresh)
{
    for (int i = 0; i < TRIES; i++) {
        if (server->pid == 0 && fresh)
            server->port = help_free_port();
        if (server->pid == 0)
            launch(server);
        nap();
        if (!has_ended(server) && answers(server))
            return;
    }
    give_up("it does not start");
}

void postgres_server_again(struct postgres_server *server)
{
    start_server(server, false);
}

static struct postgres_server *make(void)
{
    struct postgres_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        give_up("memory");
    server->folder = help_temp_folder();
    find_programs(server->bin, sizeof(server->bin));
    format(server->data, sizeof(server->data), "%s/data", server->folder);
    give_to_user(server->folder);
    return server;
}

static void fill(struct postgres_server *server, const char *conf)
{
    if (access(template_folder, R_OK) == 0) {
        copy_folder(template_folder, server->data);
    } else {
        make_data(server);
        keep_template(server);
    }
    configure(server, conf);
    give_folder_to_user(server->data);
    start_server(server, true);
}

struct postgres_server *postgres_server_start(const char *conf)
{
    struct postgres_server *server = make();
    fill(server, conf);
    return server;
}

struct postgres_server *postgres_server_start_on_disk(const char *conf)
{
    struct postgres_server *server = make();
    server->on_disk = true;
    copy_folder(disk_library, server->folder);
    fill(server, conf);
    return server;
}

void postgres_server_fill_disk(struct postgres_server *server, bool full)
{
    char mark[PATH_ROOM];
    format(mark, sizeof(mark), "%s/full", server->folder);
    if (full)
        help_write_file(mark, "", 0);
    else
        (void)unlink(mark);
}

/* Waits until it has ended. */
static void await_end(struct postgres_server *server)
{
    if (server->pid != 0)
        (void)ends_well(server->pid);
    server->pid = 0;
}

void postgres_server_shut(struct postgres_server *server)
{
    postgres_server_thaw(server);
    if (server->pid != 0)
        (void)kill(server->pid, SIGINT); /* "fast" (PostgreSQL manual, section 19.5) */
    await_end(server);
}

void postgres_server_stop(struct postgres_server *server)
{
    if (server == NULL)
        return;
    postgres_server_thaw(server);
    if (server->pid != 0)
        (void)kill(server->pid, SIGQUIT); /* "immediate" */
    await_end(server);
    help_remove_folder(server->folder);
    free(server->folder);
    free(server);
}

/* --- its processes ------------------------------------------------------------------------- */

static pid_t parent_of(const char *pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    char *text = help_read_file(path, NULL);
    const char *behind = text != NULL ? strrchr(text, ')') : NULL; /* of the program's name */
    long parent = behind != NULL ? strtol(behind + strlen(") S "), NULL, 10) : 0;
    free(text);
    return (pid_t)parent;
}

/* The server and its children; PostgreSQL has no grandchildren. */
static size_t family(const struct postgres_server *server, pid_t out[FAMILY_MAX])
{
    size_t n = 0;
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        give_up("/proc");
    out[n++] = server->pid;
    const struct dirent *entry = NULL;
    while ((entry = readdir(folder)) != NULL && n < FAMILY_MAX) { // NOLINT(concurrency-mt-unsafe)
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 0 && parent_of(entry->d_name) == server->pid)
            out[n++] = (pid_t)pid;
    }
    (void)closedir(folder);
    return n;
}

void postgres_server_freeze(struct postgres_server *server)
{
    (void)kill(server->pid, SIGSTOP); /* from here on there are no new ones */
    server->frozen_count = family(server, server->frozen);
    for (size_t i = 0; i < server->frozen_count; i++)
        (void)kill(server->frozen[i], SIGSTOP);
}

void postgres_server_thaw(struct postgres_server *server)
{
    for (size_t i = 0; i < server->frozen_count; i++)
        (void)kill(server->frozen[i], SIGCONT);
    server->frozen_count = 0;
}

void postgres_server_kill(struct postgres_server *server)
{
    postgres_server_freeze(server);
    for (size_t i = 0; i < server->frozen_count; i++)
        (void)kill(server->frozen[i], SIGKILL);
    server->frozen_count = 0;
    await_end(server);
}

/* --- what is in it ------------------------------------------------------------------------- */

void postgres_server_where(const struct postgres_server *server, const char *database, char *where,
                           size_t size)
{
    where_by_socket(server, database, where, size);
}

void postgres_server_tcp(const struct postgres_server *server, const char *database, char *where,
                         size_t size)
{
    format(where, size, "postgresql://tamga@127.0.0.1:%d/%s", server->port, database);
}

void postgres_server_socket(const struct postgres_server *server, char *path, size_t size)
{
    format(path, size, "%s/.s.PGSQL.%d", server->folder, server->port);
}

char *postgres_server_sql(const struct postgres_server *server, const char *database,
                          const char *statement)
{
    char where[PATH_ROOM + 64];
    where_by_socket(server, database, where, sizeof(where));
    PGconn *conn = PQconnectdb(where);
    PGresult *result = PQexec(conn, statement);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        give_up(PQerrorMessage(conn));
    char *cell = PQntuples(result) > 0 ? strdup(PQgetvalue(result, 0, 0)) : NULL;
    PQclear(result);
    PQfinish(conn);
    return cell;
}

void postgres_server_create(struct postgres_server *server, const char *database,
                            const char *template)
{
    char statement[256];
    format(statement, sizeof(statement), "CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy",
           database, template != NULL ? template : "template0");
    free(postgres_server_sql(server, "postgres", statement));
}

void postgres_server_put(struct postgres_server *server, const char *name, const char *text)
{
    char path[PATH_ROOM + 64];
    format(path, sizeof(path), "%s/%s", server->data, name);
    help_write_file(path, text, strlen(text));
    if (chmod(path, 0600) != 0)
        give_up(path);
    give_to_user(path);
}
