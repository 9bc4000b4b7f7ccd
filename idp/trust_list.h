/*
 * Which trust list this node works by. The list of all nodes stands in the database; with an
 * embedded store the settings' file is brought there whenever it has changed, so that a single
 * machine needs no other command (docs/decisions/trust-list.md).
 */
#pragma once

#include "base/error.h"

struct app;
struct trust;

/*
 * Before a store is made: reads the file where it is the source, and keeps it for
 * trust_list_open(). Returns an error and *why, which the caller frees, when the file is missing or
 * wrong.
 */
enum idp_err trust_list_read(struct app *app, char **why);

/*
 * Finds the list that counts, bringing the file into the database where that is called for.
 * Returns an error and *why when there is none, or it cannot be used. *out is freed with
 * trust_free().
 */
enum idp_err trust_list_open(struct app *app, char **why, struct trust **out);

/*
 * Puts the list that counts to use when it is another one; for each new generation. Returns
 * IDP_FAULT when it cannot be used: the one before goes on, app->trust_damaged is set, and the log
 * says why, once.
 */
enum idp_err trust_list_renew(struct app *app);

/*
 * Reads the file again (SIGHUP) and brings it into the database when it has changed; nodes take it
 * from there. Returns IDP_NOT_FOUND where the file is no source: there is none, or the database is
 * not embedded. On any other error the list that counts stays, and *why, which the caller frees,
 * tells the reason.
 */
enum idp_err trust_list_reload(struct app *app, char **why);
