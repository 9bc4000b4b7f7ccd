/* tamga-assistant: reads the CA lock and signs for web pages. README.md tells how it is used. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "assistant/command.h"
#include "assistant/os/os.h"
#include "assistant/service.h"
#include "assistant/version.h"
#include "base/log.h"

enum { EXIT_USAGE = 2 };

struct arguments {
    const char *command;
    const char *settings, *lock, *origin, *challenge;
};

static const char usage[] =
    "usage: tamga-assistant COMMAND [--settings FILE]\n"
    "  serve                    answer web pages, until stopped\n"
    "  list                     the locks that are plugged in\n"
    "  show --lock L            one lock, by id or label\n"
    "  sign --origin O --challenge C [--lock L]   the PIN comes on standard input\n"
    "  open                     show the portal in the browser\n"
    "  --help, --version\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong command line.\n";

/* One line, whatever the reason holds. Returns EXIT_FAILURE. */
static int complain(const char *what)
{
    (void)fprintf(stderr, "tamga-assistant: %s\n", what);
    return EXIT_FAILURE;
}

/* Prints the outcome's JSON and, when it is an error, a sentence to standard error. */
static int print(struct outcome outcome)
{
    if (outcome.body != NULL) {
        (void)json_dumpf(outcome.body, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(outcome.body);
    }
    return outcome.trouble == TROUBLE_NONE ? EXIT_SUCCESS : complain(trouble_text(outcome.trouble));
}

/* --- commands --------------------------------------------------------------------------------- */

static int serve(struct assistant *assistant, const struct arguments *arguments)
{
    char why[256];
    struct log_line line;
    (void)arguments;
    os_hold_stop_signals();
    struct service *service = service_start(assistant, why, sizeof(why));
    if (service == NULL)
        return complain(why);
    log_begin(&line, LOG_INFO, "started");
    log_text(&line, "version", ASSISTANT_VERSION);
    log_number(&line, "port", assistant->settings->port);
    log_end(&line);
    os_wait_for_stop();
    bool stopped = service_stop(service);
    log_event(LOG_INFO, "stopped", NULL, NULL);
    if (!stopped)
        os_leave(EXIT_SUCCESS);
    return EXIT_SUCCESS;
}

static int list(struct assistant *assistant, const struct arguments *arguments)
{
    (void)arguments;
    return print(command_certificates(assistant));
}

static int show(struct assistant *assistant, const struct arguments *arguments)
{
    return print(command_show(assistant, arguments->lock));
}

/* The first line of standard input, read without a buffer that could keep it. */
static bool read_pin(struct pin *out)
{
    char text[PIN_MAX + 1];
    size_t len = 0;
    while (len < sizeof(text) && read(STDIN_FILENO, text + len, 1) == 1 && text[len] != '\n')
        len++;
    if (len > 0 && len < sizeof(text) && text[len - 1] == '\r')
        len--;
    bool fine = pin_set(out, text, len);
    OPENSSL_cleanse(text, sizeof(text));
    return fine;
}

static int sign(struct assistant *assistant, const struct arguments *arguments)
{
    struct pin pin;
    if (!origin_is_well_formed(arguments->origin))
        return complain("--origin: expected an origin such as https://idp.example");
    if (!read_pin(&pin))
        return print(outcome_of(TROUBLE_PIN_REQUIRED, TRIES_UNKNOWN));
    const struct command_sign order = {
        .origin = arguments->origin,
        .challenge = arguments->challenge,
        .lock = arguments->lock,
        .pin = &pin,
    };
    struct outcome outcome = command_sign(assistant, &order);
    pin_wipe(&pin);
    return print(outcome);
}

static int open_portal(struct assistant *assistant, const struct arguments *arguments)
{
    const char *portal = assistant->settings->portal;
    (void)arguments;
    if (!os_browser_open(portal))
        return complain("no browser could be opened");
    return print((struct outcome){TROUBLE_NONE, json_pack("{s:s}", "opened", portal)});
}

/* --- the command line ------------------------------------------------------------------------- */

static const struct command {
    const char *name;
    int (*run)(struct assistant *assistant, const struct arguments *arguments);
    bool needs_lock, needs_challenge;
} commands[] = {
    {"serve", serve, false, false},      {"list", list, false, false},
    {"show", show, true, false},         {"sign", sign, false, true},
    {"open", open_portal, false, false},
};

static const struct command *command_of(const struct arguments *arguments)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        const struct command *command = &commands[i];
        if (arguments->command == NULL || strcmp(command->name, arguments->command) != 0)
            continue;
        bool whole = (!command->needs_lock || arguments->lock != NULL) &&
                     (!command->needs_challenge ||
                      (arguments->origin != NULL && arguments->challenge != NULL));
        return whole ? command : NULL;
    }
    return NULL;
}

/* Reads "--name value" pairs behind the command. */
static bool read_arguments(int argc, char **argv, struct arguments *out)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {
        {"--settings", &out->settings},
        {"--lock", &out->lock},
        {"--origin", &out->origin},
        {"--challenge", &out->challenge},
    };
    out->command = argc > 1 ? argv[1] : NULL;
    for (int i = 2; i < argc; i += 2) {
        const char **value = NULL;
        for (size_t n = 0; n < sizeof(options) / sizeof(*options); n++)
            if (strcmp(options[n].name, argv[i]) == 0)
                value = options[n].value;
        if (value == NULL || *value != NULL || i + 1 == argc)
            return false;
        *value = argv[i + 1];
    }
    return true;
}

/* The log goes where the settings say. Without a file, only serve tells what went well. */
static bool prepare_log(const struct settings *settings, const char *file, bool is_service)
{
    char why[SETTINGS_WHY_MAX];
    int fd = STDERR_FILENO;
    if (settings->log[0] != '\0')
        fd = os_log_open(settings->log);
    if (fd < 0) {
        (void)snprintf(why, sizeof(why), "%s: log: expected a file that can be written", file);
        (void)complain(why);
        return false;
    }
    log_set_fd(fd);
    if (!is_service && fd == STDERR_FILENO)
        log_set_level(LOG_WARN);
    return true;
}

static int run(const struct command *command, const struct arguments *arguments)
{
    static struct settings settings;
    struct assistant assistant;
    char why[SETTINGS_WHY_MAX];
    char usual[SETTINGS_PATH_MAX];
    const char *file = arguments->settings;
    if (file == NULL) {
        os_settings_path(usual, sizeof(usual));
        file = usual;
    }
    if (!settings_read(file, &settings, why))
        return complain(why);
    if (!prepare_log(&settings, file, command->run == serve))
        return EXIT_FAILURE;
    if (!assistant_init(&assistant, &settings))
        return complain("no memory");
    int status = command->run(&assistant, arguments);
    assistant_free(&assistant);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.command = NULL};
    os_protect_memory();
    secret_wipe_json();
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("tamga-assistant " ASSISTANT_VERSION) < 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    const struct command *command =
        read_arguments(argc, argv, &arguments) ? command_of(&arguments) : NULL;
    if (command == NULL) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return run(command, &arguments);
}
