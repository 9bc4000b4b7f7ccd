#include "store/kv_kinds.h"

#define MINUTE INT64_C(60000)

/* A window is as long as a value of its kind usually stands. */
const struct kv_kind_facts kv_kinds[KV_KINDS] = {
    [KV_SESSION] = {"session", 200000, 2048, 60 * MINUTE, true},
    [KV_BINDING] = {"binding", 5000, 8192, 15 * MINUTE, true}, /* with a certificate */
    [KV_INTERACTION] = {"interaction", 50000, 4096, 15 * MINUTE, true},
    [KV_CHALLENGE] = {"challenge", 100000, 512, 3 * MINUTE, true},
    [KV_CODE] = {"code", 50000, 2048, MINUTE, true},
    [KV_GRANT] = {"grant", 200000, 2048, 0, false},
    [KV_HOLDER] = {"holder", 100000, 2048, 0, false},
    [KV_REPLAY] = {"replay", 500000, 256, 10 * MINUTE, true},
    [KV_COUNTER] = {"counter", 500000, 256, MINUTE, true},
    [KV_STATUS] = {"status", 80000, 2560, 0, false},
    [KV_LAUNCH] = {"launch", 50000, 512, 2 * MINUTE, true},
};
