#include "store/postgres_statements.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { SETS = 64, WAYS = 4, WORD_MAX = 16 };

struct postgres_statements {
    unsigned turn; /* which of a set goes next */
    unsigned made;
    struct postgres_statement *sets[SETS][WAYS];
};

struct postgres_statements *postgres_statements_new(void)
{
    return calloc(1, sizeof(struct postgres_statements));
}

static void statement_free(struct postgres_statement *statement)
{
    if (statement == NULL)
        return;
    free(statement->text);
    free(statement);
}

void postgres_statements_free(struct postgres_statements *statements)
{
    if (statements == NULL)
        return;
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++)
        statement_free(statements->sets[i / WAYS][i % WAYS]);
    free(statements);
}

static struct postgres_statement **set_of(struct postgres_statements *statements, const char *text)
{
    uintptr_t address = (uintptr_t)text;
    return statements->sets[(address ^ address >> 6) % SETS];
}

struct postgres_statement *postgres_statements_find(struct postgres_statements *statements,
                                                    const char *text)
{
    struct postgres_statement **set = set_of(statements, text);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i] != NULL && set[i]->address == text && strcmp(set[i]->text, text) == 0)
            return set[i];
    return NULL;
}

static struct postgres_statement *make(const char *text, unsigned number)
{
    struct postgres_statement *statement = calloc(1, sizeof(*statement));
    if (statement == NULL)
        return NULL;
    statement->address = text;
    (void)snprintf(statement->name, sizeof(statement->name), "s%u", number);
    statement->text = strdup(text);
    if (statement->text != NULL)
        return statement;
    free(statement);
    return NULL;
}

/* A free place of a set, or the one whose turn it is. */
static struct postgres_statement **choose(struct postgres_statements *statements, const char *text)
{
    struct postgres_statement **set = set_of(statements, text);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i] == NULL)
            return &set[i];
    return &set[statements->turn++ % WAYS];
}

struct postgres_statement *postgres_statements_add(struct postgres_statements *statements,
                                                   const char *text,
                                                   char forgotten[POSTGRES_NAME_MAX])
{
    struct postgres_statement **place = choose(statements, text);
    struct postgres_statement *statement = make(text, statements->made++);
    if (statement == NULL)
        return NULL;
    *forgotten = '\0';
    if (*place != NULL)
        memcpy(forgotten, (*place)->name, POSTGRES_NAME_MAX);
    statement_free(*place);
    *place = statement;
    return statement;
}

void postgres_statements_drop(struct postgres_statements *statements,
                              struct postgres_statement *statement)
{
    struct postgres_statement **set = set_of(statements, statement->address);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i] == statement)
            set[i] = NULL;
    statement_free(statement);
}

bool postgres_statement_is_allowed(const char *text)
{
    static const char allowed[] = "select insert update delete with values create alter drop lock";
    char word[WORD_MAX] = "";
    size_t len = strcspn(text, " \t\r\n(;");
    if (len == 0 || len >= WORD_MAX)
        return false;
    for (size_t i = 0; i < len; i++) /* ASCII only: no other letter stands in a keyword */
        word[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    return text_list_has(allowed, word);
}
