#include "store/postgres_report.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

enum { WHY_MAX = 1024, REASON_MAX = 256 };

/*
 * What an SQLSTATE means (PostgreSQL, appendix A), the first that fits. What is not listed is
 * trouble of the server's: it may be over the next time.
 */
static const struct meaning {
    const char *state; /* the whole, or its class */
    enum idp_err err;
    enum postgres_end end;
    bool about_values; /* the server's words may hold a parameter */
} meanings[] = {
    {"40001", IDP_UNAVAILABLE, END_RACE, false}, /* serialization failure */
    {"40P01", IDP_UNAVAILABLE, END_RACE, false}, /* deadlock detected */
    {"53200", IDP_UNAVAILABLE, END_RACE, false}, /* no room for what transactions have read */
    {"26000", IDP_UNAVAILABLE, END_LOST, false}, /* a prepared statement has vanished */
    {"08P01", IDP_FAULT, END_REFUSED, false},    /* a wrong number of parameters */
    {"23", IDP_CONFLICT, END_REFUSED, true},     /* integrity constraint violation */
    {"0A", IDP_FAULT, END_REFUSED, false},       /* feature not supported */
    {"21", IDP_FAULT, END_REFUSED, false},       /* cardinality violation */
    {"22", IDP_FAULT, END_REFUSED, true},        /* data exception */
    {"25", IDP_FAULT, END_REFUSED, false},       /* a read that writes */
    {"2B", IDP_FAULT, END_REFUSED, false},       /* dependent objects still exist */
    {"42", IDP_FAULT, END_REFUSED, false},       /* syntax error or access rule violation */
    {"54", IDP_FAULT, END_REFUSED, false},       /* program limit exceeded */
    {"08", IDP_UNAVAILABLE, END_LOST, false},    /* connection exception */
    {"", IDP_UNAVAILABLE, END_REFUSED, false},
};

static const struct meaning *find_meaning(const char *state)
{
    const struct meaning *meaning = meanings;
    while (!text_starts(state, meaning->state))
        meaning++;
    return meaning;
}

static const char *field(const PGresult *result, int which)
{
    const char *text = PQresultErrorField(result, which);
    return text != NULL ? text : "";
}

/* Two programs that make the same table at once meet in the server's own tables. */
static bool is_race_for_a_name(const PGresult *result)
{
    return strcmp(field(result, PG_DIAG_SQLSTATE), "23505") == 0 &&
           strcmp(field(result, PG_DIAG_SCHEMA_NAME), "pg_catalog") == 0;
}

/* A migration has changed a table since the statement was prepared (plancache.c). */
static bool is_old_plan(const PGresult *result)
{
    return strcmp(field(result, PG_DIAG_SQLSTATE), "0A000") == 0 &&
           strcmp(field(result, PG_DIAG_SOURCE_FUNCTION), "RevalidateCachedQuery") == 0;
}

/* FATAL and PANIC: the server has ended the connection. */
static bool is_last_word(const PGresult *result)
{
    const char *severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return *severity == '\0' || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

static void log_error(const PGresult *result, const struct meaning *meaning, const char *text)
{
    struct log_line line;
    bool fault = meaning->err == IDP_FAULT;
    log_begin(&line, LOG_ERROR, fault ? "sql_statement_wrong" : "sql_unavailable");
    if (!meaning->about_values)
        log_text(&line, "reason", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    log_text(&line, "code", PQresultErrorField(result, PG_DIAG_SQLSTATE));
    log_text(&line, "statement", text);
    log_end(&line);
}

enum idp_err postgres_report_error(const PGresult *result, const char *text, enum postgres_end *end)
{
    static const struct meaning race = {.err = IDP_UNAVAILABLE, .end = END_RACE};
    static const struct meaning lost = {.err = IDP_UNAVAILABLE, .end = END_LOST};
    const struct meaning *meaning = find_meaning(field(result, PG_DIAG_SQLSTATE));
    if (is_race_for_a_name(result))
        meaning = &race;
    if (is_old_plan(result) || is_last_word(result))
        meaning = &lost;
    if (meaning->end != END_RACE && meaning->err != IDP_CONFLICT)
        log_error(result, meaning, text);
    *end = meaning->end;
    return meaning->err;
}

static enum idp_err report(enum idp_err err, const char *text, const char *why)
{
    struct log_line line;
    char first[REASON_MAX]; /* line: libpq adds what people might do */
    (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(why, "\n"), why);
    log_begin(&line, LOG_ERROR, err == IDP_FAULT ? "sql_statement_wrong" : "sql_unavailable");
    log_text(&line, "reason", first);
    log_text(&line, "statement", text);
    log_end(&line);
    return err;
}

enum idp_err postgres_report_wrong(const char *text, const char *why)
{
    return report(IDP_FAULT, text, why);
}

enum idp_err postgres_report_silence(const char *text, const char *why)
{
    return report(IDP_UNAVAILABLE, text, why);
}

/* As libpq writes them, messages have lines, which begin with tabs, and end with one. */
static void make_one_line(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        bool blank = *from == '\n' || *from == '\t';
        if (!blank)
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

enum idp_err postgres_explain(enum idp_err err, char **why, const char *format, ...)
{
    if (why == NULL || *why != NULL)
        return err;
    *why = malloc(WHY_MAX);
    if (*why == NULL)
        return err;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(*why, WHY_MAX, format, args);
    va_end(args);
    make_one_line(*why);
    return err;
}
