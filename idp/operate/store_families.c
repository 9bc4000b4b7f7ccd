#include "operate/families.h"

#include "app.h"
#include "base/circuit.h"
#include "http/http.h"
#include "operate/exposition.h"
#include "store/figures.h"
#include "store/kv.h"
#include "store/sql.h"

enum { STORES = 2 };

struct store {
    const char *name;
    struct figures_reading read;
    const struct circuit *circuit; /* NULL: it has none */
};

static void read_stores(const struct app *app, struct store out[STORES])
{
    out[0] = (struct store){.name = "sql", .circuit = app->db->circuit};
    out[1] = (struct store){.name = "kv", .circuit = app->kv->circuit};
    if (app->db->figures != NULL)
        figures_read(app->db->figures, &out[0].read);
    if (app->kv->figures != NULL)
        figures_read(app->kv->figures, &out[1].read);
}

static void calls(struct exposition *e, const struct store stores[STORES])
{
    exposition_counter(e, "tamga_store_calls_total", "Calls of the stores.");
    for (size_t i = 0; i < STORES; i++) {
        const struct label labels[] = {{"store", stores[i].name}, {NULL, NULL}};
        exposition_count(e, labels, stores[i].read.calls);
    }
    exposition_counter(e, "tamga_store_failures_total", "Calls that failed, by reason.");
    for (size_t i = 0; i < STORES; i++) {
        const struct {
            const char *reason;
            uint64_t count;
        } failures[] = {{"unavailable", stores[i].read.unavailable},
                        {"fault", stores[i].read.faults},
                        {"full", stores[i].read.full}};
        for (size_t j = 0; j < 3; j++) {
            const struct label labels[] = {
                {"store", stores[i].name}, {"reason", failures[j].reason}, {NULL, NULL}};
            exposition_count(e, labels, failures[j].count);
        }
    }
}

static void trips(struct exposition *e, const struct store stores[STORES])
{
    exposition_counter(e, "tamga_store_round_trips_total", "Round trips to the stores.");
    for (size_t i = 0; i < STORES; i++) {
        const struct label labels[] = {{"store", stores[i].name}, {NULL, NULL}};
        exposition_count(e, labels, stores[i].read.round_trips);
    }
    exposition_gauge(e, "tamga_store_circuit_open",
                     "1 while calls fail at once because the store did not answer.");
    for (size_t i = 0; i < STORES; i++) {
        const struct label labels[] = {{"store", stores[i].name}, {NULL, NULL}};
        const struct circuit *circuit = stores[i].circuit;
        exposition_count(e, labels, circuit != NULL && circuit_is_open(circuit) ? 1 : 0);
    }
}

void families_of_stores(struct exposition *e, struct request *rq)
{
    struct store stores[STORES];
    read_stores(rq->app, stores);
    calls(e, stores);
    trips(e, stores);
    exposition_histogram(e, "tamga_store_call_duration_seconds", "How long timed calls took.");
    for (size_t i = 0; i < STORES; i++) {
        const struct label labels[] = {{"store", stores[i].name}, {NULL, NULL}};
        const struct timings timings = {.bounds_us = figures_bounds_us,
                                        .buckets = stores[i].read.buckets,
                                        .bounds = FIGURES_BOUNDS,
                                        .total_us = stores[i].read.total_us};
        exposition_timings(e, labels, &timings);
    }
}
