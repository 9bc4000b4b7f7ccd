/*
 * Addresses, read once by RFC 3986 and by nothing else: bytes first, then scheme, authority, path
 * and query in the order they stand.
 */
#include "client/address.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>

#include "base/text.h"

enum { HOST_MAX = 253, LABEL_MAX = 63 };

struct span {
    const char *text;
    size_t len;
};

static struct span span_until(const char *text, const char *stops)
{
    return (struct span){.text = text, .len = strcspn(text, stops)};
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of an escape at s, or -1. s is NUL-terminated. */
static int escaped(const char *s)
{
    int high = hex(s[1]);
    int low = high >= 0 ? hex(s[2]) : -1;
    return low >= 0 ? high * 16 + low : -1;
}

static const char *problem_of_escape(const char *s)
{
    int byte = escaped(s);
    if (byte < 0)
        return "holds a '%' that begins no escape";
    return byte < 0x20 || byte == 0x7F ? "holds an escaped control character" : NULL;
}

static const char *problem_of_byte(const char *s)
{
    if (*s <= ' ' || *s > '~')
        return "holds white space, control characters or characters that are not ASCII";
    if (*s == '*')
        return "holds a wildcard";
    if (*s == '#')
        return "has a fragment";
    if (strchr("\\\"<>^`{|}", *s) != NULL)
        return "holds a character that no address may hold (RFC 3986)";
    return *s == '%' ? problem_of_escape(s) : NULL;
}

static const char *problem_of_bytes(const char *address)
{
    const char *problem = NULL;
    for (const char *s = address; *s != '\0' && problem == NULL; s++)
        problem = problem_of_byte(s);
    return problem;
}

/* --- host ---------------------------------------------------------------------------------- */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits and inner hyphens (RFC 1123 section 2.1). */
static bool is_label(const char *s, size_t len)
{
    if (len == 0 || len > LABEL_MAX || s[0] == '-' || s[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_letter_or_digit(s[i]) && s[i] != '-')
            return false;
    return true;
}

/* A last label that begins with a digit would be read as a number by some: 127.1, 0x7f.1. */
static bool is_host_name(const char *host)
{
    const char *label = host;
    for (;;) {
        size_t len = strcspn(label, ".");
        if (!is_label(label, len))
            return false;
        if (label[len] == '\0')
            return label[0] < '0' || label[0] > '9';
        label += len + 1;
    }
}

enum host_kind { HOST_BAD, HOST_NAME, HOST_LITERAL, HOST_LOOPBACK };

static enum host_kind kind_of_v6(const char *host, size_t len)
{
    char inner[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    static const unsigned char loopback[16] = {[15] = 1};
    if (len < 4 || host[len - 1] != ']' || len - 2 >= sizeof(inner))
        return HOST_BAD;
    memcpy(inner, host + 1, len - 2);
    inner[len - 2] = '\0';
    if (inet_pton(AF_INET6, inner, bytes) != 1)
        return HOST_BAD;
    return memcmp(bytes, loopback, sizeof(loopback)) == 0 ? HOST_LOOPBACK : HOST_LITERAL;
}

static enum host_kind kind_of_host(const struct span *span)
{
    char host[HOST_MAX + 1];
    unsigned char bytes[4];
    if (span->len == 0 || span->len > HOST_MAX)
        return HOST_BAD;
    if (span->text[0] == '[')
        return kind_of_v6(span->text, span->len);
    memcpy(host, span->text, span->len);
    host[span->len] = '\0';
    if (inet_pton(AF_INET, host, bytes) == 1)
        return bytes[0] == 127 ? HOST_LOOPBACK : HOST_LITERAL;
    return is_host_name(host) ? HOST_NAME : HOST_BAD;
}

/* Nothing, or ':' and 1 to 65535 without leading zero. */
static bool is_port(const char *s, size_t len)
{
    char digits[6];
    int64_t port = 0;
    if (len == 0)
        return true;
    if (s[0] != ':' || len < 2 || len > sizeof(digits) || s[1] == '0')
        return false;
    memcpy(digits, s + 1, len - 1);
    digits[len - 1] = '\0';
    return text_to_number(digits, 1, 65535, &port);
}

static const char *problem_of_authority(const struct span *authority, bool plain,
                                        const struct address_rules *rules)
{
    if (memchr(authority->text, '@', authority->len) != NULL)
        return "holds a user name";
    const char *s = authority->text;
    struct span host = {.text = s, .len = strcspn(s, s[0] == '[' ? "]/?" : ":/?")};
    if (s[0] == '[' && s[host.len] == ']')
        host.len++;
    enum host_kind kind = kind_of_host(&host);
    if (kind == HOST_BAD)
        return "has no host, or one that is not written in its usual form";
    if (!is_port(s + host.len, authority->len - host.len))
        return "has a port that is none";
    if (plain && (!rules->development || kind != HOST_LOOPBACK))
        return rules->development ? "may use http with a loopback literal such as 127.0.0.1 only"
                                  : "must begin with https://";
    return NULL;
}

/* --- path and query ------------------------------------------------------------------------ */

/* "." and "..", also with what some servers cut off behind a semicolon. */
static bool is_dot_segment(const char *s, size_t len)
{
    size_t dots = strspn(s, ".");
    return (dots == 1 || dots == 2) && (dots == len || s[dots] == ';');
}

static const char *problem_of_path(const struct span *path)
{
    const char *end = path->text + path->len;
    for (const char *s = path->text; s < end; s++) {
        int byte = *s == '%' ? escaped(s) : -1;
        if (byte == '/' || byte == '\\' || byte == '.' || byte == '%' || byte == ';')
            return "has an escaped separator in its path";
        if (*s != '/')
            continue;
        if (is_dot_segment(s + 1, strcspn(s + 1, "/?")))
            return "has a '.' or '..' in its path";
    }
    return NULL;
}

const char *address_problem(const char *address, const struct address_rules *rules)
{
    size_t len = strlen(address);
    if (len == 0 || len > ADDRESS_MAX)
        return "is empty or longer than 2048 bytes";
    const char *problem = problem_of_bytes(address);
    if (problem != NULL)
        return problem;
    bool plain = text_starts(address, "http://");
    if (!plain && !text_starts(address, "https://"))
        return "must begin with https://";
    const struct span authority = span_until(strchr(address, ':') + 3, "/?");
    problem = problem_of_authority(&authority, plain, rules);
    if (problem != NULL)
        return problem;
    const struct span path = span_until(authority.text + authority.len, "?");
    return problem_of_path(&path);
}

/* Decodes a parameter's name as a form parser would; what does not fit is no name of ours. */
static size_t decode_name(const struct span *pair, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < pair->len && pair->text[i] != '=' && n < size; i++) {
        if (pair->text[i] == '%') {
            out[n++] = (char)escaped(pair->text + i);
            i += 2;
        } else {
            out[n++] = pair->text[i];
        }
    }
    return n;
}

static bool is_of_the_response(const struct span *pair)
{
    static const char *const ours[] = {
        "code",     "state",    "iss",   "error",      "error_uri",  "access_token",
        "id_token", "response", "scope", "expires_in", "token_type", "error_description"};
    char name[32];
    size_t len = decode_name(pair, name, sizeof(name));
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        if (strlen(ours[i]) == len && memcmp(ours[i], name, len) == 0)
            return true;
    return false;
}

const char *address_redirect_problem(const char *address, const struct address_rules *rules)
{
    const char *problem = address_problem(address, rules);
    const char *query = problem == NULL ? strchr(address, '?') : NULL;
    while (query != NULL) {
        const struct span pair = span_until(query + 1, "&;");
        if (is_of_the_response(&pair))
            return "has a parameter in its query that belongs to the answer";
        query = pair.text[pair.len] != '\0' ? pair.text + pair.len : NULL;
    }
    return problem;
}
