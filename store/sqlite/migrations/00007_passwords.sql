-- +goose Up

-- The password hashes of a layer's accounts, as an analyzer kept them, sealed for the layer.
CREATE TABLE layer_hash (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    diff_id       TEXT NOT NULL,
    analyzer      TEXT NOT NULL,
    version       TEXT NOT NULL,
    sealed_hashes BLOB NOT NULL, -- JSON
    UNIQUE (diff_id, analyzer, version)
);

-- Artifacts in which some account has a password, and where the accounts are from.
CREATE TABLE artifact_account (
    artifact_id           INTEGER PRIMARY KEY REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    sources               TEXT NOT NULL -- JSON, see AccountSource; [] = not known
);
CREATE INDEX artifact_account_project ON artifact_account (project_id, artifact_id);

-- The rule applied where there was a password. Which, the next scan tells.
INSERT INTO artifact_account (artifact_id, project_id, enterprise_project_id, sources)
SELECT artifact_id, project_id, enterprise_project_id, '[]' FROM artifact_setting WHERE rule = 'password.weak';

-- What a project holds to be weak passwords, sealed for the project.
CREATE TABLE password_list (
    project_id   TEXT PRIMARY KEY,
    generation   INTEGER NOT NULL, -- grows with each change
    sealed_words BLOB,             -- JSON; NULL = the list was emptied
    changed_by   TEXT NOT NULL,
    changed_at   INTEGER NOT NULL
);

-- +goose Down
DROP TABLE password_list;
DROP TABLE artifact_account;
DROP TABLE layer_hash;
