#include "base/circuit.h"

#include <stddef.h>

#include "base/log.h"

void circuit_init(struct circuit *circuit, const char *name, int64_t pause_ms)
{
    circuit->name = name;
    circuit->pause_ms = pause_ms;
    atomic_init(&circuit->next_probe, 0);
}

/* When the next probe may go; never 0, which means closed. */
static int64_t after_pause(const struct circuit *circuit, int64_t now_ms)
{
    int64_t at = now_ms + circuit->pause_ms;
    return at != 0 ? at : 1;
}

bool circuit_allows(struct circuit *circuit, int64_t now_ms)
{
    int64_t at = atomic_load_explicit(&circuit->next_probe, memory_order_relaxed);
    if (at == 0)
        return true;
    if (now_ms < at)
        return false;
    /* Of several callers one wins and is the probe. */
    return atomic_compare_exchange_strong(&circuit->next_probe, &at, after_pause(circuit, now_ms));
}

void circuit_answered(struct circuit *circuit)
{
    if (atomic_load_explicit(&circuit->next_probe, memory_order_relaxed) == 0)
        return;
    if (atomic_exchange(&circuit->next_probe, 0) != 0)
        log_event(LOG_INFO, "circuit_closed", "name", circuit->name);
}

void circuit_missed(struct circuit *circuit, int64_t now_ms)
{
    if (atomic_exchange(&circuit->next_probe, after_pause(circuit, now_ms)) == 0)
        log_event(LOG_WARN, "circuit_open", "name", circuit->name);
}

bool circuit_is_open(const struct circuit *circuit)
{
    return atomic_load_explicit(&circuit->next_probe, memory_order_relaxed) != 0;
}
