-- +goose Up

-- Rows of record are valid from from_revision up to, not including, to_revision
-- (NULL = still valid). An import writes with the revision after the newest; its rows
-- come into sight when the revision's own row is written, last. What a dead import
-- left (revisions without a row) is cleaned up by the next.

CREATE TABLE revision (
    id         INTEGER PRIMARY KEY,
    feed       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    known      INTEGER NOT NULL DEFAULT 0 -- 1 = all that it changed stands in change_key
);

-- What a revision changed: packages that records name, and CVEs (without an ecosystem)
-- that records with CVSS vectors name. Not kept for revisions that changed very much.
CREATE TABLE change_key (
    revision  INTEGER NOT NULL,
    ecosystem TEXT NOT NULL, -- without release suffix; '' = name is a CVE
    name      TEXT NOT NULL,
    PRIMARY KEY (revision, ecosystem, name)
) WITHOUT ROWID;

CREATE TABLE feed (
    name       TEXT PRIMARY KEY,
    source     TEXT NOT NULL,
    records    INTEGER NOT NULL DEFAULT 0,
    revision   INTEGER NOT NULL DEFAULT 0,
    changed_at INTEGER NOT NULL DEFAULT 0,
    newest     INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Written by every import, also by one that changes nothing.
CREATE TABLE feed_check (
    feed       TEXT PRIMARY KEY,
    checked_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The ecosystems that a feed has records for, at the newest revision.
CREATE TABLE feed_release (
    feed      TEXT NOT NULL,
    ecosystem TEXT NOT NULL, -- with release suffix, as records write it
    PRIMARY KEY (feed, ecosystem)
) WITHOUT ROWID;

-- A record is one file of a feed. An id may occur in several files.
CREATE TABLE record (
    id            INTEGER PRIMARY KEY,
    feed          TEXT NOT NULL,
    file          TEXT NOT NULL, -- name in the feed
    advisory      TEXT NOT NULL, -- OSV id
    hash          BLOB NOT NULL, -- SHA-256 of the file
    modified      INTEGER NOT NULL DEFAULT 0,
    ecosystems    TEXT NOT NULL, -- of its affected packages, sorted, a line each
    from_revision INTEGER NOT NULL,
    to_revision   INTEGER,
    body          BLOB NOT NULL, -- zstd of JSON: the record without affected and details
    details       BLOB NOT NULL  -- zstd of the text
);
CREATE UNIQUE INDEX record_current ON record (feed, file) WHERE to_revision IS NULL;
CREATE INDEX record_advisory ON record (advisory);
CREATE INDEX record_from ON record (from_revision);
CREATE INDEX record_to ON record (to_revision) WHERE to_revision IS NOT NULL;

-- What a record says about one package. Withdrawn records have no rows here.
CREATE TABLE affected (
    ecosystem TEXT NOT NULL, -- without release suffix
    name      TEXT NOT NULL,
    record_id INTEGER NOT NULL,
    entries   BLOB NOT NULL, -- zstd of JSON, every affected entry of the package
    PRIMARY KEY (ecosystem, name, record_id)
) WITHOUT ROWID;
CREATE INDEX affected_record ON affected (record_id);

-- The CVSS vectors of records, by each CVE that they name.
CREATE TABLE rating (
    cve       TEXT NOT NULL,
    record_id INTEGER NOT NULL,
    ratings   TEXT NOT NULL, -- JSON
    PRIMARY KEY (cve, record_id)
) WITHOUT ROWID;
CREATE INDEX rating_record ON rating (record_id);

-- +goose Down
SELECT 1;
