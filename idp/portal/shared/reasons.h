/* Why the portal refuses a call, beside what pki/ and enterprise/ say of a lock. */
#pragma once

#include "base/refusal.h"

extern const struct reason portal_request_shape, portal_request_origin, portal_request_token,
    portal_challenge_gone, portal_session_gone, portal_interaction_gone, portal_binding_gone,
    portal_rate_limited, portal_environment_mismatch, portal_platform_unknown,
    portal_platform_not_joined, portal_form_field, portal_server_unavailable, portal_server_fault;
