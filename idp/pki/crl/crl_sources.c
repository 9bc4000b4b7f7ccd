#include "pki/crl/crl_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/digest.h"
#include "base/text.h"
#include "pki/crl/crl_files.h"

static const char ending[] = ".source";
enum { HASH_DIGITS = 2 * DIGEST_SIZE, NAME_SIZE = HASH_DIGITS + 8 };
_Static_assert(NAME_SIZE == HASH_DIGITS + sizeof(ending), "a name is a hash and the ending");

struct crl_source *crl_source_new(const char *authority, const char *url)
{
    struct crl_source *source = calloc(1, sizeof(*source));
    if (source == NULL)
        return NULL;
    (void)snprintf(source->authority, sizeof(source->authority), "%s", authority);
    (void)snprintf(source->url, sizeof(source->url), "%s", url);
    return source;
}

static void set_validator(char out[NET_VALIDATOR_MAX + 1], const char *text)
{
    bool fits = text != NULL && text_is_clean_utf8(text, strlen(text));
    (void)snprintf(out, NET_VALIDATOR_MAX + 1, "%s", fits ? text : "");
}

void crl_source_note(struct crl_source *source, const unsigned char list[DIGEST_SIZE],
                     const char *etag, const char *last_modified)
{
    source->has_list = true;
    memcpy(source->list, list, DIGEST_SIZE);
    set_validator(source->etag, etag);
    set_validator(source->last_modified, last_modified);
}

/* Named by what it is about: nothing of an address gets into a path. */
static bool name_of(const struct crl_source *source, char name[NAME_SIZE])
{
    unsigned char hash[DIGEST_SIZE];
    const struct digest_piece pieces[] = {{source->authority, strlen(source->authority) + 1},
                                          {source->url, strlen(source->url)},
                                          {0}};
    if (digest_pieces(DIGEST_SHA256, pieces, hash) != IDP_OK)
        return false;
    text_to_hex(hash, DIGEST_SIZE, name);
    memcpy(name + HASH_DIGITS, ending, sizeof(ending));
    return true;
}

void crl_source_keep(const struct crl_source *source, const char *folder)
{
    char name[NAME_SIZE];
    char list[2 * DIGEST_SIZE + 1];
    struct crl_draft draft;
    text_to_hex(source->list, DIGEST_SIZE, list);
    if (!name_of(source, name) || crl_draft_begin(folder, &draft) != IDP_OK)
        return;
    json_t *json = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "authority", source->authority,
                             "url", source->url, "fetched", (json_int_t)source->fetched_at, "list",
                             list, "etag", source->etag, "last_modified", source->last_modified);
    if (json != NULL && json_dumpfd(json, draft.fd, JSON_COMPACT) == 0)
        (void)crl_draft_keep_as(&draft, folder, name);
    json_decref(json);
    crl_draft_end(&draft);
}

static void read_into(struct crl_source *source, const json_t *json)
{
    unsigned char hash[DIGEST_SIZE];
    const char *list = json_string_value(json_object_get(json, "list"));
    int64_t fetched = json_integer_value(json_object_get(json, "fetched"));
    if (list == NULL || fetched <= 0 || !text_from_hex(list, hash, DIGEST_SIZE))
        return;
    crl_source_note(source, hash, json_string_value(json_object_get(json, "etag")),
                    json_string_value(json_object_get(json, "last_modified")));
    source->fetched_at = fetched;
}

static bool path_of(const struct crl_source *source, const char *folder, char path[CRL_PATH_MAX])
{
    char name[NAME_SIZE];
    if (!name_of(source, name))
        return false;
    int n = snprintf(path, CRL_PATH_MAX, "%s/%s", folder, name);
    return n > 0 && n < CRL_PATH_MAX;
}

void crl_source_remove(const struct crl_source *source, const char *folder)
{
    char path[CRL_PATH_MAX];
    if (path_of(source, folder, path))
        (void)unlink(path);
}

void crl_source_restore(struct crl_source *source, const char *folder)
{
    char path[CRL_PATH_MAX];
    json_t *json = path_of(source, folder, path) ? json_load_file(path, 0, NULL) : NULL;
    read_into(source, json);
    json_decref(json);
}
