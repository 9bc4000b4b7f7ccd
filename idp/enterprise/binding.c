#include "enterprise/binding.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/random.h"
#include "base/refusal.h"
#include "enterprise/reasons.h"
#include "pki/lock/verify.h"
#include "pki/trust/trust.h"
#include "store/sql.h"

enum { ID_BYTES = 16, HASH_TEXT = BASE64URL_LEN(32) + 1 };

static const char *hash_text(struct arena *arena, const unsigned char hash[LOCK_HASH_SIZE])
{
    char text[HASH_TEXT];
    base64url_encode(hash, LOCK_HASH_SIZE, text);
    return arena_strdup(arena, text);
}

/* What the certificate says, as a lock's row holds it. id stays NULL. */
static enum idp_err describe(struct arena *arena, const struct lock_identity *identity,
                             struct lock *out)
{
    struct lock lock = {
        .authority = identity->authority->id,
        .key_hash = hash_text(arena, identity->key_hash),
        .key_number = identity->key_number,
        .certificate_hash = hash_text(arena, identity->certificate_hash),
        .serial = identity->serial,
        .not_after = identity->not_after,
        .primary = true,
    };
    if (lock.key_hash == NULL || lock.certificate_hash == NULL)
        return IDP_FAULT;
    *out = lock;
    return IDP_OK;
}

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* How a lock of the record stands to the lock presented. LEFT_KEY: it is that lock, and was
 * unbound; the others are bound. */
enum relation {
    STRANGER,
    SAME_KEY,
    SAME_KEY_NUMBER,
    SAME_AUTHORITY,
    OTHER_AUTHORITY,
    MOVED_KEY,
    LEFT_KEY,
};

static enum relation relate(const struct holder *h, const struct lock *presented, const char *uscc)
{
    bool authority = same_text(h->lock.authority, presented->authority);
    bool key = authority && same_text(h->lock.key_hash, presented->key_hash);
    bool company = same_text(h->enterprise.uscc, uscc);
    if (h->lock.unbound)
        return key && company ? LEFT_KEY : STRANGER;
    if (!company)
        return key ? MOVED_KEY : STRANGER;
    if (key)
        return SAME_KEY;
    if (!authority)
        return OTHER_AUTHORITY;
    /* A renewal goes forward: the certificate that was replaced does not come back by its number.
     */
    bool renewal = same_text(h->lock.key_number, presented->key_number) &&
                   presented->not_after > h->lock.not_after;
    return renewal ? SAME_KEY_NUMBER : SAME_AUTHORITY;
}

/* What the record knows of the lock presented. */
struct search {
    struct lock presented;
    struct holders related;
    const struct holder *match;   /* the binding, or NULL */
    const struct holder *nearest; /* another bound lock of the same USCC or key, or NULL */
    enum relation relation;       /* of match or nearest */
    bool left;                    /* the lock presented was bound to this company, and unbound */
};

/* A key that moved, or that was unbound, is not taken for a renewal by its number. */
static void settle(struct search *s, const char *uscc)
{
    static const int weight[] = {
        [STRANGER] = 0,        [LEFT_KEY] = 0,  [OTHER_AUTHORITY] = 1, [SAME_AUTHORITY] = 2,
        [SAME_KEY_NUMBER] = 3, [MOVED_KEY] = 4, [SAME_KEY] = 5};
    for (size_t i = 0; i < s->related.count; i++) {
        const struct holder *h = &s->related.holders[i];
        enum relation r = relate(h, &s->presented, uscc);
        s->left = s->left || r == LEFT_KEY;
        if (weight[r] <= weight[s->relation])
            continue;
        s->relation = r;
        s->match = r == SAME_KEY || r == SAME_KEY_NUMBER ? h : NULL;
        s->nearest = h;
    }
    if (s->relation == SAME_KEY_NUMBER && s->left) {
        s->relation = LEFT_KEY;
        s->match = NULL;
    }
}

static struct holder_key key_of(const struct lock_identity *identity, const struct lock *presented)
{
    return (struct holder_key){
        .uscc = identity->uscc, .authority = presented->authority, .key_hash = presented->key_hash};
}

static enum idp_err search(struct sql *db, struct arena *arena,
                           const struct lock_identity *identity, struct search *out)
{
    *out = (struct search){.relation = STRANGER};
    enum idp_err err = describe(arena, identity, &out->presented);
    const struct holder_key key = key_of(identity, &out->presented);
    if (err == IDP_OK)
        err = holders_related(db, arena, &key, &out->related);
    if (err == IDP_NOT_FOUND)
        return IDP_OK; /* nothing is related: a stranger */
    if (err == IDP_OK)
        settle(out, identity->uscc);
    return err;
}

static enum idp_err refuse(struct refusal *why, const struct reason *reason,
                           const struct lock_identity *identity, const char *name)
{
    refusal_fact(why, "authority", identity->authority->id);
    refusal_fact(why, "authority_zh", identity->authority->name_zh);
    refusal_fact(why, "authority_en", identity->authority->name_en);
    refusal_fact(why, "authority_phone", identity->authority->phone);
    refusal_fact(why, "uscc", identity->uscc);
    refusal_fact(why, "name", name);
    return refusal_set(why, reason);
}

/* The reason when a bound lock of the company stands in the way of this one. A lock that is over
 * has a successor; one that is still good has a sister. */
static const struct reason *standing_in_the_way(const struct search *s, int64_t now)
{
    if (s->relation == OTHER_AUTHORITY)
        return &enterprise_other_authority;
    bool follows =
        s->relation == MOVED_KEY || s->relation == LEFT_KEY || s->nearest->lock.not_after <= now;
    return follows ? &enterprise_renewal_unproved : &enterprise_uscc_has_lock;
}

/* The holder as the newest certificate tells it: the one presented, or the one seen before. */
static struct recognised recognise(const struct holder *match, const struct lock *presented,
                                   const struct lock_identity *identity)
{
    struct recognised r = {.holder = *match};
    bool same = same_text(match->lock.certificate_hash, presented->certificate_hash);
    if (!same && presented->not_after < match->lock.not_after) {
        r.former = presented->certificate_hash;
        return r;
    }
    r.renewed = !same;
    r.renamed = !same_text(match->enterprise.name, identity->name);
    r.holder.lock = *presented;
    r.holder.lock.id = match->lock.id;
    r.holder.lock.primary = match->lock.primary;
    r.holder.lock.rights_ended = match->lock.rights_ended;
    r.holder.enterprise.name = identity->name;
    return r;
}

enum idp_err binding_recognise(struct sql *db, struct arena *arena,
                               const struct lock_identity *identity, int64_t now,
                               struct refusal *why, struct recognised *out)
{
    struct search s;
    enum idp_err err = search(db, arena, identity, &s);
    if (err != IDP_OK)
        return err;
    if (s.match == NULL && s.nearest == NULL)
        return refuse(why, &enterprise_not_bound, identity, NULL);
    if (s.match == NULL)
        return refuse(why, standing_in_the_way(&s, now), identity, NULL);
    if (s.match->enterprise.suspended)
        return refuse(why, &enterprise_suspended, identity, s.match->enterprise.name);

    *out = recognise(s.match, &s.presented, identity);
    return IDP_OK;
}

enum idp_err binding_find(struct sql_tx *tx, struct arena *arena,
                          const struct lock_identity *identity, struct recognised *out)
{
    struct lock presented;
    struct holders bound;
    enum idp_err err = describe(arena, identity, &presented);
    if (err != IDP_OK)
        return err;
    const struct holder_key key = key_of(identity, &presented);
    err = holders_bound(tx, arena, &key, &bound);
    if (err == IDP_OK && bound.holders[0].enterprise.suspended)
        return IDP_NOT_FOUND;
    if (err == IDP_OK)
        *out = recognise(&bound.holders[0], &presented, identity);
    return err;
}

enum idp_err binding_renew(struct sql_tx *tx, struct arena *arena,
                           const struct recognised *recognised, int64_t now)
{
    const struct lock *lock = &recognised->holder.lock;
    enum idp_err err = IDP_OK;
    if (recognised->former != NULL)
        err = lock_use_former(tx, arena, lock->id, recognised->former);
    if (recognised->renewed)
        err = lock_renew(tx, lock);
    if (err == IDP_OK && recognised->renamed)
        err = enterprise_rename(tx, recognised->holder.enterprise.id,
                                recognised->holder.enterprise.name, now);
    return err;
}

enum idp_err binding_may_begin(struct sql *db, struct arena *arena,
                               const struct lock_identity *identity, int64_t now,
                               struct refusal *why)
{
    struct search s;
    enum idp_err err = search(db, arena, identity, &s);
    if (err != IDP_OK)
        return err;
    if (s.match != NULL)
        return refuse(why, &enterprise_already_bound, identity, s.match->enterprise.name);
    if (s.nearest != NULL)
        return refuse(why, standing_in_the_way(&s, now), identity, NULL);
    return IDP_OK;
}

/* Whether the key is bound to any company: one key stands for one. */
static enum idp_err check_key(struct sql_tx *tx, struct arena *arena, const struct lock *lock)
{
    struct sql_rows rows;
    const struct sql_value params[] = {sql_text(lock->authority), sql_text(lock->key_hash)};
    enum idp_err err =
        sql_run(tx, arena,
                &(struct sql_call){"SELECT id FROM locks WHERE authority = $1 AND key_hash = $2 "
                                   "AND unbound IS NULL",
                                   params, 2},
                &rows, NULL);
    return err == IDP_OK && rows.rows > 0 ? IDP_CONFLICT : err;
}

/* The record of this USCC, if it has one, and whether a lock is bound to it. */
static enum idp_err find_record(struct sql_tx *tx, struct arena *arena, const char *uscc,
                                const char **id)
{
    struct sql_rows rows;
    const struct sql_value param = sql_text(uscc);
    enum idp_err err =
        sql_run(tx, arena,
                &(struct sql_call){"SELECT e.id, (SELECT COUNT(*) FROM locks l WHERE "
                                   "l.enterprise = e.id AND l.unbound IS NULL) "
                                   "FROM enterprises e WHERE e.uscc = $1",
                                   &param, 1},
                &rows, NULL);
    if (err != IDP_OK)
        return err;
    *id = rows.rows > 0 ? sql_cell_text(&rows, 0, 0) : NULL;
    return rows.rows > 0 && sql_cell_int(&rows, 0, 1) > 0 ? IDP_CONFLICT : IDP_OK;
}

enum idp_err binding_make(struct sql_tx *tx, struct arena *arena,
                          const struct lock_identity *identity, const struct binding_form *form,
                          int64_t now, struct holder *out)
{
    struct holder h = {
        .enterprise =
            {
                .uscc = identity->uscc,
                .name = identity->name,
                .city = form->city,
                .legal_representative = form->legal_representative,
                .phone = form->phone,
                .address = form->address,
                .email = form->email,
                .entity_types = form->entity_types,
            },
    };
    const char *id = NULL;
    enum idp_err err = describe(arena, identity, &h.lock);
    if (err == IDP_OK)
        err = check_key(tx, arena, &h.lock);
    if (err == IDP_OK)
        err = find_record(tx, arena, identity->uscc, &id);
    if (err != IDP_OK)
        return err;
    h.lock.id = random_text(arena, ID_BYTES);
    h.enterprise.id = id != NULL ? id : random_text(arena, ID_BYTES);
    if (h.lock.id == NULL || h.enterprise.id == NULL)
        return IDP_FAULT;
    err = id != NULL ? enterprise_update(tx, &h.enterprise, now)
                     : enterprise_insert(tx, &h.enterprise, now);
    if (err == IDP_OK)
        err = lock_insert(tx, arena, h.enterprise.id, now, &h.lock);
    if (err == IDP_OK)
        *out = h;
    return err;
}
