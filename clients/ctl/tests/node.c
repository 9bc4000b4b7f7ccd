#include "ctl/tests/node.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "access/access.h"
#include "access/outbox.h"
#include "base/arena.h"
#include "base/clock.h"
#include "client/registry.h"
#include "ctl/tests/run.h"
#include "store/generation.h"
#include "store/kv.h"
#include "store/sql.h"

static pthread_t thread;
static atomic_bool stop;

struct node node;

static enum idp_err forget(void *with, int64_t generation)
{
    client_registry_refresh(with);
    atomic_store(&node.seen, generation);
    return IDP_OK;
}

/* Its job: delivers what is due. */
static void *deliver(void *with)
{
    const struct access access = {
        .db = node.db, .kv = node.kv, .access_token_s = 600, .code_s = 60};
    const struct timespec nap = {.tv_nsec = 20000000};
    (void)with;
    while (!atomic_load(&stop)) {
        (void)outbox_deliver(&access, OUTBOX_TOMBSTONES, clock_now_ms());
        (void)nanosleep(&nap, NULL);
    }
    return NULL;
}

void start_node(void)
{
    char *why = NULL;
    assert_int_equal(sql_open(arena_printf(w.arena, "sqlite:%s", path("t.db")), &why, &node.db),
                     IDP_OK);
    assert_int_equal(kv_open(&(struct kv_settings){.where = "memory:"}, &why, &node.kv), IDP_OK);
    node.registry = client_registry_new(node.db);
    const struct generation_listener listener = {.changed = forget, .with = node.registry};
    assert_int_equal(generation_watch_start(node.db, "node", &listener, &node.watch), IDP_OK);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, deliver, NULL), 0);
}

void stop_node(void)
{
    atomic_store(&stop, true);
    (void)pthread_join(thread, NULL);
    generation_watch_stop(node.watch);
    client_registry_free(node.registry);
    kv_close(node.kv);
    sql_close(node.db);
}
