/*
 * tamgactl: the operators' command line. It works on the provider's own database with the
 * provider's own rules, whether or not the provider runs.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/client_commands.h"
#include "ctl/ctl.h"

static const char usual_settings[] = "/etc/tamga/settings.json";

static const char usage[] =
    "usage: tamgactl [--settings FILE] [--verbose] client COMMAND\n"
    "  add FILE            register a client; FILE holds its metadata as JSON, - is standard "
    "input\n"
    "  list [--table]      all clients\n"
    "  show ID             one client, whole\n"
    "  suspend ID          it can sign nobody in any more\n"
    "  resume ID           it can again\n"
    "  rotate-secret ID    a new secret; the old one ends at once\n"
    "Answers are JSON. Secrets are shown once.\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 done but not yet confirmed\n"
    "by all running nodes. Settings are looked for in /etc/tamga/settings.json.\n";

struct arguments {
    const char *settings;
    const char *words[3]; /* "client", the command, its subject */
    size_t count;
    bool table, verbose, help;
};

static int wrong_usage(const char *what)
{
    (void)ctl_complain("%s (tamgactl --help tells more)", what);
    return CTL_USAGE;
}

/* Reads the option at argv[*at], stepping over its value. Returns false for one that is unknown. */
static bool read_option(int argc, char *argv[], int *at, struct arguments *out)
{
    const char *word = argv[*at];
    if (strcmp(word, "--settings") == 0 && *at + 1 < argc)
        out->settings = argv[++*at];
    else if (strcmp(word, "--table") == 0)
        out->table = true;
    else if (strcmp(word, "--verbose") == 0)
        out->verbose = true;
    else if (strcmp(word, "--help") == 0)
        out->help = true;
    else
        return false;
    return true;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* Options may stand anywhere. Returns false when the line makes no sense. */
static bool read_arguments(int argc, char *argv[], struct arguments *out)
{
    *out = (struct arguments){.settings = usual_settings};
    for (int i = 1; i < argc; i++) {
        bool fits = out->count < sizeof(out->words) / sizeof(*out->words);
        if (is_option(argv[i])) {
            if (!read_option(argc, argv, &i, out))
                return false;
        } else if (fits) {
            out->words[out->count++] = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

static const struct client_command *find_command(const struct arguments *arguments)
{
    if (arguments->count < 2 || strcmp(arguments->words[0], "client") != 0)
        return NULL;
    for (const struct client_command *c = client_commands; c->name != NULL; c++)
        if (strcmp(c->name, arguments->words[1]) == 0)
            return c;
    return NULL;
}

/* What goes wrong is told in one line; the log is for those who ask for it. */
static void choose_log(bool verbose)
{
    int nowhere = verbose ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0)
        log_set_fd(nowhere);
}

int main(int argc, char *argv[])
{
    struct arguments arguments;
    struct ctl ctl;
    if (!read_arguments(argc, argv, &arguments))
        return wrong_usage("the command line makes no sense");
    if (arguments.help)
        return fputs(usage, stdout) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    const struct client_command *command = find_command(&arguments);
    if (command == NULL)
        return wrong_usage("expected client add, list, show, suspend, resume or rotate-secret");
    if ((arguments.count == 3) != command->wants_subject)
        return wrong_usage(command->wants_subject ? "a file or a client's id is missing"
                                                  : "there is a word too many");
    choose_log(arguments.verbose);
    const struct client_arguments given = {.subject = arguments.words[2], .table = arguments.table};
    int code = ctl_open(&ctl, arguments.settings);
    if (code == 0)
        code = command->run(&ctl, &given);
    ctl_close(&ctl);
    return code;
}
