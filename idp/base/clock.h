/* The two clocks: what a calendar says, and what only goes forward. */
#pragma once

#include <stdint.h>

/* Seconds since 1970 (UTC). A request reads it once, so that all its checks see the same time. */
int64_t clock_now(void);

/* Milliseconds since 1970 (UTC), for logs and evidence. */
int64_t clock_now_ms(void);

/* Milliseconds of a clock that is never set back, for deadlines. */
int64_t clock_ticks_ms(void);

/* Microseconds of the same clock, for measuring. */
int64_t clock_ticks_us(void);
