/*
 * The settings: a JSON file (schema/settings.schema.json), read once at start into this struct.
 * Every mistake is refused with the file, the key and what was expected; there are no unknown keys.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "jose/signing_keys.h"
#include "pki/trust/trust_signatures.h"
#include "store/kv.h"
#include "store/sql.h"

enum { CONFIG_ALLOW_MAX = 64 };

struct config {
    const char *issuer; /* exactly what clients compare; no trailing slash */
    const char *origin; /* scheme://host[:port] of the issuer, as browsers send it */
    const char *listen_address;
    const char *proxies[CONFIG_ALLOW_MAX + 1]; /* addresses and networks */
    const char *tls_certificate, *tls_key;     /* both or none */
    int64_t listen_port, threads, workers, queue, connections, deadline_ms;
    int64_t connections_per_address; /* 0: a quarter of all */
    bool development;                /* http on loopback is allowed */
    const char *operate_address;     /* of the second listener, for health and figures */
    int64_t operate_port;            /* 0: there is none */
    int64_t drain_ms, stop_ms;       /* how SIGTERM ends the program */
    const char *sql, *kv;
    const char *sql_password_file; /* NULL: none */
    int64_t sql_connections, sql_deadline_ms;
    const char *kv_password_file, *kv_ca_file; /* NULL: none; the system's authorities */
    int64_t kv_deadline_ms;
    const char *master_key_file, *master_key_file_next; /* NULL: the environment has it, or not */
    bool sm2_by_openssl;                                /* and not by the house's own arithmetic */
    const char *crl_folder; /* of lists of revoked certificates; NULL: none */
    const char *trust_list, *pages, *packages;
    const char *trust_managers[CONFIG_ALLOW_MAX + 1]; /* as the file names their keys */
    int64_t trust_signatures;
    struct trust_managers managers; /* the two above, read; for this issuer */
    const char *assistant_address, *assistant_minimum_version;
    const char *allow[CONFIG_ALLOW_MAX + 1]; /* host:port that may be asked by plain http */
    const char *support_phone;
    const char *log_level, *log_file;

    /* Lifetimes, in seconds. */
    int64_t challenge_s, interaction_s, code_s, session_idle_s, session_absolute_s, access_token_s,
        id_token_s, launch_s, jwks_cache_s, refresh_family_s, refresh_grace_s;

    /* How many a minute from one address; 0 lifts the limit. */
    int64_t rate_challenge, rate_authorize, rate_token_failures, rate_sign_in;
    int64_t rate_client; /* the same from anywhere about one client: authorize, token failures */

    int64_t rotate_days;    /* how long a signing key signs; 0: until it is replaced by a command */
    int64_t clock_margin_s; /* by how much clocks of nodes may differ */

    /* How many days what is over is kept. */
    int64_t grants_days, outbox_days, access_log_days, certificates_days, refusals_days;

    /* Mail; without a server enterprises are told nothing. */
    const char *mail_server, *mail_from, *mail_name;
    const char *mail_user, *mail_password_file; /* both or none */
    const char *mail_ca_file;
    bool mail_starttls;
    int64_t mail_retry_s, mail_attempts;

    void *document; /* what the texts above live in */
};

/*
 * Reads the file. Paths in it are relative to its folder. Returns IDP_BAD_REQUEST and a line in
 * *why, which the caller frees, when anything is wrong.
 */
enum idp_err config_load(const char *path, char **why, struct config *out);
void config_free(struct config *config);

/* The database as the settings have it; borrows their texts. */
struct sql_settings config_sql(const struct config *config);

/* The same for the key-value store. */
struct kv_settings config_kv(const struct config *config);

/* What the settings say about signing keys. */
struct key_policy config_keys(const struct config *config);
