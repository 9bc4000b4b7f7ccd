#include "pki/trust/view.h"

#include <stdlib.h>

#include "pki/trust/rules.h"

static struct line *find_line(const struct view *before, const char *id)
{
    const struct authority *authority = before != NULL ? trust_find(before->trust, id) : NULL;
    if (authority == NULL)
        return line_new(id);
    return line_take(before->lines[authority->rules->index]);
}

void view_drop(struct view *view)
{
    if (view == NULL)
        return;
    for (size_t i = 0; i < view->trust->count; i++)
        line_release(view->lines[i]);
    leaves_free(view->leaves);
    free(view);
}

void view_free(struct view *view)
{
    struct trust *trust = view != NULL ? view->trust : NULL;
    view_drop(view);
    trust_free(trust);
}

struct view *view_new(struct trust *trust, const struct view *before)
{
    struct view *view = calloc(1, sizeof(*view) + trust->count * sizeof(struct line *));
    if (view == NULL)
        return NULL;
    view->trust = trust;
    view->leaves = leaves_new();
    bool good = view->leaves != NULL;
    for (size_t i = 0; i < trust->count && good; i++) {
        view->lines[i] = find_line(before, trust->authorities[i].id);
        good = view->lines[i] != NULL;
    }
    if (good)
        return view;
    view_drop(view);
    return NULL;
}

enum idp_err view_leaf(struct view *view, const unsigned char *der, size_t len, struct leaf **out)
{
    unsigned char hash[DIGEST_SIZE];
    enum pki_reason why = PKI_REASONS;
    enum idp_err err = digest(DIGEST_SHA256, der, len, hash);
    if (err != IDP_OK)
        return err;
    struct leaf *leaf = leaves_find(view->leaves, hash);
    if (leaf == NULL) {
        err = leaf_parse(der, len, &why, &leaf);
        if (err == IDP_OK)
            err = leaf_judge(leaf, view->trust);
        if (err == IDP_OK)
            leaves_add(view->leaves, leaf);
    }
    if (err == IDP_OK)
        *out = leaf;
    else
        leaf_release(leaf);
    return err;
}

struct line *view_line(const struct view *view, const struct leaf *leaf)
{
    return view->lines[leaf->authority->rules->index];
}
