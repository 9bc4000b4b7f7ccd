/*
 * Spares everyone the wait for what does not answer.
 *
 * Each store and each authority has a circuit. Closed, calls go through. After a missed deadline it
 * is open: calls fail at once, save one probe in each pause, and the first good answer closes it.
 * Threads share a circuit without a lock; closed, it costs one load.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct circuit {
    const char *name;           /* for the log; borrowed */
    int64_t pause_ms;           /* between probes */
    _Atomic int64_t next_probe; /* ticks in ms; 0: closed */
};

/* A closed circuit. */
void circuit_init(struct circuit *circuit, const char *name, int64_t pause_ms);

/*
 * Says whether a call may be tried at now_ms (of clock_ticks_ms()). Open, it lets one caller
 * through in each pause: that one is the probe, and whatever comes of it, the next goes after
 * another pause.
 */
bool circuit_allows(struct circuit *circuit, int64_t now_ms);

/* An answer came, even if it was a refusal: closes the circuit. */
void circuit_answered(struct circuit *circuit);

/* A deadline was missed at now_ms: opens the circuit, or keeps it open for another pause. */
void circuit_missed(struct circuit *circuit, int64_t now_ms);

/* Whether calls fail at once now; for figures. */
bool circuit_is_open(const struct circuit *circuit);
