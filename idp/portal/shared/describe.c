#include "portal/shared/describe.h"

#include <string.h>

#include "app.h"
#include "base/object.h"
#include "base/text.h"
#include "client/client.h"
#include "enterprise/holder.h"
#include "pki/pki.h"
#include "pki/trust.h"
#include "pki/verify.h"

json_t *describe_both(const char *zh, const char *en)
{
    struct object o = object_new();
    object_text(&o, "zh", zh);
    object_text(&o, "en", en);
    return object_done(&o);
}

static json_t *words(const char *list)
{
    size_t len = 0;
    const char *word = NULL;
    json_t *array = json_array();
    while ((word = text_list_next(&list, &len)) != NULL) {
        if (json_array_append_new(array, json_stringn(word, len)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

json_t *describe_enterprise(const struct holder *holder)
{
    const struct enterprise *e = &holder->enterprise;
    struct object o = object_new();
    object_text(&o, "name", e->name);
    object_text(&o, "uscc", e->uscc);
    object_put(&o, "entity_types", words(e->entity_types));
    return object_done(&o);
}

json_t *describe_lock(const struct app *app, const struct holder *holder)
{
    const struct lock *l = &holder->lock;
    const struct authority *authority = trust_find(pki_trust(app->pki), l->authority);
    struct object o = object_new();
    if (authority != NULL)
        object_put(&o, "authority", describe_both(authority->name_zh, authority->name_en));
    object_text(&o, "serial", l->serial);
    object_number(&o, "not_after", l->not_after);
    object_text(&o, "key_number", l->key_number);
    object_truth(&o, "primary", l->primary);
    return object_done(&o);
}

json_t *describe_certificate(const struct lock_identity *identity, const struct holder *holder)
{
    struct object o = object_new();
    object_text(&o, "name", identity->name);
    object_text(&o, "uscc", identity->uscc);
    object_put(&o, "authority",
               describe_both(identity->authority->name_zh, identity->authority->name_en));
    object_text(&o, "serial", identity->serial);
    object_number(&o, "not_before", identity->not_before);
    object_number(&o, "not_after", identity->not_after);
    object_text(&o, "key_number", identity->key_number);
    object_text(&o, "algorithm", lock_algorithm_name(identity->algorithm));
    if (holder != NULL)
        object_truth(&o, "primary", holder->lock.primary);
    return object_done(&o);
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
