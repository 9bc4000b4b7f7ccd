#include "access/rival.h"

#include "access/access.h"
#include "access/mail.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/json_out.h"
#include "enterprise/reasons.h"
#include "evidence/audit.h"
#include "evidence/refusals.h"
#include "notify/news.h"
#include "pki/lock/verify.h"
#include "pki/trust/trust.h"
#include "store/sql.h"

enum { DETAIL_MAX = 512 };

struct noting {
    const struct access *access;
    struct arena *arena;
    const struct lock_identity *rival;
    const char *certificate; /* its hash */
    int64_t now;
};

static const char *describe(const struct noting *n)
{
    char *text = arena_alloc(n->arena, DETAIL_MAX);
    if (text == NULL)
        return NULL;
    struct json_out json = json_out_new(text, DETAIL_MAX);
    json_out_object(&json, NULL);
    json_out_text(&json, "actor", "bidder");
    json_out_text(&json, "authority", n->rival->authority->id);
    json_out_text(&json, "certificate", n->certificate);
    json_out_text(&json, "serial", n->rival->serial);
    json_out_end_object(&json);
    return json_out_done(&json) > 0 ? text : NULL;
}

static enum idp_err find_company(struct sql_tx *tx, const struct noting *n, const char **out)
{
    struct sql_rows rows;
    const struct sql_value uscc = sql_text(n->rival->uscc);
    const struct sql_call call = {"SELECT id FROM enterprises WHERE uscc = $1", &uscc, 1};
    enum idp_err err = sql_run(tx, n->arena, &call, &rows, NULL);
    if (err == IDP_OK)
        *out = rows.rows > 0 ? sql_cell_text(&rows, 0, 0) : NULL;
    return err;
}

static enum idp_err add_rows(struct sql_tx *tx, const struct noting *n, const char *company)
{
    const struct lock_identity *rival = n->rival;
    const struct audit_entry entry = {.event = "uscc_claimed",
                                      .at_ms = n->now * 1000,
                                      .enterprise = company,
                                      .detail = describe(n)};
    enum idp_err err = entry.detail != NULL ? audit_add(tx, n->arena, &entry) : IDP_FAULT;
    if (err != IDP_OK)
        return err;
    return mail_add(n->access, tx, n->arena,
                    &(struct mail_cause){.news = &news_uscc_claimed,
                                         .enterprise = company,
                                         .authority = rival->authority->id,
                                         .serial = rival->serial,
                                         .now = n->now});
}

static enum idp_err note(struct sql_tx *tx, void *with)
{
    const struct noting *n = with;
    const char *company = NULL;
    bool first = false;
    const struct refusal_name name = {.authority = n->rival->authority->id,
                                      .reason = enterprise_other_authority.code,
                                      .certificate = n->certificate};
    enum idp_err err = refusals_first_today(tx, &name, n->now, &first);
    if (err == IDP_OK && first)
        err = find_company(tx, n, &company);
    return err == IDP_OK && company != NULL ? add_rows(tx, n, company) : err;
}

enum idp_err rival_note(const struct access *access, struct arena *arena,
                        const struct lock_identity *rival, int64_t now)
{
    char certificate[BASE64URL_LEN(LOCK_HASH_SIZE) + 1];
    base64url_encode(rival->certificate_hash, LOCK_HASH_SIZE, certificate);
    struct noting noting = {
        .access = access, .arena = arena, .rival = rival, .certificate = certificate, .now = now};
    return sql_transact(access->db, note, &noting);
}
