#include "http/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/random.h"
#include "base/text.h"

enum {
    HOST,
    AUTHORIZATION,
    COOKIE,
    ORIGIN,
    CONTENT_TYPE,
    ACCEPT,
    IF_NONE_MATCH,
    SEC_FETCH_SITE,
    SEC_FETCH_MODE,
    PORTAL_TOKEN,
    AGENT,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    EXPECT,
    FORWARDED_FOR,
    TRACEPARENT,
    WANTED,
};

struct name {
    const char *text;
    size_t len;
};

#define NAME(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static const struct name names[WANTED] = {
    [HOST] = NAME("Host"),
    [AUTHORIZATION] = NAME("Authorization"),
    [COOKIE] = NAME("Cookie"),
    [ORIGIN] = NAME("Origin"),
    [CONTENT_TYPE] = NAME("Content-Type"),
    [ACCEPT] = NAME("Accept"),
    [IF_NONE_MATCH] = NAME("If-None-Match"),
    [SEC_FETCH_SITE] = NAME("Sec-Fetch-Site"),
    [SEC_FETCH_MODE] = NAME("Sec-Fetch-Mode"),
    [PORTAL_TOKEN] = NAME("X-Tamga-Token"),
    [AGENT] = NAME("X-Tamga-Agent"),
    [CONTENT_LENGTH] = NAME("Content-Length"),
    [TRANSFER_ENCODING] = NAME("Transfer-Encoding"),
    [EXPECT] = NAME("Expect"),
    [FORWARDED_FOR] = NAME("X-Forwarded-For"),
    [TRACEPARENT] = NAME("traceparent"),
};

struct reading {
    struct http_head *head;
    const char *next; /* where the next line begins, if nothing lies between */
    const char *found[WANTED];
    bool trace_twice;
};

/*
 * libmicrohttpd before 1.0 takes a lone CR or LF for the end of a line and a value for ended by a
 * NUL, where a proxy before us may see one line: that is how requests are smuggled past it (RFC
 * 9112 sections 2.2 and 11.2). It leaves the head where it was received, so we see that lines do
 * not follow each other with CR LF between. Later releases refuse all of it, and move lines.
 */
static bool meets(const char *next, const char *line)
{
    return MHD_VERSION >= 0x01000000 || next == line;
}

/* The same for the last line and the empty one, whose line ends are both NULs by now. */
static bool ends_head(const char *next)
{
    return MHD_VERSION >= 0x01000000 || (next[-1] == '\0' && next[0] == '\0' && next[1] == '\0');
}

/* RFC 9110 section 5.6.2. A space before the colon, too, hides a header from some and not others.
 */
static bool is_token(const char *s, size_t len)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        bool is_digit = c >= '0' && c <= '9';
        if (!is_letter && !is_digit && memchr(marks, c, sizeof(marks) - 1) == NULL)
            return false;
    }
    return len > 0;
}

/* RFC 9110 section 5.5. */
static bool is_one_line(const char *value, size_t len)
{
    return strlen(value) == len && strpbrk(value, "\r\n") == NULL;
}

/* The index of a header we read, or WANTED. */
static int find(const char *name, size_t len)
{
    int i = 0;
    while (i < WANTED && (names[i].len != len || strncasecmp(names[i].text, name, len) != 0))
        i++;
    return i;
}

/* RFC 9113 section 8.2.3: cookies may come in several lines, which belong together. */
static bool join_cookies(struct reading *reading, const char *value)
{
    const char *before = reading->found[COOKIE];
    size_t size = strlen(before) + strlen(value) + sizeof("; ");
    char *joined = malloc(size);
    if (joined == NULL)
        return false;
    (void)snprintf(joined, size, "%s; %s", before, value);
    free(reading->head->cookies);
    reading->head->cookies = joined;
    reading->found[COOKIE] = joined;
    return true;
}

static void keep_forwarded(struct http_head *head, const char *value)
{
    if (head->forwarded_count < HTTP_FORWARDED_LINES_MAX)
        head->forwarded[head->forwarded_count] = value;
    head->forwarded_count++;
}

/* Keeps a value that came before. Returns false when it may not come twice. */
static bool keep_again(struct reading *reading, int i, const char *value)
{
    if (i == COOKIE)
        return join_cookies(reading, value);
    if (i != TRACEPARENT)
        return false;
    reading->trace_twice = true; /* Trace Context section 3.2.2: as if it were not there */
    return true;
}

/* Keeps a value. Returns false when it came twice. */
static bool keep(struct reading *reading, int i, const char *value)
{
    if (i == FORWARDED_FOR)
        keep_forwarded(reading->head, value);
    else if (reading->found[i] != NULL)
        return keep_again(reading, i, value);
    else
        reading->found[i] = value;
    return true;
}

static enum MHD_Result take(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                            const char *value, size_t value_len)
{
    (void)kind;
    struct reading *reading = cls;
    int i = find(name, name_len);
    bool good = is_token(name, name_len) && value != NULL && is_one_line(value, value_len) &&
                meets(reading->next, name);
    if (!good || (i < WANTED && !keep(reading, i, value))) {
        reading->head->malformed = true;
        return MHD_NO;
    }
    reading->next = value + value_len + 2;
    return MHD_YES;
}

void http_head_read(struct MHD_Connection *connection, const char *version, struct request *rq,
                    struct http_head *head)
{
    struct reading reading = {.head = head, .next = version + strlen(version) + 2};
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take, &reading);
    if (!head->malformed && !ends_head(reading.next))
        head->malformed = true;
    rq->host = reading.found[HOST];
    rq->authorization = reading.found[AUTHORIZATION];
    rq->cookie = reading.found[COOKIE];
    rq->origin = reading.found[ORIGIN];
    rq->content_type = reading.found[CONTENT_TYPE];
    rq->accept = reading.found[ACCEPT];
    rq->if_none_match = reading.found[IF_NONE_MATCH];
    rq->sec_fetch_site = reading.found[SEC_FETCH_SITE];
    rq->sec_fetch_mode = reading.found[SEC_FETCH_MODE];
    rq->portal_token = reading.found[PORTAL_TOKEN];
    rq->agent = reading.found[AGENT];
    head->content_length = reading.found[CONTENT_LENGTH];
    head->transfer_encoding = reading.found[TRANSFER_ENCODING];
    head->expect = reading.found[EXPECT];
    head->traceparent = reading.trace_twice ? NULL : reading.found[TRACEPARENT];
}

enum http_method http_head_method(const char *method)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return HTTP_GET;
    if (strcmp(method, "POST") == 0)
        return HTTP_POST;
    return strcmp(method, "OPTIONS") == 0 ? HTTP_OPTIONS : 0;
}

void http_head_new_id(char out[17])
{
    static _Thread_local struct {
        unsigned char prefix[4], counter[4];
        bool drawn;
    } id;
    if (!id.drawn) /* without entropy ids repeat between threads: they are for the log only */
        id.drawn = random_bytes(id.prefix, sizeof(id.prefix)) == IDP_OK;
    for (int i = 3; i >= 0 && ++id.counter[i] == 0;)
        i--;
    text_to_hex(id.prefix, 4, out);
    text_to_hex(id.counter, 4, out + 8);
}
