#include "pki/path.h"

#include <openssl/x509v3.h>

#include "pki/signed.h"

static unsigned long policy_flags(const struct path_policies *policies)
{
    return X509_V_FLAG_POLICY_CHECK |
           (policies->explicit_policy ? X509_V_FLAG_EXPLICIT_POLICY : 0) |
           (policies->inhibit_mapping ? X509_V_FLAG_INHIBIT_MAP : 0) |
           (policies->inhibit_any_policy ? X509_V_FLAG_INHIBIT_ANY : 0);
}

static bool add_policy(X509_VERIFY_PARAM *param, const ASN1_OBJECT *policy)
{
    ASN1_OBJECT *copy = OBJ_dup(policy);
    bool good = copy != NULL && X509_VERIFY_PARAM_add0_policy(param, copy) == 1;
    if (!good)
        ASN1_OBJECT_free(copy);
    return good;
}

/* OpenSSL takes an empty set for no policy at all; RFC 5280 means any by it. */
static bool set_policies(X509_VERIFY_PARAM *param, const struct path_policies *policies)
{
    bool good = X509_VERIFY_PARAM_set_flags(param, policy_flags(policies)) == 1;
    if (policies->count == 0)
        good = good && add_policy(param, OBJ_nid2obj(NID_any_policy));
    for (size_t i = 0; i < policies->count && good; i++)
        good = add_policy(param, policies->list[i]);
    return good;
}

X509_STORE *path_store_make(X509 *anchor, const struct path_rules *rules)
{
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME |
                          (rules->strict ? X509_V_FLAG_X509_STRICT : 0);
    X509_STORE *store = X509_STORE_new();
    if (store == NULL || X509_STORE_add_cert(store, anchor) != 1 ||
        X509_STORE_set_flags(store, flags) != 1 || X509_STORE_set_depth(store, rules->depth) != 1 ||
        (rules->policies != NULL && !set_policies(X509_STORE_get0_param(store), rules->policies))) {
        X509_STORE_free(store);
        return NULL;
    }
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), rules->level);
    return store;
}

enum idp_err path_build(struct path_search *search, X509 *certificate)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx == NULL ||
        X509_STORE_CTX_init(ctx, search->store, certificate, search->untrusted) != 1) {
        X509_STORE_CTX_free(ctx);
        return IDP_FAULT;
    }
    bool good = X509_verify_cert(ctx) == 1;
    bool no_memory = X509_STORE_CTX_get_error(ctx) == X509_V_ERR_OUT_OF_MEM;
    search->chain = good ? X509_STORE_CTX_get1_chain(ctx) : NULL;
    X509_STORE_CTX_free(ctx);
    return no_memory || (good && search->chain == NULL) ? IDP_FAULT : IDP_OK;
}

enum idp_err path_check(const struct anchor *anchor, X509 *certificate, bool *out)
{
    struct path_search search = {.store = anchor->store};
    enum idp_err err = path_build(&search, certificate);
    if (err == IDP_OK)
        *out = search.chain != NULL;
    sk_X509_pop_free(search.chain, X509_free);
    return err;
}

/* --- locks ---------------------------------------------------------------------------------- */

/* What is looked at for a lock. */
struct issuing {
    const struct anchor *anchor;
    const struct path_leaf *leaf;
};

/* RFC 5280 section 4.1.1.2: the algorithm stands in what is signed, too. */
static bool algorithms_agree(const X509 *certificate)
{
    const X509_ALGOR *outer = NULL;
    X509_get0_signature(NULL, &outer, certificate);
    return X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(certificate)) == 0;
}

/*
 * In the place of OpenSSL's own verification of the chain that it has built and checked: the lock's
 * certificate and the anchor, since the store holds nothing else. Over the received bytes, like
 * everything that an authority has signed, with the anchor's kept key.
 */
static int verify_issued(X509_STORE_CTX *ctx)
{
    const struct issuing *issuing = X509_STORE_CTX_get_app_data(ctx);
    const struct path_leaf *leaf = issuing->leaf;
    if (algorithms_agree(leaf->certificate) &&
        signed_verify(leaf->der, leaf->len, issuing->anchor->key) == IDP_OK)
        return 1;
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_SIGNATURE_FAILURE);
    return 0;
}

static enum idp_err check_leaf(const struct anchor *anchor, const struct path_leaf *leaf, bool *out)
{
    struct issuing issuing = {.anchor = anchor, .leaf = leaf};
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx == NULL || X509_STORE_CTX_init(ctx, anchor->store, leaf->certificate, NULL) != 1 ||
        X509_STORE_CTX_set_app_data(ctx, &issuing) != 1) {
        X509_STORE_CTX_free(ctx);
        return IDP_FAULT;
    }
    X509_STORE_CTX_set_verify(ctx, verify_issued);
    *out = X509_verify_cert(ctx) == 1;
    bool no_memory = X509_STORE_CTX_get_error(ctx) == X509_V_ERR_OUT_OF_MEM;
    X509_STORE_CTX_free(ctx);
    return no_memory ? IDP_FAULT : IDP_OK;
}

/* Tries the anchors of one authority; the first whose name fits is kept when none is good. */
static enum idp_err try_authority(const struct authority *authority, const struct path_leaf *leaf,
                                  struct path *path)
{
    const struct anchors *anchors = &authority->rules->anchors;
    for (size_t i = 0; i < anchors->count && !path->is_good; i++) {
        const struct anchor *anchor = &anchors->list[i];
        if (X509_check_issued(anchor->certificate, leaf->certificate) != X509_V_OK)
            continue;
        bool is_good = false;
        enum idp_err err = check_leaf(anchor, leaf, &is_good);
        if (err != IDP_OK)
            return err;
        if (path->authority == NULL || is_good)
            *path = (struct path){.authority = authority, .anchor = anchor, .is_good = is_good};
    }
    return IDP_OK;
}

enum idp_err path_find(const struct trust *trust, const struct path_leaf *leaf, struct path *out)
{
    struct path path = {.is_good = false};
    for (size_t i = 0; i < trust->count && !path.is_good; i++) {
        enum idp_err err = try_authority(&trust->authorities[i], leaf, &path);
        if (err != IDP_OK)
            return err;
    }
    *out = path;
    return IDP_OK;
}
