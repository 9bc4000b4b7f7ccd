/*
 * The world around a request, for the tests of access/ and the rooms above it: real stores, keys,
 * clients, authorities and locks, whose stores fail when a test says so. A route is driven through
 * http_dispatch() as the server drives it, without a server.
 */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "access/grant.h"
#include "access/session.h"
#include "app.h"
#include "base/arena.h"
#include "enterprise/holder.h"
#include "http/http.h"
#include "pki/lock/verify.h"
#include "tests/pki_region.h"
#include "tests/store/database.h"
#include "tests/store/doubles.h"

enum world_authority { OF_ONE, OF_TWO, OF_PRODUCTION, WORLD_AUTHORITIES };

/* The locks there are, and what the record knows of them to begin with. */
enum world_lock {
    LOCK_BELL,       /* bound: the primary lock of the enterprise Bell */
    LOCK_HARBOUR,    /* bound: that of the enterprise Harbour */
    LOCK_NEW,        /* of the enterprise New, which nobody has bound */
    LOCK_BELL_OTHER, /* Bell's USCC and authority, another key and key number */
    LOCK_BELL_TWO,   /* Bell's USCC, by another authority */
    LOCK_PRODUCTION, /* bound: of an authority for production, of the enterprise Real */
    WORLD_LOCKS,
};

/* The clients there are. Their one redirect URI is "https://<id>.example/cb". */
enum world_client {
    CLIENT_PLATFORM, /* client_secret_basic, ES256, every scope, can be launched and refreshed */
    CLIENT_OTHER,    /* the same, with openid and enterprise only */
    CLIENT_POST,     /* client_secret_post, RS256; its redirect URI has a query */
    CLIENT_PUBLIC,   /* none */
    CLIENT_GATEWAY,  /* may introspect everybody's tokens */
    CLIENT_REAL,     /* for production */
    CLIENT_SOON,     /* announced: has not joined yet */
    CLIENT_SERVICE,  /* client_secret_basic, for itself only, scope service */
    WORLD_CLIENTS,
};

extern struct world {
    struct app app;
    struct arena *arena; /* of the test */
    struct faulty_sql sql;
    struct faulty_kv kv;
    char *folder;
    char where[DATABASE_WHERE_MAX]; /* of the database: for another node on it */
    int64_t now;                    /* of every request */

    struct holder holders[WORLD_LOCKS]; /* of the bound locks */
    const char *client_ids[WORLD_CLIENTS], *secrets[WORLD_CLIENTS];
    const char *redirect_uris[WORLD_CLIENTS];
    struct region_authority *authorities;
    struct region_holder *locks;

    int ocsp_status;        /* V_OCSP_CERTSTATUS_… of every certificate */
    enum idp_err ocsp_sent; /* what becomes of a question */
    int ocsp_packets;
    int64_t lists;              /* how many were made: the number of the last one */
    const char *degraded_until; /* of the trust lists that are made from now on; NULL: never */
} world;

/* Once for a test program: keys, certificates and the database each test gets a copy of. */
int world_prepare(void **state);
int world_forget(void **state);

/* For each test. */
int world_set_up(void **state);
int world_tear_down(void **state);

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

/* --- stores --------------------------------------------------------------------------------- */

/* Runs a statement on the real database. */
void world_sql(const char *statement);

/* The first cell of the first row, as a number, or as a text in the test's arena. */
int64_t world_number(const char *query);
const char *world_text(const char *query);

/* Every kv call, or every SQL call, answers IDP_UNAVAILABLE from now on; or works again. */
void world_kv_is_down(bool down);
void world_sql_is_down(bool down);

/* Loses everything in the key-value store, as one that restarts empty. */
void world_lose_kv(void);

/* The copy of a holder is forgotten, as after a minute. */
void world_forget_holder(enum world_lock lock);

/* The clients' rows were changed by SQL: every node forgets what it remembered. */
void world_forget_clients(void);

/* --- requests ------------------------------------------------------------------------------- */

/* What is sent; NULL members are left out. A body makes it a POST. */
struct sent {
    const struct route *route;
    const char *path; /* NULL: the route's */
    const char *query, *body;
    const char *type; /* NULL with a body: what the route takes */
    const char *cookie, *authorization, *origin, *token, *address;
};

struct answer {
    int status;
    const char *body;     /* NUL-terminated */
    const char *location; /* these headers, or NULL */
    const char *set_cookie, *www_authenticate, *retry_after;
    json_t *json; /* NULL when the body is none */
    struct response rs;
};

/* Sends it in exact-size blocks, on a thread that may not wait first where the route allows. The
 * answer lives as long as the test. */
const struct answer *world_send(const struct sent *sent);

/* Sends all at the same moment, each from a thread that may wait. */
void world_send_at_once(const struct sent *sent, size_t count, const struct answer **out);

/* Checks that the body is this JSON value. */
void expect_json(const struct answer *answer, int status, const char *json);

/* Checks {"error": code, ...} of OAuth, or {"error":{"code": code, ...}} of the portal. */
void expect_error(const struct answer *answer, int status, const char *code);

/* A member of a JSON answer by its path, e.g. "error.facts.phone"; or NULL. */
const json_t *member(const struct answer *answer, const char *path);
const char *member_text(const struct answer *answer, const char *path);

/* The decoded value of a parameter in an address' query, in the test's arena; or NULL. */
const char *query_value(const char *uri, const char *name);

/* name=value&… of pairs that end with NULL, encoded. */
const char *form_of(const char *const pairs[]);

/* --- browsers ------------------------------------------------------------------------------- */

/* A browser: it keeps its cookie. */
struct browser {
    const char *cookie; /* the value, or NULL */
    const char *token;  /* X-Tamga-Token of the last page */
};

const struct answer *browse(struct browser *browser, const struct route *route, const char *query);
/* From one of our own pages. */
const struct answer *post_json(struct browser *browser, const struct route *route,
                               const char *json);

/* A visitor, and somebody who signed in now with a bound lock. */
struct browser visitor(void);
struct browser signed_in(enum world_lock lock);

/* What it would send of a JSON text from one of our own pages. */
struct sent posted(const struct browser *browser, const struct route *route, const char *json);

/* The session behind the browser's cookie as it is now, or NULL. */
struct session *session_of(const struct browser *browser);

/* A grant of this session to a client for all its scopes, and a token of it. */
struct grant *granted(enum world_client client, const struct browser *browser);

/* The same with offline access. */
struct grant *granted_offline(enum world_client client, const struct browser *browser);
const char *token_of(const struct grant *grant);

/* --- locks ---------------------------------------------------------------------------------- */

/* The answer of a lock to a challenge, as the JSON text of the object. */
const char *answer_of(enum world_lock lock, const char *challenge);

/* The same, with what was signed named in all its parts. */
const char *answer_signed(const struct region_holder *lock, const struct region_signing *signing);

/* Who the lock proves to be: a real verdict. */
struct lock_identity identity_of(const struct region_holder *lock);

/* The trust list without one of its authorities (WORLD_AUTHORITIES: with all), signed, with a
 * number higher than any before; the caller's. */
struct trust *world_trust_without(enum world_authority left_out);

/* The same with that number. */
struct trust *world_trust_numbered(int64_t number, enum world_authority left_out);

/* Reads and signs a list; the caller's. */
struct trust *world_trust_of(json_t *list);

/* Another lock of an authority; freed with the test. key NULL: a new one. */
struct lock_wanted {
    enum world_authority authority;
    const char *name, *uscc, *key_number;
    const struct region_holder *key_of; /* the lock whose key it has; NULL: a new key */
};
const struct region_holder *make_lock(const struct lock_wanted *wanted);
