/* The rules for the settings of mail, which depend on each other. */
#pragma once

struct config;

/* What is wrong, beginning with the key; or NULL. */
const char *config_mail_problem(const struct config *config);
