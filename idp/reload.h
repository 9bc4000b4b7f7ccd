/* SIGHUP: what may change while the program serves is read again. */
#pragma once

struct app;

/*
 * Reads certificate, key and trust list, opens the log's file anew and takes over log.level from
 * the settings file; says in one log line what came of it. What cannot be used leaves what was
 * there before.
 */
void reload(struct app *app, const char *settings);
