/*
 * A list that is in use: its bytes, mapped from a file, what stands in it, and the index of its
 * entries. Counted; shared by threads, and never changed.
 *
 * The file must not be cut nor written to while it is mapped: what pki/crl/crl_files.h opens for
 * this has no name.
 */
#pragma once

#include <stdatomic.h>

#include "pki/crl/crl_index.h"
#include "pki/crl/crl_judge.h"
#include "pki/crl/crls.h"

enum { CRL_FILE_MAX = 64 * 1024 * 1024 };

struct crl_held {
    atomic_uint references;
    void *mapped; /* read-only */
    struct crl_received is;
    struct crl_index *index;
    struct crl_name name;
};

/*
 * Maps a file, reads it whole and builds its index. No signature is verified. Returns IDP_REFUSED
 * with a name in *why when it is no list that can be used: larger than CRL_FILE_MAX, not understood
 * (crl_fault_name()), of version 1 or without a number;
 * IDP_UNAVAILABLE when the file cannot be mapped, IDP_FAULT when there is no memory. The descriptor
 * stays the caller's.
 */
enum idp_err crl_held_open(int fd, const char **why, struct crl_held **out);

/* One reference more; returns the list. NULL is allowed. */
struct crl_held *crl_held_take(struct crl_held *held);

/* One reference less; NULL is allowed. */
void crl_held_release(struct crl_held *held);
