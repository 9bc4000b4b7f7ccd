#include "tests/portal/visiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/interaction.h"
#include "portal/bind.h"
#include "portal/challenge.h"
#include "portal/session.h"
#include "portal/sign_in.h"

const char good_form[] =
    "{\"city\":\"ordos\",\"legal_representative\":\"李四\",\"phone\":\"0477-123 4567\","
    "\"address\":\"鄂尔多斯市康巴什区二号\",\"email\":\"office@new.example\","
    "\"entity_types\":[\"bidder\",\"tenderer\"]}";

struct browser visit(void)
{
    struct browser browser = {.cookie = NULL};
    assert_int_equal(browse(&browser, &portal_session_route, NULL)->status, 200);
    assert_non_null(browser.cookie);
    return browser;
}

const char *pending(const struct browser *browser, enum world_client client)
{
    return pending_for(browser, client, "openid enterprise");
}

const char *pending_for(const struct browser *browser, enum world_client client, const char *scope)
{
    struct interaction in = {.session = session_of(browser)->hash,
                             .client = world.client_ids[client],
                             .redirect_uri = world.redirect_uris[client],
                             .scope = scope,
                             .state = "a state",
                             .nonce = "a nonce",
                             .code_challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                             .claims = {.userinfo = claims_of_scope("openid enterprise")},
                             .began = world.now};
    assert_int_equal(interaction_begin(&world.app.access, world.arena, &in), IDP_OK);
    return in.id;
}

const char *challenge_for(struct browser *browser, const char *purpose, const char *interaction)
{
    const char *more = interaction != NULL
                           ? arena_printf(world.arena, ",\"interaction\":\"%s\"", interaction)
                           : "";
    const struct answer *answer =
        post_json(browser, &portal_challenge_route,
                  arena_printf(world.arena, "{\"purpose\":\"%s\"%s}", purpose, more));
    if (answer->status != 200)
        fail_msg("%s", answer->body);
    return member_text(answer, "challenge");
}

const char *sign_in_body(const char *answer, const char *interaction)
{
    if (interaction == NULL)
        return arena_printf(world.arena, "{\"answer\":%s}", answer);
    return arena_printf(world.arena, "{\"answer\":%s,\"interaction\":\"%s\"}", answer, interaction);
}

const struct answer *sign_in(struct browser *browser, enum world_lock lock, const char *interaction)
{
    const char *challenge = challenge_for(browser, "login", interaction);
    return post_json(browser, &portal_sign_in_route,
                     sign_in_body(answer_of(lock, challenge), interaction));
}

const struct answer *read_to_bind(struct browser *browser, enum world_lock lock)
{
    const char *challenge = challenge_for(browser, "bind", NULL);
    return post_json(browser, &portal_bind_read_route,
                     sign_in_body(answer_of(lock, challenge), NULL));
}
