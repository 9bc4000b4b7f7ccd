/* The servers: what clients and browsers call, and what operators call. */
#pragma once

#include "base/error.h"

struct app;

/*
 * Takes the addresses and ports of the settings and reads the certificate, before any store is
 * made. On failure *why is one line for a person, which the caller frees. Errors as of
 * http_server_open().
 */
enum idp_err listeners_open(struct app *app, char **why);

/* Begins to serve what was opened. Errors as of http_server_begin(). */
enum idp_err listeners_begin(struct app *app, char **why);

/* Cuts what is left, waits for handlers, frees. */
void listeners_close(struct app *app);
