/*
 * Why a lock that proved itself is still not let in. Facts: {authority_…} of its
 * authority, {support} (the operators' phone), {name} of the enterprise in the record.
 */
#pragma once

#include "base/refusal.h"

extern const struct reason enterprise_not_bound, enterprise_already_bound, enterprise_uscc_has_lock,
    enterprise_other_authority, enterprise_renewal_unproved, enterprise_suspended;
