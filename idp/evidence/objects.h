/* Evidence objects by their hash: certificates, answers, anchors, each kept once. */
#pragma once

#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"

struct arena;
struct sql;

/* The bytes of an object, in the arena. Returns IDP_NOT_FOUND, and what sql_read() does. */
enum idp_err evidence_object_read(struct sql *db, struct arena *arena,
                                  const unsigned char hash[DIGEST_SIZE],
                                  const unsigned char **bytes, size_t *len);
