#include "store/redis_place.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

static const char expected[] = "expected memory:, redis://[USER@]HOST[:PORT][/DATABASE], rediss:// "
                               "of the same form, or redis+unix:[USER@]/PATH";
static const char no_password[] =
    "expected no password in it: that stands in the file that store.kv_password_file names";

static const char usual_port[] = "6379";

/* What is left to be read. */
struct reading {
    const char *at, *end;
    const char *problem;
};

/* Copies [from, to) into out, which has room for most bytes and a NUL. */
static bool copy(const char *from, const char *to, size_t most, char *out)
{
    size_t n = (size_t)(to - from);
    if (n == 0 || n > most)
        return false;
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

static const char *find(const struct reading *r, char c)
{
    return memchr(r->at, c, (size_t)(r->end - r->at));
}

static bool read_user(struct reading *r, struct redis_place *out)
{
    const char *at = find(r, '@');
    if (at == NULL)
        return true;
    if (memchr(r->at, ':', (size_t)(at - r->at)) != NULL) {
        r->problem = no_password;
        return false;
    }
    bool good = copy(r->at, at, REDIS_USER_MAX, out->user);
    r->at = at + 1;
    return good;
}

static bool read_database(struct reading *r, struct redis_place *out)
{
    int64_t n = 0;
    const char *slash = find(r, '/');
    if (slash == NULL)
        return true;
    r->end = slash;
    if (slash[1] == '\0')
        return true; /* redis://host/ */
    if (!text_to_number(slash + 1, 0, REDIS_DATABASE_MAX, &n))
        return false;
    out->database = (int)n;
    return true;
}

static bool read_port(struct reading *r, struct redis_place *out)
{
    int64_t n = 0;
    const char *bracket = find(r, ']');
    const char *from = bracket != NULL ? bracket : r->at;
    const char *colon = memchr(from, ':', (size_t)(r->end - from));
    if (colon == NULL)
        return copy(usual_port, usual_port + strlen(usual_port), sizeof(out->port) - 1, out->port);
    if (!copy(colon + 1, r->end, sizeof(out->port) - 1, out->port))
        return false;
    r->end = colon;
    return text_to_number(out->port, 1, 65535, &n);
}

static bool read_host(struct reading *r, struct redis_place *out)
{
    bool bracketed = r->at < r->end && *r->at == '[';
    if (bracketed && r->end[-1] != ']')
        return false;
    if (!copy(r->at + bracketed, r->end - bracketed, REDIS_HOST_MAX, out->host))
        return false;
    return bracketed || strpbrk(out->host, "[]: ,?#@") == NULL;
}

static bool read_network(struct reading *r, struct redis_place *out)
{
    return read_user(r, out) && read_database(r, out) && read_port(r, out) && read_host(r, out);
}

static bool read_unix(struct reading *r, struct redis_place *out)
{
    if (r->at < r->end && *r->at != '/' && !read_user(r, out))
        return false;
    return r->at < r->end && *r->at == '/' && copy(r->at, r->end, REDIS_PATH_MAX, out->path);
}

enum idp_err redis_place_read(const char *text, const char **problem, struct redis_place *out)
{
    static const struct {
        const char *prefix;
        bool tls;
        bool (*read)(struct reading *r, struct redis_place *out);
    } forms[] = {
        {"redis://", false, read_network},
        {"rediss://", true, read_network},
        {"redis+unix:", false, read_unix},
    };
    struct reading r = {.end = text + strlen(text), .problem = expected};
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        if (!text_starts(text, forms[i].prefix))
            continue;
        struct redis_place place = {.tls = forms[i].tls};
        r.at = text + strlen(forms[i].prefix);
        if (forms[i].read(&r, &place)) {
            *out = place;
            return IDP_OK;
        }
    }
    *problem = r.problem;
    return IDP_BAD_REQUEST;
}
