/* The names are those that Prometheus's own libraries give the process. */
#include "operate/families.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app.h"
#include "base/arena.h"
#include "http/http.h"
#include "http/server.h"
#include "operate/exposition.h"
#include "store/generation.h"
#include "store/schema.h"
#include "version.h"

enum { STAT_MAX = 1024, STARTED_FIELD = 22, RESIDENT_FIELD = 24, AFTER_NAME = 3 };

/* proc(5): the number in a field of /proc/self/stat, counted from 1; text begins behind the name of
 * the program, which may hold anything. */
static uint64_t field(const char *text, int wanted)
{
    for (int at = AFTER_NAME; at < wanted && text != NULL; at++) {
        text = strchr(text, ' ');
        text = text != NULL ? text + 1 : NULL;
    }
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static const char *read_stat(char out[STAT_MAX])
{
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return NULL;
    size_t n = fread(out, 1, STAT_MAX - 1, file);
    (void)fclose(file);
    out[n] = '\0';
    const char *name_end = strrchr(out, ')');
    return name_end != NULL && name_end[1] == ' ' ? name_end + 2 : NULL;
}

/* When the machine was started, in seconds; 0: nobody knows. */
static uint64_t boot_time(void)
{
    char line[256];
    uint64_t seconds = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file != NULL && seconds == 0 && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "btime ", 6) == 0)
            seconds = strtoull(line + 6, NULL, 10);
    if (file != NULL)
        (void)fclose(file);
    return seconds;
}

static uint64_t open_files(void)
{
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL) // NOLINT(concurrency-mt-unsafe): the folder is this thread's
        count++;
    (void)closedir(folder);
    return count > 3 ? count - 3 : 0; /* "." and "..", and what we read it with */
}

static void times(struct exposition *e)
{
    char stat[STAT_MAX];
    const char *fields = read_stat(stat);
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    exposition_gauge(e, "process_start_time_seconds", "Start of the process, in Unix time.");
    exposition_value(e, NULL,
                     (double)boot_time() +
                         (double)field(fields, STARTED_FIELD) / (double)sysconf(_SC_CLK_TCK));
    exposition_counter(e, "process_cpu_seconds_total", "User and system time.");
    exposition_value(e, NULL,
                     (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    exposition_gauge(e, "process_resident_memory_bytes", "Resident memory.");
    exposition_count(e, NULL, field(fields, RESIDENT_FIELD) * (uint64_t)sysconf(_SC_PAGESIZE));
}

static void files(struct exposition *e)
{
    struct rlimit limit = {0};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    exposition_gauge(e, "process_open_fds", "Open file descriptors.");
    exposition_count(e, NULL, open_files());
    exposition_gauge(e, "process_max_fds", "File descriptors that may be open.");
    exposition_count(e, NULL, limit.rlim_cur);
}

static void program(struct exposition *e, struct request *rq)
{
    const char *schema = arena_printf(rq->arena, "%" PRId64, schema_of_program());
    const struct label labels[] = {
        {"version", TAMGA_VERSION}, {"schema", schema != NULL ? schema : ""}, {NULL, NULL}};
    exposition_gauge(e, "tamga_build_info", "Always 1; the labels tell the program.");
    exposition_count(e, labels, 1);
    exposition_gauge(e, "tamga_draining", "1 after SIGTERM.");
    exposition_count(e, NULL, atomic_load(&rq->app->draining) ? 1 : 0);
    exposition_gauge(e, "tamga_generation_stale",
                     "1 while the node may not use what it has cached, for want of the database.");
    exposition_count(e, NULL, generation_stale(rq->app->watch) ? 1 : 0);
    exposition_gauge(e, "tamga_schema_left_behind",
                     "1 when the database was changed beyond what this program can work with.");
    exposition_count(e, NULL, atomic_load(&rq->app->left_behind) ? 1 : 0);
}

void families_of_process(struct exposition *e, struct request *rq)
{
    program(e, rq);
    times(e);
    files(e);
}
