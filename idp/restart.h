/*
 * A clean restart with embedded stores: browser sessions, and whatever else expires, lie in a file
 * beside the database while nobody runs. Its key lies in the database, wrapped by the master key,
 * and serves once: neither file nor key alone, nor both a second time, bring anything back.
 */
#pragma once

struct app;

/* Keeps what the key-value store holds. At the end, when no request and no job runs any more.
 * Failing is logged. */
void restart_keep(struct app *app);

/* Brings back what was kept, and deletes it. At the start, before the first request. Failing is
 * logged: sessions are lost then, as after a crash. */
void restart_return(struct app *app);
