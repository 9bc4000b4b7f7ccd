#include "assistant/trouble.h"

#include <stddef.h>

struct row {
    const char *code;
    unsigned int status;
    const char *text;
};

static const struct row rows[] = {
    [TROUBLE_NONE] = {"", 200, ""},
    [TROUBLE_NO_LOCK] = {"no_lock", 404, "no lock is plugged in"},
    [TROUBLE_SEVERAL_LOCKS] = {"several_locks", 409, "several locks are there: name one"},
    [TROUBLE_LOCK_NOT_FOUND] = {"lock_not_found", 404, "there is no lock of that name"},
    [TROUBLE_REMOVED] = {"removed", 409, "the lock was removed"},
    [TROUBLE_UNSUITABLE] = {"unsuitable", 409, "the lock has no certificate it can sign with"},
    [TROUBLE_PIN_WRONG] = {"pin_wrong", 409, "the PIN is wrong"},
    [TROUBLE_PIN_BLOCKED] = {"pin_blocked", 409, "the PIN is blocked"},
    [TROUBLE_PIN_LAST_TRY] = {"pin_last_try", 409, "only one try is left: ask the lock's issuer"},
    [TROUBLE_PIN_REQUIRED] = {"pin_required", 400, "the PIN is missing"},
    [TROUBLE_PIN_PAGE_REFUSED] = {"pin_page_refused", 400, "a page may not send the PIN here"},
    [TROUBLE_NO_PROMPT] = {"no_prompt", 500, "the PIN prompt cannot be shown"},
    [TROUBLE_CANCELLED] = {"cancelled", 409, "the PIN prompt was cancelled"},
    [TROUBLE_BUSY] = {"busy", 409, "another command is under way"},
    [TROUBLE_BAD_CHALLENGE] = {"bad_challenge", 400, "the challenge is malformed"},
    [TROUBLE_BAD_REQUEST] = {"bad_request", 400, "the request is malformed"},
    [TROUBLE_FORBIDDEN] = {"forbidden", 403, "this is not allowed"},
    [TROUBLE_DRIVER] = {"driver", 500, "the lock's driver failed"},
    [TROUBLE_FAULT] = {"fault", 500, "the assistant failed"},
};

const char *trouble_code(enum trouble trouble)
{
    return rows[trouble].code;
}

unsigned int trouble_status(enum trouble trouble)
{
    return rows[trouble].status;
}

const char *trouble_text(enum trouble trouble)
{
    return rows[trouble].text;
}
