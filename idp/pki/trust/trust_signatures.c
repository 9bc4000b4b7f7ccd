/*
 * The signatures of trust managers. Everything in the document is a stranger's word until a
 * signature by a pinned key over the list's own bytes has been verified.
 */
#include "pki/trust/trust_signatures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/random.h"
#include "base/refusal.h"
#include "base/text.h"
#include "pki/lock/leaf.h"
#include "pki/lock/lock_answer.h"
#include "pki/lock/lock_message.h"
#include "pki/trust/reading.h"
#include "pki/trust/trust.h"

enum { PART = BASE64URL_LEN(DIGEST_SIZE), RSA_BITS_MIN = 2048, ORIGIN_MAX = 1024 };

static const char purpose[] = "trust.";

static const char *const fault_texts[] = {
    [TRUST_NO_FAULT] = "counts",
    [TRUST_ANSWER_MALFORMED] = "is no answer of a lock",
    [TRUST_CHALLENGE_MALFORMED] = "the challenge is malformed",
    [TRUST_NO_CERTIFICATE] = "the certificate or its key is none that a lock has",
    [TRUST_KEY_WEAK] = "the key is too weak",
    [TRUST_KEY_UNKNOWN] = "the key is no trust manager's",
    [TRUST_OTHER_ORIGIN] = "it was given for another issuer",
    [TRUST_OTHER_LIST] = "it was given for another text of the list",
    [TRUST_SIGNATURE_BAD] = "the signature is not that of the certificate's key",
    [TRUST_KEY_TWICE] = "the same key has signed already",
};

const char *trust_fault_text(enum trust_fault fault)
{
    return fault_texts[fault];
}

/* --- the document --------------------------------------------------------------------------- */

struct entry {
    const char *origin, *challenge;
    json_t *answer; /* borrowed from the document */
};

struct document {
    int format;
    struct {
        struct entry *list;
        size_t count;
    } entries;
};

static enum idp_err read_answer(struct reading *reading, const struct member *member, json_t *value,
                                void *field)
{
    (void)member;
    if (!json_is_object(value))
        return reading_wrong(reading, "the answer of a lock, an object");
    *(json_t **)field = value;
    return IDP_OK;
}

static const char *const formats[] = {"tamga-trust-signatures:1", NULL};

static const struct member entry_members[] = {
    {"origin", .required = true, .read = reading_text, .offset = offsetof(struct entry, origin),
     .min = 1, .max = ORIGIN_MAX},
    {"challenge", .required = true, .read = reading_text,
     .offset = offsetof(struct entry, challenge), .max = 256},
    {"answer", .required = true, .read = read_answer, .offset = offsetof(struct entry, answer)},
    {.name = NULL},
};

static const struct member entry_item = {.read = reading_object, .table = entry_members};

static const struct member document_members[] = {
    {"format", .required = true, .read = reading_name, .offset = offsetof(struct document, format),
     .names = formats},
    {"signatures", .required = true, .read = reading_list,
     .offset = offsetof(struct document, entries), .max = TRUST_SIGNATURES_MAX, .item = &entry_item,
     .size = sizeof(struct entry)},
    {.name = NULL},
};

static void drop_json(void *json)
{
    json_decref(json);
}

static enum idp_err read_document(struct arena *arena, const struct trust_signatures *text,
                                  char **why, struct document *out)
{
    struct reading reading = {.arena = arena, .notes = arena};
    json_t *json = json_loadb(text->text, text->len, JSON_REJECT_DUPLICATES, NULL);
    enum idp_err err = json != NULL ? IDP_OK : reading_wrong(&reading, "a JSON document");
    if (err == IDP_OK && arena_own(arena, json, drop_json) == NULL)
        err = IDP_FAULT;
    if (err == IDP_OK)
        err = reading_members(&reading, document_members, json, out);
    if (err != IDP_BAD_REQUEST)
        return err;
    *why = reading_line(text->name, &reading.mistakes[0]);
    return *why != NULL ? err : IDP_FAULT;
}

/* --- keys ----------------------------------------------------------------------------------- */

static enum idp_err blame(enum trust_fault *fault, enum trust_fault which)
{
    *fault = which;
    return IDP_REFUSED;
}

/* The certificate only carries the key: who issued it, for what and for how long is not asked. */
static enum idp_err find_key(const unsigned char *certificate, size_t len, enum trust_fault *fault,
                             struct leaf **out)
{
    enum pki_reason reason = PKI_SHAPE;
    struct leaf *leaf = NULL;
    enum idp_err err = leaf_parse(certificate, len, &reason, &leaf);
    if (err == IDP_REFUSED)
        return blame(fault, TRUST_NO_CERTIFICATE);
    if (err != IDP_OK)
        return err;
    if (leaf->kind == LOCK_KEY_RSA && EVP_PKEY_get_bits(leaf->key) < RSA_BITS_MIN) {
        leaf_release(leaf);
        return blame(fault, TRUST_KEY_WEAK);
    }
    *out = leaf;
    return IDP_OK;
}

enum idp_err trust_signatures_key(const unsigned char *certificate, size_t len,
                                  enum trust_fault *fault, unsigned char out[DIGEST_SIZE])
{
    struct leaf *leaf = NULL;
    enum idp_err err = find_key(certificate, len, fault, &leaf);
    if (err == IDP_OK)
        memcpy(out, leaf->key_hash, DIGEST_SIZE);
    leaf_release(leaf);
    return err;
}

static bool is_pinned(const struct trust_managers *managers, const unsigned char *key)
{
    for (size_t i = 0; i < managers->count; i++)
        if (memcmp(managers->keys[i], key, DIGEST_SIZE) == 0)
            return true;
    return managers->any_key;
}

/* --- challenges ----------------------------------------------------------------------------- */

/* "." and 32 bytes as base64url. */
static bool is_part(const char *text)
{
    size_t n = 0;
    unsigned char bytes[DIGEST_SIZE];
    return base64url_decode(text, PART, bytes, sizeof(bytes), &n) == IDP_OK && n == sizeof(bytes);
}

static bool is_challenge(const char *text)
{
    size_t begins = strlen(purpose);
    return strlen(text) == TRUST_CHALLENGE_SIZE - 1 && text_starts(text, purpose) &&
           is_part(text + begins) && text[begins + PART] == '.' &&
           is_part(text + begins + PART + 1);
}

/* The list's hash as a challenge for this key ends with it. */
static enum idp_err hash_list(const struct leaf *leaf, const struct trust *trust,
                              char out[PART + 1])
{
    unsigned char hash[DIGEST_SIZE];
    enum idp_err err = digest(leaf_digest(leaf), trust->document, trust->document_len, hash);
    if (err == IDP_OK)
        base64url_encode(hash, DIGEST_SIZE, out);
    return err;
}

enum idp_err trust_signatures_challenge(const struct trust *trust, const unsigned char *certificate,
                                        size_t len, enum trust_fault *fault,
                                        char out[TRUST_CHALLENGE_SIZE])
{
    unsigned char random[DIGEST_SIZE];
    char nonce[PART + 1];
    char hash[PART + 1];
    struct leaf *leaf = NULL;
    enum idp_err err = find_key(certificate, len, fault, &leaf);
    if (err == IDP_OK)
        err = hash_list(leaf, trust, hash);
    if (err == IDP_OK)
        err = random_bytes(random, sizeof(random));
    leaf_release(leaf);
    if (err != IDP_OK)
        return err;
    base64url_encode(random, sizeof(random), nonce);
    (void)snprintf(out, TRUST_CHALLENGE_SIZE, "%s%s.%s", purpose, nonce, hash);
    return IDP_OK;
}

/* --- one signature -------------------------------------------------------------------------- */

struct judging {
    const struct trust_managers *managers;
    const struct trust *trust;
    struct arena *arena;
};

static bool has_signed(const struct judging *j, const struct leaf *leaf, const struct entry *entry,
                       const struct lock_answer *answer)
{
    unsigned char m[LOCK_MESSAGE_SIZE];
    /* The origin is the installation's own, never the document's. */
    return lock_message_write(leaf, j->managers->origin, entry->challenge, m) == IDP_OK &&
           leaf_has_signed(leaf, answer->algorithm, m, sizeof(m), answer->signature,
                           answer->signature_len);
}

static enum idp_err judge_with_key(const struct judging *j, const struct leaf *leaf,
                                   const struct entry *entry, const struct lock_answer *answer,
                                   enum trust_fault *fault)
{
    char hash[PART + 1];
    enum idp_err err = hash_list(leaf, j->trust, hash);
    if (err != IDP_OK)
        return err;
    if (!is_pinned(j->managers, leaf->key_hash))
        return blame(fault, TRUST_KEY_UNKNOWN);
    if (strcmp(entry->origin, j->managers->origin) != 0)
        return blame(fault, TRUST_OTHER_ORIGIN);
    if (!text_same_secret_string(entry->challenge + TRUST_CHALLENGE_SIZE - 1 - PART, hash))
        return blame(fault, TRUST_OTHER_LIST);
    return has_signed(j, leaf, entry, answer) ? IDP_OK : blame(fault, TRUST_SIGNATURE_BAD);
}

/* Sets what speaks against the signature. Returns IDP_OK, also when something does; IDP_FAULT. */
static enum idp_err judge(const struct judging *j, const struct entry *entry,
                          struct trust_signature *out)
{
    struct leaf *leaf = NULL;
    struct lock_answer answer;
    struct refusal refusal = {.reason = NULL};
    enum idp_err err = lock_answer_read(j->arena, entry->answer, &refusal, &answer);
    *out = (struct trust_signature){.fault = TRUST_NO_FAULT};
    if (err == IDP_REFUSED)
        out->fault = TRUST_ANSWER_MALFORMED;
    if (err == IDP_OK && !is_challenge(entry->challenge))
        err = blame(&out->fault, TRUST_CHALLENGE_MALFORMED);
    if (err == IDP_OK)
        err = find_key(answer.certificate, answer.certificate_len, &out->fault, &leaf);
    if (err == IDP_OK) {
        out->has_key = true;
        memcpy(out->key, leaf->key_hash, DIGEST_SIZE);
        err = judge_with_key(j, leaf, entry, &answer, &out->fault);
    }
    leaf_release(leaf);
    return err == IDP_REFUSED ? IDP_OK : err;
}

/* Of two that would count by the same key, the first does. */
static void refuse_second(struct trust_signature_list *all, struct trust_signature *one)
{
    for (size_t i = 0; one->fault == TRUST_NO_FAULT && i < all->count; i++)
        if (all->list[i].fault == TRUST_NO_FAULT &&
            memcmp(all->list[i].key, one->key, DIGEST_SIZE) == 0)
            one->fault = TRUST_KEY_TWICE;
}

/* --- all of them ---------------------------------------------------------------------------- */

static enum idp_err judge_all(const struct judging *j, const struct document *document,
                              struct trust_signature_list *out)
{
    for (out->count = 0; out->count < document->entries.count; out->count++) {
        struct trust_signature *one = &out->list[out->count];
        enum idp_err err = judge(j, &document->entries.list[out->count], one);
        if (err != IDP_OK)
            return err;
        refuse_second(out, one);
    }
    return IDP_OK;
}

enum idp_err trust_signatures_judge(const struct trust_managers *managers,
                                    const struct trust_signatures *document,
                                    const struct trust *trust, char **why,
                                    struct trust_signature_list *out)
{
    struct document read = {.format = 0};
    const struct judging j = {managers, trust, arena_new()};
    *why = NULL;
    enum idp_err err = j.arena != NULL ? read_document(j.arena, document, why, &read) : IDP_FAULT;
    if (err == IDP_OK)
        err = judge_all(&j, &read, out);
    arena_free(j.arena);
    return err;
}

/* Tells of each signature that does not count. */
static enum idp_err too_few(const struct trust_managers *managers, const char *name, size_t good,
                            const struct trust_signature_list *all, char **why)
{
    size_t size = strlen(name) + 128 + all->count * 192;
    char *text = malloc(size);
    if (text == NULL)
        return IDP_FAULT;
    int n = snprintf(text, size, "%s: expected signatures of %zu trust managers, %zu of %zu count",
                     name, managers->needed, good, all->count);
    for (size_t i = 0; i < all->count; i++) {
        char key[PART + 1] = "";
        const struct trust_signature *one = &all->list[i];
        if (one->fault == TRUST_NO_FAULT)
            continue;
        if (one->has_key)
            base64url_encode(one->key, DIGEST_SIZE, key);
        n += snprintf(text + n, size - (size_t)n, "; signatures[%zu]%s%s: %s", i,
                      one->has_key ? " by " : "", key, trust_fault_text(one->fault));
    }
    *why = text;
    return IDP_BAD_REQUEST;
}

enum idp_err trust_signatures_demand(const struct trust_managers *managers,
                                     const struct trust_signatures *document, struct trust *trust,
                                     char **why)
{
    size_t good = 0;
    struct trust_signature_list all;
    if (managers->any_key || managers->needed < TRUST_MANAGERS_MIN)
        return IDP_FAULT; /* never: the settings have managers */
    enum idp_err err = trust_signatures_judge(managers, document, trust, why, &all);
    if (err != IDP_OK)
        return err;
    for (size_t i = 0; i < all.count; i++)
        good += all.list[i].fault == TRUST_NO_FAULT;
    if (good < managers->needed)
        return too_few(managers, document->name, good, &all, why);
    return trust_keep_signatures(trust, document->text, document->len);
}

/* --- beside the list ------------------------------------------------------------------------ */

/* What was said of the file, and what it would be. */
static enum idp_err missing(const char *said, char **why)
{
    static const char rest[] = ": there two trust managers sign the list (tamgactl trust sign)";
    size_t size = strlen(said) + sizeof(rest);
    *why = malloc(size);
    if (*why == NULL)
        return IDP_FAULT;
    (void)snprintf(*why, size, "%s%s", said, rest);
    return IDP_BAD_REQUEST;
}

static enum idp_err demand_of_file(const struct trust_managers *managers, const char *path,
                                   struct trust *trust, char **why)
{
    struct file_bytes file = {.bytes = NULL};
    char *said = NULL;
    enum idp_err err = file_read(path, FILE_ANY, TRUST_SIGNATURES_FILE_MAX, &said, &file);
    const struct trust_signatures document = {path, file.bytes, file.len};
    if (err == IDP_OK)
        err = trust_signatures_demand(managers, &document, trust, why);
    else if (err != IDP_FAULT)
        err = missing(said != NULL ? said : path, why);
    free(said);
    file_drop(&file);
    return err;
}

enum idp_err trust_signatures_load(const struct trust_managers *managers, const char *path,
                                   char **why, struct trust **out)
{
    struct trust *trust = NULL;
    size_t size = strlen(path) + sizeof(TRUST_SIGNATURES_SUFFIX);
    char *beside = malloc(size);
    *why = NULL;
    if (beside == NULL)
        return IDP_FAULT;
    (void)snprintf(beside, size, "%s" TRUST_SIGNATURES_SUFFIX, path);
    enum idp_err err = trust_load(path, why, &trust);
    if (err == IDP_OK)
        err = demand_of_file(managers, beside, trust, why);
    free(beside);
    if (err == IDP_OK)
        *out = trust;
    else
        trust_free(trust);
    return err;
}
