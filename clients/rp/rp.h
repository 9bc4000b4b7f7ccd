/*
 * librp: signing a company in at a platform written in C.
 *
 * The platform is the relying party of an OpenID Connect provider. It makes one struct rp at
 * start, sends the browser to rp_begin()'s address, and gives what came back to rp_finish():
 *
 *     rp_new() ... rp_begin() -> browser -> provider -> browser -> rp_finish() ... rp_free()
 *
 * Authorization code flow with PKCE S256, state and nonce (OpenID Connect Core 1.0 section 3.1,
 * RFC 7636); the provider's answer is tied to the provider (RFC 9207); ID tokens are RS256 or
 * ES256 and nothing else, and it is the key's type that decides which. All functions may be called
 * by several threads at once; rp_begin() never waits, the others may wait for the provider.
 *
 * Each function returns RP_OK and then sets out, or another code, and then writes for the log
 * what exactly was wrong into note (NULL is allowed). Texts given in are borrowed for the call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rp;

enum rp_err {
    RP_OK = 0,

    RP_BAD_SETTINGS, /* something is missing or unsafe in struct rp_settings */
    RP_FAULT,        /* out of memory, or no randomness */

    /* The provider. */
    RP_UNREACHABLE,  /* it does not answer, or with 5xx: may be tried again */
    RP_BAD_PROVIDER, /* its discovery document or keys cannot be used */
    RP_BAD_CLIENT,   /* it does not accept our client id or secret */

    /* The browser came with something that is no good: begin anew. */
    RP_BAD_CALLBACK, /* malformed, or a parameter came twice */
    RP_BAD_PENDING,  /* no pending record, not ours, or too old */
    RP_BAD_STATE,    /* not the answer to the question that this browser asked */
    RP_BAD_ISSUER,   /* another provider answered (RFC 9207) */
    RP_DENIED,       /* the provider says no: note->error is its code, e.g. access_denied */
    RP_BAD_CODE,     /* the code is used up, too old or not ours */
    RP_BAD_TARGET,   /* a login initiated by a stranger, or towards another site */

    /* What the provider handed out does not hold: do not let anybody in, tell the operators. */
    RP_BAD_TOKEN,    /* token response or ID token */
    RP_BAD_USERINFO, /* userinfo malformed, refused, or of somebody else */
};

enum { RP_NOTE_MAX = 256, RP_ERROR_MAX = 64 };

/* What went wrong, printable ASCII for a log; never a secret or a token. */
struct rp_note {
    char error[RP_ERROR_MAX]; /* the provider's error code, or empty */
    char text[RP_NOTE_MAX];
};

/* How the client proves itself at the token endpoint. */
enum rp_client_auth {
    RP_CLIENT_SECRET_BASIC = 0,
    RP_CLIENT_SECRET_POST,
    RP_CLIENT_NONE, /* a public client: PKCE only, no secret */
};

/* All texts are copied. Zero and NULL stand for the default where one is named. */
struct rp_settings {
    const char *issuer; /* exactly as the provider writes it */
    const char *client_id, *client_secret;
    enum rp_client_auth client_auth;
    const char *redirect_uri;      /* registered, byte for byte; its origin is the platform's own */
    const char *scope;             /* NULL: openid; has to contain openid */
    bool development;              /* http is allowed on loopback addresses, for all of it */
    const char *ca_file;           /* NULL: the system's certification authorities */
    unsigned timeout_ms;           /* of one call to the provider; 0: 10000 */
    unsigned skew_s;               /* how far clocks may differ; 0: 60 */
    unsigned pending_s;            /* how long a pending record is good; 0: 1200 */
    unsigned keys_interval_s;      /* shortest time between two fetches of the keys; 0: 30 */
    unsigned keys_age_s;           /* keys are fetched anew after this; 0: 3600 */
    const unsigned char *seal_key; /* 32 bytes that seal pending records, the same on all nodes of
                                      the platform; NULL: random, for one process */
    int64_t (*clock)(void);        /* seconds since 1970; NULL: the system's */
};

/*
 * Checks the settings alone and asks nobody, so that a program can refuse bad ones at start while
 * its provider is not up yet. Returns RP_BAD_SETTINGS.
 */
enum rp_err rp_settings_check(const struct rp_settings *settings, struct rp_note *note);

/*
 * Checks the settings, fetches the provider's discovery document and checks it (OpenID Connect
 * Discovery 1.0 section 4; its issuer has to be ours byte for byte). Returns RP_BAD_SETTINGS,
 * RP_UNREACHABLE, RP_BAD_PROVIDER or RP_FAULT. The caller owns *out.
 */
enum rp_err rp_new(const struct rp_settings *settings, struct rp_note *note, struct rp **out);

/* No other call may be running. NULL is allowed. */
void rp_free(struct rp *rp);

/* What one sign-in asks for; all may be absent (RP_NO_MAX_AGE for max_age). */
struct rp_request {
    const char *prompt;     /* none, login, consent, select_account */
    int64_t max_age;        /* seconds since the lock was last used; checked in rp_finish() */
    const char *ui_locales; /* e.g. zh-CN */
    const char *acr_values, *claims, *login_hint;
};

enum { RP_NO_MAX_AGE = -1 };

/* A sign-in that has begun. */
struct rp_start {
    char *url;     /* send the browser here, by 303 */
    char *pending; /* at most RP_PENDING_MAX characters of A-Z a-z 0-9 - _: keep it in this
                      browser's session, use it once, and never take it from the query */
    char *state;   /* to find the right record when a browser has several pages open */
};

enum { RP_PENDING_MAX = 256, RP_STATE_LEN = 43 };

/*
 * Makes the authorization address with a new state, nonce and PKCE verifier, and the sealed
 * record of them. request may be NULL. Never waits. Returns RP_FAULT, or RP_BAD_SETTINGS when the
 * request is too long. Free with rp_start_free().
 */
enum rp_err rp_begin(const struct rp *rp, const struct rp_request *request, struct rp_note *note,
                     struct rp_start *out);

/* Wipes and frees the members. */
void rp_start_free(struct rp_start *start);

/* Who signed in. The members are borrowed from the answer. */
struct rp_answer {
    const char *subject; /* the stable id of the company at this provider */
    const char *acr;     /* or NULL */
    const char *amr;     /* space-separated, or NULL */
    int64_t auth_time;   /* when the lock was used, seconds since 1970; 0: not told */
    int64_t expires;     /* of the access token; 0: not told */
    const char *access_token, *id_token;
    const char *claims;   /* the ID token's claims, JSON */
    const char *userinfo; /* JSON, or NULL when the provider has no such endpoint */
};

/*
 * Ends a sign-in: query is the raw query of the callback (without '?'), pending the record of this
 * browser's session (NULL: there is none). Checks the answer, redeems the code, verifies the ID
 * token, asks userinfo. May wait for the provider. Returns any code but RP_BAD_SETTINGS and
 * RP_BAD_TARGET. Free *out with rp_answer_free().
 */
enum rp_err rp_finish(struct rp *rp, const char *query, const char *pending, struct rp_note *note,
                      struct rp_answer **out);

/* Wipes and frees it with all it points to. NULL is allowed. */
void rp_answer_free(struct rp_answer *answer);

/*
 * A claim that is text, or NULL: userinfo's, else the ID token's. In path a dot steps into an
 * object ("certificate.serial"). The text is the answer's.
 */
const char *rp_answer_text(const struct rp_answer *answer, const char *path);

/* Entry number i of a claim that is a list of texts, or NULL: past the end, or not text. */
const char *rp_answer_item(const struct rp_answer *answer, const char *path, size_t i);

/* A claim that is a whole number, or otherwise. */
int64_t rp_answer_number(const struct rp_answer *answer, const char *path, int64_t otherwise);

/*
 * A login that somebody else initiated (OpenID Connect Core section 4), such as the portal's list
 * of platforms. query is the raw query, or the body of a form. iss has to be our provider and
 * target_link_uri, when there is one, a page of our own origin (that of redirect_uri); login_hint
 * is ignored. Nothing is believed but that: begin a request of your own with rp_begin() and show
 * who came before you go on. *target is the address to go to after that, or NULL; the caller
 * frees it. Returns RP_BAD_TARGET or RP_FAULT.
 */
enum rp_err rp_login_initiation(const struct rp *rp, const char *query, struct rp_note *note,
                                char **target);

/* One English sentence for each code, for logs. */
const char *rp_err_text(enum rp_err err);
