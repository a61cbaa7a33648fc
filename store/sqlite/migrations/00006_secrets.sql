-- +goose Up

CREATE TABLE artifact_secret (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    path                  TEXT NOT NULL, -- of a file, or of a place in the config
    layer                 TEXT NOT NULL, -- diff ID; '' = the config
    rule                  TEXT NOT NULL,
    line                  INTEGER NOT NULL, -- from 1; 0 = not known
    severity              TEXT NOT NULL,
    excerpt               TEXT NOT NULL, -- text of the rule, no byte of the file
    shadowed              INTEGER NOT NULL,
    id                    TEXT NOT NULL, -- see Secret.ID
    PRIMARY KEY (artifact_id, path, layer, rule, line)
) WITHOUT ROWID;
CREATE INDEX artifact_secret_id ON artifact_secret (project_id, id);

-- Findings that somebody chose to ignore, whether they are found at present or not.
CREATE TABLE secret_decision (
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    id                    TEXT NOT NULL,
    changed_by            TEXT NOT NULL,
    changed_at            INTEGER NOT NULL,
    PRIMARY KEY (project_id, enterprise_project_id, id)
) WITHOUT ROWID;

-- Paths for which a project wants no secrets shown.
CREATE TABLE secret_paths (
    project_id TEXT PRIMARY KEY,
    patterns   TEXT NOT NULL, -- JSON
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL
);

-- +goose Down
DROP TABLE secret_paths;
DROP TABLE secret_decision;
DROP TABLE artifact_secret;
