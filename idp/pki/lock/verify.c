/*
 * The verdict on a lock's answer. The order in which reasons are told stands in verify.h; the
 * order of work is another (docs/decisions/certificates.md): the signature is checked first, so
 * that a stranger without the key buys neither path validation nor a different answer.
 */
#include "pki/lock/verify.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/lane.h"
#include "base/refusal.h"
#include "pki/certificate_time.h"
#include "pki/lock/lock_message.h"
#include "pki/lock/profile.h"
#include "pki/lock/uscc.h"
#include "pki/revocation/inquiry.h"
#include "pki/state.h"

/* What lock_prepare() found; the arena holds the view and a reference to the leaf. */
struct lock_known {
    struct view *view;
    struct leaf *leaf;
    bool is_decided;
    struct inquiry inquiry;
};

static void release_leaf(void *leaf)
{
    leaf_release(leaf);
}

/* --- before the challenge is taken ---------------------------------------------------------- */

static bool is_in_time(const struct leaf *leaf, int64_t now)
{
    return leaf->not_before <= now && now <= leaf->not_after && leaf->anchor->not_before <= now &&
           now <= leaf->anchor->not_after;
}

/* Says whether the revocation of a known leaf will have to be looked at. */
static bool needs_status(const struct leaf *leaf, int64_t now)
{
    return leaf->path_is_good && leaf->verdict == PKI_REASONS && is_in_time(leaf, now);
}

static enum idp_err prepare_status(struct pki *pki, struct arena *arena, int64_t now,
                                   struct lock_known *known)
{
    const struct asking_about about = {.view = known->view, .leaf = known->leaf, .now = now};
    enum idp_err err = inquiry_known(pki, arena, &about, &known->inquiry);
    known->is_decided = err == IDP_OK;
    if (err == IDP_NOT_FOUND)
        return lane_may_wait() ? IDP_OK : IDP_WAIT;
    return err;
}

enum idp_err lock_prepare(struct pki *pki, struct arena *arena, int64_t now,
                          struct lock_answer *answer)
{
    unsigned char hash[DIGEST_SIZE];
    struct lock_known *known = arena_alloc(arena, sizeof(*known));
    if (known == NULL)
        return IDP_FAULT;
    known->view = pki_view(pki, arena);
    if (known->view == NULL)
        return IDP_FAULT;
    enum idp_err err = digest(DIGEST_SHA256, answer->certificate, answer->certificate_len, hash);
    if (err != IDP_OK)
        return err;
    known->leaf = leaves_find(known->view->leaves, hash);
    if (known->leaf == NULL)
        return lane_may_wait() ? IDP_OK : IDP_WAIT;
    if (arena_own(arena, known->leaf, release_leaf) == NULL)
        return IDP_FAULT;
    if (needs_status(known->leaf, now))
        err = prepare_status(pki, arena, now, known);
    if (err == IDP_OK)
        answer->known = known;
    return err;
}

/* --- the signature -------------------------------------------------------------------------- */

static enum idp_err check_signature(const struct leaf *leaf, const struct lock_question *question,
                                    const struct lock_answer *answer, struct refusal *why)
{
    unsigned char m[LOCK_MESSAGE_SIZE];
    if (!leaf_fits(leaf, answer->algorithm))
        return refusal_set(why, &pki_reasons[PKI_ALGORITHM]);
    enum idp_err err = lock_message_write(leaf, question->origin, question->challenge, m);
    if (err != IDP_OK)
        return err;
    if (!leaf_has_signed(leaf, answer->algorithm, m, sizeof(m), answer->signature,
                         answer->signature_len))
        return refusal_set(why, &pki_reasons[PKI_NOT_ACCEPTED]);
    return IDP_OK;
}

/* --- reasons with their facts --------------------------------------------------------------- */

static void add_authority(struct refusal *why, const struct authority *authority)
{
    if (authority == NULL)
        return;
    refusal_fact(why, "authority", authority->id);
    refusal_fact(why, "authority_zh", authority->name_zh);
    refusal_fact(why, "authority_en", authority->name_en);
    refusal_fact(why, "phone", authority->phone);
}

static void add_field(struct refusal *why, const struct leaf_field *field)
{
    if (field == NULL)
        return;
    refusal_fact(why, "field", field->name);
    refusal_fact(why, "field_zh", field->zh);
    refusal_fact(why, "field_en", field->en);
}

static enum idp_err refuse(const struct leaf *leaf, enum pki_reason reason, struct refusal *why)
{
    add_authority(why, leaf->authority);
    add_field(why, leaf->field);
    return refusal_set(why, &pki_reasons[reason]);
}

static enum idp_err refuse_since(struct arena *arena, const struct leaf *leaf,
                                 enum pki_reason reason, int64_t since, struct refusal *why)
{
    char *text = arena_alloc(arena, TIME_TEXT_SIZE);
    if (text == NULL)
        return IDP_FAULT;
    certificate_time_text(since, text);
    refusal_fact(why, "since", text);
    return refuse(leaf, reason, why);
}

/* --- what may speak against a leaf whose key has signed ------------------------------------- */

static enum idp_err check_leaf(struct arena *arena, const struct leaf *leaf, int64_t now,
                               struct refusal *why)
{
    if (leaf->verdict != PKI_REASONS)
        return refuse(leaf, leaf->verdict, why);
    if (now < leaf->not_before)
        return refuse_since(arena, leaf, PKI_NOT_YET_VALID, leaf->not_before, why);
    if (now > leaf->not_after)
        return refuse_since(arena, leaf, PKI_EXPIRED, leaf->not_after, why);
    return is_in_time(leaf, now) ? IDP_OK : refuse(leaf, PKI_PATH, why);
}

/* A little more than the pause between probes of an authority that missed its deadline. */
static const char retry_seconds[] = "10";
_Static_assert(LINE_PAUSE_MS < 10000, "retry_seconds tells people to come back too early");

static enum idp_err refuse_unavailable(const struct leaf *leaf, struct refusal *why)
{
    refusal_fact(why, "retry", retry_seconds);
    return refuse(leaf, PKI_STATUS_UNAVAILABLE, why);
}

static enum idp_err judge_status(struct arena *arena, const struct leaf *leaf, bool lasting,
                                 const struct verdict *verdict, struct refusal *why)
{
    switch (verdict->says) {
    case VERDICT_GOOD:
        return lasting && verdict->degraded ? refuse_unavailable(leaf, why) : IDP_OK;
    case VERDICT_REVOKED:
        return refuse_since(arena, leaf, PKI_REVOKED, verdict->since, why);
    case VERDICT_ISSUER_REVOKED:
        return refuse(leaf, PKI_ISSUER_REVOKED, why);
    case VERDICT_ON_HOLD:
        return refuse_since(arena, leaf, PKI_ON_HOLD, verdict->since, why);
    case VERDICT_UNKNOWN:
        return refuse(leaf, PKI_STATUS_UNKNOWN, why);
    case VERDICT_ASK: /* never: an inquiry does not end with it */
    case VERDICT_UNAVAILABLE:
    default:
        return refuse_unavailable(leaf, why);
    }
}

/* The inquiry lives as long as the arena: the identity will point into it. */
static enum idp_err find_status(struct pki *pki, struct arena *arena,
                                const struct asking_about *about, const struct lock_known *known,
                                const struct inquiry **out)
{
    if (known != NULL && known->is_decided) {
        *out = &known->inquiry;
        return IDP_OK;
    }
    struct inquiry *inquiry = arena_alloc(arena, sizeof(*inquiry));
    enum idp_err err = inquiry != NULL ? inquiry_make(pki, arena, about, inquiry) : IDP_FAULT;
    if (err == IDP_OK)
        *out = inquiry;
    return err;
}

static enum idp_err check_uscc(const struct leaf *leaf, struct refusal *why)
{
    if (leaf->uscc[0] == '\0')
        return refuse(leaf, PKI_NO_USCC, why);
    if (uscc_is_valid(leaf->uscc))
        return IDP_OK;
    add_field(why, &profile_field_uscc);
    return refuse(leaf, PKI_USCC_CHECK, why);
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum idp_err parse_leaf(const struct lock_answer *answer, struct refusal *why,
                               struct leaf **out)
{
    enum pki_reason reason = PKI_SHAPE;
    if (!lane_may_wait())
        return IDP_WAIT;
    enum idp_err err = leaf_parse(answer->certificate, answer->certificate_len, &reason, out);
    return err == IDP_REFUSED ? refusal_set(why, &pki_reasons[reason]) : err;
}

/* Finds the leaf among those seen before, or parses it. The arena keeps the reference. */
static enum idp_err find_leaf(const struct view *view, struct arena *arena,
                              const struct lock_answer *answer, struct refusal *why,
                              struct leaf **out)
{
    unsigned char hash[DIGEST_SIZE];
    struct leaf *leaf = NULL;
    if (answer->known != NULL) {
        *out = answer->known->leaf;
        return IDP_OK;
    }
    enum idp_err err = digest(DIGEST_SHA256, answer->certificate, answer->certificate_len, hash);
    if (err != IDP_OK)
        return err;
    leaf = leaves_find(view->leaves, hash);
    if (leaf == NULL)
        err = parse_leaf(answer, why, &leaf);
    if (err != IDP_OK)
        return err;
    if (arena_own(arena, leaf, release_leaf) == NULL)
        return IDP_FAULT;
    *out = leaf;
    return IDP_OK;
}

static enum idp_err judge_new_leaf(const struct view *view, struct leaf *leaf)
{
    if (leaf->certificate == NULL) /* judged before */
        return IDP_OK;
    enum idp_err err = leaf_judge(leaf, view->trust);
    if (err == IDP_OK)
        leaves_add(view->leaves, leaf);
    return err;
}

/* What is known of a leaf whose key has signed and whose path is good, refused or not. */
static void describe_leaf(const struct asking_about *about, const struct lock_answer *answer,
                          struct lock_identity *out)
{
    const struct leaf *leaf = about->leaf;
    if (!leaf->path_is_good)
        return;
    *out = (struct lock_identity){
        .trust_version = about->view->trust->version,
        .trust_loading = about->view->trust->loading,
        .authority = leaf->authority,
        .uscc = leaf->uscc,
        .name = leaf->name,
        .key_number = leaf->key_number[0] != '\0' ? leaf->key_number : NULL,
        .medium_number = leaf->medium_number[0] != '\0' ? leaf->medium_number : NULL,
        .names_person = leaf->names_person,
        .issued_in_region = leaf->verdict != PKI_OTHER_REGION,
        .serial = leaf->serial,
        .not_before = leaf->not_before,
        .not_after = leaf->not_after,
        .key = leaf->kind,
        .algorithm = answer->algorithm,
        .certificate = leaf->der,
        .certificate_len = leaf->der_len,
        .anchor = &leaf->anchor->bytes,
        .root = leaf->anchor->root,
    };
    memcpy(out->key_hash, leaf->key_hash, DIGEST_SIZE);
    memcpy(out->certificate_hash, leaf->hash, DIGEST_SIZE);
}

enum idp_err lock_verify(struct pki *pki, struct arena *arena, const struct lock_question *question,
                         const struct lock_answer *answer, struct refusal *why,
                         struct lock_identity *out)
{
    struct leaf *leaf = NULL;
    const struct inquiry *inquiry = NULL;
    *out = (struct lock_identity){.certificate = NULL};
    struct view *view = answer->known != NULL ? answer->known->view : pki_view(pki, arena);
    if (view == NULL)
        return IDP_FAULT;
    enum idp_err err = find_leaf(view, arena, answer, why, &leaf);
    if (err != IDP_OK)
        return err;
    if (leaf == NULL)
        return IDP_FAULT; /* never: find_leaf() keeps its promise */
    const struct asking_about about = {.view = view, .leaf = leaf, .now = question->now};
    err = check_signature(leaf, question, answer, why);
    if (err == IDP_OK)
        err = judge_new_leaf(view, leaf);
    if (err == IDP_OK)
        describe_leaf(&about, answer, out);
    if (err == IDP_OK)
        err = check_leaf(arena, leaf, question->now, why);
    if (err == IDP_OK)
        err = find_status(pki, arena, &about, answer->known, &inquiry);
    if (err == IDP_OK)
        err = judge_status(arena, leaf, question->lasting, &inquiry->verdict, why);
    if (err == IDP_OK)
        err = check_uscc(leaf, why);
    if (err == IDP_OK)
        out->status = inquiry_describe(inquiry, &leaf->authority->rules->revocation);
    return err;
}
