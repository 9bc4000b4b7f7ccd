#include "store/postgres_wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

/* Waits for the socket; false when that takes too long. */
static bool wait_for(PGconn *conn, short events, int64_t until_ms)
{
    struct pollfd socket = {.fd = PQsocket(conn), .events = events};
    for (;;) {
        int64_t left = until_ms - clock_ticks_ms();
        if (left <= 0)
            return false;
        int n = poll(&socket, 1, left < INT_MAX ? (int)left : INT_MAX);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true; /* whatever is wrong with it, libpq will find out */
    }
}

enum postgres_wait postgres_wait_connect(PGconn *conn, int64_t until_ms)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    if (PQstatus(conn) == CONNECTION_BAD)
        return WAIT_LOST;
    while (next != PGRES_POLLING_OK) {
        short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!wait_for(conn, events, until_ms))
            return WAIT_LATE;
        next = PQconnectPoll(conn);
        if (next == PGRES_POLLING_FAILED)
            return WAIT_LOST;
    }
    return WAIT_DONE;
}

enum postgres_wait postgres_wait_result(PGconn *conn, int64_t until_ms, PGresult **out)
{
    while (PQisBusy(conn) != 0) {
        /* A server that cannot be written to may still have said why: reading tells. */
        bool unsent = PQflush(conn) == 1;
        if (!wait_for(conn, (short)(unsent ? POLLIN | POLLOUT : POLLIN), until_ms))
            return WAIT_LATE;
        if (PQconsumeInput(conn) == 0)
            return WAIT_LOST;
    }
    *out = PQgetResult(conn);
    return WAIT_DONE;
}
