-- The foundation: who bids, with which locks, who asks, what was allowed, what happened.
-- oldest program: 1
--
-- Times are seconds since 1970 (UTC) unless a name ends in _ms. Ids are random, as base64url text,
-- save grant ids, which stand inside access tokens and are kept as the 16 bytes they are.

CREATE TABLE generation (
    name TEXT NOT NULL PRIMARY KEY,          -- one row: 'all'
    value BIGINT NOT NULL
);
INSERT INTO generation (name, value) VALUES ('all', 1);

CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,     -- the last one this node reported
    lease_until_ms BIGINT NOT NULL
);

CREATE TABLE leases (
    job TEXT NOT NULL PRIMARY KEY,
    node TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- Random keys by purpose, wrapped by the master key.
CREATE TABLE purpose_keys (
    id BIGINT NOT NULL PRIMARY KEY,          -- the key id that stands in what the key made, 1 to 255
    purpose TEXT NOT NULL,          -- token, refresh, secret, cookie, document
    wrapped TEXT NOT NULL,          -- base64url(nonce || ciphertext || tag), AES-256-GCM
    created BIGINT NOT NULL,
    retired BIGINT
);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,        -- ES256, RS256
    public_jwk TEXT NOT NULL,
    wrapped TEXT NOT NULL,          -- the private key, PKCS#8 DER, wrapped as above
    published BIGINT NOT NULL,
    active_from BIGINT NOT NULL,
    retired BIGINT
);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    standing TEXT NOT NULL,         -- active, suspended, announced (a platform that has not joined)
    environment TEXT NOT NULL,      -- test, production
    secret_hash TEXT,               -- keyed hash, NULL for public clients
    metadata TEXT NOT NULL,         -- JSON, as the metadata rules left it
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE enterprises (
    id TEXT NOT NULL PRIMARY KEY,            -- the stable subject
    uscc TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    standing TEXT NOT NULL,         -- active, suspended
    city TEXT NOT NULL,
    legal_representative TEXT NOT NULL,
    phone TEXT NOT NULL,
    address TEXT NOT NULL,
    email TEXT NOT NULL,
    entity_types TEXT NOT NULL,     -- space-separated
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

-- A binding is (authority, USCC, key).
CREATE TABLE locks (
    id TEXT NOT NULL PRIMARY KEY,
    enterprise TEXT NOT NULL REFERENCES enterprises (id),
    authority TEXT NOT NULL,
    key_hash TEXT NOT NULL,         -- base64url(SHA-256(SubjectPublicKeyInfo))
    key_number TEXT,                -- as the certificate carries it
    certificate_hash TEXT NOT NULL, -- the one seen last
    serial TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    role TEXT NOT NULL,             -- primary, secondary
    bound BIGINT NOT NULL,
    unbound BIGINT,                 -- NULL while the binding holds
    UNIQUE (authority, key_hash, enterprise)
);
CREATE INDEX locks_by_enterprise ON locks (enterprise);
CREATE INDEX locks_by_key ON locks (key_hash);

CREATE TABLE consents (
    enterprise TEXT NOT NULL,
    client TEXT NOT NULL,
    scope TEXT NOT NULL,            -- sorted, space-separated: what was agreed to
    claims_hash TEXT NOT NULL,      -- of the list of claims shown
    given BIGINT NOT NULL,
    PRIMARY KEY (enterprise, client)
);

-- Every authorization. Access tokens are made from the id; ending the grant ends them all.
CREATE TABLE grants (
    id BYTEA NOT NULL PRIMARY KEY,
    client TEXT NOT NULL,
    enterprise TEXT,
    lock TEXT,
    authority TEXT,                 -- of the lock
    session TEXT,                   -- family of the session it came from
    scope TEXT NOT NULL,
    claims TEXT,                    -- the claims parameter, as it was checked
    auth_time BIGINT NOT NULL,
    acr TEXT NOT NULL,
    amr TEXT NOT NULL,
    created BIGINT NOT NULL,
    code_hash TEXT UNIQUE,
    ended BIGINT,
    ended_why TEXT
);
CREATE INDEX grants_by_session ON grants (session);
CREATE INDEX grants_by_enterprise ON grants (enterprise);
CREATE INDEX grants_by_client ON grants (client);
CREATE INDEX grants_by_lock ON grants (lock);

-- What has to be done outside the transaction that caused it: written in it, delivered by a job.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,             -- tombstone, mail, logout …
    target TEXT NOT NULL,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    delivered BIGINT
);
CREATE INDEX outbox_by_due ON outbox (due_ms);

-- What happened. Rows are only ever added.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    event TEXT NOT NULL,            -- bound, signed_in, consent_given, refused …
    enterprise TEXT,
    lock TEXT,
    client TEXT,
    detail TEXT NOT NULL            -- JSON
);
CREATE INDEX audit_by_time ON audit (at_ms);

-- Certificates, chains and OCSP answers, each once, by hash.
CREATE TABLE evidence_objects (
    hash TEXT NOT NULL PRIMARY KEY,          -- base64url(SHA-256)
    kind TEXT NOT NULL,             -- certificate, ocsp
    bytes BYTEA NOT NULL,
    created BIGINT NOT NULL
);
