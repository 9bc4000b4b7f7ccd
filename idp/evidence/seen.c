#include "evidence/seen.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "pki/lock/verify.h"
#include "pki/trust/trust.h"
#include "store/sql.h"

enum { PLACES = 4096, HASH_TEXT = BASE64URL_LEN(DIGEST_SIZE) + 1 };

struct place {
    unsigned char hash[DIGEST_SIZE];
    int64_t written; /* 0: free */
};

struct seen {
    pthread_mutex_t lock;
    struct place places[PLACES];
};

struct seen *seen_new(void)
{
    struct seen *seen = calloc(1, sizeof(*seen));
    if (seen == NULL || pthread_mutex_init(&seen->lock, NULL) == 0)
        return seen;
    free(seen);
    return NULL;
}

void seen_free(struct seen *seen)
{
    if (seen == NULL)
        return;
    (void)pthread_mutex_destroy(&seen->lock);
    free(seen);
}

/* --- rows ----------------------------------------------------------------------------------- */

/* A refusal says nothing of those who are signed in with the certificate: it is watched for them.
 */
static enum idp_err note_accepted(struct sql_tx *tx, const struct seen_row *row)
{
    const struct sql_value params[] = {sql_text(row->hash), sql_int(row->at)};
    return sql_run(tx, NULL,
                   &(struct sql_call){"UPDATE certificates SET accepted = $2 WHERE hash = $1 "
                                      "AND (accepted IS NULL OR accepted < $2)",
                                      params, 2},
                   NULL, NULL);
}

/* What was noted later stays: refusals reach the table seconds after they were. */
enum idp_err seen_row_write(struct sql_tx *tx, const struct seen_row *row)
{
    const struct sql_value params[] = {
        sql_text(row->hash), sql_text(row->authority), sql_text(row->issuer), sql_text(row->serial),
        sql_text(row->uscc), sql_int(row->not_after),  sql_text(row->reason), sql_int(row->at),
    };
    enum idp_err err =
        sql_run(tx, NULL,
                &(struct sql_call){
                    "INSERT INTO certificates (hash, authority, issuer, serial, uscc, "
                    "not_after, reason, seen) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                    "ON CONFLICT (hash) DO UPDATE SET authority = excluded.authority, "
                    "issuer = excluded.issuer, uscc = excluded.uscc, reason = excluded.reason, "
                    "seen = excluded.seen WHERE certificates.seen <= excluded.seen",
                    params, 8},
                NULL, NULL);
    return err == IDP_OK && row->reason == NULL ? note_accepted(tx, row) : err;
}

/* --- the memory ----------------------------------------------------------------------------- */

static struct place *place_of(struct seen *seen, const unsigned char *hash)
{
    return &seen->places[((size_t)hash[0] << 8 | hash[1]) % PLACES];
}

static bool is_written(struct seen *seen, const unsigned char *hash, int64_t now)
{
    if (seen == NULL)
        return false;
    (void)pthread_mutex_lock(&seen->lock);
    const struct place *place = place_of(seen, hash);
    bool written =
        now - place->written < SEEN_EVERY_S && memcmp(place->hash, hash, DIGEST_SIZE) == 0;
    (void)pthread_mutex_unlock(&seen->lock);
    return written;
}

enum idp_err seen_accepted(struct sql_tx *tx, struct seen *seen, const struct lock_identity *who,
                           int64_t now)
{
    char hash[HASH_TEXT];
    char issuer[HASH_TEXT];
    if (is_written(seen, who->certificate_hash, now))
        return IDP_OK;
    base64url_encode(who->certificate_hash, DIGEST_SIZE, hash);
    base64url_encode(who->anchor->hash, DIGEST_SIZE, issuer);
    return seen_row_write(tx, &(struct seen_row){.hash = hash,
                                                 .authority = who->authority->id,
                                                 .issuer = issuer,
                                                 .serial = who->serial,
                                                 .uscc = who->uscc,
                                                 .not_after = who->not_after,
                                                 .at = now});
}

void seen_committed(struct seen *seen, const struct lock_identity *who, int64_t now)
{
    if (seen == NULL || is_written(seen, who->certificate_hash, now))
        return;
    (void)pthread_mutex_lock(&seen->lock);
    struct place *place = place_of(seen, who->certificate_hash);
    memcpy(place->hash, who->certificate_hash, DIGEST_SIZE);
    place->written = now;
    (void)pthread_mutex_unlock(&seen->lock);
}

void seen_refused(struct seen *seen, const unsigned char hash[DIGEST_SIZE])
{
    if (seen == NULL)
        return;
    (void)pthread_mutex_lock(&seen->lock);
    struct place *place = place_of(seen, hash);
    if (memcmp(place->hash, hash, DIGEST_SIZE) == 0)
        place->written = 0;
    (void)pthread_mutex_unlock(&seen->lock);
}
