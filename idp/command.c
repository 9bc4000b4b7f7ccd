/* What the subcommands share: how they give up, and where their log goes. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config.h"

int command_give_up(char *why)
{
    (void)fprintf(stderr, "tamga-idp: %s\n", why != NULL ? why : "no memory");
    free(why);
    return COMMAND_FAILED;
}

void command_set_level(const struct config *config)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], config->log_level) == 0)
            log_set_level((enum log_level)i);
}

enum idp_err command_open_log(const struct config *config, char **why)
{
    command_set_level(config);
    if (config->log_file == NULL)
        return IDP_OK;
    if (log_open(config->log_file) != IDP_OK) {
        size_t size = strlen(config->log_file) + 64;
        *why = malloc(size);
        if (*why != NULL)
            (void)snprintf(*why, size, "log.file: %s: cannot be written", config->log_file);
        return IDP_UNAVAILABLE;
    }
    return IDP_OK;
}
