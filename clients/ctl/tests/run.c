#include "ctl/tests/run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "store/sql.h"
#include "tests/help.h"
#include "tests/pki_region.h"

extern char **environ;

static char program[1024];

struct run_world w;

const char *path(const char *name)
{
    return arena_printf(w.arena, "%s/%s", w.folder, name);
}

void put(const char *name, const char *text)
{
    help_write_file(path(name), text, strlen(text));
}

static const char *get(const char *name)
{
    char *text = help_read_file(path(name), NULL);
    assert_non_null(text);
    const char *copy = arena_strdup(w.arena, text);
    free(text);
    return copy;
}

/* As the settings name a trust manager. */
static const char *manager(size_t i)
{
    char name[BASE64URL_LEN(DIGEST_SIZE) + 1];
    base64url_encode(region_managers()->keys[i], DIGEST_SIZE, name);
    return arena_strdup(w.arena, name);
}

const char *run_managers(void)
{
    return arena_printf(w.arena, "\"trust\":{\"managers\":[\"%s\",\"%s\"]},", manager(0),
                        manager(1));
}

int run_set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.folder = help_temp_folder();
    put("settings.json",
        arena_printf(w.arena,
                     "{\"issuer\":\"http://127.0.0.1:8080\",\"development\":true,"
                     "\"master_key_file\":\"%s\",\"trust_list\":\"t\",\"pages\":\"p\","
                     "%s\"listen\":{\"port\":8080},\"store\":{\"sql\":\"sqlite:%s\"}}",
                     path("master.key"), run_managers(), path("t.db")));
    return 0;
}

int run_tear_down(void **state)
{
    (void)state;
    help_remove_folder(w.folder);
    free(w.folder);
    arena_free(w.arena);
    return 0;
}

/* Runs tamgactl with words divided by spaces; standard input is the file "in". */
void run_with(const char *settings, const char *line)
{
    char *argv[16] = {program, (char[]){"--settings"}, arena_strdup(w.arena, settings)};
    size_t count = 3;
    char *rest = NULL;
    char *words = arena_strdup(w.arena, line);
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[count++] = word;
    pid_t pid = 0;
    int status = 0;
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    (void)posix_spawn_file_actions_addopen(&actions, 0, path("in"), O_RDONLY | O_CREAT, 0600);
    (void)posix_spawn_file_actions_addopen(&actions, 1, path("out"), O_WRONLY | O_CREAT | O_TRUNC,
                                           0600);
    (void)posix_spawn_file_actions_addopen(&actions, 2, path("err"), O_WRONLY | O_CREAT | O_TRUNC,
                                           0600);
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    w.code = WEXITSTATUS(status);
    w.out = get("out");
    w.err = get("err");
}

void run(const char *line)
{
    run_with(path("settings.json"), line);
}

json_t *answer(void)
{
    assert_string_equal(w.err, "");
    assert_int_equal(w.code, 0);
    json_t *json = json_loads(w.out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    return json;
}

/* Nothing on standard output, one line that holds text on standard error. */
void expect_complaint(int code, const char *text)
{
    assert_int_equal(w.code, code);
    assert_string_equal(w.out, "");
    const char *end = strchr(w.err, '\n');
    assert_non_null(end);
    assert_int_equal(end[1], '\0');
    assert_int_equal(strncmp(w.err, "tamgactl: ", 10), 0);
    if (strstr(w.err, text) == NULL)
        fail_msg("%s", w.err);
}

const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    assert_non_null(text);
    return arena_strdup(w.arena, text);
}

void execute(const char *statement)
{
    struct sql *db = NULL;
    assert_int_equal(sql_open(arena_printf(w.arena, "sqlite:%s", path("t.db")), NULL, &db), IDP_OK);
    assert_int_equal(sql_execute(db, &(struct sql_call){.text = statement}, NULL), IDP_OK);
    sql_close(db);
}

int64_t number_in(const char *query)
{
    struct sql *db = NULL;
    struct sql_rows rows;
    assert_int_equal(sql_open(arena_printf(w.arena, "sqlite:%s", path("t.db")), NULL, &db), IDP_OK);
    assert_int_equal(sql_read_one(db, w.arena, &(struct sql_call){.text = query}, &rows), IDP_OK);
    int64_t number = sql_cell_int(&rows, 0, 0);
    sql_close(db);
    return number;
}

/* The program under test lies beside the tests: build/<flavour>/bin/tamgactl. */
void run_find_program(const char *self)
{
    const char *slash = strrchr(self, '/');
    int len = slash != NULL ? (int)(slash - self) : 1;
    (void)snprintf(program, sizeof(program), "%.*s/../../../bin/tamgactl", len,
                   slash != NULL ? self : ".");
}
