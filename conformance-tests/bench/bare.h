/* What a call cannot avoid, done bare: each measured alone, on one thread, by its CPU time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* CPU time of this thread so far, in nanoseconds. */
int64_t bare_cpu_ns(void);

/*
 * Signs or verifies for ms milliseconds of CPU and sets *us to the cost of one. Keys are opened
 * before, and each operation copies a context that was prepared with its key. bytes: how many are
 * signed. kind: "ES256", "RS256" to sign; "rsa", "p256", "sm2" to verify.
 */
bool bare_sign(const char *kind, long bytes, long ms, double *us);
bool bare_verify(const char *kind, long bytes, long ms, double *us);

/* The cost of a command of a hash table with one lock, filled with 50,000 values of 300 bytes. */
struct bare_kv {
    double get_us, put_us, take_us;
};
bool bare_kv(struct bare_kv *out);

/*
 * Commits count rows of a table ("grants", "audit", "refresh_families"; "standing" only
 * looks for a grant) in groups of `group` on average, each row a
 * statement, each group one durable commit (WAL, synchronous=FULL), and sets *us to the cost of
 * one row with its share of the commit. Makes the file with the provider's schema when it is not
 * there.
 */
struct bare_sql {
    const char *file, *schema, *table;
    long count;
    double group;
};
bool bare_sql(const struct bare_sql *wanted, double *us);
