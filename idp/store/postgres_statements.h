/*
 * The statements a connection has prepared: small sets, chosen by the address of their text, which
 * is compared as well, because another text may come to stand there.
 */
#pragma once

#include <stdbool.h>

enum { POSTGRES_NAME_MAX = 16 };

struct postgres_statement {
    const char *address;
    char *text;                   /* a copy */
    char name[POSTGRES_NAME_MAX]; /* as the server knows it */
};

struct postgres_statements;

/* Returns NULL without memory. */
struct postgres_statements *postgres_statements_new(void);
/* NULL is allowed. */
void postgres_statements_free(struct postgres_statements *statements);

/* The one that was prepared from a text, or NULL. */
struct postgres_statement *postgres_statements_find(struct postgres_statements *statements,
                                                    const char *text);

/*
 * A place for a text, with a new name. Whoever stood there is out, and its name is in forgotten,
 * which is otherwise empty: the server has to forget it. Returns NULL without memory.
 */
struct postgres_statement *postgres_statements_add(struct postgres_statements *statements,
                                                   const char *text,
                                                   char forgotten[POSTGRES_NAME_MAX]);

/* It could not be prepared: frees it, and its place. */
void postgres_statements_drop(struct postgres_statements *statements,
                              struct postgres_statement *statement);

/* Whether callers may use such a statement: it must neither shape transactions, nor change the
 * connection for whoever has it next. */
bool postgres_statement_is_allowed(const char *text);
