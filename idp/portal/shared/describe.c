#include "portal/shared/describe.h"

#include <string.h>

#include "app.h"
#include "base/json_out.h"
#include "base/object.h"
#include "client/client.h"
#include "enterprise/holder.h"
#include "pki/lock/verify.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"

json_t *describe_both(const char *zh, const char *en)
{
    struct object o = object_new();
    object_text(&o, "zh", zh);
    object_text(&o, "en", en);
    return object_done(&o);
}

static void write_words(struct json_out *json, const char *name, const char *list)
{
    json_out_array(json, name);
    json_out_words(json, list);
    json_out_end_array(json);
}

static void write_authority(struct json_out *json, const struct authority *authority)
{
    json_out_object(json, "authority");
    json_out_text(json, "zh", authority->name_zh);
    json_out_text(json, "en", authority->name_en);
    json_out_end_object(json);
}

void describe_enterprise(struct json_out *json, const struct holder *holder)
{
    const struct enterprise *e = &holder->enterprise;
    json_out_object(json, "enterprise");
    json_out_text(json, "name", e->name);
    json_out_text(json, "uscc", e->uscc);
    write_words(json, "entity_types", e->entity_types);
    json_out_end_object(json);
}

void describe_lock(struct json_out *json, const struct trust *trust, const struct holder *holder)
{
    const struct lock *l = &holder->lock;
    const struct authority *authority = trust_find(trust, l->authority);
    json_out_object(json, "lock");
    if (authority != NULL)
        write_authority(json, authority);
    json_out_text(json, "serial", l->serial);
    json_out_number(json, "not_after", l->not_after);
    json_out_text(json, "key_number", l->key_number);
    json_out_truth(json, "primary", l->primary);
    json_out_end_object(json);
}

void describe_certificate(struct json_out *json, const struct lock_identity *identity,
                          const struct holder *holder)
{
    json_out_object(json, "certificate");
    json_out_text(json, "name", identity->name);
    json_out_text(json, "uscc", identity->uscc);
    write_authority(json, identity->authority);
    json_out_text(json, "serial", identity->serial);
    json_out_number(json, "not_before", identity->not_before);
    json_out_number(json, "not_after", identity->not_after);
    json_out_text(json, "key_number", identity->key_number);
    json_out_text(json, "algorithm", lock_algorithm_name(identity->algorithm));
    if (holder != NULL)
        json_out_truth(json, "primary", holder->lock.primary);
    json_out_end_object(json);
}

json_t *describe_client(const struct client *client)
{
    struct object o = object_new();
    object_text(&o, "id", client->id);
    object_put(&o, "name", describe_both(client->name_zh, client->name_en));
    object_text(&o, "uri", client->client_uri);
    object_text(&o, "logo", client->logo_uri);
    object_text(&o, "policy", client->policy_uri);
    object_text(&o, "terms", client->tos_uri);
    object_text(&o, "phone", client->phone);
    return object_done(&o);
}
