#include "access/launch.h"

#include <string.h>

#include "access/access.h"
#include "access/session.h"
#include "base/digest.h"
#include "store/kv.h"

static enum idp_err key_of(const struct session *session, const char *client,
                           unsigned char key[DIGEST_SIZE])
{
    const struct digest_piece pieces[] = {
        {session->hash, strlen(session->hash) + 1}, {client, strlen(client) + 1}, {.bytes = NULL}};
    return digest_pieces(DIGEST_SHA256, pieces, key);
}

enum idp_err launch_begin(const struct access *access, const struct session *session,
                          const char *client)
{
    unsigned char key[DIGEST_SIZE];
    enum idp_err err = key_of(session, client, key);
    if (err != IDP_OK)
        return err;
    return kv_put(access->kv, KV_LAUNCH, (struct kv_bytes){key, sizeof(key)}, kv_text("1"),
                  access->launch_s * 1000);
}

enum idp_err launch_take(const struct access *access, const struct session *session,
                         const char *client)
{
    unsigned char key[DIGEST_SIZE];
    enum idp_err err = key_of(session, client, key);
    if (err != IDP_OK)
        return err;
    return kv_take(access->kv, KV_LAUNCH, (struct kv_bytes){key, sizeof(key)}, NULL, NULL);
}
