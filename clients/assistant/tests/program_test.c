/* The program as a terminal sees it: what it prints, where, and how it ends. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "assistant/tests/medium.h"
#include "base/base64.h"

extern char **environ;

static EVP_PKEY *key;
static X509 *certificate;
static char settings[MEDIUM_PATH];
static char out[65536], err[4096];

/* --- running it ------------------------------------------------------------------------------- */

static pid_t start(const char *const *arguments, const char *input)
{
    char *argv[16] = {NULL};
    char paths[3][MEDIUM_PATH];
    static const char *const names[] = {"in", "out", "err"};
    static const int flags[] = {O_RDONLY, O_WRONLY | O_TRUNC, O_WRONLY | O_TRUNC};
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    for (int fd = 0; fd < 3; fd++) {
        medium_write(medium_folder, names[fd], fd == 0 ? input : "");
        medium_path(names[fd], paths[fd]);
        assert_int_equal(posix_spawn_file_actions_addopen(&actions, fd, paths[fd], flags[fd], 0),
                         0);
    }
    assert_non_null(argv[0] = strdup(TEST_PROGRAM));
    for (size_t i = 0; arguments[i] != NULL; i++)
        assert_non_null(argv[i + 1] = strdup(arguments[i]));
    assert_int_equal(posix_spawn(&pid, TEST_PROGRAM, &actions, NULL, argv, environ), 0);
    for (size_t i = 0; argv[i] != NULL; i++)
        free(argv[i]);
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void read_back(const char *name, char *text, size_t size)
{
    char path[MEDIUM_PATH];
    medium_path(name, path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
}

static int finish(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    read_back("out", out, sizeof(out));
    read_back("err", err, sizeof(err));
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run(const char *const *arguments, const char *input)
{
    return finish(start(arguments, input));
}

static void expect_one_line(const char *beginning)
{
    if (strncmp(err, beginning, strlen(beginning)) != 0)
        fail_msg("\"%s\" should begin with \"%s\"", err, beginning);
    assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
}

static void write_settings(const char *name, unsigned int port, const char *more)
{
    char text[2048];
    (void)snprintf(text, sizeof(text),
                   "{\"listen\":%u,\"origins\":[\"%s\"],\"portal\":\"https://idp.example/\","
                   "\"drivers\":[{\"kind\":\"pkcs11\",\"library\":\"%s\"}]%s}",
                   port, MEDIUM_ORIGIN, MEDIUM_SOFTHSM, more);
    medium_write(medium_folder, name, text);
    medium_path(name, settings);
}

static int set_up_all(void **state)
{
    int result = medium_set_up(state);
    key = medium_key("RSA");
    certificate = medium_certificate(key, "rsa", "digitalSignature");
    medium_token("RSA lock", key, certificate);
    return result;
}

static int tear_down_all(void **state)
{
    X509_free(certificate);
    EVP_PKEY_free(key);
    return medium_tear_down(state);
}

static int set_up(void **state)
{
    (void)state;
    write_settings("assistant.json", 17681, "");
    return 0;
}

/* --- commands --------------------------------------------------------------------------------- */

static void list_prints_the_locks(void **state)
{
    (void)state;
    const char *const arguments[] = {"list", "--settings", settings, NULL};
    assert_int_equal(run(arguments, ""), 0);
    json_t *body = json_loads(out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(body, "locks")), 1);
    assert_string_equal(err, "");
    json_decref(body);
}

static void show_tells_what_support_asks_for(void **state)
{
    (void)state;
    const char *const arguments[] = {"show", "--lock", "RSA lock", "--settings", settings, NULL};
    assert_int_equal(run(arguments, ""), 0);
    json_t *body = json_loads(out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(body, "key")), "rsa");
    assert_string_equal(json_string_value(json_object_get(body, "serial")), "7a");
    assert_string_equal(json_string_value(json_object_get(body, "issuer")), "rsa");
    assert_true(json_is_false(json_object_get(body, "pin_blocked")));
    json_decref(body);
}

static void sign_takes_the_pin_from_standard_input(void **state)
{
    (void)state;
    unsigned char bytes[1024];
    size_t len = 0;
    const char *const arguments[] = {"sign",           "--origin", MEDIUM_ORIGIN, "--challenge",
                                     MEDIUM_CHALLENGE, "--lock",   "RSA lock",    "--settings",
                                     settings,         NULL};
    assert_int_equal(run(arguments, MEDIUM_PIN), 0);
    json_t *body = json_loads(out, 0, NULL);
    const char *signature = json_string_value(json_object_get(body, "signature"));
    assert_non_null(signature);
    assert_int_equal(base64_decode(signature, strlen(signature), bytes, sizeof(bytes), &len),
                     IDP_OK);
    assert_true(medium_verifies(certificate, "RS256", MEDIUM_ORIGIN, MEDIUM_CHALLENGE, bytes, len));
    json_decref(body);
}

static void refusal_is_json_and_one_line(void **state)
{
    (void)state;
    const char *const arguments[] = {"sign",           "--origin", MEDIUM_ORIGIN, "--challenge",
                                     MEDIUM_CHALLENGE, "--lock",   "RSA lock",    "--settings",
                                     settings,         NULL};
    assert_int_equal(run(arguments, "654321"), 1);
    assert_non_null(strstr(out, "\"pin_wrong\""));
    expect_one_line("tamga-assistant: the PIN is wrong\n");
    assert_int_equal(run(arguments, ""), 1);
    expect_one_line("tamga-assistant: the PIN is missing\n");
}

static void wrong_usage_is_explained(void **state)
{
    (void)state;
    const char *const none[] = {NULL};
    const char *const unknown[] = {"frobnicate", NULL};
    const char *const half[] = {"sign", "--origin", MEDIUM_ORIGIN, NULL};
    const char *const twice[] = {"list", "--lock", "a", "--lock", "b", NULL};
    const char *const loose[] = {"list", "--settings", NULL};
    const char *const pin[] = {"sign",           "--origin", MEDIUM_ORIGIN, "--challenge",
                               MEDIUM_CHALLENGE, "--pin",    MEDIUM_PIN,    NULL};
    const char *const *const all[] = {none, unknown, half, twice, loose, pin};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        assert_int_equal(run(all[i], ""), 2);
        assert_non_null(strstr(err, "usage: tamga-assistant"));
        assert_string_equal(out, "");
    }
    const char *const version[] = {"--version", NULL};
    assert_int_equal(run(version, ""), 0);
    assert_string_equal(out, "tamga-assistant 0.1.0\n");
}

/* --- what is wrong at the start ----------------------------------------------------------------
 */

static void bad_settings_are_one_line(void **state)
{
    (void)state;
    char beginning[MEDIUM_PATH + 64];
    write_settings("bad.json", 0, "");
    const char *const arguments[] = {"serve", "--settings", settings, NULL};
    assert_int_equal(run(arguments, ""), 1);
    (void)snprintf(beginning, sizeof(beginning), "tamga-assistant: %s: listen: expected ",
                   settings);
    expect_one_line(beginning);
}

static void unwritable_log_is_one_line(void **state)
{
    (void)state;
    char beginning[MEDIUM_PATH + 64];
    write_settings("log.json", 17681, ",\"log\":\"/nonexistent/a.log\"");
    const char *const arguments[] = {"serve", "--settings", settings, NULL};
    assert_int_equal(run(arguments, ""), 1);
    (void)snprintf(beginning, sizeof(beginning), "tamga-assistant: %s: log: expected ", settings);
    expect_one_line(beginning);
}

static int occupied(unsigned int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void port_in_use_is_one_line(void **state)
{
    (void)state;
    unsigned int port = 0;
    int fd = occupied(&port);
    write_settings("port.json", port, "");
    const char *const arguments[] = {"serve", "--settings", settings, NULL};
    assert_int_equal(run(arguments, ""), 1);
    expect_one_line("tamga-assistant: 127.0.0.1:");
    (void)close(fd);
}

static void serve_ends_when_it_is_asked_to(void **state)
{
    (void)state;
    unsigned int port = 0;
    const struct timespec wait = {.tv_nsec = 20000000};
    (void)close(occupied(&port));
    write_settings("serve.json", port, "");
    const char *const arguments[] = {"serve", "--settings", settings, NULL};
    pid_t pid = start(arguments, "");
    for (int i = 0; i < 500 && strstr(err, "\"started\"") == NULL; i++) {
        (void)nanosleep(&wait, NULL);
        read_back("err", err, sizeof(err));
    }
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(finish(pid), 0);
    assert_non_null(strstr(err, "\"event\":\"started\""));
    assert_non_null(strstr(err, "\"event\":\"stopped\""));
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(list_prints_the_locks),
        TEST(show_tells_what_support_asks_for),
        TEST(sign_takes_the_pin_from_standard_input),
        TEST(refusal_is_json_and_one_line),
        TEST(wrong_usage_is_explained),
        TEST(bad_settings_are_one_line),
        TEST(unwritable_log_is_one_line),
        TEST(port_in_use_is_one_line),
        TEST(serve_ends_when_it_is_asked_to),
    };
    return cmocka_run_group_tests_name("assistant/program", tests, set_up_all, tear_down_all);
}
