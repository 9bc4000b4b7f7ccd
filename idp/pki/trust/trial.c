#include "pki/trust/trial.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "pki/lock/leaf.h"
#include "pki/lock/profile.h"
#include "pki/lock/uscc.h"
#include "pki/trust/rules.h"
#include "pki/trust/trust.h"

/* --- one certificate by one list ------------------------------------------------------------ */

static bool is_within(int64_t now, int64_t from, int64_t to)
{
    return from <= now && now <= to;
}

/* As a sign-in goes on once the signature is good, save for revocation (pki/lock/verify.h). */
static enum pki_reason reason_of(const struct leaf *leaf, int64_t now)
{
    if (leaf->verdict != PKI_REASONS)
        return leaf->verdict;
    if (now < leaf->not_before)
        return PKI_NOT_YET_VALID;
    if (now > leaf->not_after)
        return PKI_EXPIRED;
    if (!is_within(now, leaf->anchor->not_before, leaf->anchor->not_after))
        return PKI_PATH;
    if (leaf->uscc[0] == '\0')
        return PKI_NO_USCC;
    return uscc_is_valid(leaf->uscc) ? PKI_REASONS : PKI_USCC_CHECK;
}

static enum idp_err keep(struct arena *arena, const struct leaf *leaf, int64_t now,
                         struct trial_reading *out)
{
    *out = (struct trial_reading){
        .reason = reason_of(leaf, now),
        .authority = leaf->authority != NULL ? leaf->authority->id : NULL,
        .field = leaf->field != NULL ? leaf->field->name : NULL,
        .uscc = arena_strdup(arena, leaf->uscc),
        .name = arena_strdup(arena, leaf->name),
        .key_number = arena_strdup(arena, leaf->key_number),
    };
    if (out->reason == PKI_USCC_CHECK)
        out->field = profile_field_uscc.name;
    return out->uscc != NULL && out->name != NULL && out->key_number != NULL ? IDP_OK : IDP_FAULT;
}

static enum idp_err read_by(const struct trust *trust, int64_t now, struct arena *arena,
                            const struct trial_certificate *certificate, struct trial_reading *out)
{
    struct leaf *leaf = NULL;
    *out = (struct trial_reading){.reason = PKI_SHAPE, .uscc = "", .name = "", .key_number = ""};
    enum idp_err err = leaf_parse(certificate->der, certificate->der_len, &out->reason, &leaf);
    if (err == IDP_OK)
        err = leaf_judge(leaf, trust);
    if (err == IDP_OK)
        err = keep(arena, leaf, now, out);
    leaf_release(leaf);
    return err == IDP_REFUSED ? IDP_OK : err;
}

/* --- both ----------------------------------------------------------------------------------- */

static bool is_accepted(const struct trial_reading *reading)
{
    return reading->reason == PKI_REASONS;
}

static bool is_same_identity(const struct trial_reading *a, const struct trial_reading *b)
{
    return strcmp(a->authority, b->authority) == 0 && strcmp(a->uscc, b->uscc) == 0 &&
           strcmp(a->name, b->name) == 0 && strcmp(a->key_number, b->key_number) == 0;
}

static enum trial_change compare(const struct trial_reading *before,
                                 const struct trial_reading *after)
{
    if (is_accepted(before) != is_accepted(after))
        return is_accepted(before) ? TRIAL_LOST : TRIAL_GAINED;
    if (is_accepted(before))
        return is_same_identity(before, after) ? TRIAL_SAME : TRIAL_READ_OTHERWISE;
    return before->reason == after->reason ? TRIAL_SAME : TRIAL_REFUSED_OTHERWISE;
}

enum idp_err trial_read(const struct trial *trial, struct arena *arena,
                        struct trial_certificate *certificate)
{
    enum idp_err err = IDP_OK;
    certificate->before = (struct trial_reading){
        .reason = PKI_AUTHORITY_UNKNOWN, .uscc = "", .name = "", .key_number = ""};
    if (trial->before != NULL)
        err = read_by(trial->before, trial->now, arena, certificate, &certificate->before);
    if (err == IDP_OK)
        err = read_by(trial->after, trial->now, arena, certificate, &certificate->after);
    certificate->change = compare(&certificate->before, &certificate->after);
    return err;
}

/* --- enterprises that would become one ------------------------------------------------------ */

static int by_uscc(const void *a, const void *b)
{
    const struct trial_certificate *one = *(struct trial_certificate *const *)a;
    const struct trial_certificate *other = *(struct trial_certificate *const *)b;
    int order = strcmp(one->after.uscc, other->after.uscc);
    return order != 0 ? order : strcmp(one->hash, other->hash);
}

static bool collide(const struct trial_certificate *one, const struct trial_certificate *other)
{
    bool both = is_accepted(&one->before) && is_accepted(&other->before);
    bool one_uscc = strcmp(one->before.uscc, other->before.uscc) == 0;
    if (both)
        return !one_uscc;
    return strcmp(one->after.name, other->after.name) != 0;
}

enum idp_err trial_collisions(struct arena *arena, struct trial_certificate **list, size_t count,
                              struct trial_collision **out, size_t *found)
{
    size_t n = 0;
    const struct trial_certificate *first = NULL;
    struct trial_collision *collisions = arena_alloc(arena, (count + 1) * sizeof(*collisions));
    if (collisions == NULL)
        return IDP_FAULT;
    qsort(list, count, sizeof(struct trial_certificate *), by_uscc);
    for (size_t i = 0; i < count; i++) {
        if (!is_accepted(&list[i]->after))
            continue;
        if (first == NULL || strcmp(first->after.uscc, list[i]->after.uscc) != 0)
            first = list[i];
        else if (collide(first, list[i]))
            collisions[n++] = (struct trial_collision){first, list[i]};
    }
    *out = collisions;
    *found = n;
    return IDP_OK;
}
