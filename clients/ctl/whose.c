#include "ctl/whose.h"

#include "ctl/ctl.h"
#include "enterprise/rows.h"

int whose_find(struct ctl *ctl, const char *name, struct enterprise_row *out)
{
    enum idp_err err = enterprise_row_find(ctl->db, ctl->arena, name, out);
    if (err == IDP_NOT_FOUND)
        return ctl_complain("there is no enterprise %s", name);
    return err == IDP_OK ? 0 : ctl_complain_of(err);
}
