/*
 * Lifting a suspension. What was ended stays ended: whatever the suspension has not come to yet is
 * ended before the standing is good again, in the same transaction.
 */
#pragma once

#include "base/error.h"

struct access;
struct outbox_kind;
struct revoke_order;

/* As the calls of access/revoke.h. One that is not suspended stays as it is. IDP_NOT_FOUND. */
enum idp_err resume_client(const struct access *access, struct revoke_order *order, const char *id);
enum idp_err resume_enterprise(const struct access *access, struct revoke_order *order,
                               const char *id);

/* Fresh copies of the holders of an enterprise, as an outbox row whose target is its id. */
extern const struct outbox_kind resume_holders;
