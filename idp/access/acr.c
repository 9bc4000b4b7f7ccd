#include "access/acr.h"

#include <stddef.h>
#include <string.h>

#define LOCK "urn:tamga:acr:lock"
#define LOCK_DEGRADED LOCK ":degraded"

const char acr_lock[] = LOCK;
const char acr_lock_degraded[] = LOCK_DEGRADED;
const char acr_supported[] = LOCK " " LOCK_DEGRADED;

const char *acr_of(bool degraded)
{
    return degraded ? acr_lock_degraded : acr_lock;
}

const char *acr_lock_status(const char *acr)
{
    return acr != NULL && strcmp(acr, acr_lock_degraded) == 0 ? "degraded" : NULL;
}
