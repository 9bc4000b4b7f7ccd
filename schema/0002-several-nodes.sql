-- Several nodes: rights that live long, a trust list for all nodes, keys that rotate.
-- oldest program: 2

-- What a program needs to know before it works with a database that another version made. A
-- program of schema version n may use every database of version n or above whose rows say n or below
-- (docs/decisions/schema-versions.md). The text of the script made before this one was not kept.
ALTER TABLE schema_version ADD COLUMN oldest_program BIGINT NOT NULL DEFAULT 1;
ALTER TABLE schema_version ADD COLUMN hash TEXT NOT NULL DEFAULT ''; -- hex(SHA-256(script))

-- 1: outlives the session it came from (offline_access).
ALTER TABLE grants ADD COLUMN offline BIGINT NOT NULL DEFAULT 0;
-- Rights that end together are walked through in the order of their ids.
DROP INDEX grants_by_session;
DROP INDEX grants_by_enterprise;
DROP INDEX grants_by_client;
DROP INDEX grants_by_lock;
CREATE INDEX grants_by_session ON grants (session, id);
CREATE INDEX grants_by_enterprise ON grants (enterprise, id);
CREATE INDEX grants_by_client ON grants (client, id);
CREATE INDEX grants_by_lock ON grants (lock, id);
CREATE INDEX grants_by_authority ON grants (authority, id);
-- The standing grant of a client for itself (client_credentials): one for each list of scopes.
CREATE UNIQUE INDEX grants_standing ON grants (client, scope)
    WHERE enterprise IS NULL AND ended IS NULL;

-- When all rights were last ended. A code from before makes no grant, also when the standing is
-- good again.
ALTER TABLE clients ADD COLUMN rights_ended BIGINT;
ALTER TABLE enterprises ADD COLUMN rights_ended BIGINT;
ALTER TABLE locks ADD COLUMN rights_ended BIGINT; -- nor is a session from before
-- Since when there has been some consent without a break; a code from before makes no grant.
ALTER TABLE consents ADD COLUMN since BIGINT NOT NULL DEFAULT 0;

-- Refresh tokens: a family for each grant that has them, named by the grant's id. A token is made
-- from that and its number; only the newest number is kept, and an older one ends the grant.
CREATE TABLE refresh_families (
    grant_id BYTEA NOT NULL PRIMARY KEY REFERENCES grants (id),
    number BIGINT NOT NULL,         -- of the newest token, from 1
    key_id BIGINT NOT NULL,         -- of the key it is made with
    rotated_ms BIGINT NOT NULL,     -- when it was made
    expires BIGINT NOT NULL         -- of all of them
);

-- The trust list of all nodes: the row of the highest number counts, the others are kept.
CREATE TABLE trust_lists (
    number BIGINT NOT NULL PRIMARY KEY,
    version TEXT NOT NULL,          -- hex(SHA-256(document)), as logs and evidence name it
    document TEXT NOT NULL,         -- the JSON text as it was loaded
    loaded BIGINT NOT NULL,
    in_file BIGINT NOT NULL         -- 1: the settings' file held it when it was last read
);
-- What it says of its authorities, for transactions that must not miss its change; those that it
-- does not name any more stay.
CREATE TABLE authorities (
    id TEXT NOT NULL PRIMARY KEY,
    environment TEXT NOT NULL,      -- test, production
    listed BIGINT NOT NULL,         -- 1: it stands in the list that counts
    rights_ended BIGINT             -- when it last left the list or its environment
);

-- Each queue of the outbox has a job of its own; what waits in it is found without what was done.
ALTER TABLE outbox ADD COLUMN queue TEXT NOT NULL DEFAULT 'tombstones';
ALTER TABLE outbox ADD COLUMN parked BIGINT; -- given up, and why it failed last
ALTER TABLE outbox ADD COLUMN failure TEXT;
DROP INDEX outbox_by_due;
CREATE INDEX outbox_waiting ON outbox (queue, due_ms) WHERE delivered IS NULL AND parked IS NULL;
CREATE INDEX outbox_parked ON outbox (queue) WHERE parked IS NOT NULL;

-- What nodes have promised about a signing key, the most of all nodes: for how many seconds clients
-- may keep a set of keys that was read beside it, and how many seconds something it signs may live.
ALTER TABLE signing_keys ADD COLUMN cache_s BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN longest_s BIGINT NOT NULL DEFAULT 0;
-- 1: known to nodes, and not yet used by any.
ALTER TABLE purpose_keys ADD COLUMN waiting BIGINT NOT NULL DEFAULT 0;
-- Which master keys a node can open keys with, by their names.
ALTER TABLE nodes ADD COLUMN holds TEXT NOT NULL DEFAULT '';

-- What the retention job looks through: logs of access, the only rows that are ever deleted.
CREATE INDEX audit_of_access ON audit (id) WHERE event = 'session_left';

-- The key of the file from which an embedded key-value store comes back after a clean stop, wrapped
-- by the master key. Whoever takes it deletes the row first: it serves once.
CREATE TABLE snapshots (
    id TEXT NOT NULL PRIMARY KEY,   -- kv
    wrapped TEXT NOT NULL,
    made BIGINT NOT NULL
);
