/*
 * tamgactl: the operators' command line. It works on the provider's own database with the
 * provider's own rules, whether or not the provider runs.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

#include "base/log.h"
#include "base/text.h"
#include "ctl/client_commands.h"
#include "ctl/command.h"
#include "ctl/consent_commands.h"
#include "ctl/ctl.h"
#include "ctl/enterprise_commands.h"
#include "ctl/keys_commands.h"
#include "ctl/lock_commands.h"
#include "ctl/session_commands.h"
#include "ctl/trust_check_commands.h"
#include "ctl/trust_commands.h"
#include "ctl/trust_sign_commands.h"

static const struct command_group groups[] = {
    {"client", client_commands, false},    {"enterprise", enterprise_commands, false},
    {"lock", lock_commands, false},        {"session", session_commands, false},
    {"consent", consent_commands, false},  {"trust", trust_commands, false},
    {"trust", trust_check_commands, true}, {"trust", trust_sign_commands, true},
    {"keys", keys_commands, false},        {NULL, NULL, false},
};

static const char usual_settings[] = "/etc/tamga/settings.json";

static const char usage_begins[] = "usage: tamgactl [--settings FILE] [--verbose] COMMAND\n";
static const char usage_ends[] =
    "Lists may be wanted with --table. Answers are JSON. Secrets are shown once. A FILE named - "
    "is\n"
    "standard input. Ids that begin with a hyphen stand behind --.\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 done but not yet confirmed\n"
    "by all running nodes. Settings are looked for in /etc/tamga/settings.json.\n";

/* What commands take beside their words; by enum command_option. */
static const struct option {
    const char *name, *value;     /* without a value: NULL */
    const char *group, *commands; /* that take it, space-separated */
    const char *tells;
} options[COMMAND_OPTIONS] = {
    [OPTION_SINCE] = {"--since", "DAY", "trust", "refusals",
                      "2026-11-22, Monday or 7d; usually Monday"},
    [OPTION_AUTHORITY] = {"--authority", "ID", "trust", "refusals", "of this one only"},
    [OPTION_LIST] = {"--list", NULL, "trust", "refusals", "the certificates, too"},
    [OPTION_SIGNATURES] = {"--signatures", "FILE", "trust", "load",
                           "the managers' signatures; usually in FILE.signatures"},
    [OPTION_AGAINST] = {"--against", "FILE", "trust", "sign try",
                        "say what changes from this list; try: recent or recent=DAYS (30)"},
    [OPTION_LOCK] = {"--lock", "L", "trust", "sign", "the lock of this id or label"},
    [OPTION_PIN_FILE] = {"--pin-file", "FILE", "trust", "sign", "the PIN, usually asked for"},
    [OPTION_ISSUER] = {"--issuer", "URL", "trust", "sign", "for this one; usually the settings'"},
    [OPTION_ASSISTANT] = {"--assistant", "FILE", "trust", "sign locks",
                          "the assistant's settings, which name the locks' drivers"},
};

enum { WORDS_MAX = 2 + COMMAND_WORDS_MAX };

struct arguments {
    const char *settings;
    const char *words[WORDS_MAX]; /* group, command, and what stands behind */
    size_t count;
    const char *options[COMMAND_OPTIONS];
    bool table, verbose, help;
};

/* --- help ---------------------------------------------------------------------------------- */

static void tell_of(const struct command_group *group, const struct command *command)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "%s %s", group->name, command->name);
    for (size_t i = 0; i < COMMAND_WORDS_MAX && command->words[i] != NULL; i++)
        n += snprintf(line + n, sizeof(line) - (size_t)n, " %s", command->words[i]);
    (void)printf("  %-34s %s\n", line, command->tells);
}

static void tell_of_option(const struct option *option)
{
    char line[64];
    const char *value = option->value != NULL ? option->value : "";
    (void)snprintf(line, sizeof(line), "%s %s %s %s", option->group, option->commands, option->name,
                   value);
    (void)printf("  %-34s %s\n", line, option->tells);
}

static int tell_all(void)
{
    (void)fputs(usage_begins, stdout);
    for (const struct command_group *g = groups; g->name != NULL; g++)
        for (const struct command *c = g->commands; c->name != NULL; c++)
            tell_of(g, c);
    for (size_t i = 0; i < COMMAND_OPTIONS; i++)
        tell_of_option(&options[i]);
    (void)fputs(usage_ends, stdout);
    return ferror(stdout) == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int wrong_usage(const char *what)
{
    (void)ctl_complain("%s (tamgactl --help tells more)", what);
    return CTL_USAGE;
}

/* --- the command line ---------------------------------------------------------------------- */

/* Reads an option that only some commands take. */
static bool read_command_option(int argc, char *argv[], int *at, struct arguments *out)
{
    size_t i = 0;
    while (i < COMMAND_OPTIONS && strcmp(argv[*at], options[i].name) != 0)
        i++;
    if (i == COMMAND_OPTIONS || out->options[i] != NULL)
        return false;
    if (options[i].value != NULL && *at + 1 >= argc)
        return false;
    out->options[i] = options[i].value != NULL ? argv[++*at] : "";
    return true;
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
        return read_command_option(argc, argv, at, out);
    return true;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* Options may stand anywhere before a "--", behind which words may begin with a hyphen, as random
 * ids do. Returns false when the line makes no sense. */
static bool read_arguments(int argc, char *argv[], struct arguments *out)
{
    bool words_only = false;
    *out = (struct arguments){.settings = usual_settings};
    for (int i = 1; i < argc; i++) {
        if (!words_only && strcmp(argv[i], "--") == 0) {
            words_only = true;
        } else if (!words_only && is_option(argv[i])) {
            if (!read_option(argc, argv, &i, out))
                return false;
        } else if (out->count < WORDS_MAX) {
            out->words[out->count++] = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

static const struct command *find_in(const struct command_group *group, const char *name)
{
    for (const struct command *c = group->commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

/* Returns the command and sets *out to its group, or returns NULL. */
static const struct command *find_command(const struct arguments *arguments,
                                          const struct command_group **out)
{
    const struct command *found = NULL;
    const struct command_group *group = groups;
    for (; arguments->count >= 2 && group->name != NULL && found == NULL; group++)
        if (strcmp(group->name, arguments->words[0]) == 0) {
            found = find_in(group, arguments->words[1]);
            *out = group;
        }
    return found;
}

static bool takes(const struct arguments *arguments, const struct option *option)
{
    return strcmp(arguments->words[0], option->group) == 0 &&
           text_list_has(option->commands, arguments->words[1]);
}

/* What is wrong with the words behind the command, or NULL. */
static const char *check_words(const struct command *command, const struct arguments *arguments)
{
    size_t most = 0;
    size_t least = 0;
    for (; most < COMMAND_WORDS_MAX && command->words[most] != NULL; most++)
        least += command->words[most][0] != '[';
    size_t given = arguments->count - 2;
    for (size_t i = 0; i < COMMAND_OPTIONS; i++)
        if (arguments->options[i] != NULL && !takes(arguments, &options[i]))
            return "there is an option that this command does not take";
    return given < least ? "a word is missing" : given > most ? "there is a word too many" : NULL;
}

/* What goes wrong is told in one line; the log is for those who ask for it. */
static void choose_log(bool verbose)
{
    int nowhere = verbose ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0)
        log_set_fd(nowhere);
}

static int run(const struct command_group *group, const struct command *command,
               const struct arguments *arguments)
{
    struct ctl ctl;
    struct command_arguments given = {.table = arguments->table, .settings = arguments->settings};
    for (size_t i = 0; i < COMMAND_WORDS_MAX; i++)
        given.words[i] = arguments->words[2 + i];
    memcpy(given.options, arguments->options, sizeof(given.options));
    choose_log(arguments->verbose);
    int code = group->alone ? ctl_open_alone(&ctl) : ctl_open(&ctl, arguments->settings);
    if (code == 0)
        code = command->run(&ctl, &given);
    ctl_close(&ctl);
    return code;
}

int main(int argc, char *argv[])
{
    struct arguments arguments;
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* keys in memory are not for files that crashes leave */
    if (!read_arguments(argc, argv, &arguments))
        return wrong_usage("the command line makes no sense");
    if (arguments.help)
        return tell_all();
    const struct command_group *group = NULL;
    const struct command *command = find_command(&arguments, &group);
    if (command == NULL)
        return wrong_usage("there is no such command");
    const char *wrong = check_words(command, &arguments);
    return wrong == NULL ? run(group, command, &arguments) : wrong_usage(wrong);
}
