#include "platform/provider.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { PAUSE_MS = 2000 };

struct provider {
    const struct rp_settings *settings;
    pthread_mutex_t lock; /* held while the provider is asked: the others want the same answer */
    struct rp *rp;
    int64_t failed;  /* when, by the clock that only goes forward */
    enum rp_err err; /* of the last failure; RP_OK: none yet */
};

struct provider *provider_new(const struct rp_settings *settings)
{
    struct provider *provider = calloc(1, sizeof(*provider));
    if (provider == NULL)
        return NULL;
    provider->settings = settings;
    if (pthread_mutex_init(&provider->lock, NULL) != 0) {
        free(provider);
        return NULL;
    }
    return provider;
}

void provider_free(struct provider *provider)
{
    if (provider == NULL)
        return;
    rp_free(provider->rp);
    (void)pthread_mutex_destroy(&provider->lock);
    free(provider);
}

/* Called with the lock held. */
static enum rp_err meet(struct provider *provider, struct rp_note *note)
{
    if (provider->rp != NULL)
        return RP_OK;
    if (provider->err != RP_OK && clock_ticks_ms() - provider->failed < PAUSE_MS) {
        (void)snprintf(note->text, sizeof(note->text), "the provider was asked a moment ago");
        return provider->err;
    }
    provider->err = rp_new(provider->settings, note, &provider->rp);
    provider->failed = clock_ticks_ms();
    return provider->err;
}

enum rp_err provider_meet(struct provider *provider, struct rp_note *note, struct rp **out)
{
    (void)pthread_mutex_lock(&provider->lock);
    enum rp_err err = meet(provider, note);
    *out = provider->rp;
    (void)pthread_mutex_unlock(&provider->lock);
    return err;
}
