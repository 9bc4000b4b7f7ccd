/*
 * Which evidence objects this node knows to be kept, by hash: so that the certificate and the
 * answer of a lock that signs in every day are not offered to the database each time. Only what has
 * been committed may be added; what is not known is simply offered again.
 */
#pragma once

#include <stdbool.h>

#include "base/digest.h"

struct kept;

/* Makes an empty record of a few thousand objects, the last ones added. NULL without memory. */
struct kept *kept_new(void);
void kept_free(struct kept *kept);

/* kept may be NULL: then nothing is known. */
bool kept_has(struct kept *kept, const unsigned char hash[DIGEST_SIZE]);
void kept_add(struct kept *kept, const unsigned char hash[DIGEST_SIZE]);
