-- Several nodes: rights that live long, a trust list for all nodes, keys that rotate.
-- oldest program: 2

-- What a program needs to know before it works with a database that another version made. A
-- program of schema version n may use every database of version n or above whose rows say n or below
-- (docs/decisions/schema-versions.md). The text of the script made before this one was not kept.
ALTER TABLE schema_version ADD COLUMN oldest_program BIGINT NOT NULL DEFAULT 1;
ALTER TABLE schema_version ADD COLUMN hash TEXT NOT NULL DEFAULT ''; -- hex(SHA-256(script))

-- 1: outlives the session it came from (offline_access).
ALTER TABLE grants ADD COLUMN offline BIGINT NOT NULL DEFAULT 0;
CREATE INDEX grants_by_authority ON grants (authority);
-- The standing grant of a client for itself (client_credentials): one for each list of scopes.
CREATE UNIQUE INDEX grants_standing ON grants (client, scope)
    WHERE enterprise IS NULL AND ended IS NULL;

-- Refresh tokens: a family for each grant that has them. A token is made from the family's id and
-- its number; only the newest number is kept, and an older one ends the family.
CREATE TABLE refresh_families (
    id BYTEA NOT NULL PRIMARY KEY,           -- 16 random bytes
    grant_id BYTEA NOT NULL UNIQUE REFERENCES grants (id),
    number BIGINT NOT NULL,         -- of the newest token, from 1
    rotated_ms BIGINT NOT NULL,     -- when that one was made
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

-- The trust list of all nodes: the newest row counts.
CREATE TABLE trust_lists (
    number BIGINT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,             -- base64url(SHA-256(document))
    document TEXT NOT NULL,         -- the JSON text as it was loaded
    loaded BIGINT NOT NULL
);

-- Each queue of the outbox has a job of its own; what waits in it is found without what was done.
ALTER TABLE outbox ADD COLUMN queue TEXT NOT NULL DEFAULT 'tombstones';
ALTER TABLE outbox ADD COLUMN parked BIGINT; -- given up, and why it failed last
ALTER TABLE outbox ADD COLUMN failure TEXT;
DROP INDEX outbox_by_due;
CREATE INDEX outbox_waiting ON outbox (queue, due_ms) WHERE delivered IS NULL AND parked IS NULL;
