/*
 * What a platform learns. The protocol's own claims are read from the verified ID token only; all
 * others from userinfo first, which is asked later and so is the fresher.
 */
#include "rp/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct kept {
    struct rp_answer open; /* what callers see; first, so that one is the other */
    struct arena *arena;
    const json_t *claims, *userinfo;
};

/* The JSON text of value in the arena, or NULL. */
static const char *dump(struct arena *arena, const json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    return text != NULL ? arena_own(arena, text, free) : NULL;
}

static void drop_json(void *json)
{
    json_decref(json);
}

/* A copy that is the arena's alone; NULL for NULL and when there is no memory. */
static const json_t *keep(struct arena *arena, const json_t *value)
{
    json_t *copy = value != NULL ? json_deep_copy(value) : NULL;
    return copy != NULL ? arena_own(arena, copy, drop_json) : NULL;
}

/* amr (OpenID Connect Core section 2) as a space-separated list; NULL when there is none. */
static const char *join_amr(struct arena *arena, const json_t *claims)
{
    size_t i;
    const json_t *entry;
    const char *list = NULL;
    json_array_foreach(json_object_get(claims, "amr"), i, entry)
    {
        const char *word = json_string_value(entry);
        if (word != NULL)
            list =
                list == NULL ? arena_strdup(arena, word) : arena_printf(arena, "%s %s", list, word);
    }
    return list;
}

/* Copies all into the arena. Returns NULL when there is no memory. */
static struct kept *make(struct arena *arena, const struct rp_tokens *tokens, const json_t *claims,
                         const json_t *userinfo, int64_t now)
{
    struct kept *kept = arena_alloc(arena, sizeof(*kept));
    if (kept == NULL)
        return NULL;
    *kept = (struct kept){
        .open = {.subject = json_string_value(json_object_get(claims, "sub")),
                 .acr = json_string_value(json_object_get(claims, "acr")),
                 .amr = join_amr(arena, claims),
                 .auth_time = json_integer_value(json_object_get(claims, "auth_time")),
                 .expires = tokens->lifetime > 0 ? now + tokens->lifetime : 0,
                 .access_token = arena_strdup(arena, tokens->access_token),
                 .id_token = arena_strdup(arena, tokens->id_token),
                 .claims = dump(arena, claims),
                 .userinfo = dump(arena, userinfo)},
        .arena = arena,
        .claims = claims,
        .userinfo = userinfo,
    };
    const struct rp_answer *open = &kept->open;
    bool whole = open->access_token != NULL && open->id_token != NULL && open->claims != NULL &&
                 (open->userinfo != NULL || userinfo == NULL);
    return whole ? kept : NULL;
}

enum rp_err rp_answer_new(const struct rp_tokens *tokens, const json_t *claims,
                          const json_t *userinfo, int64_t now, struct rp_answer **out)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return RP_FAULT;
    const json_t *own_claims = keep(arena, claims);
    const json_t *own_userinfo = keep(arena, userinfo);
    struct kept *kept = NULL;
    if (own_claims != NULL && (own_userinfo != NULL || userinfo == NULL))
        kept = make(arena, tokens, own_claims, own_userinfo, now);
    if (kept == NULL) {
        arena_free(arena);
        return RP_FAULT;
    }
    *out = &kept->open;
    return RP_OK;
}

static const struct kept *inside(const struct rp_answer *answer)
{
    return (const struct kept *)answer;
}

void rp_answer_free(struct rp_answer *answer)
{
    if (answer != NULL)
        arena_free(inside(answer)->arena);
}

static bool is_protocol(const char *path)
{
    static const char *const names[] = {"iss",   "sub", "aud", "azp", "exp",      "iat",
                                        "nonce", "acr", "amr", "nbf", "auth_time"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], path) == 0)
            return true;
    return false;
}

/* The member that path names: as a whole name, else step by step. */
static const json_t *follow(const json_t *object, const char *path)
{
    const json_t *whole = json_object_get(object, path);
    const char *dot = strchr(path, '.');
    if (whole != NULL || dot == NULL)
        return whole;
    return follow(json_object_getn(object, path, (size_t)(dot - path)), dot + 1);
}

static const json_t *find(const struct rp_answer *answer, const char *path)
{
    const struct kept *kept = inside(answer);
    const json_t *found = is_protocol(path) ? NULL : follow(kept->userinfo, path);
    return found != NULL ? found : follow(kept->claims, path);
}

const char *rp_answer_text(const struct rp_answer *answer, const char *path)
{
    return json_string_value(find(answer, path));
}

const char *rp_answer_item(const struct rp_answer *answer, const char *path, size_t i)
{
    return json_string_value(json_array_get(find(answer, path), i));
}

int64_t rp_answer_number(const struct rp_answer *answer, const char *path, int64_t otherwise)
{
    const json_t *found = find(answer, path);
    return json_is_integer(found) ? json_integer_value(found) : otherwise;
}
