/* Opens and closes what the program works with. tamgactl opens the first half of it, too. */
#pragma once

#include "base/error.h"

struct app;

/*
 * Opens stores, master key, keys and the registry of clients; the database has to have the
 * program's schema (migrate_check()). On failure prints nothing, closes what was opened, and sets
 * *why to one line for a person, which the caller frees.
 */
enum idp_err setup_open_stores(struct app *app, char **why);

/*
 * Reads the files that a server needs, before a store is made: the trust list, where a file
 * is its source, and the pages. As below.
 */
enum idp_err setup_open_files(struct app *app, char **why);

/* Opens the rest of what a server needs: trust list, certificates, pages. As above. */
enum idp_err setup_open_server(struct app *app, char **why);

/* Closes everything that is open. */
void setup_close(struct app *app);
