#include "ctl/trust_files.h"

#include <string.h>

#include "base/arena.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "pki/trust/trust.h"
#include "pki/trust/trust_signatures.h"

const char *trust_files_name(const char *file)
{
    return strcmp(file, "-") == 0 ? "standard input" : file;
}

int trust_files_read(struct ctl *ctl, const char *file, struct trust **out)
{
    size_t len = 0;
    char *why = NULL;
    const char *text = NULL;
    const char *name = trust_files_name(file);
    int code = answer_input(ctl, file, TRUST_FILE_MAX, &text, &len);
    if (code != 0)
        return code;
    if (len > TRUST_FILE_MAX)
        return ctl_complain("%s: expected at most 4 MiB", name);
    enum idp_err err = trust_parse(name, text, len, &why, out);
    return err == IDP_OK ? 0 : ctl_complain_why(why, err);
}

const char *trust_files_beside(struct ctl *ctl, const char *list)
{
    return arena_printf(ctl->arena, "%s" TRUST_SIGNATURES_SUFFIX, list);
}

int trust_files_signatures(struct ctl *ctl, const char *file, struct trust_signatures *out)
{
    *out = (struct trust_signatures){.name = trust_files_name(file)};
    int code = answer_input(ctl, file, TRUST_SIGNATURES_FILE_MAX, &out->text, &out->len);
    if (code == 0 && out->len > TRUST_SIGNATURES_FILE_MAX)
        code = ctl_complain("%s: expected at most 512 KiB", out->name);
    return code;
}
