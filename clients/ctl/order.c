#include "ctl/order.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "store/generation.h"
#include "store/sql.h"

enum { WAIT_MS = 10000, FIRST_LOOK_MS = 20, LAST_LOOK_MS = 200 };

struct access order_access(const struct ctl *ctl)
{
    return (struct access){.db = ctl->db,
                           .keys = ctl->keys,
                           .issuer = ctl->config.issuer,
                           .tells = ctl->config.mail_server != NULL};
}

struct revoke_order order_new(struct ctl *ctl)
{
    return (struct revoke_order){.arena = ctl->arena, .by = ctl->by, .now = ctl->now};
}

/* A row that is gone was done, and tidied away. */
static enum idp_err is_delivered(struct ctl *ctl, const char *row, bool *out)
{
    struct sql_rows rows;
    const struct sql_value id = sql_text(row);
    enum idp_err err = sql_read_one(
        ctl->db, ctl->arena,
        &(struct sql_call){"SELECT delivered FROM outbox WHERE id = $1", &id, 1}, &rows);
    *out = err == IDP_NOT_FOUND || (err == IDP_OK && sql_cell(&rows, 0, 0) != NULL);
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

static void nap(int64_t ms)
{
    const struct timespec time = {.tv_nsec = (long)ms * 1000000L};
    (void)nanosleep(&time, NULL);
}

static bool wait_for_row(struct ctl *ctl, const char *row)
{
    int64_t end = clock_ticks_ms() + WAIT_MS;
    int64_t pause = FIRST_LOOK_MS;
    bool delivered = false;
    while (!delivered) {
        if (is_delivered(ctl, row, &delivered) != IDP_OK || clock_ticks_ms() >= end)
            return delivered;
        if (!delivered)
            nap(pause);
        pause = pause * 2 < LAST_LOOK_MS ? pause * 2 : LAST_LOOK_MS;
    }
    return true;
}

/* Where no node runs, and copies would have lain in its memory, there is nothing to be put right.
 */
static bool is_nobody_running(struct ctl *ctl)
{
    int64_t nodes = 0;
    return strcmp(ctl->config.kv, "memory:") == 0 &&
           generation_count_nodes(ctl->db, &nodes) == IDP_OK && nodes == 0;
}

int order_wait(struct ctl *ctl, const struct revoke_order *order)
{
    int code = order->generation > 0 ? ctl_wait(ctl, order->generation) : 0;
    if (code != 0 || order->row == NULL || is_nobody_running(ctl) || wait_for_row(ctl, order->row))
        return code;
    (void)ctl_complain("done, but no running node has confirmed it yet");
    return CTL_UNCONFIRMED;
}

int order_answer(struct ctl *ctl, json_t *json, const struct revoke_order *order)
{
    int code = answer(json);
    return code == 0 ? order_wait(ctl, order) : code;
}
