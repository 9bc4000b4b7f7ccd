#include "pki/revocation/inquiry.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/text.h"
#include "pki/lock/verify.h"
#include "pki/state.h"
#include "pki/trust/trust_members.h"

/* An inquiry on its way. */
struct inquiring {
    struct pki *pki;
    struct arena *arena;
    const struct asking_about *about;
    struct verdict_facts facts;
    struct revoked_fact known;
    bool by_name; /* it is known under another hash */
    struct ocsp_answer old;
    struct inquiry *out;
};

/* --- what is learned ------------------------------------------------------------------------- */

static void log_revoked(const struct leaf *leaf, const struct verdict *verdict)
{
    char hash[BASE64URL_LEN(DIGEST_SIZE) + 1]; /* as the tables have it */
    struct log_line line;
    base64url_encode(leaf->hash, DIGEST_SIZE, hash);
    log_begin(&line, LOG_WARN, "certificate_revoked");
    log_text(&line, "authority", leaf->authority->id);
    log_text(&line, "certificate", hash);
    log_text(&line, "source",
             verdict->source == VERDICT_BY_RECORD ? "record"
             : verdict->source == VERDICT_BY_CRL  ? "crl"
                                                  : "ocsp");
    log_end(&line);
}

/*
 * A store that fails is no reason to believe the certificate: it is refused in any case, here from
 * now on, and the row is written later (revoked_write()).
 */
static void learn(const struct inquiring *i)
{
    const struct leaf *leaf = i->about->leaf;
    const struct verdict *verdict = &i->out->verdict;
    struct revoked_news news = {.authority = leaf->authority->id,
                                .serial = leaf->serial,
                                .source = verdict->source,
                                .fact = {.revoked_at = verdict->since, .reason = verdict->reason},
                                .learned = i->about->now};
    const struct status mark = {.answer = {.verdict = STATUS_REVOKED,
                                           .revoked_at = verdict->since,
                                           .reason = verdict->reason}};
    memcpy(news.hash, leaf->hash, DIGEST_SIZE);
    memcpy(news.issuer, leaf->anchor->hash, DIGEST_SIZE);
    log_revoked(leaf, verdict);
    if (revoked_learn(i->pki->revoked, &news) != IDP_OK)
        log_event(LOG_ERROR, "revoked_not_written", "authority", leaf->authority->id);
    (void)status_keep(i->pki->kv, i->arena, i->about, &mark);
}

/*
 * The decision by what has been gathered so far. IDP_NOT_FOUND: that does not suffice. One that is
 * known under another hash is learned under its own as well: what rests on it has to end.
 */
static enum idp_err decide(struct inquiring *i)
{
    i->out->verdict = verdict_decide(&i->facts);
    const struct verdict *verdict = &i->out->verdict;
    if (verdict->says == VERDICT_ASK)
        return IDP_NOT_FOUND;
    if (verdict->says != VERDICT_REVOKED || (verdict->source == VERDICT_BY_RECORD && !i->by_name))
        return IDP_OK;
    if (!lane_may_wait())
        return IDP_WAIT;
    learn(i);
    return IDP_OK;
}

/* --- what is known --------------------------------------------------------------------------- */

/* The content octets of the serial number, an INTEGER that is not negative, from its digits. */
static size_t write_serial(const char *hex, unsigned char out[LEAF_SERIAL_SIZE / 2 + 1])
{
    size_t n = strlen(hex) / 2;
    out[0] = 0;
    if (!text_from_hex(hex, out + 1, n))
        return 0;
    if (n > 0 && out[1] >= 0x80)
        return n + 1;
    memmove(out, out + 1, n);
    return n;
}

static void look_for_issuer(struct inquiring *i)
{
    const struct pki_lists *lists = &i->pki->lists;
    i->facts.issuer_revoked = lists->anchor_revoked != NULL &&
                              lists->anchor_revoked(lists->context, i->about->leaf->anchor->hash);
}

static void look_into_lists(struct inquiring *i)
{
    unsigned char serial[LEAF_SERIAL_SIZE / 2 + 1];
    const struct pki_lists *lists = &i->pki->lists;
    const struct leaf *leaf = i->about->leaf;
    i->out->list = (struct crl_finding){.present = false};
    if (lists->find == NULL)
        return;
    size_t len = write_serial(leaf->serial, serial);
    lists->find(lists->context, leaf->anchor->hash, serial, len, &i->out->list);
}

/* An answer that the nodes keep: believed, or held for the degraded mode. */
static void weigh_kept(struct inquiring *i)
{
    const struct ocsp_answer *answer = &i->out->status.answer;
    bool counts = answer->verdict == STATUS_REVOKED || answer->usable_until > i->about->now;
    if (counts) {
        i->facts.ocsp = answer;
        return;
    }
    i->old = *answer;
    i->facts.old = &i->old;
}

static enum idp_err look_into_store(struct inquiring *i)
{
    enum idp_err err = status_find(i->pki->kv, i->arena, i->about, &i->out->status);
    if (err == IDP_OK)
        weigh_kept(i);
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

static void find_by_name(struct inquiring *i)
{
    const struct leaf *leaf = i->about->leaf;
    i->by_name = revoked_find_named(i->pki->revoked, leaf->anchor->hash, leaf->serial, &i->known);
    if (i->by_name)
        i->facts.known = &i->known;
}

static void begin(struct inquiring *i)
{
    *i->out = (struct inquiry){.asked = false};
    i->facts = (struct verdict_facts){.rules = &i->about->leaf->authority->rules->revocation,
                                      .list = &i->out->list,
                                      .now = i->about->now};
    if (revoked_find(i->pki->revoked, i->about->leaf->hash, &i->known))
        i->facts.known = &i->known;
    else
        find_by_name(i);
    look_for_issuer(i);
    look_into_lists(i);
}

static enum idp_err decide_by_known(struct inquiring *i)
{
    begin(i);
    enum idp_err err = decide(i);
    if (err != IDP_NOT_FOUND)
        return err;
    err = look_into_store(i);
    if (err == IDP_OK)
        err = decide(i);
    return err;
}

static void count_known(const struct inquiring *i)
{
    line_count_known(view_line(i->about->view, i->about->leaf));
}

enum idp_err inquiry_known(struct pki *pki, struct arena *arena, const struct asking_about *about,
                           struct inquiry *out)
{
    struct inquiring i = {.pki = pki, .arena = arena, .about = about, .out = out};
    enum idp_err err = decide_by_known(&i);
    if (err == IDP_OK)
        count_known(&i);
    return err;
}

enum idp_err inquiry_look(struct pki *pki, struct arena *arena, const struct asking_about *about,
                          struct inquiry *out)
{
    struct inquiring i = {.pki = pki, .arena = arena, .about = about, .out = out};
    begin(&i);
    enum idp_err err = decide(&i);
    return err == IDP_NOT_FOUND ? IDP_OK : err;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* The last look before something good is believed that no node kept: another node may have learned
 * otherwise since the set was renewed. */
static enum idp_err look_into_table(struct inquiring *i)
{
    bool known = false;
    struct revoked_fact fact;
    const struct leaf *leaf = i->about->leaf;
    const struct revoked_subject subject = {
        .hash = leaf->hash, .issuer = leaf->anchor->hash, .serial = leaf->serial};
    enum idp_err err = revoked_look(i->pki->revoked, &subject, &known, &i->known);
    if (err == IDP_OK && known)
        i->facts.known = &i->known;
    i->by_name = known && !revoked_find(i->pki->revoked, leaf->hash, &fact);
    return err;
}

/* The older answer's bytes are the evidence of a degraded verdict. */
static void show_old(struct inquiring *i, const struct status *kept)
{
    const struct verdict *verdict = &i->out->verdict;
    if (verdict->degraded && verdict->source == VERDICT_BY_OCSP)
        i->out->status = *kept;
}

/* What is revoked, learn() keeps. Where another node has left word that it is, that counts. */
static void keep_answer(struct inquiring *i)
{
    static const struct ocsp_answer marked = {.verdict = STATUS_REVOKED, .reason = -1};
    struct status *status = &i->out->status;
    struct status kept;
    if (i->facts.known != NULL || status->answer.verdict == STATUS_REVOKED ||
        status_keep(i->pki->kv, i->arena, i->about, status) != IDP_DENIED)
        return;
    bool found = status_find(i->pki->kv, i->arena, i->about, &kept) == IDP_OK &&
                 kept.answer.verdict == STATUS_REVOKED;
    *status = (struct status){.answer = found ? kept.answer : marked};
}

static enum idp_err ask(struct inquiring *i)
{
    const struct status kept = i->out->status;
    struct inquiry *out = i->out;
    if (!lane_may_wait())
        return IDP_WAIT;
    enum idp_err err = asking_ask(i->pki->asking, i->arena, i->about, &out->status);
    if (err == IDP_OK && out->status.answer.verdict == STATUS_GOOD)
        err = look_into_table(i);
    if (err != IDP_OK)
        return err;
    out->asked = true;
    i->facts.ocsp = &out->status.answer;
    keep_answer(i);
    err = decide(i);
    show_old(i, &kept);
    return err;
}

static void log_unavailable(const struct inquiring *i)
{
    const struct verdict *verdict = &i->out->verdict;
    struct log_line line;
    if (i->out->asked || verdict->says != VERDICT_UNAVAILABLE)
        return; /* asking.c has said it */
    log_begin(&line, LOG_WARN, "status_unavailable");
    log_text(&line, "authority", i->about->leaf->authority->id);
    log_text(&line, "problem", verdict->problem);
    log_end(&line);
}

enum idp_err inquiry_make(struct pki *pki, struct arena *arena, const struct asking_about *about,
                          struct inquiry *out)
{
    struct inquiring i = {.pki = pki, .arena = arena, .about = about, .out = out};
    enum idp_err err = decide_by_known(&i);
    if (err == IDP_OK)
        count_known(&i);
    if (err == IDP_NOT_FOUND)
        err = ask(&i);
    if (err == IDP_OK)
        log_unavailable(&i);
    return err;
}

enum idp_err inquiry_renew(struct pki *pki, struct arena *arena, const struct asking_about *about,
                           struct inquiry *out)
{
    struct inquiring i = {.pki = pki, .arena = arena, .about = about, .out = out};
    begin(&i);
    enum idp_err err = decide(&i);
    return err == IDP_NOT_FOUND ? ask(&i) : err;
}

/* --- evidence -------------------------------------------------------------------------------- */

static struct lock_list name_list(const struct crl_name *name)
{
    if (name->number[0] == '\0')
        return (struct lock_list){.hash = NULL};
    return (struct lock_list){.hash = name->hash,
                              .number = name->number,
                              .this_update = name->this_update,
                              .next_update = name->next_update};
}

struct lock_status inquiry_describe(const struct inquiry *inquiry, const struct revocation *rules)
{
    const struct status *status = &inquiry->status;
    struct lock_status out = {.policy = trust_policy_names[rules->policy],
                              .degraded = inquiry->verdict.degraded};
    if (inquiry->verdict.source == VERDICT_BY_CRL) {
        out.source = LOCK_BY_CRL;
        out.list = name_list(&inquiry->list.full);
        out.delta = name_list(&inquiry->list.delta);
        out.this_update = out.list.this_update;
        out.next_update = out.list.next_update;
        return out;
    }
    out.source = LOCK_BY_OCSP;
    out.response = status->response;
    out.response_len = status->response_len;
    out.produced = status->answer.produced;
    out.this_update = status->answer.this_update;
    out.next_update = status->answer.next_update;
    out.hash = status->hash;
    return out;
}
