/*
 * A PostgreSQL server of a test's own: in a temporary folder, on a free port of 127.0.0.1 and a
 * socket in the folder, as an unprivileged user where the test is run by root. It ends with the
 * test program, however that ends. What cannot be done ends the test program.
 *
 * By the socket everybody is let in; by TCP the role "tamga" needs POSTGRES_PASSWORD.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define POSTGRES_PASSWORD "a password for tests"

struct postgres_server;

/* Starts a server. conf has more lines for its postgresql.conf; NULL: none. */
struct postgres_server *postgres_server_start(const char *conf);

/* The same on a disk that can be filled (build/doubles/full-disk.so). */
struct postgres_server *postgres_server_start_on_disk(const char *conf);
void postgres_server_fill_disk(struct postgres_server *server, bool full);

/* Stops it and removes all it had. NULL is allowed. */
void postgres_server_stop(struct postgres_server *server);

/* Makes an empty database, or a copy of another that nobody is connected to (NULL: none). */
void postgres_server_create(struct postgres_server *server, const char *database,
                            const char *template);

/* Where a database is, for sql_open(): by the socket, or by TCP and without the password. */
void postgres_server_where(const struct postgres_server *server, const char *database, char *where,
                           size_t size);
void postgres_server_tcp(const struct postgres_server *server, const char *database, char *where,
                         size_t size);

/* The path of its socket. */
void postgres_server_socket(const struct postgres_server *server, char *path, size_t size);

/* Runs a statement as the role that may do everything. Returns the first cell as text, which the
 * caller frees; NULL for none. */
char *postgres_server_sql(const struct postgres_server *server, const char *database,
                          const char *statement);

/* Writes a file into the server's data folder, which only the server can read. */
void postgres_server_put(struct postgres_server *server, const char *name, const char *text);

/* Ends every process of it at once, as a loss of power does. */
void postgres_server_kill(struct postgres_server *server);

/* Lets it end in order: connections are cut off. */
void postgres_server_shut(struct postgres_server *server);

/* Starts it again on what it left, after either of these. Does not return before it answers. */
void postgres_server_again(struct postgres_server *server);

/* Stops every process of it where it stands, and lets them go on. */
void postgres_server_freeze(struct postgres_server *server);
void postgres_server_thaw(struct postgres_server *server);
