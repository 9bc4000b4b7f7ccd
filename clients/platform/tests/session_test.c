/* Browser sessions of a platform. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "platform/session.h"

enum { NOW = 1000000 };

static struct sessions *sessions;
static struct session session;

static int set_up(void **state)
{
    (void)state;
    sessions = sessions_new();
    return sessions == NULL || sessions_begin(sessions, NOW, &session) != IDP_OK;
}

static int tear_down(void **state)
{
    (void)state;
    sessions_free(sessions);
    return 0;
}

static bool is_there(const char *id, int64_t now)
{
    struct session seen;
    return sessions_find(sessions, id, now, &seen) == IDP_OK;
}

static void sign_in(struct session *out)
{
    const struct session visit = {.visitor = {.subject = "company-7"}};
    assert_int_equal(sessions_sign_in(sessions, session.id, &visit, NOW, out), IDP_OK);
}

static void ids_and_tokens_are_all_different(void **state)
{
    (void)state;
    struct session other;
    assert_int_equal(sessions_begin(sessions, NOW, &other), IDP_OK);
    assert_int_equal(strlen(other.id), SESSION_ID_LEN);
    assert_string_not_equal(other.id, session.id);
    assert_string_not_equal(other.token, session.token);
    assert_string_not_equal(other.token, other.id);
}

static void only_the_whole_id_finds_a_session(void **state)
{
    (void)state;
    char id[SESSION_ID_LEN + 2];
    assert_true(is_there(session.id, NOW));
    assert_false(is_there(NULL, NOW));
    assert_false(is_there("", NOW));
    (void)snprintf(id, sizeof(id), "%.42s", session.id);
    assert_false(is_there(id, NOW));
    (void)snprintf(id, sizeof(id), "%sA", session.id);
    assert_false(is_there(id, NOW));
    (void)snprintf(id, sizeof(id), "%.42s%c", session.id, session.id[42] == 'A' ? 'B' : 'A');
    assert_false(is_there(id, NOW));
}

/* docs/security.md row 23: an id planted before the sign-in is worth nothing after it. */
static void signing_in_changes_the_id(void **state)
{
    (void)state;
    struct session inside;
    sign_in(&inside);
    assert_string_not_equal(inside.id, session.id);
    assert_string_not_equal(inside.token, session.token);
    assert_false(is_there(session.id, NOW));
    assert_true(is_there(inside.id, NOW));
    assert_true(inside.signed_in);
    assert_false(inside.confirmed);
}

static void stranger_cannot_be_confirmed(void **state)
{
    (void)state;
    struct session inside;
    assert_int_equal(sessions_confirm(sessions, session.id), IDP_NOT_FOUND);
    sign_in(&inside);
    assert_int_equal(sessions_confirm(sessions, inside.id), IDP_OK);
    assert_int_equal(sessions_find(sessions, inside.id, NOW, &inside), IDP_OK);
    assert_true(inside.confirmed);
}

/* docs/security.md row 27: the second before, and the second after. */
static void sessions_end_by_the_clock(void **state)
{
    (void)state;
    struct session inside;
    assert_true(is_there(session.id, NOW + 1200));
    assert_false(is_there(session.id, NOW + 1201));
    sign_in(&inside);
    assert_true(is_there(inside.id, NOW + 1800));
    assert_true(is_there(inside.id, NOW + 3600)); /* it was used meanwhile */
    assert_false(is_there(inside.id, NOW + 3600 + 1801));
    sign_in(&inside);
    for (int64_t at = NOW; at < NOW + 28800; at += 1800)
        assert_true(is_there(inside.id, at));
    assert_true(is_there(inside.id, NOW + 28800));
    assert_false(is_there(inside.id, NOW + 28801)); /* eight hours, used or not */
}

static struct session_pending pending_with(const char *state)
{
    struct session_pending pending = {.record = "r"};
    (void)snprintf(pending.state, sizeof(pending.state), "%s", state);
    return pending;
}

static void pending_sign_in_is_taken_once(void **state)
{
    (void)state;
    const struct session_pending pending = pending_with("s1");
    struct session_pending taken;
    assert_int_equal(sessions_remember(sessions, session.id, &pending), IDP_OK);
    assert_int_equal(sessions_take(sessions, session.id, "s2", &taken), IDP_NOT_FOUND);
    assert_int_equal(sessions_take(sessions, session.id, "", &taken), IDP_NOT_FOUND);
    assert_int_equal(sessions_take(sessions, session.id, "s1", &taken), IDP_OK);
    assert_string_equal(taken.record, "r");
    assert_int_equal(sessions_take(sessions, session.id, "s1", &taken), IDP_NOT_FOUND);
}

static void pending_sign_in_belongs_to_one_browser(void **state)
{
    (void)state;
    const struct session_pending pending = pending_with("s1");
    struct session_pending taken;
    struct session other;
    assert_int_equal(sessions_begin(sessions, NOW, &other), IDP_OK);
    assert_int_equal(sessions_remember(sessions, session.id, &pending), IDP_OK);
    assert_int_equal(sessions_take(sessions, other.id, "s1", &taken), IDP_NOT_FOUND);
}

static void four_pages_may_sign_in_at_once(void **state)
{
    (void)state;
    struct session_pending taken;
    static const char *const states[] = {"s0", "s1", "s2", "s3", "s4"};
    for (size_t i = 0; i < 5; i++) {
        const struct session_pending pending = pending_with(states[i]);
        assert_int_equal(sessions_remember(sessions, session.id, &pending), IDP_OK);
    }
    assert_int_equal(sessions_take(sessions, session.id, "s0", &taken), IDP_NOT_FOUND);
    for (size_t i = 1; i < 5; i++)
        assert_int_equal(sessions_take(sessions, session.id, states[i], &taken), IDP_OK);
}

static void strangers_never_push_a_visitor_out(void **state)
{
    (void)state;
    struct session inside;
    struct session stranger;
    sign_in(&inside);
    for (int i = 0; i < 2 * SESSION_STRANGERS_MAX; i++)
        assert_int_equal(sessions_begin(sessions, NOW, &stranger), IDP_OK);
    assert_true(is_there(inside.id, NOW));
    sign_in(&inside); /* the visitors' own quota is not touched */
}

/* 2,048 requests without a cookie kept everybody from signing in for twenty minutes. */
static void oldest_stranger_makes_room_for_the_next(void **state)
{
    (void)state;
    struct session early;
    struct session late;
    struct session stranger;
    assert_int_equal(sessions_begin(sessions, NOW + 1, &early), IDP_OK);
    for (int i = 2; i < SESSION_STRANGERS_MAX; i++)
        assert_int_equal(sessions_begin(sessions, NOW + 2, &stranger), IDP_OK);
    assert_int_equal(sessions_begin(sessions, NOW + 3, &late), IDP_OK);
    assert_false(is_there(session.id, NOW + 3)); /* it began at NOW */
    assert_true(is_there(early.id, NOW + 3));
    assert_int_equal(sessions_begin(sessions, NOW + 3, &stranger), IDP_OK);
    assert_false(is_there(early.id, NOW + 3));
    assert_true(is_there(late.id, NOW + 3));
}

static void ended_session_is_gone(void **state)
{
    (void)state;
    const struct session_pending pending = pending_with("s1");
    sessions_end(sessions, session.id);
    sessions_end(sessions, session.id);
    sessions_end(sessions, NULL);
    assert_false(is_there(session.id, NOW));
    assert_int_equal(sessions_remember(sessions, session.id, &pending), IDP_NOT_FOUND);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(ids_and_tokens_are_all_different),
        TEST(only_the_whole_id_finds_a_session),
        TEST(signing_in_changes_the_id),
        TEST(stranger_cannot_be_confirmed),
        TEST(sessions_end_by_the_clock),
        TEST(pending_sign_in_is_taken_once),
        TEST(pending_sign_in_belongs_to_one_browser),
        TEST(four_pages_may_sign_in_at_once),
        TEST(strangers_never_push_a_visitor_out),
        TEST(oldest_stranger_makes_room_for_the_next),
        TEST(ended_session_is_gone),
    };
    return cmocka_run_group_tests_name("platform/session", tests, NULL, NULL);
}
