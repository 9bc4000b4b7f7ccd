/* The world with a mail server in it, for tests of what is sent. */
#pragma once

#include "tests/access/world.h"
#include "tests/smtp_peer.h"

extern struct post {
    struct smtp_peer *peer;
    struct net *net;
    struct mailer *mailer;
    char server[64];
} post;

int post_set_up(void **state);
int post_tear_down(void **state);

#define POST_TEST(f) cmocka_unit_test_setup_teardown(f, post_set_up, post_tear_down)

/* The enterprise Bell is suspended, or its lock unbound, by an operator: a mail each. */
enum idp_err post_suspend(void);
enum idp_err post_unbind(void);

/* Mails that are to be sent. */
int64_t post_waiting(void);

/* Delivers messages, so many ms after the world's time. */
enum idp_err post_deliver(int64_t after_ms);
