/*
 * The file: a line that names the format, a nonce, what is sealed, and the tag. Sealed are the time
 * of writing and then records, each the name of a kind, how long its value had to live, key and
 * value; the last record has no name. The line is authenticated, too.
 *
 * Reading goes over the file twice, so that no value is used before all have proved to be ours, and
 * not all have to be held at once.
 */
#include "store/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/random.h"
#include "store/kv.h"
#include "store/kv_kinds.h"
#include "store/memory.h"

enum {
    NONCE_SIZE = 12,
    TAG_SIZE = 16,
    NAME_MAX_LEN = 16,
    PIECE = 64 * 1024, /* no smaller than a value may be */
};

static const char format[] = "tamga key-value snapshot 1\n";

enum { HEAD_SIZE = sizeof(format) - 1 + NONCE_SIZE };

/* What stands before a key and a value. */
struct record {
    char name[NAME_MAX_LEN]; /* of the kind, filled up with NULs; empty: the end */
    int64_t left_ms;
    uint32_t key_len, value_len;
};

_Static_assert(sizeof(struct record) == 32, "no padding: a record is written as it is");
_Static_assert((int)PIECE >= (int)KV_VALUE_MAX, "a value is read in one piece");

/* A file that is written or read, and its cipher. */
struct sealed {
    FILE *file;
    EVP_CIPHER_CTX *cipher;
    unsigned char *piece; /* PIECE bytes */
    uint64_t left;        /* reading: sealed bytes that remain */
    size_t count;
};

static void drop_sealed(struct sealed *s)
{
    if (s->file != NULL)
        (void)fclose(s->file);
    EVP_CIPHER_CTX_free(s->cipher);
    if (s->piece != NULL)
        OPENSSL_cleanse(s->piece, PIECE);
    free(s->piece);
}

/* Begins a pass over the sealed part. */
static bool begin(struct sealed *s, const unsigned char *key, const unsigned char *nonce, bool seal)
{
    int n = 0;
    return EVP_CipherInit_ex2(s->cipher, EVP_aes_256_gcm(), key, nonce, seal, NULL) == 1 &&
           EVP_CipherUpdate(s->cipher, NULL, &n, (const unsigned char *)format,
                            sizeof(format) - 1) == 1;
}

static enum idp_err prepare(struct sealed *s)
{
    s->cipher = EVP_CIPHER_CTX_new();
    s->piece = malloc(PIECE);
    return s->cipher != NULL && s->piece != NULL ? IDP_OK : IDP_FAULT;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Seals at most PIECE bytes. */
static bool seal(struct sealed *s, const void *bytes, size_t len)
{
    int n = 0;
    return EVP_CipherUpdate(s->cipher, s->piece, &n, bytes, (int)len) == 1 &&
           fwrite(s->piece, 1, (size_t)n, s->file) == (size_t)n;
}

static enum idp_err write_value(void *with, const struct kv_memory_value *value)
{
    struct sealed *s = with;
    struct record record = {.left_ms = value->left_ms,
                            .key_len = (uint32_t)value->key.len,
                            .value_len = (uint32_t)value->value.len};
    memcpy(record.name, kv_kinds[value->kind].name, strlen(kv_kinds[value->kind].name));
    s->count++;
    return seal(s, &record, sizeof(record)) && seal(s, value->key.bytes, value->key.len) &&
                   seal(s, value->value.bytes, value->value.len)
               ? IDP_OK
               : IDP_UNAVAILABLE;
}

/* The last record, and the tag. */
static bool finish(struct sealed *s)
{
    static const struct record end;
    int n = 0;
    unsigned char tag[TAG_SIZE];
    return seal(s, &end, sizeof(end)) && EVP_CipherFinal_ex(s->cipher, tag, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1 &&
           fwrite(tag, 1, TAG_SIZE, s->file) == TAG_SIZE && fflush(s->file) == 0 &&
           fsync(fileno(s->file)) == 0;
}

static enum idp_err write_all(struct sealed *s, struct kv *kv, const struct snapshot *snapshot)
{
    unsigned char nonce[NONCE_SIZE];
    bool kinds[KV_KINDS];
    for (size_t kind = 0; kind < KV_KINDS; kind++)
        kinds[kind] = kv_kinds[kind].restarts;
    if (random_bytes(nonce, sizeof(nonce)) != IDP_OK || !begin(s, snapshot->key, nonce, true))
        return IDP_FAULT;
    bool good = fwrite(format, 1, sizeof(format) - 1, s->file) == sizeof(format) - 1 &&
                fwrite(nonce, 1, sizeof(nonce), s->file) == sizeof(nonce) &&
                seal(s, &snapshot->now_ms, sizeof(snapshot->now_ms));
    enum idp_err err = good ? kv_memory_each(kv, kinds, write_value, s) : IDP_UNAVAILABLE;
    if (err != IDP_OK)
        return err;
    return finish(s) ? IDP_OK : IDP_UNAVAILABLE;
}

static bool name_draft(char draft[PATH_MAX], const char *path)
{
    int n = snprintf(draft, PATH_MAX, "%s.new", path);
    return n > 0 && n < PATH_MAX;
}

static FILE *open_draft(const char *draft)
{
    (void)unlink(draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (file == NULL && fd >= 0)
        (void)close(fd);
    return file;
}

/* The name lasts when its folder does. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1,
                   slash != NULL ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

enum idp_err snapshot_write(struct kv *kv, const struct snapshot *snapshot, size_t *count)
{
    char draft[PATH_MAX];
    struct sealed s = {.file = NULL};
    if (!name_draft(draft, snapshot->path))
        return IDP_UNAVAILABLE;
    enum idp_err err = prepare(&s);
    if (err == IDP_OK && (s.file = open_draft(draft)) == NULL)
        err = IDP_UNAVAILABLE;
    if (err == IDP_OK)
        err = write_all(&s, kv, snapshot);
    if (err == IDP_OK && rename(draft, snapshot->path) != 0)
        err = IDP_UNAVAILABLE;
    *count = s.count;
    drop_sealed(&s);
    if (err == IDP_OK)
        sync_folder(snapshot->path);
    else
        (void)unlink(draft);
    return err;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Opens the next len bytes, at most PIECE, into out. */
static bool unseal(struct sealed *s, void *out, size_t len)
{
    int n = 0;
    if (len > s->left || len > PIECE || fread(s->piece, 1, len, s->file) != len)
        return false;
    s->left -= len;
    return EVP_CipherUpdate(s->cipher, out, &n, s->piece, (int)len) == 1;
}

/* Whether the tag at the end says that all before it is ours. */
static bool is_ours(struct sealed *s)
{
    int n = 0;
    unsigned char tag[TAG_SIZE];
    unsigned char rest[TAG_SIZE];
    return s->left == 0 && fread(tag, 1, TAG_SIZE, s->file) == TAG_SIZE &&
           EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
           EVP_CipherFinal_ex(s->cipher, rest, &n) == 1;
}

/* Places the file behind the head, at the sealed part. */
static bool rewind_to_sealed(struct sealed *s, const struct snapshot *snapshot)
{
    char line[sizeof(format) - 1];
    unsigned char nonce[NONCE_SIZE];
    struct stat about;
    if (fstat(fileno(s->file), &about) != 0 || about.st_size < HEAD_SIZE + TAG_SIZE ||
        fseek(s->file, 0, SEEK_SET) != 0)
        return false;
    s->left = (uint64_t)about.st_size - HEAD_SIZE - TAG_SIZE;
    return fread(line, 1, sizeof(line), s->file) == sizeof(line) &&
           memcmp(line, format, sizeof(line)) == 0 &&
           fread(nonce, 1, sizeof(nonce), s->file) == sizeof(nonce) &&
           begin(s, snapshot->key, nonce, false);
}

/* The first pass: opens everything, and uses nothing. */
static bool verify(struct sealed *s, const struct snapshot *snapshot, unsigned char *room)
{
    if (!rewind_to_sealed(s, snapshot))
        return false;
    while (s->left > 0)
        if (!unseal(s, room, s->left < PIECE ? (size_t)s->left : PIECE))
            return false;
    return is_ours(s);
}

/* The kind of that name, or KV_KINDS. */
static enum kv_kind find_kind(const char *name)
{
    size_t kind = 0;
    while (kind < KV_KINDS && strcmp(kv_kinds[kind].name, name) != 0)
        kind++;
    return (enum kv_kind)kind;
}

/* Puts a value back that has so long to live. Returns the count that it belongs to. */
static size_t *put_back(struct kv *kv, const struct record *record, struct kv_bytes key,
                        struct kv_bytes value, struct snapshot_read *counts)
{
    char name[NAME_MAX_LEN + 1] = {0};
    memcpy(name, record->name, NAME_MAX_LEN);
    enum kv_kind kind = find_kind(name);
    if (record->left_ms <= 0)
        return &counts->over;
    bool back = kind < KV_KINDS && kv_kinds[kind].restarts &&
                kv->driver->put(kv, kind, key, value, record->left_ms) == IDP_OK;
    return back ? &counts->back : &counts->lost;
}

/* The second pass. What is read was made by us, so its lengths can only be wrong when this program
 * and the one that wrote it do not agree. */
static enum idp_err use(struct sealed *s, struct kv *kv, const struct snapshot *snapshot,
                        unsigned char *room, struct snapshot_read *out)
{
    int64_t written_ms = 0;
    unsigned char key[KV_KEY_MAX];
    struct record record = {.left_ms = 0};
    if (!rewind_to_sealed(s, snapshot) || !unseal(s, &written_ms, sizeof(written_ms)))
        return IDP_DENIED;
    /* A calendar that was set back must not make values live longer than they had to live. */
    int64_t passed_ms = snapshot->now_ms > written_ms ? snapshot->now_ms - written_ms : 0;
    while (unseal(s, &record, sizeof(record)) && record.name[0] != '\0') {
        if (record.key_len == 0 || record.key_len > KV_KEY_MAX || record.value_len > KV_VALUE_MAX ||
            !unseal(s, key, record.key_len) || !unseal(s, room, record.value_len))
            return IDP_DENIED;
        record.left_ms -= passed_ms;
        ++*put_back(kv, &record, (struct kv_bytes){key, record.key_len},
                    (struct kv_bytes){room, record.value_len}, out);
    }
    OPENSSL_cleanse(key, sizeof(key));
    return is_ours(s) ? IDP_OK : IDP_DENIED;
}

/* Opens the file and deletes it: whatever it holds, nobody reads it a second time. */
static enum idp_err open_and_delete(const char *path, FILE **out)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? IDP_NOT_FOUND : IDP_UNAVAILABLE;
    bool ours = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid() &&
                (about.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    bool deleted = unlink(path) == 0;
    sync_folder(path);
    *out = ours && deleted ? fdopen(fd, "rb") : NULL;
    if (*out != NULL)
        return IDP_OK;
    (void)close(fd);
    return ours && deleted ? IDP_FAULT : IDP_DENIED;
}

enum idp_err snapshot_read(struct kv *kv, const struct snapshot *snapshot,
                           struct snapshot_read *out)
{
    struct sealed s = {.file = NULL};
    struct snapshot_read found = {.back = 0};
    unsigned char *room = malloc(PIECE);
    enum idp_err err = room != NULL ? prepare(&s) : IDP_FAULT;
    if (err == IDP_OK)
        err = open_and_delete(snapshot->path, &s.file);
    if (err == IDP_OK && !verify(&s, snapshot, room))
        err = IDP_DENIED;
    if (err == IDP_OK)
        err = use(&s, kv, snapshot, room, &found);
    drop_sealed(&s);
    if (room != NULL)
        OPENSSL_cleanse(room, PIECE);
    free(room);
    if (err == IDP_OK)
        *out = found;
    else if (found.back > 0)
        kv_memory_clear(kv); /* the file was changed between the passes */
    return err;
}

bool snapshot_drop(const char *path)
{
    return unlink(path) == 0;
}
