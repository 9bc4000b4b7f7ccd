/*
 * The truth table of revocation (SECURITY row 34), for the test of the decision and for the one
 * that goes the whole way, over real answers and lists.
 */
#pragma once

enum { TRUTH_POLICIES = 4 };

/* What the service does. What does not come in time, or does not count, is unusable. */
enum { O_GOOD, O_REVOKED, O_UNKNOWN, O_ERROR, O_NO_URL, O_SLOW, O_KINDS };

/* What came of lists. One that was signed by somebody else never lies on the shelf; one that is
 * older than the one held leaves that one in its place. */
enum { L_GOOD, L_REVOKED, L_STALE, L_MISSING, L_WRONG_SIGNER, L_OLDER_THAN_HELD, L_KINDS };

/*
 * By enum revocation_policy. o: good, by the service. l: good, by the list. R: revoked. ?: unknown.
 * -: unavailable. In each row, the list is: good, revoked, stale, missing, by a wrong signer, older
 * than held.
 */
static const char *const truth[TRUTH_POLICIES][O_KINDS] = {
    /* ocsp */
    {
        [O_GOOD] = "oRoooo",
        [O_REVOKED] = "RRRRRR",
        [O_UNKNOWN] = "?R????",
        [O_ERROR] = "-R----",
        [O_NO_URL] = "-R----",
        [O_SLOW] = "-R----",
    },
    /* ocsp, else a list */
    {
        [O_GOOD] = "oRoooo",
        [O_REVOKED] = "RRRRRR",
        [O_UNKNOWN] = "?R????",
        [O_ERROR] = "lR---l",
        [O_NO_URL] = "lR---l",
        [O_SLOW] = "lR---l",
    },
    /* a list */
    {
        [O_GOOD] = "lR---l",
        [O_REVOKED] = "RRRRRR",
        [O_UNKNOWN] = "?R????",
        [O_ERROR] = "lR---l",
        [O_NO_URL] = "lR---l",
        [O_SLOW] = "lR---l",
    },
    /* a list, else ocsp */
    {
        [O_GOOD] = "lRoool",
        [O_REVOKED] = "RRRRRR",
        [O_UNKNOWN] = "?R????",
        [O_ERROR] = "lR---l",
        [O_NO_URL] = "lR---l",
        [O_SLOW] = "lR---l",
    },
};

/* Before the service was asked: A where that has to be done, however the list stands. */
static const char *const truth_unasked[TRUTH_POLICIES] = {"ARAAAA", "ARAAAA", "lR---l", "lRAAAl"};
