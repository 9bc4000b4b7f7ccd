/*
 * tamga-idp: the identity provider. Each subcommand is a line of the table and a file of its own.
 *
 * Exit codes: 0 done, 1 refused or failed, 2 wrong command line.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "command.h"
#include "copy.h"
#include "migrate.h"
#include "serve.h"
#include "store/schema.h"
#include "version.h"

static const struct command commands[] = {
    {"serve", {"--settings"}, "serve until SIGTERM", serve_command},
    {"migrate",
     {"--settings"},
     "bring the database up to date, while nodes of the version before go on",
     migrate_command},
    {"copy",
     {"--from", "--to"},
     "move an installation to another, empty database; both are named by their settings",
     copy_command},
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static void write_usage(FILE *to)
{
    (void)fputs("usage: tamga-idp COMMAND\n", to);
    for (size_t i = 0; i < COMMANDS; i++) {
        (void)fprintf(to, "  %s", commands[i].name);
        for (const char *const *option = commands[i].options; *option != NULL; option++)
            (void)fprintf(to, " %s FILE", *option);
        (void)fprintf(to, "\n      %s\n", commands[i].tells);
    }
    (void)fputs("  --help, --version\n"
                "Exit codes: 0 done, 1 refused or failed, 2 wrong command line.\n",
                to);
}

static int wrong_usage(void)
{
    write_usage(stderr);
    return COMMAND_USAGE;
}

static int tell(const char *word)
{
    if (strcmp(word, "--help") == 0)
        write_usage(stdout);
    else
        (void)printf("tamga-idp %s (schema %lld)\n", TAMGA_VERSION, (long long)schema_of_program());
    return ferror(stdout) || fflush(stdout) != 0 ? COMMAND_FAILED : EXIT_SUCCESS;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* Puts the value of one option in its place. Returns false for one that is unknown or there
 * already. */
static bool take_option(const struct command *command, const char *option, const char *value,
                        const char *files[COMMAND_OPTIONS_MAX])
{
    for (size_t i = 0; command->options[i] != NULL; i++) {
        if (strcmp(command->options[i], option) != 0)
            continue;
        bool fresh = files[i] == NULL;
        files[i] = value;
        return fresh;
    }
    return false;
}

/* Reads "--option FILE" pairs. Returns false unless each option is there once. */
static bool read_options(const struct command *command, int argc, char *argv[],
                         const char *files[COMMAND_OPTIONS_MAX])
{
    int wanted = 0;
    while (command->options[wanted] != NULL)
        wanted++;
    if (argc != 2 * wanted)
        return false;
    for (int i = 0; i < argc; i += 2)
        if (!take_option(command, argv[i], argv[i + 1], files))
            return false;
    return true;
}

int main(int argc, char *argv[])
{
    const char *files[COMMAND_OPTIONS_MAX] = {NULL};
    const struct rlimit none = {0, 0};
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
        return tell(argv[1]);
    const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
    if (command == NULL || !read_options(command, argc - 2, argv + 2, files))
        return wrong_usage();
    (void)umask(077);
    (void)setrlimit(RLIMIT_CORE, &none); /* keys in memory are not for files that crashes leave */
    (void)signal(SIGPIPE, SIG_IGN);
    return command->run(files);
}
