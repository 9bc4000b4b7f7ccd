-- Certificates: who signed the trust list, what was seen of locks, what was learned of revocation.
-- oldest program: 3

-- What trust managers signed of the list (trust-signatures.schema.json), and the list's own number;
-- '' and 0 for lists from before. The column number is the order in which lists were loaded.
ALTER TABLE trust_lists ADD COLUMN signatures TEXT NOT NULL DEFAULT '';
ALTER TABLE trust_lists ADD COLUMN list_number BIGINT NOT NULL DEFAULT 0;

-- Certificates of locks that proved themselves and whose path is good; the DER is an evidence
-- object, of kind 'refused' while no sign-in and no binding rests on it.
CREATE TABLE certificates (
    hash TEXT NOT NULL PRIMARY KEY,  -- base64url(SHA-256(DER))
    authority TEXT NOT NULL,
    issuer TEXT NOT NULL,            -- base64url(SHA-256(DER of the anchor))
    serial TEXT NOT NULL,            -- upper-case hex
    uscc TEXT NOT NULL,              -- '' where none could be read
    not_after BIGINT NOT NULL,
    reason TEXT,                     -- why it was refused last; NULL: it was accepted
    seen BIGINT NOT NULL,            -- when this was noted: at most an hour before it was last shown
    accepted BIGINT                  -- the same of when it was last accepted; NULL: it never was
);
CREATE INDEX certificates_by_seen ON certificates (authority, seen);
CREATE INDEX locks_by_certificate ON locks (certificate_hash);

-- Certificates that signed in for a lock and are not the one that its row names: the one from
-- before a renewal, or an older one of the same key. What rests on them ends with them.
CREATE TABLE former_certificates (
    lock TEXT NOT NULL,
    certificate TEXT NOT NULL,       -- base64url(SHA-256(DER))
    PRIMARY KEY (lock, certificate)
);
CREATE INDEX former_by_certificate ON former_certificates (certificate);

-- Refusals, counted by day.
CREATE TABLE refusals (
    day BIGINT NOT NULL,             -- since 1970, in China's time (UTC+8)
    authority TEXT NOT NULL,         -- '' where it is not known
    reason TEXT NOT NULL,
    certificate TEXT NOT NULL,       -- hash; '' where it is not kept: its path is not good
    count BIGINT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (day, authority, reason, certificate)
);

-- Certificates that an authority has called revoked: for ever, whatever it says later.
CREATE TABLE revoked (
    number BIGINT NOT NULL PRIMARY KEY, -- in the order in which it was learned
    certificate TEXT NOT NULL UNIQUE, -- base64url(SHA-256(DER))
    authority TEXT NOT NULL,
    issuer TEXT NOT NULL,            -- base64url(SHA-256(DER of the anchor))
    serial TEXT NOT NULL,            -- upper-case hex
    revoked_at BIGINT NOT NULL,      -- as the authority says
    reason BIGINT NOT NULL,          -- CRLReason (RFC 5280 section 5.3.1); -1: none was given
    source TEXT NOT NULL,            -- ocsp, crl; record: it was known under another hash
    learned BIGINT NOT NULL,
    ended BIGINT                     -- when what rested on it was ended
);
CREATE INDEX revoked_open ON revoked (number) WHERE ended IS NULL;
CREATE INDEX revoked_by_name ON revoked (issuer, serial);

-- Sign-ins by a word that was older than the policy allows: looked at again when the authority is back.
CREATE TABLE degraded_sign_ins (
    id TEXT NOT NULL PRIMARY KEY,
    certificate TEXT NOT NULL,       -- base64url(SHA-256(DER))
    authority TEXT NOT NULL,
    issuer TEXT NOT NULL,            -- base64url(SHA-256(DER of the anchor))
    serial TEXT NOT NULL,            -- upper-case hex
    at BIGINT NOT NULL,
    settled BIGINT,                  -- when its authority had spoken
    outcome TEXT                     -- good, revoked, issuer_revoked, on_hold, unknown, not_listed,
                                     -- past_asking
);
CREATE INDEX degraded_open ON degraded_sign_ins (authority) WHERE settled IS NULL;
