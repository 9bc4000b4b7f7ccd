#include "ctl/answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "ctl/ctl.h"

int answer_printed(void)
{
    bool good = ferror(stdout) == 0 && fflush(stdout) == 0;
    return good ? 0 : ctl_complain("the answer could not be written");
}

int answer(json_t *json)
{
    if (json == NULL)
        return ctl_complain_of(IDP_FAULT);
    bool good = json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0;
    json_decref(json);
    good = good && putchar('\n') != EOF && fflush(stdout) == 0;
    return good ? 0 : ctl_complain("the answer could not be written");
}

json_t *answer_append(json_t *list, json_t *value)
{
    if (list != NULL && value != NULL && json_array_append_new(list, value) == 0)
        return list;
    if (list == NULL)
        json_decref(value);
    json_decref(list);
    return NULL;
}

int answer_and_wait(struct ctl *ctl, json_t *json, int64_t generation)
{
    int code = answer(json);
    return code == 0 ? ctl_wait(ctl, generation) : code;
}

static int complain_of_file(const char *name)
{
    char says[128];
    return ctl_complain("cannot read %s: %s", name,
                        strerror_r(errno, says, sizeof(says)) == 0 ? says : "unknown error");
}

int answer_input(struct ctl *ctl, const char *name, size_t max, const char **out, size_t *len)
{
    bool standard = strcmp(name, "-") == 0;
    char *text = arena_alloc(ctl->arena, max + 2);
    FILE *file = standard ? stdin : fopen(name, "rb");
    if (file == NULL)
        return complain_of_file(name);
    int code = 0;
    if (text == NULL)
        code = ctl_complain_of(IDP_FAULT);
    else
        *len = fread(text, 1, max + 1, file);
    if (code == 0 && ferror(file) != 0)
        code = complain_of_file(name);
    if (!standard)
        (void)fclose(file);
    *out = text;
    return code;
}
