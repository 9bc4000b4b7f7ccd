/*
 * Test doubles: stores that fail when a test says so, and otherwise do what the real one behind
 * them does. For the tests of all rooms above store/.
 */
#pragma once

#include <stdatomic.h>

#include "store/kv.h"
#include "store/sql.h"

struct faulty_sql {
    struct sql sql; /* what the code under test is given */
    struct sql_driver driver;
    struct sql *real;
    /* What they answer instead of working; IDP_OK: they work. */
    _Atomic(enum idp_err) read, transact;
    atomic_int transactions_left; /* that many work before transact counts; 0: none */
    /* What statements in transactions answer, after so many that work; at_statement, where it is
     * set, is called first. */
    _Atomic(enum idp_err) statement;
    atomic_int statements_left;
    void (*at_statement)(void);
};

/* Puts the double before the real one, which stays the caller's. */
void faulty_sql_init(struct faulty_sql *faulty, struct sql *real);

enum faulty_call {
    FAULTY_GET = 1,
    FAULTY_TAKE = 2,
    FAULTY_PUT = 4,
    FAULTY_ADD = 8,
    FAULTY_SWAP = 16,
    FAULTY_COUNT = 32,
    FAULTY_ALL = 63,
};

struct faulty_kv {
    struct kv kv; /* what the code under test is given */
    struct kv *real;
    _Atomic(enum idp_err) error; /* what the calls below answer; IDP_OK: all work */
    atomic_uint calls;           /* enum faulty_call */
    atomic_uint kinds;           /* bit 1 << enum kv_kind; 0: every kind */
    atomic_uint asked;           /* how many calls came */
};

void faulty_kv_init(struct faulty_kv *faulty, struct kv *real);
