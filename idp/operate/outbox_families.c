/* A job looks every few seconds; here only what it saw is told. */
#include "operate/families.h"

#include <stdatomic.h>

#include "access/outbox.h"
#include "app.h"
#include "http/http.h"
#include "operate/exposition.h"

static void tell(struct exposition *e, enum outbox_queue queue, int64_t value)
{
    const struct label labels[] = {{"queue", outbox_queue_name(queue)}, {NULL, NULL}};
    exposition_count(e, labels, value > 0 ? (uint64_t)value : 0);
}

void families_of_outbox(struct exposition *e, struct request *rq)
{
    struct outbox_board *board = &rq->app->outbox;
    exposition_gauge(e, "tamga_outbox_waiting", "Rows that are to be delivered.");
    for (int i = 0; i < OUTBOX_QUEUES; i++)
        tell(e, (enum outbox_queue)i, atomic_load(&board->queues[i].waiting));
    exposition_gauge(e, "tamga_outbox_oldest_seconds", "How long the oldest of them has waited.");
    for (int i = 0; i < OUTBOX_QUEUES; i++) {
        int64_t oldest = atomic_load(&board->queues[i].oldest);
        tell(e, (enum outbox_queue)i, oldest > 0 ? rq->now - oldest : 0);
    }
    exposition_gauge(e, "tamga_outbox_parked", "Rows that were given up.");
    for (int i = 0; i < OUTBOX_QUEUES; i++)
        tell(e, (enum outbox_queue)i, atomic_load(&board->queues[i].parked));
}
