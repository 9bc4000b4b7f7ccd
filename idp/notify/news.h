/* What the contacts of an enterprise are told, in Chinese and English, in one table. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct arena;

struct news {
    const char *id;
    const char *zh_subject, *en_subject;
    const char *zh, *en; /* what happened; {time} is put in */
    bool by_operators;   /* otherwise the company itself should have done it */
};

extern const struct news news_lock_bound, news_lock_unbound, news_lock_revoked,
    news_enterprise_suspended, news_enterprise_resumed, news_consent_withdrawn, news_uscc_claimed;

/* The news of that id, or NULL. */
const struct news *news_find(const char *id);

/* What it is about; all but name may be NULL. Whatever is no clean UTF-8 is shown as "?". */
struct news_facts {
    const char *name; /* of the enterprise */
    const char *role; /* of the lock: primary, secondary; NULL: it is not the enterprise's */
    const char *authority_zh, *authority_en; /* of the lock */
    const char *serial;                      /* of its certificate */
    const char *platform_zh, *platform_en;   /* through which, or whose */
    const char *support;                     /* the operators' phone; "": none */
    int64_t at;                              /* seconds since 1970 */
};

struct news_text {
    const char *subject, *body; /* for struct letter */
};

/* Returns IDP_FAULT without memory. */
enum idp_err news_write(struct arena *arena, const struct news *news,
                        const struct news_facts *facts, struct news_text *out);
