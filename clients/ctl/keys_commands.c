#include "ctl/keys_commands.h"

#include <jansson.h>

#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/keys_list.h"
#include "evidence/audit.h"
#include "jose/key_work.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/purpose_rotation.h"
#include "jose/rotation.h"
#include "jose/signing_keys.h"
#include "jose/wrapped.h"
#include "store/generation.h"

enum { WAIT_MS = 10000 };

/* --- what all of them need ----------------------------------------------------------------- */

static enum idp_err audit(struct sql_tx *tx, struct arena *arena, const void *with,
                          const char *event, const char *key)
{
    const struct ctl *ctl = with;
    const struct audit_entry entry = {.event = event,
                                      .at_ms = ctl->now * 1000,
                                      .detail = audit_detail(arena, &ctl->by, "key", key)};
    return entry.detail != NULL ? audit_add(tx, arena, &entry) : IDP_FAULT;
}

/* Everything that changing keys takes; what is done is written down. */
struct bench {
    struct key_policy policy;
    struct key_witness witness;
    struct key_work work;
};

static void bench_open(const struct ctl *ctl, struct bench *out)
{
    out->policy = config_keys(&ctl->config);
    out->witness = (struct key_witness){.write = audit, .with = ctl};
    out->work = (struct key_work){.db = ctl->db,
                                  .master = ctl->master,
                                  .policy = &out->policy,
                                  .now = ctl->now,
                                  .witness = &out->witness};
}

/* Between two steps of a change: the second may not come before all nodes know the first. */
static int wait_between(const struct ctl *ctl, int64_t generation)
{
    if (generation_wait(ctl->db, NULL, generation, WAIT_MS) == IDP_OK)
        return 0;
    (void)ctl_complain("the new key is there and not used yet, for not all running nodes have "
                       "confirmed that they know it; the same command goes on from there");
    return CTL_UNCONFIRMED;
}

/* --- signing keys -------------------------------------------------------------------------- */

static json_t *describe_rotated(enum jose_alg alg, const struct rotated *done, const char *breaks)
{
    struct object o = object_new();
    object_text(&o, "algorithm", jose_alg_name(alg));
    object_text(&o, "kid", done->kid);
    object_text(&o, "replaces", done->replaces);
    object_number(&o, "published", done->published);
    object_number(&o, "active_from", done->active_from);
    object_text(&o, "breaks", breaks);
    return object_done(&o);
}

static int rotate_signing(struct ctl *ctl, enum jose_alg alg)
{
    char when[KEYS_DATE_MAX];
    struct bench bench;
    struct rotated done;
    bench_open(ctl, &bench);
    enum idp_err err = rotation_publish(&bench.work, alg, ctl->arena, &done);
    if (err == IDP_CONFLICT)
        return ctl_complain("%s: a successor is published already and signs from %s",
                            jose_alg_name(alg), keys_date(done.active_from, when));
    if (err != IDP_OK)
        return keys_complain(jose_alg_name(alg), err);
    return answer_and_wait(ctl, describe_rotated(alg, &done, NULL), done.generation);
}

static int replace_signing(struct ctl *ctl, enum jose_alg alg)
{
    static const char breaks[] =
        "ID tokens signed until now are refused by clients that read the key set again; new ones "
        "by clients that keep an older set and do not read it again for a key they do not know";
    struct bench bench;
    struct rotated done;
    bench_open(ctl, &bench);
    enum idp_err err = rotation_publish(&bench.work, alg, ctl->arena, &done);
    if (err == IDP_CONFLICT) /* one that waits already serves as well */
        err = generation_read(ctl->db, &done.generation);
    if (err != IDP_OK)
        return keys_complain(jose_alg_name(alg), err);
    int code = wait_between(ctl, done.generation);
    if (code != 0)
        return code;
    err = rotation_force(&bench.work, done.kid, ctl->arena, &done);
    if (err != IDP_OK)
        return keys_complain(jose_alg_name(alg), err);
    return answer_and_wait(ctl, describe_rotated(alg, &done, breaks), done.generation);
}

/* --- keys of a purpose --------------------------------------------------------------------- */

static json_t *describe_purpose_change(enum purpose purpose, const struct purpose_rotated *done,
                                       const char *breaks)
{
    struct object o = object_new();
    object_text(&o, "purpose", purpose_name(purpose));
    object_number(&o, "id", done->id);
    if (done->replaces != 0)
        object_number(&o, "replaces", done->replaces);
    object_text(&o, "breaks", breaks);
    return object_done(&o);
}

/* Has the new key known everywhere, then used. Returns 0, or an exit code after a complaint. */
static int use_new_key(const struct ctl *ctl, const struct key_work *work, enum purpose purpose,
                       struct purpose_rotated *done)
{
    enum idp_err err = purpose_publish(work, purpose, done);
    if (err != IDP_OK)
        return keys_complain(purpose_name(purpose), err);
    int code = wait_between(ctl, done->generation);
    if (code != 0)
        return code;
    err = purpose_activate(work, purpose, done->id, done);
    return err == IDP_OK ? 0 : keys_complain(purpose_name(purpose), err);
}

static int rotate_purpose(struct ctl *ctl, enum purpose purpose)
{
    struct bench bench;
    struct purpose_rotated done;
    bench_open(ctl, &bench);
    int code = use_new_key(ctl, &bench.work, purpose, &done);
    if (code != 0)
        return code;
    return answer_and_wait(ctl, describe_purpose_change(purpose, &done, NULL), done.generation);
}

/* What is lost with the keys of a purpose; NULL where they cannot be taken away. */
static const char *const lost[PURPOSES] = {
    [PURPOSE_TOKEN] = "access tokens and codes issued until now are refused",
    [PURPOSE_REFRESH] = "refresh tokens issued until now are refused: their users sign in again",
    [PURPOSE_COOKIE] =
        "visitors begin anew and open pages have to be read again; who is signed in stays it",
};

static int replace_purpose(struct ctl *ctl, enum purpose purpose)
{
    struct bench bench;
    struct purpose_rotated done, forgotten;
    if (lost[purpose] == NULL)
        return ctl_complain("%s: what these keys made would be lost for good; use keys rotate, "
                            "and for clients' secrets client rotate-secret",
                            purpose_name(purpose));
    bench_open(ctl, &bench);
    int code = use_new_key(ctl, &bench.work, purpose, &done);
    if (code == 0)
        code = wait_between(ctl, done.generation);
    if (code != 0)
        return code;
    enum idp_err err = purpose_forget(&bench.work, purpose, &forgotten);
    if (err != IDP_OK)
        return keys_complain(purpose_name(purpose), err);
    return answer_and_wait(ctl, describe_purpose_change(purpose, &done, lost[purpose]),
                           forgotten.generation);
}

/* --- rotate, replace-now ------------------------------------------------------------------- */

static int for_key(struct ctl *ctl, const char *name,
                   int (*signing)(struct ctl *ctl, enum jose_alg alg),
                   int (*symmetric)(struct ctl *ctl, enum purpose purpose))
{
    enum jose_alg alg = JOSE_ES256;
    enum purpose purpose = PURPOSES;
    if (jose_alg_find(name, &alg))
        return signing(ctl, alg);
    if (purpose_find(name, &purpose))
        return symmetric(ctl, purpose);
    return ctl_complain("expected ES256, RS256, token, refresh, secret, cookie or document");
}

static int rotate(struct ctl *ctl, const struct command_arguments *arguments)
{
    return for_key(ctl, arguments->words[0], rotate_signing, rotate_purpose);
}

static int replace_now(struct ctl *ctl, const struct command_arguments *arguments)
{
    return for_key(ctl, arguments->words[0], replace_signing, replace_purpose);
}

/* --- rewrap -------------------------------------------------------------------------------- */

static int complain_of_rewrap(const struct rewrapped *done, enum idp_err err)
{
    if (err == IDP_CONFLICT)
        return ctl_complain("the node %s does not hold the next master key: name it in that "
                            "node's settings and start it anew first",
                            done->node);
    return keys_complain("keys", err);
}

static int rewrap(struct ctl *ctl, const struct command_arguments *arguments)
{
    (void)arguments;
    struct bench bench;
    struct rewrapped done;
    const struct master_key *next = master_key_next(ctl->master);
    if (next == NULL)
        return ctl_complain("there is no next master key: name it as master_key_file_next, or in "
                            "the environment's " MASTER_VARIABLE_NEXT);
    bench_open(ctl, &bench);
    enum idp_err err = wrapped_change(&bench.work, next, ctl->arena, &done);
    if (err != IDP_OK)
        return complain_of_rewrap(&done, err);
    struct object o = object_new();
    object_text(&o, "master_key", master_key_id(next));
    object_number(&o, "keys", (int64_t)done.keys);
    return answer_and_wait(ctl, object_done(&o), done.generation);
}

const struct command keys_commands[] = {
    {.name = "list",
     .tells = "signing keys, keys of each purpose, the master key",
     .run = keys_list},
    {.name = "rotate",
     .words = {"KEY"},
     .tells = "a new key that no client notices: ES256, RS256, token, refresh, secret, cookie",
     .run = rotate},
    {.name = "replace-now",
     .words = {"KEY"},
     .tells = "for a key that got out: the old one ends at once; says what breaks",
     .run = replace_now},
    {.name = "rewrap", .tells = "wrap all keys with the next master key", .run = rewrap},
    {.name = NULL},
};
