#include "tests/access/post.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "access/access.h"
#include "access/outbox.h"
#include "access/revoke.h"
#include "base/log.h"
#include "net/net.h"
#include "notify/mailer.h"

struct post post;

int post_set_up(void **state)
{
    int failed = world_set_up(state);
    log_set_level((enum log_level)(LOG_ERROR + 1)); /* failures are meant here */
    post.peer = smtp_peer_start(&(struct smtp_peer_wish){.certificate = NULL});
    (void)snprintf(post.server, sizeof(post.server), "smtp://127.0.0.1:%d",
                   smtp_peer_port(post.peer));
    const struct mailer_settings settings = {.server = post.server, .from = "noreply@idp.example"};
    assert_int_equal(net_new(NULL, &post.net), IDP_OK);
    assert_int_equal(mailer_new(post.net, &settings, &post.mailer), IDP_OK);
    world.app.net = post.net;
    world.app.access.mailer = post.mailer;
    world.app.access.tells = true;
    world.app.access.support_phone = world.app.config.support_phone;
    world.app.access.message_retry_s = 60;
    world.app.access.message_attempts = 5;
    return failed;
}

int post_tear_down(void **state)
{
    world.app.net = NULL;
    mailer_free(post.mailer);
    net_free(post.net);
    smtp_peer_stop(post.peer);
    return world_tear_down(state);
}

static struct revoke_order by_operator(void)
{
    return (struct revoke_order){
        .arena = world.arena, .by = {.kind = "operator", .name = "alice"}, .now = world.now};
}

enum idp_err post_suspend(void)
{
    struct revoke_order order = by_operator();
    return revoke_enterprise(&world.app.access, &order, world.holders[LOCK_BELL].enterprise.id);
}

enum idp_err post_unbind(void)
{
    struct revoke_order order = by_operator();
    return revoke_lock(&world.app.access, &order, world.holders[LOCK_BELL].lock.id);
}

int64_t post_waiting(void)
{
    return world_number(
        "SELECT COUNT(*) FROM outbox WHERE queue = 'messages' AND delivered IS NULL "
        "AND parked IS NULL");
}

enum idp_err post_deliver(int64_t after_ms)
{
    return outbox_deliver(&world.app.access, OUTBOX_MESSAGES, world.now * 1000 + after_ms);
}
