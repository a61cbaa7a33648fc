-- +goose Up

-- As in the inventory; the project is always ''.
CREATE TABLE layer_report (
    diff_id    TEXT NOT NULL,
    analyzer   TEXT NOT NULL,
    version    TEXT NOT NULL,
    report     BLOB NOT NULL, -- zstd of JSON
    created_at INTEGER NOT NULL,
    PRIMARY KEY (diff_id, analyzer, version)
) WITHOUT ROWID;

CREATE TABLE layer_proof (
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    blob_digest           TEXT NOT NULL,
    diff_id               TEXT NOT NULL,
    created_at            INTEGER NOT NULL,
    PRIMARY KEY (project_id, blob_digest, diff_id)
) WITHOUT ROWID;

CREATE TABLE scan (
    digest     TEXT PRIMARY KEY, -- of the manifest or index that was asked for
    program    TEXT NOT NULL,    -- which build, with which rules, for which platform
    scan       BLOB NOT NULL,    -- zstd of JSON, see Scanned
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
