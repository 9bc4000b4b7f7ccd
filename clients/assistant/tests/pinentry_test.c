#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>
#include <pthread.h>

#include "assistant/pinentry.h"
#include "assistant/tests/medium.h"
#include "base/clock.h"

static const struct pinentry_question question = {
    .origin = "https://idp.example",
    .purpose_zh = "登录",
    .purpose_en = "Sign in",
    .holder = "50% <b>& Sons</b>",
    .label = "lock\nTries left: 9",
    .tries_left = 3,
};

static char program[MEDIUM_PATH];
static char heard[4096];
static struct pin pin;
static atomic_bool stop;

/*
 * A STAND-IN for the dialog program pinentry: greets, says OK to everything, and does what the test
 * says when the PIN is asked for. What it hears it writes to a file.
 */
static void stand_in(const char *greeting, const char *on_getpin)
{
    char script[2048];
    char log[MEDIUM_PATH];
    medium_path("heard", log);
    (void)snprintf(script, sizeof(script),
                   "#!/bin/sh\n"
                   "echo '%s'\n"
                   "while read -r line; do\n"
                   "    printf '%%s\\n' \"$line\" >> '%s'\n"
                   "    case \"$line\" in\n"
                   "    GETPIN) %s ;;\n"
                   "    *) echo '# said'; echo 'S STATUS x'; echo OK ;;\n"
                   "    esac\n"
                   "done\n",
                   greeting, log, on_getpin);
    medium_write(medium_folder, "heard", "");
    medium_write(medium_folder, "pinentry", script);
    medium_path("pinentry", program);
    assert_int_equal(chmod(program, 0700), 0);
}

static enum trouble ask(void)
{
    return pinentry_ask(program, &question, &stop, &pin);
}

static void read_heard(void)
{
    char path[MEDIUM_PATH];
    medium_path("heard", path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    heard[fread(heard, 1, sizeof(heard) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void pin_that_was_typed_is_given_back(void **state)
{
    (void)state;
    stand_in("OK Pleased to meet you", "echo 'D 12%25 4%0d56' | sed 's/%0d//'; echo OK");
    assert_int_equal(ask(), TROUBLE_NONE);
    assert_string_equal(pin.text, "12% 456");
    assert_int_equal(pin.len, 7);
}

static void dialog_names_site_purpose_holder_and_tries(void **state)
{
    (void)state;
    stand_in("OK", "echo 'D 1'; echo OK");
    assert_int_equal(ask(), TROUBLE_NONE);
    read_heard();
    assert_non_null(strstr(heard, "SETDESC 登录 / Sign in%0a"));
    assert_non_null(strstr(heard, "https://idp.example%0a"));
    assert_non_null(strstr(heard, "3\n"));
}

/* Names come from the lock: they may not add lines, mark-up or commands of their own. */
static void names_are_text_and_nothing_else(void **state)
{
    (void)state;
    stand_in("OK", "echo 'D 1'; echo OK");
    assert_int_equal(ask(), TROUBLE_NONE);
    read_heard();
    assert_non_null(strstr(heard, "50%25 |b|& Sons|/b|"));
    assert_null(strchr(heard, '<'));
    assert_null(strstr(heard, "\nTries left: 9"));
}

static void closed_dialog_is_cancelled(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "echo 'ERR 83886179 Operation cancelled <Pinentry>'", /* GPG_ERR_CANCELED */
        "echo 'ERR 83886142 Timeout <Pinentry>'", "echo OK",  /* an empty PIN */
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        stand_in("OK", answers[i]);
        assert_int_equal(ask(), TROUBLE_CANCELLED);
        assert_int_equal(pin.len, 0);
    }
}

static void dialog_that_does_not_work_is_told(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "echo 'ERR 83886340 Invalid IPC response'",
        "exit 0",
        "echo 'INQUIRE x'",
        "echo 'D %zz'; echo OK",
        "echo 'D 1%4'; echo OK",
        "printf 'D %01000d\\n' 1; echo OK",
        "printf '%01500d' 1",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        stand_in("OK", answers[i]);
        if (ask() != TROUBLE_NO_PROMPT)
            fail_msg("%s", answers[i]);
        assert_int_equal(pin.len, 0);
    }
    stand_in("ERR 1 no display", "echo OK");
    assert_int_equal(ask(), TROUBLE_NO_PROMPT);
}

static void missing_program_is_told(void **state)
{
    (void)state;
    (void)snprintf(program, sizeof(program), "/nonexistent/pinentry");
    assert_int_equal(ask(), TROUBLE_NO_PROMPT);
}

static void *stop_soon(void *context)
{
    const struct timespec wait = {.tv_nsec = 300000000};
    (void)nanosleep(&wait, NULL);
    atomic_store(&stop, true);
    return context;
}

static void waiting_dialog_is_closed_when_the_assistant_stops(void **state)
{
    (void)state;
    pthread_t thread;
    stand_in("OK", "exec sleep 30");
    int64_t before = clock_ticks_ms();
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
    assert_int_equal(ask(), TROUBLE_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    atomic_store(&stop, false);
    assert_in_range(clock_ticks_ms() - before, 200, 5000);
}

static void long_text_is_cut_and_the_line_still_ends(void **state)
{
    (void)state;
    char text[3000];
    char line[PINENTRY_LINE_MAX];
    memset(text, '%', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    size_t len = pinentry_line("SETDESC", text, line);
    assert_in_range(len, 900, PINENTRY_LINE_MAX);
    assert_int_equal(line[len - 1], '\n');
}

static void data_lines_are_read_strictly(void **state)
{
    (void)state;
    assert_true(pinentry_read_data("D %31%32", 8, &pin));
    assert_string_equal(pin.text, "12");
    assert_false(pinentry_read_data("D ", 2, &pin));
    assert_false(pinentry_read_data("D", 1, &pin));
    assert_false(pinentry_read_data("", 0, &pin));
    assert_false(pinentry_read_data("E 1", 3, &pin));
    assert_false(pinentry_read_data("D 1%", 4, &pin));
    assert_false(pinentry_read_data("D %00", 5, &pin));
    char line[2 + PIN_MAX + 2] = "D ";
    memset(line + 2, '7', PIN_MAX + 1);
    assert_true(pinentry_read_data(line, 2 + PIN_MAX, &pin));
    assert_false(pinentry_read_data(line, 2 + PIN_MAX + 1, &pin));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pin_that_was_typed_is_given_back),
        cmocka_unit_test(dialog_names_site_purpose_holder_and_tries),
        cmocka_unit_test(names_are_text_and_nothing_else),
        cmocka_unit_test(closed_dialog_is_cancelled),
        cmocka_unit_test(dialog_that_does_not_work_is_told),
        cmocka_unit_test(missing_program_is_told),
        cmocka_unit_test(waiting_dialog_is_closed_when_the_assistant_stops),
        cmocka_unit_test(long_text_is_cut_and_the_line_still_ends),
        cmocka_unit_test(data_lines_are_read_strictly),
    };
    return cmocka_run_group_tests_name("assistant/pinentry", tests, medium_set_up,
                                       medium_tear_down);
}
