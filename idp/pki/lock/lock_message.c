#include "pki/lock/lock_message.h"

#include <string.h>

static const char context[] = "TAMGA-LOGIN/1"; /* with its NUL it begins M */

enum idp_err lock_message_write(const struct leaf *leaf, const char *origin, const char *challenge,
                                unsigned char m[LOCK_MESSAGE_SIZE])
{
    enum digest_kind kind = leaf_digest(leaf);
    unsigned char *at = m + sizeof(context);
    memcpy(m, context, sizeof(context));
    enum idp_err err = digest(kind, origin, strlen(origin), at);
    if (err == IDP_OK)
        err = digest(kind, challenge, strlen(challenge), at + DIGEST_SIZE);
    memcpy(at + (size_t)2 * DIGEST_SIZE, leaf->hash_in_m, DIGEST_SIZE);
    return err;
}
