#include "platform/visitor.h"

#include <stdio.h>
#include <string.h>

static void keep(char to[VISITOR_TEXT_MAX], const char *text)
{
    bool fits = text != NULL && strlen(text) < VISITOR_TEXT_MAX;
    (void)snprintf(to, VISITOR_TEXT_MAX, "%s", fits ? text : "");
}

/* The list as words of one text; what does not fit is left out. */
static void keep_types(char to[VISITOR_TEXT_MAX], const struct rp_answer *answer)
{
    size_t len = 0;
    const char *type = NULL;
    for (size_t i = 0; (type = rp_answer_item(answer, "entity_types", i)) != NULL; i++) {
        size_t more = strlen(type);
        if (len + more + 2 > VISITOR_TEXT_MAX)
            break;
        if (len > 0)
            to[len++] = ' ';
        memcpy(to + len, type, more);
        len += more;
    }
    to[len] = '\0';
}

void visitor_read(const struct rp_answer *answer, struct visitor *out)
{
    *out = (struct visitor){.not_after = rp_answer_number(answer, "lock.not_after", 0),
                            .auth_time = answer->auth_time};
    keep(out->subject, answer->subject);
    keep(out->name, rp_answer_text(answer, "name"));
    keep(out->uscc, rp_answer_text(answer, "uscc"));
    keep_types(out->entity_types, answer);
    keep(out->authority_zh, rp_answer_text(answer, "lock.issuer_name"));
    keep(out->authority_en, rp_answer_text(answer, "lock.issuer_name#en"));
    keep(out->serial, rp_answer_text(answer, "lock.serial"));
    keep(out->key_number, rp_answer_text(answer, "lock.key_number"));
    keep(out->acr, answer->acr);
    keep(out->amr, answer->amr);
}
