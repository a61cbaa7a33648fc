-- +goose Up

-- Rows are valid from from_revision up to, not including, to_revision (NULL = still valid).

CREATE TABLE revision (
    id         INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL
);

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

-- A record is one file of a feed. An id may occur in several files.
CREATE TABLE record (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    feed          TEXT NOT NULL,
    file          TEXT NOT NULL, -- name in the feed
    advisory      TEXT NOT NULL, -- OSV id
    hash          TEXT NOT NULL, -- hex SHA-256 of the file
    modified      INTEGER NOT NULL DEFAULT 0,
    body          BLOB NOT NULL, -- zstd of JSON, the parsed record
    from_revision INTEGER NOT NULL,
    to_revision   INTEGER
);
CREATE UNIQUE INDEX record_current ON record (feed, file) WHERE to_revision IS NULL;
CREATE INDEX record_advisory ON record (advisory);

CREATE TABLE affected (
    ecosystem TEXT NOT NULL, -- without release suffix
    name      TEXT NOT NULL,
    record_id INTEGER NOT NULL REFERENCES record (id),
    PRIMARY KEY (ecosystem, name, record_id)
) WITHOUT ROWID;
CREATE INDEX affected_record ON affected (record_id);

-- Ids that stand for the same vulnerability, to find ratings of a CVE.
CREATE TABLE names (
    name      TEXT NOT NULL, -- an alias, upstream or related id
    record_id INTEGER NOT NULL REFERENCES record (id),
    PRIMARY KEY (name, record_id)
) WITHOUT ROWID;

-- +goose Down
SELECT 1;
