-- +goose Up

-- What a record says about one package, or (ecosystem '') about one CVE: its CVSS vectors.
-- Rows come in the order of their key, so an import of any size only appends. Withdrawn
-- records have none.
CREATE TABLE statement (
    record_id INTEGER NOT NULL,
    ecosystem TEXT NOT NULL, -- without release suffix
    name      TEXT NOT NULL,
    body      BLOB NOT NULL, -- JSON, zstd if it is long: every affected entry of the package, or the ratings
    PRIMARY KEY (record_id, ecosystem, name)
) WITHOUT ROWID;

-- Where statements are found by name. It is narrow, and written in large sorted runs.
CREATE TABLE lookup (
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    record_id INTEGER NOT NULL,
    PRIMARY KEY (ecosystem, name, record_id)
) WITHOUT ROWID;

INSERT INTO statement SELECT record_id, ecosystem, name, entries FROM affected ORDER BY record_id, ecosystem, name;
INSERT INTO statement SELECT record_id, '', cve, ratings FROM rating ORDER BY record_id, cve;
INSERT INTO lookup SELECT ecosystem, name, record_id FROM affected ORDER BY ecosystem, name, record_id;
INSERT INTO lookup SELECT '', cve, record_id FROM rating ORDER BY cve, record_id;
DROP TABLE affected;
DROP TABLE rating;

-- Stored files that the last full dump of an online feed lacked. The next one that lacks
-- them withdraws them. Like feed_check, it notes checks.
CREATE TABLE feed_missing (
    feed TEXT NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (feed, file)
) WITHOUT ROWID;

-- What a feed of threats says about attacks on a CVE, valid like rows of record.
CREATE TABLE threat (
    cve           TEXT NOT NULL,
    feed          TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    to_revision   INTEGER,
    exploited     INTEGER NOT NULL,
    ransomware    INTEGER NOT NULL,
    epss          INTEGER NOT NULL, -- thousandths
    PRIMARY KEY (cve, feed, from_revision)
) WITHOUT ROWID;
CREATE INDEX threat_from ON threat (from_revision);
CREATE INDEX threat_to ON threat (to_revision) WHERE to_revision IS NOT NULL;

-- How far an online feed was read, and how the last attempt ended. It notes checks.
CREATE TABLE feed_state (
    feed          TEXT PRIMARY KEY,
    upstream      TEXT NOT NULL DEFAULT '', -- that answered last
    etag          TEXT NOT NULL DEFAULT '', -- of its full dump
    last_modified TEXT NOT NULL DEFAULT '',
    read_through  INTEGER NOT NULL DEFAULT 0, -- the newest time of its index that was read
    full_at       INTEGER NOT NULL DEFAULT 0, -- when the full dump was read
    failed_at     INTEGER NOT NULL DEFAULT 0, -- 0 = the last attempt went well
    failure       TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- +goose Down
SELECT 1;
