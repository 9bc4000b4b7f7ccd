#include "ctl/trust_commands.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "access/trust_desk.h"
#include "base/arena.h"
#include "base/object.h"
#include "base/text.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/order.h"
#include "ctl/refusal_commands.h"
#include "ctl/trust_files.h"
#include "ctl/trust_try_commands.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_rows.h"
#include "pki/trust/trust_signatures.h"

enum { VERSION_SHOWN = 16, DAY_SIZE = 20 };

/* Reads a list's number. Returns 0 for what is none: there is no such list. */
static int64_t number_of(const char *word)
{
    char *end = NULL;
    long long number = strtoll(word, &end, 10);
    bool digits = strspn(word, "0123456789") == strlen(word);
    return digits && strlen(word) <= 15 && *end == '\0' ? (int64_t)number : 0;
}

static int complain_of_number(const char *word, enum idp_err err)
{
    return err == IDP_NOT_FOUND ? ctl_complain("there is no trust list %s", word)
                                : ctl_complain_of(err);
}

/* --- changes -------------------------------------------------------------------------------- */

static json_t *words_of(const char *list)
{
    size_t len = 0;
    json_t *array = json_array();
    for (const char *word = text_list_next(&list, &len); word != NULL;
         word = text_list_next(&list, &len)) {
        if (json_array_append_new(array, json_stringn(word, len)) == 0)
            continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *describe_loaded(const struct trust *trust, const struct trust_loaded *loaded)
{
    struct object o = object_new();
    object_number(&o, "number", trust->number);
    object_number(&o, "loading", loaded->loading);
    object_text(&o, "version", trust->version);
    object_truth(&o, "changed", loaded->changed);
    object_truth(&o, "signed_anew", loaded->signed_anew);
    object_number(&o, "authorities", (json_int_t)trust->count);
    object_put(&o, "added", words_of(loaded->added));
    object_put(&o, "removed", words_of(loaded->removed));
    return object_done(&o);
}

/* Waits until nodes work by the list, and until what rested on removed authorities has ended. */
static int wait_for_nodes(struct ctl *ctl, const struct trust_loaded *loaded)
{
    int code = loaded->generation > 0 ? ctl_wait(ctl, loaded->generation) : 0;
    for (size_t i = 0; i < loaded->endings_count && code == 0; i++) {
        const struct revoke_order order = {.row = loaded->endings[i]};
        code = order_wait(ctl, &order);
    }
    return code;
}

static int complain_of_old(struct ctl *ctl, const struct trust *trust)
{
    int64_t highest = 0;
    enum idp_err err = trust_rows_highest(ctl->db, &highest);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    return ctl_complain("number: expected one above %lld, which was loaded before, not %lld; trust "
                        "restore makes an earlier list count again",
                        (long long)highest, (long long)trust->number);
}

/* Makes a list the one that counts, and frees it. */
static int make_count(struct ctl *ctl, struct trust *trust, bool restore)
{
    int code = 0;
    struct trust_loaded loaded;
    const struct trust_desk desk = {
        .db = ctl->db, .by = ctl->by, .now = ctl->now, .restore = restore};
    enum idp_err err = trust_desk_load(&desk, ctl->arena, trust, &loaded);
    if (err == IDP_DENIED)
        code = complain_of_old(ctl, trust);
    else
        code = err == IDP_OK ? answer(describe_loaded(trust, &loaded)) : ctl_complain_of(err);
    trust_free(trust);
    return code == 0 ? wait_for_nodes(ctl, &loaded) : code;
}

/* Demands the managers' signatures of the list. Returns 0 or an exit code. */
static int demand_signatures(struct ctl *ctl, const struct command_arguments *arguments,
                             struct trust *trust)
{
    char *why = NULL;
    struct trust_signatures signatures;
    const char *given = arguments->options[OPTION_SIGNATURES];
    const char *file = given != NULL ? given : trust_files_beside(ctl, arguments->words[0]);
    int code =
        file != NULL ? trust_files_signatures(ctl, file, &signatures) : ctl_complain_of(IDP_FAULT);
    if (code != 0)
        return code;
    enum idp_err err = trust_signatures_demand(&ctl->config.managers, &signatures, trust, &why);
    return err == IDP_OK ? 0 : ctl_complain_why(why, err);
}

static int load(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct trust *trust = NULL;
    const char *file = arguments->words[0];
    if (strcmp(file, "-") == 0 && arguments->options[OPTION_SIGNATURES] == NULL)
        return ctl_complain("a list from standard input needs --signatures FILE");
    int code = trust_files_read(ctl, file, &trust);
    if (code != 0)
        return code;
    code = demand_signatures(ctl, arguments, trust);
    if (code == 0)
        return make_count(ctl, trust, false);
    trust_free(trust);
    return code;
}

static int restore(struct ctl *ctl, const struct command_arguments *arguments)
{
    char *why = NULL;
    int64_t loading = 0;
    struct trust *trust = NULL;
    const char *word = arguments->words[0];
    enum idp_err err = trust_row_find(ctl->db, number_of(word), &loading);
    if (err == IDP_OK)
        err = trust_row_load(ctl->db, &ctl->config.managers, loading, &why, &trust);
    if (err == IDP_BAD_REQUEST)
        return ctl_complain_why(why, err);
    return err == IDP_OK ? make_count(ctl, trust, true) : complain_of_number(word, err);
}

/* --- list, show ----------------------------------------------------------------------------- */

static struct object begin_row(const struct trust_row *row)
{
    struct object o = object_new();
    object_number(&o, "number", row->number);
    object_number(&o, "loading", row->loading);
    object_text(&o, "version", row->version);
    object_number(&o, "loaded", row->loaded);
    return o;
}

static void print_table(const struct trust_row *rows, size_t count)
{
    (void)printf("%-8s %-18s %-20s %s\n", "LOADING", "NUMBER", "LOADED (UTC)", "VERSION");
    for (size_t i = 0; i < count; i++) {
        char day[DAY_SIZE] = "";
        struct tm parts;
        time_t loaded = (time_t)rows[i].loaded;
        if (gmtime_r(&loaded, &parts) != NULL)
            (void)strftime(day, sizeof(day), "%Y-%m-%d %H:%M", &parts);
        (void)printf("%-8lld %-18lld %-20s %.*s\n", (long long)rows[i].loading,
                     (long long)rows[i].number, day, VERSION_SHOWN, rows[i].version);
    }
}

static int list(struct ctl *ctl, const struct command_arguments *arguments)
{
    size_t count = 0;
    const struct trust_row *rows = NULL;
    enum idp_err err = trust_rows_list(ctl->db, ctl->arena, &rows, &count);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    if (arguments->table) {
        print_table(rows, count);
        return answer_printed();
    }
    json_t *json = json_array();
    for (size_t i = 0; i < count; i++) {
        struct object o = begin_row(&rows[i]);
        if (json_array_append_new(json, object_done(&o)) != 0) {
            json_decref(json);
            return ctl_complain_of(IDP_FAULT);
        }
    }
    return answer(json);
}

/* The loading of the list whose number was asked for, or of the one that counts. */
static enum idp_err find_loading(struct ctl *ctl, const char *word, int64_t *out)
{
    struct trust_row row;
    if (word != NULL)
        return trust_row_find(ctl->db, number_of(word), out);
    enum idp_err err = trust_row_newest(ctl->db, ctl->arena, &row);
    if (err == IDP_OK)
        *out = row.loading;
    return err;
}

/* One that is damaged is shown, too: as a text when it is not even JSON. */
static json_t *value_of(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    return json != NULL ? json : json_string(text);
}

static int show(struct ctl *ctl, const struct command_arguments *arguments)
{
    int64_t loading = 0;
    struct trust_row row;
    const char *word = arguments->words[0];
    enum idp_err err = find_loading(ctl, word, &loading);
    if (err == IDP_OK)
        err = trust_row_read(ctl->db, ctl->arena, loading, &row);
    if (err != IDP_OK)
        return word != NULL           ? complain_of_number(word, err)
               : err == IDP_NOT_FOUND ? ctl_complain("no trust list has been loaded")
                                      : ctl_complain_of(err);
    struct object o = begin_row(&row);
    object_put(&o, "document", value_of(row.document));
    object_put(&o, "signatures", value_of(row.signatures));
    return answer(object_done(&o));
}

const struct command trust_commands[] = {
    {"load", {"FILE"}, "all nodes work by this signed list; rights by what left it end", load},
    {"list", {NULL}, "all loadings of trust lists, the last first: it counts", list},
    {"show", {"[NUMBER]"}, "the trust list that counts, or an earlier one, whole", show},
    {"restore", {"NUMBER"}, "an earlier trust list counts again, with its signatures", restore},
    {"try", {"FILE"}, "what a list would change for the certificates seen lately", trust_try},
    {"refusals", {NULL}, "how often locks were refused, of whom and why", refusal_list},
    {NULL, {NULL}, NULL, NULL},
};
