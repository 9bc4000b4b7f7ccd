#include "pki/revocation/again.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "pki/revocation/inquiry.h"
#include "pki/state.h"

static bool read_hash(const char *text, unsigned char out[DIGEST_SIZE])
{
    size_t n = 0;
    return text != NULL && base64url_decode(text, strlen(text), out, DIGEST_SIZE, &n) == IDP_OK &&
           n == DIGEST_SIZE;
}

bool seen_certificate_read(const char *hash, const char *issuer, const char *authority,
                           const char *serial, struct seen_certificate *out)
{
    out->authority = authority;
    out->serial = serial;
    return authority != NULL && serial != NULL && strlen(serial) < LEAF_SERIAL_SIZE &&
           read_hash(hash, out->hash) && read_hash(issuer, out->issuer);
}

static const struct anchor *find_anchor(const struct authority *authority,
                                        const unsigned char hash[DIGEST_SIZE])
{
    const struct anchors *anchors = &authority->rules->anchors;
    for (size_t i = 0; i < anchors->count; i++)
        if (memcmp(anchors->list[i].hash, hash, DIGEST_SIZE) == 0)
            return &anchors->list[i];
    return NULL;
}

/* What lists and stores need to know of a leaf, in the arena: nothing that costs parsing it.
 * IDP_NOT_FOUND, IDP_FAULT. */
static enum idp_err stand_in(struct arena *arena, const struct view *view,
                             const struct seen_certificate *certificate, const struct leaf **out)
{
    const struct authority *authority = trust_find(view->trust, certificate->authority);
    const struct anchor *anchor =
        authority != NULL ? find_anchor(authority, certificate->issuer) : NULL;
    if (anchor == NULL)
        return IDP_NOT_FOUND;
    struct leaf *leaf = arena_alloc(arena, sizeof(*leaf));
    if (leaf == NULL)
        return IDP_FAULT;
    leaf->authority = authority;
    leaf->anchor = anchor;
    memcpy(leaf->hash, certificate->hash, DIGEST_SIZE);
    memcpy(leaf->serial, certificate->serial, strlen(certificate->serial) + 1);
    *out = leaf;
    return IDP_OK;
}

static enum idp_err begin(struct pki *pki, struct arena *arena,
                          const struct seen_certificate *certificate, int64_t now,
                          struct asking_about *out)
{
    *out = (struct asking_about){.view = pki_view(pki, arena), .now = now};
    return out->view != NULL ? stand_in(arena, out->view, certificate, &out->leaf) : IDP_FAULT;
}

static struct again came_of(const struct inquiry *inquiry)
{
    const struct verdict *verdict = &inquiry->verdict;
    bool by_answer = verdict->says == VERDICT_GOOD && verdict->source == VERDICT_BY_OCSP;
    return (struct again){.verdict = *verdict,
                          .until = by_answer ? inquiry->status.answer.usable_until : 0};
}

enum idp_err again_look(struct pki *pki, struct arena *arena,
                        const struct seen_certificate *certificate, int64_t now, struct again *out)
{
    struct inquiry inquiry;
    struct asking_about about;
    enum idp_err err = begin(pki, arena, certificate, now, &about);
    if (err == IDP_OK)
        err = inquiry_look(pki, arena, &about, &inquiry);
    if (err == IDP_OK)
        *out = came_of(&inquiry);
    return err;
}

enum idp_err again_known(struct pki *pki, struct arena *arena,
                         const struct seen_certificate *certificate, int64_t now, struct again *out)
{
    struct inquiry inquiry;
    struct asking_about about;
    enum idp_err err = begin(pki, arena, certificate, now, &about);
    if (err == IDP_OK)
        err = inquiry_known(pki, arena, &about, &inquiry);
    if (err == IDP_OK || err == IDP_NOT_FOUND)
        *out = err == IDP_OK ? came_of(&inquiry) : (struct again){.verdict.says = VERDICT_ASK};
    return err == IDP_NOT_FOUND && about.leaf != NULL ? IDP_OK : err;
}

/* --- asking ---------------------------------------------------------------------------------- */

static void release_leaf(void *leaf)
{
    leaf_release(leaf);
}

/* The leaf itself, as the present list judges it; the arena keeps the reference. IDP_NOT_FOUND: it
 * is not kept. */
static enum idp_err find_leaf(struct pki *pki, struct arena *arena,
                              const struct seen_certificate *certificate,
                              struct asking_about *about)
{
    const struct pki_archive *archive = &pki->archive;
    const unsigned char *der = NULL;
    size_t len = 0;
    struct leaf *leaf = leaves_find(about->view->leaves, certificate->hash);
    enum idp_err err = IDP_OK;
    if (leaf == NULL && archive->read == NULL)
        return IDP_NOT_FOUND;
    if (leaf == NULL)
        err = archive->read(archive->context, arena, certificate->hash, &der, &len);
    if (err == IDP_OK && leaf == NULL)
        err = view_leaf(about->view, der, len, &leaf);
    if (err == IDP_OK && arena_own(arena, leaf, release_leaf) == NULL)
        err = IDP_FAULT;
    about->leaf = leaf;
    return err == IDP_REFUSED ? IDP_NOT_FOUND : err;
}

static bool may_be_asked_about(const struct leaf *leaf, int64_t now)
{
    return leaf->path_is_good && leaf->verdict == PKI_REASONS && leaf->not_before <= now &&
           now <= leaf->not_after;
}

static enum idp_err ask(struct pki *pki, struct arena *arena,
                        const struct seen_certificate *certificate, struct asking_about *about,
                        struct again *out)
{
    struct inquiry inquiry = {.verdict = {.says = VERDICT_UNAVAILABLE,
                                          .problem = "the certificate cannot be asked about"}};
    enum idp_err err = find_leaf(pki, arena, certificate, about);
    bool may = err == IDP_OK && may_be_asked_about(about->leaf, about->now);
    if (may)
        err = inquiry_renew(pki, arena, about, &inquiry);
    if (err == IDP_OK || err == IDP_NOT_FOUND)
        *out = came_of(&inquiry);
    out->past_asking = !may;
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

enum idp_err again_ask(struct pki *pki, struct arena *arena,
                       const struct seen_certificate *certificate, int64_t now, struct again *out)
{
    struct inquiry inquiry;
    struct asking_about about;
    enum idp_err err = begin(pki, arena, certificate, now, &about);
    if (err == IDP_OK)
        err = inquiry_look(pki, arena, &about, &inquiry);
    if (err != IDP_OK)
        return err;
    if (inquiry.verdict.says == VERDICT_ASK)
        return ask(pki, arena, certificate, &about, out);
    *out = came_of(&inquiry);
    return IDP_OK;
}
