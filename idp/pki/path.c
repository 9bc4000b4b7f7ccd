#include "pki/path.h"

#include <openssl/x509v3.h>

enum idp_err path_check(const struct anchor *anchor, X509 *certificate, bool *out)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx == NULL || X509_STORE_CTX_init(ctx, anchor->store, certificate, NULL) != 1) {
        X509_STORE_CTX_free(ctx);
        return IDP_FAULT;
    }
    *out = X509_verify_cert(ctx) == 1;
    bool no_memory = X509_STORE_CTX_get_error(ctx) == X509_V_ERR_OUT_OF_MEM;
    X509_STORE_CTX_free(ctx);
    return no_memory ? IDP_FAULT : IDP_OK;
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
