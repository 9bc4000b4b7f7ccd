#include "base/log.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static _Atomic int threshold = LOG_INFO;
static _Atomic int descriptor = STDERR_FILENO;

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

void log_set_fd(int fd)
{
    atomic_store(&descriptor, fd);
}

bool log_wants(enum log_level level)
{
    return (int)level >= atomic_load(&threshold);
}

/* The number of the file's descriptor stays: another thread may be about to write to it, and must
 * not find a socket there. */
enum idp_err log_open(const char *path)
{
    static _Atomic int ours = -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return IDP_UNAVAILABLE;
    if (atomic_load(&ours) < 0) {
        atomic_store(&ours, fd);
    } else {
        (void)dup2(fd, atomic_load(&ours));
        (void)fcntl(atomic_load(&ours), F_SETFD, FD_CLOEXEC);
        (void)close(fd);
    }
    atomic_store(&descriptor, atomic_load(&ours));
    return IDP_OK;
}

/* The last second that this thread has written out: a busy one writes thousands of lines in it. */
static _Thread_local struct {
    time_t second;
    size_t len;
    char text[40];
} stamp;

static bool write_second(time_t second)
{
    struct tm parts;
    if (stamp.len > 0 && stamp.second == second)
        return true;
    if (gmtime_r(&second, &parts) == NULL)
        return false;
    stamp.len = strftime(stamp.text, sizeof(stamp.text) - 5, "%Y-%m-%dT%H:%M:%S", &parts);
    stamp.second = second;
    return stamp.len > 0;
}

/* RFC 3339 with milliseconds. */
static void put_time(struct log_line *line)
{
    int64_t ms = clock_now_ms();
    if (!write_second((time_t)(ms / 1000)))
        return;
    char *at = stamp.text + stamp.len;
    *at++ = '.';
    *at++ = (char)('0' + ms / 100 % 10);
    *at++ = (char)('0' + ms / 10 % 10);
    *at++ = (char)('0' + ms % 10);
    *at++ = 'Z';
    json_out_text_n(&line->json, "time", stamp.text, stamp.len + 5);
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    line->wanted = log_wants(level);
    if (!line->wanted)
        return;
    /* Two bytes are kept back for the closing brace and the line's end. */
    line->json = json_out_new(line->text, sizeof(line->text) - 2);
    json_out_object(&line->json, NULL);
    put_time(line);
    json_out_text(&line->json, "level", names[level]);
    json_out_text(&line->json, "event", event);
}

/* Takes back a member that did not fit whole. */
static void settle(struct log_line *line, size_t len)
{
    if (line->json.full) {
        line->json.len = len;
        line->json.full = false;
    }
}

/*
 * Copies text with '?' for what is no UTF-8, DEL and U+0080 to U+009F, which terminals obey; JSON
 * itself escapes the other controls. Returns false when it is too long.
 */
static bool clean(const char *text, char *out, size_t size)
{
    size_t len = 0;
    for (size_t left = strlen(text); left > 0;) {
        size_t n = text_character(text, left);
        bool kept = n > 0 || (unsigned char)*text < 0x20;
        size_t step = n > 0 ? n : 1;
        if (len + step >= size)
            return false;
        memcpy(out + len, text, step);
        if (!kept)
            out[len] = '?';
        len += step;
        text += step;
        left -= step;
    }
    out[len] = '\0';
    return true;
}

void log_text(struct log_line *line, const char *name, const char *value)
{
    char text[sizeof(line->text)];
    if (!line->wanted || value == NULL)
        return;
    if (!text_is_clean_utf8(value, strlen(value))) {
        if (!clean(value, text, sizeof(text)))
            return;
        value = text;
    }
    size_t len = line->json.len;
    json_out_text(&line->json, name, value);
    settle(line, len);
}

void log_number(struct log_line *line, const char *name, int64_t value)
{
    if (!line->wanted)
        return;
    size_t len = line->json.len;
    json_out_number(&line->json, name, value);
    settle(line, len);
}

void log_end(struct log_line *line)
{
    if (!line->wanted)
        return;
    size_t n = line->json.len;
    line->text[n++] = '}';
    line->text[n++] = '\n';
    ssize_t written = write(atomic_load(&descriptor), line->text, n);
    (void)written; /* a log that cannot be written must not stop the work */
}

void log_event(enum log_level level, const char *event, const char *name, const char *value)
{
    struct log_line line;
    log_begin(&line, level, event);
    if (name != NULL)
        log_text(&line, name, value);
    log_end(&line);
}
