#include "pki/path.h"

#include <openssl/x509v3.h>

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

/* Tries the anchors of one authority; the first whose name fits is kept when none is good. */
static enum idp_err try_authority(const struct authority *authority, X509 *certificate,
                                  struct path *path)
{
    const struct anchors *anchors = &authority->rules->anchors;
    for (size_t i = 0; i < anchors->count && !path->is_good; i++) {
        const struct anchor *anchor = &anchors->list[i];
        if (X509_check_issued(anchor->certificate, certificate) != X509_V_OK)
            continue;
        bool is_good = false;
        enum idp_err err = path_check(anchor, certificate, &is_good);
        if (err != IDP_OK)
            return err;
        if (path->authority == NULL || is_good)
            *path = (struct path){.authority = authority, .anchor = anchor, .is_good = is_good};
    }
    return IDP_OK;
}

enum idp_err path_find(const struct trust *trust, X509 *certificate, struct path *out)
{
    struct path path = {.is_good = false};
    for (size_t i = 0; i < trust->count && !path.is_good; i++) {
        enum idp_err err = try_authority(&trust->authorities[i], certificate, &path);
        if (err != IDP_OK)
            return err;
    }
    *out = path;
    return IDP_OK;
}
