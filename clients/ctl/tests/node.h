/* A node, as far as commands notice one: it takes over what changed, and delivers the outbox. */
#pragma once

#include <stdatomic.h>

struct client_registry;
struct generation_watch;
struct kv;
struct sql;

extern struct node {
    struct sql *db;
    struct kv *kv;
    struct client_registry *registry;
    struct generation_watch *watch;
    atomic_llong seen; /* the generation it has heard of */
} node;

/* On the database of the test's folder. */
void start_node(void);
void stop_node(void);
