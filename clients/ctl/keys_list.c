#include "ctl/keys_list.h"

#include <stdio.h>
#include <time.h>

#include <jansson.h>

#include "base/object.h"
#include "ctl/answer.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "jose/master.h"
#include "jose/purpose_keys.h"
#include "jose/signing_keys.h"
#include "jose/wrapped.h"

int keys_complain(const char *what, enum idp_err err)
{
    if (err == IDP_FULL)
        return ctl_complain("%s: too many keys are still needed; the oldest leave by themselves",
                            what);
    if (err == IDP_DENIED)
        return ctl_complain("a key does not open with the master key of the settings");
    return ctl_complain_of(err);
}

const char *keys_date(int64_t time, char out[KEYS_DATE_MAX])
{
    time_t seconds = (time_t)time;
    struct tm parts;
    if (time == 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(out, KEYS_DATE_MAX, "%Y-%m-%d %H:%M:%SZ", &parts) == 0)
        return "-";
    return out;
}

struct all_keys {
    struct signing_keys signing;
    struct purpose_rows purposes;
    const struct master_key *master; /* the one in use */
};

static enum idp_err read_all(const struct ctl *ctl, struct all_keys *out)
{
    enum idp_err err = signing_keys_read(ctl->db, ctl->arena, &out->signing);
    if (err == IDP_OK)
        err = purpose_rows_read(ctl->db, ctl->arena, &out->purposes);
    if (err == IDP_OK)
        err = wrapped_with_now(ctl->db, ctl->arena, ctl->master, &out->master);
    return err;
}

static const char *purpose_state(const struct purpose_row *row)
{
    return row->retired != 0 ? "retired" : row->waiting ? "waiting" : "active";
}

static void put_time(struct object *o, const char *name, int64_t time)
{
    if (time != 0)
        object_number(o, name, time);
}

static json_t *describe_signing(const struct ctl *ctl, const struct signing_key *key)
{
    struct object o = object_new();
    const struct key_policy policy = config_keys(&ctl->config);
    object_text(&o, "algorithm", jose_alg_name(key->alg));
    object_text(&o, "kid", key->kid);
    object_text(&o, "state", signing_key_state_name(signing_key_state(key, ctl->now)));
    object_number(&o, "published", key->published);
    object_number(&o, "active_from", key->active_from);
    put_time(&o, "retired", key->retired);
    if (key->retired != 0)
        object_number(&o, "removed_from", key->retired + key->longest_s + policy.margin_s);
    return object_done(&o);
}

static json_t *describe_purpose(const struct purpose_row *row)
{
    struct object o = object_new();
    object_text(&o, "purpose", purpose_name(row->purpose));
    object_number(&o, "id", row->id);
    object_text(&o, "state", purpose_state(row));
    object_number(&o, "created", row->created);
    put_time(&o, "retired", row->retired);
    return object_done(&o);
}

static json_t *describe_master(const struct ctl *ctl, const struct all_keys *all)
{
    struct object o = object_new();
    object_text(&o, "in_use", master_key_id(all->master));
    object_text(&o, "first", master_key_id(ctl->master));
    if (master_key_next(ctl->master) != NULL)
        object_text(&o, "next", master_key_id(master_key_next(ctl->master)));
    return object_done(&o);
}

static json_t *describe_all(const struct ctl *ctl, const struct all_keys *all)
{
    struct object o = object_new();
    json_t *signing = json_array();
    json_t *purposes = json_array();
    bool good = true;
    for (size_t i = 0; i < all->signing.count; i++)
        good = json_array_append_new(signing, describe_signing(ctl, &all->signing.keys[i])) == 0 &&
               good;
    for (size_t i = 0; i < all->purposes.count; i++)
        good =
            json_array_append_new(purposes, describe_purpose(&all->purposes.rows[i])) == 0 && good;
    object_put(&o, "signing", signing);
    object_put(&o, "purposes", purposes);
    object_put(&o, "master_key", describe_master(ctl, all));
    json_t *json = object_done(&o);
    if (good)
        return json;
    json_decref(json);
    return NULL;
}

static int print_table(const struct ctl *ctl, const struct all_keys *all)
{
    char from[KEYS_DATE_MAX], to[KEYS_DATE_MAX];
    (void)printf("%-10s %-44s %-10s %-21s %s\n", "FOR", "KEY", "STATE", "FROM", "RETIRED");
    for (size_t i = 0; i < all->signing.count; i++) {
        const struct signing_key *key = &all->signing.keys[i];
        (void)printf("%-10s %-44s %-10s %-21s %s\n", jose_alg_name(key->alg), key->kid,
                     signing_key_state_name(signing_key_state(key, ctl->now)),
                     keys_date(key->active_from, from), keys_date(key->retired, to));
    }
    for (size_t i = 0; i < all->purposes.count; i++) {
        const struct purpose_row *row = &all->purposes.rows[i];
        (void)printf("%-10s %-44lld %-10s %-21s %s\n", purpose_name(row->purpose),
                     (long long)row->id, purpose_state(row), keys_date(row->created, from),
                     keys_date(row->retired, to));
    }
    return answer_printed();
}

int keys_list(struct ctl *ctl, const struct command_arguments *arguments)
{
    struct all_keys all;
    enum idp_err err = read_all(ctl, &all);
    if (err != IDP_OK)
        return keys_complain("keys", err);
    return arguments->table ? print_table(ctl, &all) : answer(describe_all(ctl, &all));
}
