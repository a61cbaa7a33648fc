-- +goose Up

-- What people and VEX documents said about findings. A row is never changed, only ended.

CREATE TABLE decision (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,              -- '' = every one of the project
    fingerprint           TEXT NOT NULL,              -- hex SHA-256, see Decision.Fingerprint
    kind                  TEXT NOT NULL,
    finding               TEXT NOT NULL,              -- any id of a vulnerability
    registry_id           INTEGER NOT NULL DEFAULT 0, -- the scope: 0 and '' = any
    repository            TEXT NOT NULL DEFAULT '',
    tag                   TEXT NOT NULL DEFAULT '',
    digest                TEXT NOT NULL DEFAULT '',
    package               TEXT NOT NULL DEFAULT '',
    packages              TEXT NOT NULL DEFAULT '',   -- 'os', 'language'
    status                TEXT NOT NULL,
    justification         TEXT NOT NULL DEFAULT '',
    reason                TEXT NOT NULL DEFAULT '',
    document              TEXT NOT NULL DEFAULT '',   -- id of a VEX document; '' = a person
    author                TEXT NOT NULL,
    created_at            INTEGER NOT NULL,
    expires_at            INTEGER NOT NULL DEFAULT 0,
    ended_at              INTEGER NOT NULL DEFAULT 0,
    ended_by              TEXT NOT NULL DEFAULT '',
    recount_at            INTEGER NOT NULL DEFAULT 0  -- when counts of images have to follow; 0 = never
);
CREATE UNIQUE INDEX decision_active ON decision (project_id, enterprise_project_id, fingerprint) WHERE ended_at = 0;
CREATE INDEX decision_list ON decision (project_id, id);
CREATE INDEX decision_by_finding ON decision (project_id, finding) WHERE ended_at = 0;
CREATE INDEX decision_by_document ON decision (project_id, document) WHERE ended_at = 0 AND document <> '';
CREATE INDEX decision_recount ON decision (recount_at) WHERE recount_at > 0;

CREATE TABLE vex_document (
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    document              TEXT NOT NULL,
    author                TEXT NOT NULL,
    version               TEXT NOT NULL,
    updated_at            INTEGER NOT NULL, -- as the document says
    imported_at           INTEGER NOT NULL,
    imported_by           TEXT NOT NULL,
    PRIMARY KEY (project_id, enterprise_project_id, document)
) WITHOUT ROWID;

-- Every id that a verdict answers to: canonical, aliases, advisories. A decision may name any.
CREATE TABLE verdict_name (
    name       TEXT NOT NULL,
    verdict_id INTEGER NOT NULL,
    PRIMARY KEY (name, verdict_id)
) WITHOUT ROWID;
INSERT OR IGNORE INTO verdict_name (name, verdict_id)
    SELECT vulnerability, id FROM verdict
    UNION SELECT j.value, v.id FROM verdict v, json_each(v.advisories) j
    UNION SELECT j.value, v.id FROM verdict v, json_each(v.aliases) j;

-- Vulnerabilities of the image, by canonical id, that a decision takes off the shown count.
ALTER TABLE image ADD COLUMN handled INTEGER NOT NULL DEFAULT 0;

-- +goose Down
SELECT 1;
