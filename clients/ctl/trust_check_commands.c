#include "ctl/trust_check_commands.h"

#include <stdio.h>

#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_check.h"

static json_t *describe(const struct trust_remarks *remarks, const char *name)
{
    json_t *list = json_array();
    for (size_t i = 0; i < remarks->count; i++) {
        struct object o = object_new();
        object_text(&o, "place", remarks->list[i].place);
        object_text(&o, name, remarks->list[i].text);
        object_text(&o, "found", remarks->list[i].found);
        list = answer_append(list, object_done(&o));
    }
    return list;
}

static json_t *describe_all(const struct trust_check *check)
{
    struct object o = object_new();
    object_truth(&o, "good", check->mistakes.count == 0);
    object_text(&o, "version", check->version);
    object_number(&o, "authorities", (json_int_t)check->authorities);
    object_put(&o, "mistakes", describe(&check->mistakes, "expected"));
    object_put(&o, "warnings", describe(&check->warnings, "warning"));
    object_truth(&o, "more", check->mistakes.more || check->warnings.more);
    return object_done(&o);
}

static void print_mistakes(const struct trust_remarks *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct trust_remark *each = &mistakes->list[i];
        (void)printf("mistake  %s%sexpected %s%s%s\n", each->place,
                     each->place[0] != '\0' ? ": " : "", each->text,
                     each->found != NULL ? ", found " : "", each->found != NULL ? each->found : "");
    }
}

static void print_all(const struct trust_check *check)
{
    print_mistakes(&check->mistakes);
    for (size_t i = 0; i < check->warnings.count; i++)
        (void)printf("warning  %s: %s\n", check->warnings.list[i].place,
                     check->warnings.list[i].text);
    if (check->mistakes.more || check->warnings.more)
        (void)printf("…        there is more\n");
    if (check->version != NULL)
        (void)printf("good     %zu authorities, version %s\n", check->authorities, check->version);
}

/* Mistakes are the answer, and a failure all the same. */
static int check_list(struct ctl *ctl, const struct command_arguments *arguments)
{
    size_t len = 0;
    const char *text = NULL;
    struct trust_check check;
    int code = answer_input(ctl, arguments->words[0], TRUST_FILE_MAX, &text, &len);
    if (code != 0)
        return code;
    if (len > TRUST_FILE_MAX)
        return ctl_complain("%s: expected at most 4 MiB", arguments->words[0]);
    enum idp_err err = trust_check(text, len, ctl->now, ctl->arena, &check);
    if (err != IDP_OK)
        return ctl_complain_of(err);
    if (arguments->table)
        print_all(&check);
    code = arguments->table ? answer_printed() : answer(describe_all(&check));
    return code == 0 && check.mistakes.count > 0 ? CTL_FAILED : code;
}

const struct command trust_check_commands[] = {
    {"check", {"FILE"}, "every mistake in a trust list, and what to know of it", check_list},
    {NULL, {NULL}, NULL, NULL},
};
