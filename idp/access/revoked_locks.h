/*
 * Locks whose certificate was called revoked: what rests on them ends. The row of the certificate
 * (pki/revocation/revoked_rows.h) is the order; it is closed in the transaction that ends the
 * rights, so that each is carried out once. docs/decisions/revocation.md.
 *
 * Before that, rights are refused at each use: a code and a refresh token by the row, a session by
 * what the node knows.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct access;

/*
 * Carries out the orders that are open: sessions and grants of each lock whose certificate, as it
 * was seen last, is the revoked one, end; the enterprise is told. The binding stays, so that a
 * renewed certificate can take over. Returns IDP_UNAVAILABLE when a store does not answer: the rest
 * is done at the next call.
 */
enum idp_err revoked_locks_end(const struct access *access, int64_t now);
