-- +goose Up

-- What rules of the baseline are about, once each: an artifact has a row a rule that applies, and
-- a project a million artifacts. A rule whose text changes gets another row.
CREATE TABLE setting_rule (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    hash  TEXT NOT NULL UNIQUE, -- SHA-256 of about, in hex
    rule  TEXT NOT NULL,
    kind  TEXT NOT NULL,
    about TEXT NOT NULL -- JSON, see Rule
);

INSERT INTO setting_rule (hash, rule, kind, about)
SELECT 'former ' || rule, rule, 'configuration', json_object('id', rule, 'check', 'Former rules', 'kind', 'configuration',
    'title', MIN(title), 'severity', MIN(severity), 'standards', json_array('practice'), 'description', '', 'advice', MIN(advice))
FROM artifact_setting GROUP BY rule;

CREATE TABLE setting_result (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    rule                  TEXT NOT NULL,
    rule_id               INTEGER NOT NULL REFERENCES setting_rule (id),
    result                TEXT NOT NULL,
    evidence              TEXT NOT NULL, -- JSON
    passwords             TEXT NOT NULL, -- JSON, see WeakPassword
    PRIMARY KEY (artifact_id, rule)
) WITHOUT ROWID;

INSERT INTO setting_result (artifact_id, project_id, enterprise_project_id, rule, rule_id, result, evidence, passwords)
SELECT s.artifact_id, s.project_id, s.enterprise_project_id, s.rule, r.id, s.result, s.evidence, '[]'
FROM artifact_setting s JOIN setting_rule r ON r.rule = s.rule WHERE s.result <> 'not_applicable';

DROP TABLE artifact_setting;
ALTER TABLE setting_result RENAME TO artifact_setting;
CREATE INDEX artifact_setting_failed ON artifact_setting (project_id, rule_id, artifact_id) WHERE result = 'failed';

-- What software a project forbids; without a row the default.
CREATE TABLE software_policy (
    project_id TEXT PRIMARY KEY,
    rules      TEXT NOT NULL, -- JSON, see SoftwareRule
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL
);

-- +goose Down
DROP TABLE software_policy;
DROP TABLE artifact_setting;
DROP TABLE setting_rule;
